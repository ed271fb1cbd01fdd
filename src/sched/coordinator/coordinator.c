/* The coordinator: proposes trials, feeds the state machine, carries out its commands, keeps the
 * record. */
#include "state.h"
#include "message.h"
#include "tables/provenance.h"
#include "merge/share.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double POLL_SECONDS = 0.1;

static rs_status set_up_worker(coordinator *c, int rank) {
  RS_TRY(message_send(c->transport, rank,
                      json_pack("{s:s, s:s, s:s}", "is", "setup", "directory",
                                record_directory(c->record), "kind",
                                c->options->kind->schema.experiment)));
  return rs_sched_event(c->sched, &(rs_event){.kind = RS_EVENT_WORKER_JOINED, .worker = rank});
}

/* All at once, before anything starts: groups then form in the same way in every run. */
static rs_status set_up_workers(coordinator *c) {
  int first, count;
  rs_transport_workers(c->transport, &first, &count);
  for (int rank = first; rank < first + count; rank++) RS_TRY(set_up_worker(c, rank));
  return RS_OK;
}

/* What SETTINGS say of their data: equal texts, equal data. */
static rs_status data_key(const rs_settings *settings, rs_str *out) {
  static const char *const reads[] = {"experiment", "data.", "seed", NULL};
  rs_settings_canonical(settings, reads, out);
  return rs_str_status(out);
}

static rs_status send_data(coordinator *c, const rs_settings *settings) {
  int first, count;
  char *text;
  RS_TRY(rs_settings_to_json(settings, &text));
  rs_transport_workers(c->transport, &first, &count);
  rs_status status = RS_OK;
  for (int rank = first; rank < first + count && status == RS_OK; rank++)
    status =
        message_send(c->transport, rank, json_pack("{s:s, s:s}", "is", "data", "settings", text));
  free(text);
  return status;
}

/* Nodes hold one copy of what is needed from the start; whatever else is swept or proposed later,
 * each process loads by itself. */
static rs_status share_data(coordinator *c) {
  rs_str keys[RS_MOST_SHARED] = {{0}};
  size_t n = 0;
  rs_status status = RS_OK;
  for (size_t i = 0; i < rs_plan_stages(c->plan) && n < RS_MOST_SHARED && status == RS_OK; i++) {
    const rs_stage *stage = rs_plan_stage(c->plan, i);
    size_t same = 0;
    if (rs_sched_stage_state(c->sched, stage->index) != RS_PENDING) continue;
    status = data_key(stage->settings, &keys[n]);
    while (status == RS_OK && strcmp(keys[same].text, keys[n].text) != 0) same++;
    if (status == RS_OK && same == n) status = send_data(c, stage->settings);
    if (same == n)
      n++;
    else
      rs_str_free(&keys[n]);
  }
  for (size_t i = 0; i < RS_MOST_SHARED; i++) rs_str_free(&keys[i]);
  return status;
}

/* A group gets the workers that there are. But a sweep over its size would then show what is not.
 */
static rs_status check_size(const coordinator *c, const rs_settings *settings) {
  int ranks = (int)rs_settings_int(settings, "resources.ranks_per_trial");
  int base = (int)rs_settings_int(rs_job_base(c->options->job), "resources.ranks_per_trial");
  if (ranks <= c->n_workers || ranks == base || c->record_only) return RS_OK;
  return rs_fail(
      RS_ERR_USAGE,
      "%s: a trial wants a group of %d ranks, and there are %d workers: start with -n %d",
      rs_settings_place(settings, "resources.ranks_per_trial"), ranks, c->n_workers, ranks + 1);
}

/* What the strategy proposes at first, without doing it: the sizes of groups follow from it. */
static rs_status look_ahead(coordinator *c, rs_plan *plan, rs_strategy *strategy) {
  int first;
  rs_transport_workers(c->transport, &first, &c->n_workers);
  for (size_t number = 0;; number++) {
    rs_proposal answer;
    rs_settings *settings;
    RS_TRY(rs_strategy_propose(strategy, &answer, &settings));
    if (answer != RS_PROPOSE_TRIAL) break;
    bool mine = rs_share_has(&c->share, number);
    rs_status status = mine ? check_size(c, settings) : RS_OK;
    if (status != RS_OK || !mine) rs_settings_destroy(settings);
    RS_TRY(status);
    if (mine) RS_TRY(rs_plan_add(plan, settings, NULL));
  }
  for (int step = 0; step < RS_MAX_STAGES; step++) c->alike[step] = rs_plan_alike(plan, step);
  return RS_OK;
}

static void warn_of_few_workers(const coordinator *c) {
  int ranks = (int)rs_settings_int(rs_job_base(c->options->job), "resources.ranks_per_trial");
  if (ranks > c->n_workers && !c->record_only)
    rs_logf(c->options->log, RS_LOG_WARN,
            "groups of %d ranks are asked for, and get the %d worker%s", ranks, c->n_workers,
            c->n_workers == 1 ? " there is" : "s there are");
}

static rs_status size_groups(coordinator *c) {
  const rs_stage_spec *specs[RS_MAX_STAGES];
  rs_plan *plan = NULL;
  rs_strategy *strategy = NULL;
  size_t n = rs_experiment_specs(c->options->kind, specs);
  RS_TRY(rs_share_map_create(c->options->job, specs, n, c->options->share, &c->share));
  rs_status status = rs_plan_create(c->options->job, specs, n, &plan);
  if (status == RS_OK) status = rs_strategy_create(c->options->job, &strategy);
  if (status == RS_OK) status = look_ahead(c, plan, strategy);
  rs_strategy_destroy(strategy);
  rs_plan_destroy(plan);
  return status;
}

