/* Between messages: displays, snapshots, stops, stalls. */
#include "state.h"
#include "ranksweep/comm.h"

#include <math.h>
#include <stdlib.h>

static const double SHOW_SECONDS = 0.25;

/* ---- displays and snapshots
 * ----------------------------------------------------------------------- */

/* Work done by this run so far, running stages in part. */
static double cost_done(const coordinator *c, const rs_running_view *views, size_t n) {
  double done = c->cost_before - rs_sched_cost_left(c->sched);
  for (size_t i = 0; i < n; i++)
    done += views[i].fraction * rs_stage_work(rs_plan_stage(c->plan, (size_t)views[i].stage));
  return done;
}

rs_status coordinator_take_stock(coordinator *c, rs_run_view *view) {
  rs_sched_counts counts;
  const rs_running_view *views;
  size_t n = c->running.count, ended = c->summary->done + c->summary->failed - c->ended_before;
  RS_TRY(running_views(&c->running, rs_clock_now(), &views));
  rs_sched_count(c->sched, &counts);
  double elapsed = rs_clock_now() - c->started, done = cost_done(c, views, n);
  double whole = c->cost_before, fraction = whole > 0 ? done / whole : 1.0;
  *view = (rs_run_view){.trials_total =
                            c->share.mine != NULL ? c->share.count : rs_strategy_total(c->strategy),
                        .trials_done = c->summary->done,
                        .trials_failed = c->summary->failed,
                        .stages_total = rs_plan_stages(c->plan),
                        .stages_done = (size_t)counts.stages[RS_DONE],
                        .fraction = fraction,
                        .elapsed = elapsed,
                        .eta = fraction > 0.005 ? elapsed * (1.0 - fraction) / fraction : NAN,
                        .trials_per_hour = ended > 0 ? 3600.0 * (double)ended / elapsed : NAN,
                        .n_running = n,
                        .running = views,
                        .workers = counts.workers,
                        .idle = counts.idle};
  return RS_OK;
}

/* To the display and to the results file, each in its own time. */
static rs_status report(coordinator *c) {
  rs_run_view view;
  bool show = c->options->show != NULL && rs_clock_now() - c->shown > SHOW_SECONDS;
  bool keep = record_due(c->record);
  if (!show && !keep) return RS_OK;
  RS_TRY(coordinator_take_stock(c, &view));
  if (show) {
    c->shown = rs_clock_now();
    c->options->show(c->options->user, &view);
  }
  return keep ? record_snapshot(c->record, &view) : RS_OK;
}

/* ---- stalls ---------------------------------------------------------------------------------- */

/* "rank 2 on n1, rank 3 on n1" */
static void list_missing(const coordinator *c, const running_stage *s, rs_str *out) {
  int *missing;
  if (rs_new(&missing, (size_t)s->n_workers, sizeof *missing) != RS_OK) return;
  int n = running_missing(s, rs_clock_now(), missing);
  for (int i = 0; i < n; i++)
    rs_str_addf(out, "%srank %d on %s", i > 0 ? ", " : "", missing[i],
                rs_transport_host(c->transport, missing[i]));
  free(missing);
}

/* "stalled at step 120 (epoch 3 of 10): no sign of rank 2 on n1 for 600 s" */
static void describe_stall(const coordinator *c, const running_stage *s, rs_str *out) {
  rs_str_addf(out, "stalled at step %llu", (unsigned long long)s->step);
  if (s->epochs > 0) rs_str_addf(out, " (epoch %zu of %zu)", s->epoch + 1, s->epochs);
  rs_str_add(out, ": no sign of ");
  list_missing(c, s, out);
  rs_str_addf(out, " for %.0f s", rs_clock_now() - s->heard);
}

/* Nobody can be asked to leave any more: the run ends, and whoever watches it starts it again. */
static rs_status end_over_stall(coordinator *c, int stage, const char *story) {
  rs_run_view view;
  rs_logf(c->options->log, RS_LOG_ERROR, "ending the run: %s", story);
  rs_status status = record_crash(c->record, stage, story);
  if (status == RS_OK) status = coordinator_take_stock(c, &view);
  if (status == RS_OK) status = record_snapshot(c->record, &view);
  if (status != RS_OK) rs_logf(c->options->log, RS_LOG_ERROR, "%s", rs_error_message());
  rs_comm_abort(RS_EXIT_STALLED);
  return rs_fail(RS_ERR_LOST, "%s", story);
}

static rs_status check_stall(coordinator *c, running_stage *s) {
  stall found = running_stall(s, rs_clock_now(), c->stall_seconds);
  if (found == STALL_NONE) return RS_OK;
  rs_str story = {0};
  describe_stall(c, s, &story);
  rs_status status = rs_str_status(&story);
  if (status == RS_OK && found == STALL_WARN)
    rs_logf(c->options->log, RS_LOG_WARN, "trial %d, stage %d %s: %s; limit %.0f s", s->trial,
            s->stage, s->name, story.text, c->stall_seconds);
  if (status == RS_OK && found == STALL_OVER) status = end_over_stall(c, s->stage, story.text);
  rs_str_free(&story);
  return status;
}

/* In one process nothing can be checked while the stage itself runs. */
static rs_status check_stalls(coordinator *c) {
  if (rs_transport_size(c->transport) == 1) return RS_OK;
  for (size_t i = 0; i < c->running.count; i++) RS_TRY(check_stall(c, &c->running.list[i]));
  return RS_OK;
}

/* ---- all of it ------------------------------------------------------------------------------- */

rs_status coordinator_stop(coordinator *c, const char *reason) {
  c->stop_sent = true;
  rs_logf(c->options->log, RS_LOG_WARN,
          "stopping, %s: running stages leave, finished ones are kept", reason);
  RS_TRY(rs_sched_event(c->sched, &(rs_event){.kind = RS_EVENT_STOP}));
  return coordinator_carry_out_all(c);
}

rs_status coordinator_housekeeping(coordinator *c) {
  RS_TRY(report(c));
  RS_TRY(check_stalls(c));
  const char *reason = NULL;
  if (!c->stop_sent && c->options->stop != NULL) reason = c->options->stop(c->options->user);
  if (reason != NULL) RS_TRY(coordinator_stop(c, reason));
  return record_flush(c->record);
}
