/* Runs one stage. */
#include "ranksweep/run.h"

#include "artifacts.h"
#include "checkpoints.h"
#include "outputs.h"

#include <math.h>
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

void rs_runner_share(rs_runner *r, const rs_experiment *kind, const rs_settings *settings,
                     rs_comm *node) {
  if (kind->share != NULL) (void)!kind->share(settings, r->cache, node);
}

/* ---- the stage's ways out ------------------------------------------------------------------- */

typedef struct run_state {
  const rs_stage_task *task;
  const rs_run_events *events;
  rs_comm *comm;
  rs_stage_report *report;
  const char *directory; /* of the run's files */
  double started, last_progress;
  bool warned; /* that checkpoints cannot be written */
  checkpoints checkpoints;
} run_state;

enum { PROGRESS_HERTZ = 4 };

/* Only the root speaks; when it cannot, all ranks learn of it together. */
static rs_status on_metrics(void *user, size_t epoch, uint64_t step, const rs_metric_value *values,
                            size_t n) {
  run_state *s = user;
  rs_status status = RS_OK;
  if (rs_comm_rank(s->comm) == 0) {
    double seconds = rs_clock_now() - s->started;
    status = checkpoints_add_row(&s->checkpoints, epoch, step, seconds, values, n);
    if (status == RS_OK)
      status = s->events->metrics(s->events->user, s->task, epoch, step, seconds, values, n);
  }
  return rs_comm_agree(s->comm, status);
}