static rs_status prepare_keep(coordinator *c) {
  const rs_objective *objectives;
  rs_checkpoint_keep policy;
  const rs_settings *base = rs_job_base(c->options->job);
  size_t n = rs_job_objectives(c->options->job, &objectives);
  RS_TRY(rs_checkpoint_keep_parse(rs_settings_text(base, "checkpoint.keep"), &policy));
  return keep_create(policy, n > 0 && objectives[0].maximize, &c->keep);
}

static void tell_share(const coordinator *c) {
  const rs_share *s = &c->options->share;
  if (s->count > 0 && c->share.count == 0)
    rs_logf(c->options->log, RS_LOG_INFO, "share %d/%d has none of the %zu trials of the job",
            s->index, s->count, c->share.trials);
  else if (s->count > 0)
    rs_logf(c->options->log, RS_LOG_INFO, "share %d/%d: %zu of the %zu trials of the job", s->index,
            s->count, c->share.count, c->share.trials);
}

static rs_status open_record(coordinator *c) {
  json_t *share;
  RS_TRY(share_note(c->options, &c->share, &share));
  return record_open(c->options, share, &c->record);
}

static rs_status prepare(coordinator *c) {
  const rs_coordinate_options *o = c->options;
  int attempts = (int)rs_settings_int(rs_job_base(o->job), "resources.max_attempts");
  const rs_stage_spec *specs[RS_MAX_STAGES];
  rs_run_view view;
  size_t n = rs_experiment_specs(o->kind, specs);
  c->stall_seconds = (double)rs_settings_int(rs_job_base(o->job), "resources.stall_seconds");
  RS_TRY(size_groups(c));
  warn_of_few_workers(c);
  RS_TRY(open_record(c));
  tell_share(c);
  RS_TRY(rs_plan_create(o->job, specs, n, &c->plan));
  RS_TRY(rs_strategy_create(o->job, &c->strategy));
  RS_TRY(rs_sched_create(attempts, &c->sched));
  RS_TRY(prepare_keep(c));
  RS_TRY(record_past_starts(c->record));
  if (!c->record_only) RS_TRY(record_start(c->record, provenance_row(o, c->transport)));
  RS_TRY(coordinator_propose(c));
  c->cost_before = rs_sched_cost_left(c->sched);
  if (c->summary->stages_reused > 0)
    rs_logf(o->log, RS_LOG_INFO, "continuing: %zu of %zu stages are done already",
            c->summary->stages_reused, rs_plan_stages(c->plan));
  if (c->no_more_trials && record_left_out(c->record) > 0)
    rs_logf(o->log, RS_LOG_INFO,
            "%zu finished stages of earlier runs are not part of this sweep any more; the journal "
            "keeps them",
            record_left_out(c->record));
  RS_TRY(coordinator_carry_out_all(c)); /* trials that are finished already */
  c->ended_before = c->summary->done + c->summary->failed;
  RS_TRY(coordinator_take_stock(c, &view));
  RS_TRY(record_snapshot(c->record, &view));
  record_clean(c->record); /* now that the results file links to none of them */
  if (c->record_only) return rs_sched_event(c->sched, &(rs_event){.kind = RS_EVENT_STOP});
  RS_TRY(set_up_workers(c));
  return share_data(c);
}

static rs_status run(coordinator *c) {
  RS_TRY(coordinator_carry_out_all(c));
  while (!c->finished) {
    RS_TRY(rs_transport_poll(c->transport, POLL_SECONDS, coordinator_receive, c));
    /* A stop comes before new starts. One that gives up must get through its commands. */
    rs_status status = c->status == RS_OK ? coordinator_housekeeping(c) : RS_OK;
    if (status == RS_OK) status = coordinator_carry_out_all(c);
    if (status != RS_OK) coordinator_give_up(c, status);
  }
  c->summary->stopped =
      c->summary->done + c->summary->failed < c->summary->trials || !c->no_more_trials;
  rs_run_view view;
  rs_status status = coordinator_take_stock(c, &view);
  if (status == RS_OK)
    status = record_finish(c->record, c->summary->stopped ? "interrupted" : "complete", &view);
  c->summary->record_seconds = record_seconds(c->record);
  return c->status == RS_OK ? status : rs_fail(c->status, "%s", c->message);
}

void rs_dismiss(rs_transport *t) {
  int first, count;
  rs_transport_workers(t, &first, &count);
  for (int rank = first; rank < first + count; rank++)
    (void)!message_send(t, rank, json_pack("{s:s}", "is", "end"));
}

static rs_status coordinate(coordinator *c) {
  rs_status status = prepare(c);
  if (status == RS_OK) status = run(c);
  snprintf(c->message, sizeof c->message, "%s", rs_error_message());
  rs_dismiss(c->transport);
  c->summary->seconds = rs_clock_now() - c->started;
  record_close(c->record);
  rs_sched_destroy(c->sched);
  keep_destroy(c->keep);
  rs_strategy_destroy(c->strategy);
  rs_plan_destroy(c->plan);
  rs_share_map_free(&c->share);
  running_free(&c->running);
  free(c->facts);
  return status == RS_OK ? RS_OK : rs_fail(status, "%s", c->message);
}

rs_status rs_coordinate(const rs_coordinate_options *options, rs_transport *t,
                        rs_run_summary *out) {
  *out = (rs_run_summary){0};
  coordinator c = {.options = options, .transport = t, .started = rs_clock_now(), .summary = out};
  return coordinate(&c);
}

rs_status coordinator_make_results(const rs_coordinate_options *options, rs_transport *t,
                                   rs_run_summary *out) {
  *out = (rs_run_summary){0};
  coordinator c = {.options = options,
                   .transport = t,
                   .started = rs_clock_now(),
                   .summary = out,
                   .record_only = true};
  return coordinate(&c);
}
