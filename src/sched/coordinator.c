/* The coordinator: proposes trials, feeds the state machine, carries out its commands, keeps the
 * record. */
#include "ranksweep/run.h"
#include "ranksweep/sched.h"

#include "keep.h"
#include "message.h"
#include "provenance.h"
#include "record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double POLL_SECONDS = 0.1, SHOW_SECONDS = 0.25;

typedef struct stage_live {
  double started, fraction, loss;
  size_t epoch, epochs;
  bool running;
  int root, ranks, attempt;
  int trial;  /* the first that needs it */
  bool known; /* from earlier runs: it has ended and that was told */
} stage_live;

typedef struct coordinator {
  const rs_coordinate_options *options;
  rs_transport *transport;
  rs_plan *plan;
  rs_strategy *strategy;
  rs_sched *sched;
  rs_record *record;
  keeper *keep;
  stage_live *live; /* by stage */
  size_t cap_live;
  rs_running_view *views; /* of what runs, for displays */
  size_t cap_views;
  size_t ended_before; /* trials that earlier runs finished */
  bool no_more_trials, stop_sent, finished;
  double started, shown, cost_before; /* cost_before: of what earlier runs left to do */
  rs_run_summary *summary;
  rs_status status;   /* first failure inside a receiver */
  char message[1024]; /* and its story */
} coordinator;

/* ---- trials --------------------------------------------------------------------------------- */

static double cost_of(const rs_stage *stage) {
  return stage->cost.flops > 1e6 ? stage->cost.flops : 1e6; /* nothing is free */
}

/* A stage that is to be done needs what STAGE left. When that is gone, STAGE runs again, and before
 * it those above it of which nothing is left either. */
static rs_status require_output(coordinator *c, int stage) {
  while (stage >= 0 && rs_sched_stage_state(c->sched, stage) == RS_DONE &&
         record_lacks_output(c->record, stage)) {
    const rs_stage *again = rs_plan_stage(c->plan, (size_t)stage);
    rs_logf(c->options->log, RS_LOG_INFO, "stage %d %s runs again: what it left is needed and gone",
            stage, again->spec->name);
    RS_TRY(rs_sched_redo_stage(c->sched, stage));
    keep_stage_redo(c->keep, stage);
    record_redo(c->record, stage);
    c->cost_before += cost_of(again);
    stage = again->parent;
  }
  return RS_OK;
}

static rs_status add_stages(coordinator *c, const rs_trial *trial) {
  int ranks = (int)rs_settings_int(trial->settings, "resources.ranks_per_trial");
  for (int i = 0; i < trial->length; i++) {
    const rs_stage *stage = rs_plan_stage(c->plan, (size_t)trial->chain[i]);
    if (stage->users > 1) continue; /* made by an earlier trial */
    int index, attempts;
    rs_outcome known = record_known(c->record, stage->index, &attempts);
    RS_TRY(rs_grow(&c->live, &c->cap_live, (size_t)stage->index + 1, sizeof *c->live));
    RS_TRY(rs_sched_add_stage(c->sched, stage->parent, ranks, cost_of(stage), known, attempts,
                              &index));
    RS_ASSERT(index == stage->index);
    c->live[index].trial = trial->index;
    c->live[index].known = known != RS_PENDING;
    bool open = rs_sched_stage_state(c->sched, index) == RS_PENDING;
    RS_TRY(keep_add_stage(c->keep, stage->parent, open, record_has_output(c->record, index)));
    if (open) RS_TRY(require_output(c, stage->parent));
    c->summary->stages_reused += known == RS_DONE;
  }
  return RS_OK;
}

static rs_status add_trial(coordinator *c, rs_settings *settings) {
  const rs_trial *trial;
  int index;
  RS_TRY(rs_plan_add(c->plan, settings, &trial));
  RS_TRY(record_add_trial(c->record, c->plan, trial));
  RS_TRY(add_stages(c, trial));
  RS_TRY(rs_sched_add_trial(c->sched, trial->chain[trial->length - 1], &index));
  RS_TRY(keep_add_trial(c->keep, trial->chain[trial->length - 1]));
  c->summary->trials++;
  return RS_OK;
}

/* All that the strategy can say now. */
static rs_status propose(coordinator *c) {
  for (rs_proposal answer = RS_PROPOSE_TRIAL; !c->no_more_trials && answer == RS_PROPOSE_TRIAL;) {
    rs_settings *settings;
    RS_TRY(rs_strategy_propose(c->strategy, &answer, &settings));
    if (answer == RS_PROPOSE_TRIAL) RS_TRY(add_trial(c, settings));
    if (answer != RS_PROPOSE_END) continue;
    c->no_more_trials = true;
    RS_TRY(rs_sched_event(c->sched, &(rs_event){.kind = RS_EVENT_NO_MORE_TRIALS}));
  }
  return RS_OK;
}