/* The number NAME of a row of a checkpoint; null stands for NaN. */
static double number_of(const json_t *row, const char *name) {
  const json_t *value = json_object_get(row, name);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

static rs_status tell_row(run_state *s, const json_t *row) {
  enum { MOST = 64 };
  rs_metric_value values[MOST];
  const json_t *named = json_object_get(row, "values");
  size_t n = 0;
  for (const rs_metric *m = s->task->kind->metrics; m != NULL && m->name != NULL && n < MOST; m++)
    if (json_object_get(named, m->name) != NULL)
      values[n++] = (rs_metric_value){m->name, number_of(named, m->name)};
  return s->events->metrics(s->events->user, s->task, (size_t)number_of(row, "epoch"),
                            (uint64_t)number_of(row, "step"), number_of(row, "seconds"), values, n);
}

/* What a checkpoint knows and the coordinator may not: rows that were under way when it was killed.
 */
static rs_status tell_rows_again(run_state *s) {
  size_t index;
  json_t *row;
  if (rs_comm_rank(s->comm) != 0) return RS_OK;
  json_array_foreach(s->checkpoints.rows, index, row) RS_TRY(tell_row(s, row));
  return RS_OK;
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

/* Once a stage. */
static rs_status warn_unsaved(run_state *s) {
  char text[RS_MESSAGE_BYTES];
  if (s->warned) return RS_OK;
  s->warned = true;
  snprintf(text, sizeof text, "no checkpoint, it goes on without: %s", rs_error_message());
  rs_utf8_repair(text);
  return s->events->warning(s->events->user, s->task, text);
}

/* Root only; the others wait for what comes of it. A checkpoint that the disk has no room for costs
 * a later run time, not this one its result. */
static rs_status save(run_state *s, const rs_stage_progress *progress,
                      const rs_stage_saver *saver) {
  if (saver == NULL || rs_comm_rank(s->comm) != 0) return RS_OK;
  rs_status status = checkpoints_save(&s->checkpoints, progress, saver);
  return status == RS_ERR_IO ? warn_unsaved(s) : status;
}

static rs_status on_tick(void *user, const rs_stage_progress *progress,
                         const rs_stage_saver *saver) {
  run_state *s = user;
  rs_status status = tell_progress(s, progress);
  if (status == RS_OK && checkpoints_due(&s->checkpoints, progress))
    status = save(s, progress, saver);
  if (status == RS_OK && progress->done < progress->total && s->events->stop(s->events->user))
    status = rs_fail(RS_ERR_STOPPED, "stopped on request");
  status = rs_comm_agree(s->comm, status);
  if (status != RS_ERR_STOPPED) return status;
  /* Only the root knows whether this step is saved already; all ranks hear how it went. */
  bool saved_now = s->checkpoints.last_step == progress->done;
  rs_status saved = rs_comm_agree(s->comm, saved_now ? RS_OK : save(s, progress, saver));
  return saved == RS_OK ? rs_fail(RS_ERR_STOPPED, "stopped on request") : saved;
}

/* A disk that has no room for it has none for the output either. */
static rs_status on_artifact(void *user, const rs_artifact *artifact) {
  run_state *s = user;
  rs_status status = RS_OK;
  if (rs_comm_rank(s->comm) == 0)
    status = artifacts_take(s->directory, s->task->identity, artifact, s->report);
  status = rs_comm_agree(s->comm, status);
  s->report->files_failed = status == RS_ERR_IO;
  return status;
}

static void on_waiting(void *user, double seconds) {
  run_state *s = user;
  s->events->waiting(s->events->user, s->task, seconds);
}

/* ---- running -------------------------------------------------------------------------------- */

static rs_status get_parent(rs_runner *r, const rs_stage_task *task, const rs_bundle **parent) {
  *parent = NULL;
  return task->has_parent ? outputs_get(r->outputs, task->parent, parent) : RS_OK;
}

static rs_status run_op(rs_runner *r, run_state *state, const rs_bundle *parent,
                        const rs_bundle *resume, const char *resume_state, rs_bundle *output) {
  const rs_stage_task *task = state->task;
  const rs_stage_op *op = task->kind->stages[task->step];
  const rs_stage_host host = {state, on_metrics, on_final, on_tick, on_artifact};
  rs_stage_context context = {.settings = task->settings,
                              .seed = (uint64_t)rs_settings_int(task->settings, "seed"),
                              .stage = op->spec.name,
                              .comm = state->comm,
                              .parent = parent,
                              .resume = resume,
                              .resume_state = resume_state,
                              .output = output,
                              .cache = r->cache,
                              .host = &host};
  rs_num_set_threads(task->threads);
  return op->run(&context);
}

/* Every rank reads the files itself, and a file server may show them different ones. */
static rs_status agree_on_checkpoint(run_state *s, bool found) {
  uint64_t mine = found ? s->checkpoints.last_step + 1 : 0, root = mine;
  RS_TRY(rs_comm_broadcast(s->comm, 0, &root, sizeof root));
  rs_status status = RS_OK;
  if (mine != root)
    status = rs_fail(
        RS_ERR_IO,
        "rank %d of the group sees another checkpoint than its root (of step %lld, not %lld)",
        rs_comm_rank(s->comm), (long long)mine - 1, (long long)root - 1);
  return rs_comm_agree(s->comm, status);
}

/* Loads what the stage continues from, and runs it. */
static rs_status run_resumed(rs_runner *r, run_state *state, rs_bundle *output) {
  rs_bundle resume = {0};
  char *text = NULL;
  int damaged = 0;
  const rs_bundle *parent = NULL;
  rs_status status = get_parent(r, state->task, &parent);
  if (status == RS_OK) status = checkpoints_load(&state->checkpoints, &resume, &text, &damaged);
  if (status == RS_OK && text != NULL) status = tell_rows_again(state);
  state->report->damaged_checkpoints = damaged;
  status = rs_comm_agree(state->comm, status);
  if (status == RS_OK) status = agree_on_checkpoint(state, text != NULL);
  state->report->files_failed = status == RS_ERR_IO || status == RS_ERR_CONFLICT;
  if (status == RS_OK)
    status = run_op(r, state, parent, text != NULL ? &resume : NULL, text, output);
  rs_bundle_free(&resume);
  free(text);
  return status;
}

static rs_status keep_output(rs_runner *r, run_state *state, rs_bundle *output) {
  rs_status status = RS_OK;
  if (rs_comm_rank(state->comm) == 0 && output->count > 0) {
    status = outputs_put(r->outputs, state->task->identity, output);
    state->report->has_output = status == RS_OK;
  }
  status = rs_comm_agree(state->comm, status);
  state->report->files_failed = status == RS_ERR_IO;
  return status;
}

void rs_runner_run(rs_runner *r, const rs_stage_task *task, rs_comm *comm,
                   const rs_run_events *events, rs_stage_report *report) {
  rs_bundle output = {0};
  run_state state = {.task = task,
                     .events = events,
                     .comm = comm,
                     .report = report,
                     .directory = outputs_directory(r->outputs),
                     .started = rs_clock_now(),
                     .last_progress = rs_clock_now()};
  double waited = rs_comm_waited(comm);
  *report = (rs_stage_report){0};
  rs_comm_set_watch(comm, on_waiting, &state);
  report->status = rs_comm_agree(
      comm, checkpoints_open(state.directory, task->identity, task->settings, &state.checkpoints));
  if (report->status == RS_OK) report->status = run_resumed(r, &state, &output);
  if (report->status == RS_OK) report->status = keep_output(r, &state, &output);
  if (report->status != RS_OK)
    snprintf(report->message, sizeof report->message, "%s", rs_error_message());
  rs_utf8_repair(report->message); /* it goes into JSON, and may have been cut in mid-character */
  report->seconds = rs_clock_now() - state.started;
  report->wait_seconds = rs_comm_waited(comm) - waited;
  report->checkpoint_seconds = state.checkpoints.spent;
  rs_comm_set_watch(comm, NULL, NULL);
  checkpoints_close(&state.checkpoints);
  rs_bundle_free(&output);
}
