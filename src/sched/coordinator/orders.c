/* Trials become stages, commands become messages and records. */
#include "state.h"
#include "message.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- trials --------------------------------------------------------------------------------- */

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
    c->cost_before += rs_stage_work(again);
    stage = again->parent;
  }
  return RS_OK;
}

static rs_status add_stages(coordinator *c, const rs_trial *trial) {
  for (int i = 0; i < trial->length; i++) {
    const rs_stage *stage = rs_plan_stage(c->plan, (size_t)trial->chain[i]);
    if (stage->users > 1) continue; /* made by an earlier trial */
    int index, attempts;
    rs_outcome known = record_known(c->record, stage->index, &attempts);
    RS_TRY(rs_grow(&c->facts, &c->cap_facts, (size_t)stage->index + 1, sizeof *c->facts));
    int ranks = rs_stage_ranks(stage, c->n_workers, c->alike[stage->step]);
    RS_TRY(rs_sched_add_stage(c->sched, stage->parent, ranks, rs_stage_work(stage), known, attempts,
                              &index));
    RS_ASSERT(index == stage->index);
    c->facts[index].trial = trial->number;
    c->facts[index].known = known != RS_PENDING;
    c->facts[index].put_off = false;
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
  RS_TRY(keep_add_trial(c->keep, trial->chain[rs_experiment_model(c->options->kind)],
                        trial->chain[trial->length - 1]));
  c->summary->trials++;
  return RS_OK;
}

/* One of another share has its number, and no more. */
static rs_status take_trial(coordinator *c, rs_settings *settings) {
  if (rs_share_has(&c->share, c->proposed++)) return add_trial(c, settings);
  rs_plan_skip(c->plan);
  rs_settings_destroy(settings);
  return RS_OK;
}

rs_status coordinator_propose(coordinator *c) {
  for (rs_proposal answer = RS_PROPOSE_TRIAL; !c->no_more_trials && answer == RS_PROPOSE_TRIAL;) {
    rs_settings *settings;
    RS_TRY(rs_strategy_propose(c->strategy, &answer, &settings));
    if (answer == RS_PROPOSE_TRIAL) RS_TRY(take_trial(c, settings));
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
      rs_strategy_observe(c->strategy, (size_t)trial->number, outcome == RS_DONE ? values : NULL);
  free(values);
  return status == RS_OK ? coordinator_propose(c) : status;
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

/* A stage that was not sent out: its workers will not report, and it must not be waited for. */
static void take_back(coordinator *c, const rs_command *command) {
  (void)!rs_sched_event(c->sched, &(rs_event){.kind = RS_EVENT_STAGE_STOPPED,
                                              .worker = command->workers[0],
                                              .stage = command->stage,
                                              .attempt = command->attempt});
}

/* Seconds that STAGE needs to its next checkpoint, by what others took; 0: not known. */
static double needs(const coordinator *c, const rs_stage *stage, int workers) {
  return pace_expect(&c->pace[stage->step], rs_stage_work(stage) / workers);
}

static double time_left(const coordinator *c) {
  const rs_coordinate_options *o = c->options;
  return o->time_left != NULL ? o->time_left(o->user) : INFINITY;
}

/* It stays as it is until the next run; its workers are free for shorter ones. */
static rs_status put_off(coordinator *c, const rs_command *command, const rs_stage *stage) {
  int *workers, n = command->n_workers;
  if (c->n_put_off++ == 0)
    rs_logf(
        c->options->log, RS_LOG_INFO,
        "stage %d %s is left to the next start, as is what takes as long: it needs %.0f s to its "
        "next checkpoint, more than is left",
        stage->index, stage->spec->name, needs(c, stage, command->n_workers));
  RS_TRY(rs_new(&workers, (size_t)n, sizeof *workers));
  memcpy(workers, command->workers, (size_t)n * sizeof *workers);
  c->facts[stage->index].put_off = true;
  take_back(c, command);
  rs_status status = RS_OK;
  for (int i = 0; i < n && status == RS_OK; i++)
    status =
        rs_sched_event(c->sched, &(rs_event){.kind = RS_EVENT_WORKER_IDLE, .worker = workers[i]});
  free(workers);
  return status;
}

static rs_status start_stage(coordinator *c, const rs_command *command) {
  const rs_stage *stage = rs_plan_stage(c->plan, (size_t)command->stage);
  if (needs(c, stage, command->n_workers) > time_left(c)) return put_off(c, command, stage);
  char *settings = NULL;
  int trial = c->facts[stage->index].trial;
  rs_status status = rs_settings_to_json(stage->settings, &settings);
  if (status == RS_OK) status = record_begin(c->record, stage, trial, command);
  if (status != RS_OK) {
    take_back(c, command);
    free(settings);
    return status;
  }
  json_t *message = start_message(c, command, settings);
  free(settings);
  for (int i = 0; i < command->n_workers && status == RS_OK; i++)
    status = message_send(c->transport, command->workers[i], json_incref(message));
  json_decref(message);
  if (status == RS_OK)
    status = running_begin(&c->running, command, stage->spec->name, trial, rs_clock_now());
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
  if (c->facts[command->stage].put_off) return RS_OK; /* it has not begun */
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
  if (!done && !c->facts[command->stage].known)
    rs_logf(c->options->log, RS_LOG_ERROR, "trial %d failed in stage %s: %s", trial->number,
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

rs_status coordinator_carry_out_all(coordinator *c) {
  rs_command command;
  int stage;
  while (rs_sched_next(c->sched, &command)) RS_TRY(carry_out(c, &command));
  while (keep_next(c->keep, &stage)) RS_TRY(record_remove(c->record, stage));
  return RS_OK;
}