static rs_status observe(coordinator *c, const rs_trial *trial, rs_outcome outcome) {
  const rs_objective *objectives;
  size_t n = rs_job_objectives(c->options->job, &objectives);
  double *values;
  RS_TRY(rs_new(&values, n, sizeof *values));
  for (size_t i = 0; i < n; i++)
    values[i] = record_final(c->record, (size_t)trial->index, objectives[i].metric);
  rs_status status =
      rs_strategy_observe(c->strategy, (size_t)trial->index, outcome == RS_DONE ? values : NULL);
  free(values);
  return status == RS_OK ? propose(c) : status;
}

/* ---- commands ------------------------------------------------------------------------------- */

static json_t *start_message(const coordinator *c, const rs_command *command,
                             const char *settings) {
  const rs_stage *stage = rs_plan_stage(c->plan, (size_t)command->stage);
  char id[RS_ID_TEXT], parent[RS_ID_TEXT] = "";
  rs_id_format(stage->identity, id);
  if (stage->parent >= 0)
    rs_id_format(rs_plan_stage(c->plan, (size_t)stage->parent)->identity, parent);
  json_t *workers = json_array();
  for (int i = 0; i < command->n_workers; i++)
    json_array_append_new(workers, json_integer(command->workers[i]));
  return json_pack("{s:s, s:i, s:i, s:i, s:s, s:s, s:s, s:o}", "is", "start", "stage", stage->index,
                   "attempt", command->attempt, "step", stage->step, "settings", settings,
                   "identity", id, "parent", parent, "workers", workers);
}

static rs_status start_stage(coordinator *c, const rs_command *command) {
  const rs_stage *stage = rs_plan_stage(c->plan, (size_t)command->stage);
  char *settings;
  RS_TRY(rs_settings_to_json(stage->settings, &settings));
  json_t *message = start_message(c, command, settings);
  free(settings);
  int trial = c->live[stage->index].trial;
  rs_status status = record_begin(c->record, stage, trial, command);
  for (int i = 0; i < command->n_workers && status == RS_OK; i++)
    status = message_send(c->transport, command->workers[i], json_incref(message));
  json_decref(message);
  c->live[stage->index] = (stage_live){.started = rs_clock_now(),
                                       .loss = NAN,
                                       .running = true,
                                       .root = command->workers[0],
                                       .ranks = command->n_workers,
                                       .attempt = command->attempt,
                                       .trial = trial};
  c->summary->stages_run++;
  return status;
}

static rs_status stop_stage(coordinator *c, const rs_command *command) {
  for (int i = 0; i < command->n_workers; i++)
    RS_TRY(message_send(c->transport, command->workers[i],
                        json_pack("{s:s, s:i}", "is", "stop", "stage", command->stage)));
  return RS_OK;
}

static rs_status end_stage(coordinator *c, const rs_command *command) {
  RS_TRY(record_end(c->record, command->stage, command->outcome));
  if (command->outcome != RS_STOPPED)
    keep_stage_end(c->keep, command->stage, record_has_output(c->record, command->stage));
  return RS_OK;
}

/* Value of the first objective; NaN: there is none. */
static double worth_of(const coordinator *c, int trial) {
  const rs_objective *objectives;
  size_t n = rs_job_objectives(c->options->job, &objectives);
  return n > 0 ? record_final(c->record, (size_t)trial, objectives[0].metric) : NAN;
}

static rs_status end_trial(coordinator *c, const rs_command *command) {
  const rs_trial *trial = rs_plan_trial(c->plan, (size_t)command->trial);
  bool done = command->outcome == RS_DONE;
  RS_TRY(record_trial(c->record, trial, command->outcome, command->stage));
  keep_trial_end(c->keep, command->trial, done, worth_of(c, command->trial));
  c->summary->done += done;
  c->summary->failed += !done;
  if (!done && !c->live[command->stage].known)
    rs_logf(c->options->log, RS_LOG_ERROR, "trial %d failed in stage %s: %s", command->trial,
            rs_plan_stage(c->plan, (size_t)command->stage)->spec->name,
            record_message(c->record, command->stage));
  return observe(c, trial, command->outcome);
}

