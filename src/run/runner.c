/* Runs one stage. */
#include "ranksweep/run.h"

#include "outputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rs_runner {
  outputs *outputs;
  rs_data_cache *cache;
};

rs_status rs_runner_create(const char *directory, rs_runner **out) {
  rs_runner *r;
  *out = NULL;
  RS_TRY(rs_new(&r, 1, sizeof *r));
  rs_status status = outputs_create(directory, &r->outputs);
  if (status == RS_OK) status = rs_data_cache_create(&r->cache);
  if (status != RS_OK) {
    rs_runner_destroy(r);
    return status;
  }
  *out = r;
  return RS_OK;
}

void rs_runner_destroy(rs_runner *r) {
  if (r == NULL) return;
  outputs_destroy(r->outputs);
  rs_data_cache_destroy(r->cache);
  free(r);
}

/* ---- the stage's ways out
 * ------------------------------------------------------------------------ */

typedef struct run_state {
  const rs_stage_task *task;
  const rs_run_events *events;
  rs_comm *comm;
  rs_stage_report *report;
  double started, last_progress;
} run_state;

enum { PROGRESS_HERTZ = 4 };

/* Only the root speaks; when it cannot, all ranks learn of it together. */
static rs_status on_metrics(void *user, size_t epoch, uint64_t step, const rs_metric_value *values,
                            size_t n) {
  run_state *s = user;
  rs_status status = RS_OK;
  if (rs_comm_rank(s->comm) == 0)
    status = s->events->metrics(s->events->user, s->task, epoch, step, rs_clock_now() - s->started,
                                values, n);
  return rs_comm_agree(s->comm, status);
}

static rs_status on_final(void *user, const char *name, double value) {
  rs_stage_report *report = ((run_state *)user)->report;
  RS_ASSERT(report->n_finals < RS_MAX_FINALS);
  report->finals[report->n_finals++] = (rs_metric_value){name, value};
  return RS_OK;
}

static rs_status tell_progress(run_state *s, const rs_stage_progress *progress) {
  double now = rs_clock_now();
  if (rs_comm_rank(s->comm) != 0 || now - s->last_progress < 1.0 / PROGRESS_HERTZ) return RS_OK;
  s->last_progress = now;
  return s->events->progress(s->events->user, s->task, progress);
}

static rs_status on_tick(void *user, const rs_stage_progress *progress) {
  run_state *s = user;
  rs_status status = tell_progress(s, progress);
  if (status == RS_OK && progress->done < progress->total && s->events->stop(s->events->user))
    status = rs_fail(RS_ERR_STOPPED, "stopped on request");
  return rs_comm_agree(s->comm, status);
}

/* ---- running
 * ------------------------------------------------------------------------------------- */

static rs_status get_parent(rs_runner *r, const rs_stage_task *task, const rs_bundle **parent) {
  *parent = NULL;
  return task->has_parent ? outputs_get(r->outputs, task->parent, parent) : RS_OK;
}

static rs_status run_op(rs_runner *r, run_state *state, rs_bundle *output) {
  const rs_stage_task *task = state->task;
  const rs_stage_op *op = task->kind->stages[task->step];
  const rs_stage_host host = {state, on_metrics, on_final, on_tick};
  rs_stage_context context = {.settings = task->settings,
                              .seed = (uint64_t)rs_settings_int(task->settings, "seed"),
                              .stage = op->spec.name,
                              .comm = state->comm,
                              .output = output,
                              .cache = r->cache,
                              .host = &host};
  RS_TRY(rs_comm_agree(state->comm, get_parent(r, task, &context.parent)));
  rs_num_set_threads(task->threads);
  return op->run(&context);
}

static rs_status keep_output(rs_runner *r, run_state *state, rs_bundle *output) {
  rs_status status = RS_OK;
  if (rs_comm_rank(state->comm) == 0 && output->count > 0) {
    status = outputs_put(r->outputs, state->task->identity, output);
    state->report->has_output = status == RS_OK;
  }
  return rs_comm_agree(state->comm, status);
}

void rs_runner_run(rs_runner *r, const rs_stage_task *task, rs_comm *comm,
                   const rs_run_events *events, rs_stage_report *report) {
  rs_bundle output = {0};
  run_state state = {task, events, comm, report, rs_clock_now(), rs_clock_now()};
  *report = (rs_stage_report){0};
  report->status = run_op(r, &state, &output);
  if (report->status == RS_OK) report->status = keep_output(r, &state, &output);
  if (report->status != RS_OK)
    snprintf(report->message, sizeof report->message, "%s", rs_error_message());
  report->seconds = rs_clock_now() - state.started;
  rs_bundle_free(&output);
}