static rs_status carry_out(coordinator *c, const rs_command *command) {
  switch (command->kind) {
  case RS_COMMAND_START: return start_stage(c, command);
  case RS_COMMAND_STOP: return stop_stage(c, command);
  case RS_COMMAND_STAGE_END: return end_stage(c, command);
  case RS_COMMAND_TRIAL: return end_trial(c, command);
  case RS_COMMAND_FINISHED: c->finished = true; return RS_OK;
  }
  return RS_OK;
}

static rs_status carry_out_all(coordinator *c) {
  rs_command command;
  int stage;
  while (rs_sched_next(c->sched, &command)) RS_TRY(carry_out(c, &command));
  while (keep_next(c->keep, &stage)) RS_TRY(record_remove(c->record, stage));
  return RS_OK;
}

/* ---- messages ------------------------------------------------------------------------------- */

/* What a result's status means for the scheduler: bad input cannot be mended by trying again. */
static rs_event_kind event_of(rs_status status) {
  switch (status) {
  case RS_OK: return RS_EVENT_STAGE_DONE;
  case RS_ERR_STOPPED: return RS_EVENT_STAGE_STOPPED;
  case RS_ERR_USAGE:
  case RS_ERR_DATA:
  case RS_ERR_NUMERIC: return RS_EVENT_STAGE_FATAL;
  default: return RS_EVENT_STAGE_FAILED;
  }
}

/* A result of an attempt that was given up counts for nothing; the state machine knows what to do
 * with the worker. */
static rs_status keep_result(coordinator *c, const json_t *m, int stage, rs_status got) {
  stage_live *live = &c->live[stage];
  if (!live->running || live->attempt != message_int(m, "attempt")) return RS_OK;
  live->running = false;
  c->summary->checkpoint_seconds += message_number(m, "checkpoints");
  RS_TRY(record_result(c->record, stage, m));
  if (message_int(m, "damaged") > 0)
    rs_logf(c->options->log, RS_LOG_WARN,
            "stage %d: %lld damaged checkpoint(s) passed over, continued from an earlier state",
            stage, message_int(m, "damaged"));
  if (got == RS_OK)
    rs_logf(c->options->log, RS_LOG_DEBUG, "stage %d %s done in %.1f s", stage,
            rs_plan_stage(c->plan, (size_t)stage)->spec->name, message_number(m, "seconds"));
  else
    rs_logf(c->options->log, RS_LOG_WARN, "stage %d %s, attempt %lld: %s", stage,
            rs_plan_stage(c->plan, (size_t)stage)->spec->name, message_int(m, "attempt"),
            message_text(m, "message"));
  return RS_OK;
}

static rs_status on_result(coordinator *c, int from, const json_t *m, int stage) {
  rs_status got = (rs_status)message_int(m, "status");
  RS_TRY(keep_result(c, m, stage, got));
  RS_TRY(rs_sched_event(c->sched, &(rs_event){.kind = event_of(got),
                                              .worker = from,
                                              .stage = stage,
                                              .attempt = (int)message_int(m, "attempt")}));
  return rs_sched_event(c->sched, &(rs_event){.kind = RS_EVENT_WORKER_IDLE, .worker = from});
}

static void on_progress(coordinator *c, const json_t *m, int stage) {
  stage_live *live = &c->live[stage];
  double total = message_number(m, "total");
  live->fraction = total > 0 ? message_number(m, "done") / total : 0;
  live->epoch = (size_t)message_int(m, "epoch");
  live->epochs = (size_t)message_int(m, "epochs");
  live->loss = message_number(m, "loss");
}

static rs_status on_metrics(coordinator *c, const json_t *m, int stage) {
  const rs_stage *s = rs_plan_stage(c->plan, (size_t)stage);
  const char *name;
  json_t *value;
  rs_str text = {0};
  json_object_foreach(json_object_get(m, "values"), name, value)
      rs_str_addf(&text, "  %s %.5g", name, json_is_number(value) ? json_number_value(value) : NAN);
  rs_logf(c->options->log, RS_LOG_INFO, "%s (stage %d) epoch %lld:%s", s->spec->name, stage,
          message_int(m, "epoch"), text.text != NULL ? text.text : "");
  rs_str_free(&text);
  return record_metrics(c->record, stage, m);
}

static rs_status set_up_worker(coordinator *c, int rank) {
  RS_TRY(message_send(
      c->transport, rank,
      json_pack("{s:s, s:s, s:s, s:i}", "is", "setup", "directory", record_directory(c->record),
                "kind", c->options->kind->schema.experiment, "threads", c->options->threads)));
  return rs_sched_event(c->sched, &(rs_event){.kind = RS_EVENT_WORKER_JOINED, .worker = rank});
}

static rs_status take(coordinator *c, int from, const json_t *m) {
  int stage = (int)message_int(m, "stage");
  if (message_is(m, "hello")) {
    rs_logf(c->options->log, RS_LOG_DEBUG, "rank %d on %s, %lld cores", from,
            message_text(m, "host"), message_int(m, "cpus"));
    return RS_OK;
  }
  if (message_is(m, "idle"))
    return rs_sched_event(c->sched, &(rs_event){.kind = RS_EVENT_WORKER_IDLE, .worker = from});
  if (stage < 0 || (size_t)stage >= rs_plan_stages(c->plan))
    return rs_fail(RS_ERR_INTERNAL, "rank %d speaks of stage %d, which is not planned", from,
                   stage);
  if (message_is(m, "result")) return on_result(c, from, m, stage);
  if (message_is(m, "metrics")) return on_metrics(c, m, stage);
  if (message_is(m, "progress")) on_progress(c, m, stage);
  return RS_OK;
}

static rs_status housekeeping(coordinator *c);

/* The coordinator itself has failed (a full disk, most likely): let running stages checkpoint and
 * leave. */
static void give_up(coordinator *c, rs_status status) {
  if (c->status != RS_OK) return;
  c->status = status;
  snprintf(c->message, sizeof c->message, "%s", rs_error_message());
  if (rs_sched_event(c->sched, &(rs_event){.kind = RS_EVENT_STOP}) == RS_OK)
    (void)!carry_out_all(c);
}

static void receive(void *user, int from, const char *text) {
  coordinator *c = user;
  json_t *message;
  rs_status status = message_parse(text, &message);
  if (status == RS_OK) status = take(c, from, message);
  json_decref(message);
  /* In one process a whole stage passes inside a poll: its messages are the only occasions. */
  if (status == RS_OK && rs_transport_size(c->transport) == 1) status = housekeeping(c);
  if (status != RS_OK) give_up(c, status);
}

/* ---- between messages ----------------------------------------------------------------------- */

static rs_status view_running(coordinator *c, size_t *n) {
  double now = rs_clock_now();
  *n = 0;
  for (size_t i = 0; i < rs_plan_stages(c->plan); i++) {
    const stage_live *live = &c->live[i];
    if (!live->running) continue;
    RS_TRY(rs_grow(&c->views, &c->cap_views, *n + 1, sizeof *c->views));
    c->views[(*n)++] = (rs_running_view){.stage = (int)i,
                                         .root = live->root,
                                         .ranks = live->ranks,
                                         .name = rs_plan_stage(c->plan, i)->spec->name,
                                         .seconds = now - live->started,
                                         .fraction = live->fraction,
                                         .epoch = live->epoch,
                                         .epochs = live->epochs,
                                         .loss = live->loss};
  }
  return RS_OK;
}

/* Work done by this run so far, running stages in part. */
static double cost_done(const coordinator *c, const rs_running_view *views, size_t n) {
  double done = c->cost_before - rs_sched_cost_left(c->sched);
  for (size_t i = 0; i < n; i++)
    done += views[i].fraction * cost_of(rs_plan_stage(c->plan, (size_t)views[i].stage));
  return done;
}

/* How the run stands; what VIEW points at is good until the next call. */
static rs_status take_stock(coordinator *c, rs_run_view *view) {
  rs_sched_counts counts;
  size_t n, ended = c->summary->done + c->summary->failed - c->ended_before;
  RS_TRY(view_running(c, &n));
  rs_sched_count(c->sched, &counts);
  double elapsed = rs_clock_now() - c->started, done = cost_done(c, c->views, n);
  double whole = c->cost_before, fraction = whole > 0 ? done / whole : 1.0;
  *view = (rs_run_view){.trials_total = rs_strategy_total(c->strategy),
                        .trials_done = c->summary->done,
                        .trials_failed = c->summary->failed,
                        .stages_total = rs_plan_stages(c->plan),
                        .stages_done = (size_t)counts.stages[RS_DONE],
                        .fraction = fraction,
                        .elapsed = elapsed,
                        .eta = fraction > 0.005 ? elapsed * (1.0 - fraction) / fraction : NAN,
                        .trials_per_hour = ended > 0 ? 3600.0 * (double)ended / elapsed : NAN,
                        .n_running = n,
                        .running = c->views,
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
  RS_TRY(take_stock(c, &view));
  if (show) {
    c->shown = rs_clock_now();
    c->options->show(c->options->user, &view);
  }
  return keep ? record_snapshot(c->record, &view) : RS_OK;
}

static rs_status stop_all(coordinator *c, const char *reason) {
  c->stop_sent = true;
  rs_logf(c->options->log, RS_LOG_WARN,
          "stopping, %s: running stages leave, finished ones are kept", reason);
  RS_TRY(rs_sched_event(c->sched, &(rs_event){.kind = RS_EVENT_STOP}));
  return carry_out_all(c);
}

static rs_status housekeeping(coordinator *c) {
  RS_TRY(report(c));
  const char *reason = NULL;
  if (!c->stop_sent && c->options->stop != NULL) reason = c->options->stop(c->options->user);
  if (reason != NULL) RS_TRY(stop_all(c, reason));
  return record_flush(c->record);
}

/* ---- life
 * ---------------------------------------------------------------------------------------------------
 */

/* All at once, before anything starts: groups then form in the same way in every run. */
static rs_status set_up_workers(coordinator *c) {
  int first, count;
  rs_transport_workers(c->transport, &first, &count);
  for (int rank = first; rank < first + count; rank++) RS_TRY(set_up_worker(c, rank));
  return RS_OK;
}

static rs_status prepare_keep(coordinator *c) {
  const rs_objective *objectives;
  rs_checkpoint_keep policy;
  const rs_settings *base = rs_job_base(c->options->job);
  size_t n = rs_job_objectives(c->options->job, &objectives);
  RS_TRY(rs_checkpoint_keep_parse(rs_settings_text(base, "checkpoint.keep"), &policy));
  return keep_create(policy, n > 0 && objectives[0].maximize, &c->keep);
}

static rs_status prepare(coordinator *c) {
  const rs_coordinate_options *o = c->options;
  int attempts = (int)rs_settings_int(rs_job_base(o->job), "resources.max_attempts");
  const rs_stage_spec *specs[RS_MAX_STAGES];
  rs_run_view view;
  size_t n = rs_experiment_specs(o->kind, specs);
  RS_TRY(record_open(o, &c->record));
  RS_TRY(rs_plan_create(o->job, specs, n, &c->plan));
  RS_TRY(rs_strategy_create(o->job, &c->strategy));
  RS_TRY(rs_sched_create(attempts, &c->sched));
  RS_TRY(prepare_keep(c));
  RS_TRY(record_start(c->record, provenance_row(o, c->transport)));
  RS_TRY(propose(c));
  c->cost_before = rs_sched_cost_left(c->sched);
  if (c->summary->stages_reused > 0)
    rs_logf(o->log, RS_LOG_INFO, "continuing: %zu of %zu stages are done already",
            c->summary->stages_reused, rs_plan_stages(c->plan));
  RS_TRY(carry_out_all(c)); /* trials that are finished already */
  c->ended_before = c->summary->done + c->summary->failed;
  RS_TRY(take_stock(c, &view));
  RS_TRY(record_snapshot(c->record, &view));
  record_clean(c->record); /* now that the results file links to none of them */
  return set_up_workers(c);
}

static rs_status run(coordinator *c) {
  RS_TRY(carry_out_all(c));
  while (!c->finished) {
    RS_TRY(rs_transport_poll(c->transport, POLL_SECONDS, receive, c));
    rs_status status = housekeeping(c); /* a stop comes before new starts */
    if (status == RS_OK) status = carry_out_all(c);
    if (status != RS_OK) give_up(c, status);
  }
  c->summary->stopped =
      c->summary->done + c->summary->failed < c->summary->trials || !c->no_more_trials;
  rs_run_view view;
  rs_status status = take_stock(c, &view);
  if (status == RS_OK)
    status = record_finish(c->record, c->summary->stopped ? "interrupted" : "complete", &view);
  return c->status == RS_OK ? status : rs_fail(c->status, "%s", c->message);
}

void rs_dismiss(rs_transport *t) {
  int first, count;
  rs_transport_workers(t, &first, &count);
  for (int rank = first; rank < first + count; rank++)
    (void)!message_send(t, rank, json_pack("{s:s}", "is", "end"));
}

rs_status rs_coordinate(const rs_coordinate_options *options, rs_transport *t,
                        rs_run_summary *out) {
  *out = (rs_run_summary){0};
  coordinator c = {.options = options, .transport = t, .started = rs_clock_now(), .summary = out};
  rs_status status = prepare(&c);
  if (status == RS_OK) status = run(&c);
  snprintf(c.message, sizeof c.message, "%s", rs_error_message());
  rs_dismiss(t);
  out->seconds = rs_clock_now() - c.started;
  record_close(c.record);
  rs_sched_destroy(c.sched);
  keep_destroy(c.keep);
  rs_strategy_destroy(c.strategy);
  rs_plan_destroy(c.plan);
  free(c.live);
  free(c.views);
  return status == RS_OK ? RS_OK : rs_fail(status, "%s", c.message);
}
