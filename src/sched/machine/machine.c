/* The scheduler's state machine: events in, commands out. */
#include "machine.h"

#include <stdlib.h>

rs_status rs_sched_create(int max_attempts, rs_sched **out) {
  *out = NULL;
  if (max_attempts < 1)
    return rs_fail(RS_ERR_INTERNAL, "scheduler: %d attempts, expected 1 or more", max_attempts);
  rs_sched *s;
  RS_TRY(rs_new(&s, 1, sizeof *s));
  s->max_attempts = max_attempts;
  *out = s;
  return RS_OK;
}

void rs_sched_destroy(rs_sched *s) {
  if (s == NULL) return;
  for (size_t q = 0; q < s->n_queues; q++) free(s->queues[q].ready.entry);
  free(s->queues);
  free(s->stages);
  free(s->stage_at);
  free(s->trials);
  free(s->notices);
  free(s->workers);
  free(s->worker_at);
  free(s->idle.entry);
  free(s->parts);
  free(s->roster);
  free(s->sums);
  free(s);
}

/* ---- events ------------------------------------------------------------------------------- */

static rs_status report_on_stage(rs_sched *s, const rs_event *event) {
  if (event->stage < 0 || (size_t)event->stage >= s->n_stages)
    return rs_fail(RS_ERR_INTERNAL, "scheduler: report on stage %d of %zu", event->stage,
                   s->n_stages);
  const stage *g = &s->stages[event->stage];
  if (event->attempt >= 1 && event->attempt <= g->lost) return RS_OK; /* stale */
  if (g->state != RS_RUNNING || event->attempt != g->attempts)
    return rs_fail(RS_ERR_INTERNAL,
                   "scheduler: report on attempt %d at stage %d, which does not run it",
                   event->attempt, event->stage);
  rs_sched_group_end(s, event->stage);
  if (event->kind == RS_EVENT_STAGE_DONE)
    rs_sched_stage_done(s, event->stage);
  else if (event->kind == RS_EVENT_STAGE_STOPPED)
    rs_sched_stage_stopped(s, event->stage);
  else
    rs_sched_stage_failed(s, event->stage, event->kind == RS_EVENT_STAGE_FAILED);
  return RS_OK;
}

static void stop(rs_sched *s) {
  if (s->stopping) return;
  s->stopping = true;
  for (size_t i = 0; i < s->n_workers; i++) {
    const worker *w = &s->workers[i];
    if (w->state == WORKER_BUSY && s->stages[w->stage].root == (int)i)
      rs_sched_notify(s, RS_COMMAND_STOP, w->stage);
  }
}

rs_status rs_sched_event(rs_sched *s, const rs_event *event) {
  switch (event->kind) {
  case RS_EVENT_WORKER_JOINED: return rs_sched_worker_joined(s, event->worker);
  case RS_EVENT_WORKER_IDLE: return rs_sched_worker_idle(s, event->worker);
  case RS_EVENT_WORKER_LOST: return rs_sched_worker_lost(s, event->worker);
  case RS_EVENT_STAGE_DONE:
  case RS_EVENT_STAGE_FAILED:
  case RS_EVENT_STAGE_FATAL:
  case RS_EVENT_STAGE_STOPPED: return report_on_stage(s, event);
  case RS_EVENT_NO_MORE_TRIALS: s->no_more_trials = true; return RS_OK;
  case RS_EVENT_STOP: stop(s); return RS_OK;
  }
  return rs_fail(RS_ERR_INTERNAL, "scheduler: unknown event %d", (int)event->kind);
}

/* ---- commands ----------------------------------------------------------------------------- */

static void describe_trial(const rs_sched *s, int index, rs_command *out) {
  const trial *t = &s->trials[index];
  out->trial = index;
  out->outcome = t->outcome;
  out->stage = t->outcome == RS_DONE ? t->last : s->stages[t->last].failed_by;
}

static bool next_notice(rs_sched *s, rs_command *out) {
  while (s->next_notice < s->n_notices) {
    const notice *n = &s->notices[s->next_notice++];
    out->kind = n->kind;
    if (n->kind == RS_COMMAND_TRIAL) {
      describe_trial(s, n->index, out);
      return true;
    }
    /* A stage may end between the event that stops it and this call. */
    if (n->kind == RS_COMMAND_STOP && s->stages[n->index].state != RS_RUNNING) continue;
    if (n->kind == RS_COMMAND_STOP) rs_sched_group_list(s, n->index, out);
    out->stage = n->index;
    out->outcome = n->outcome;
    out->attempt = n->attempt;
    return true;
  }
  return false;
}

static bool next_start(rs_sched *s, rs_command *out) {
  int size;
  int index = rs_sched_choose(s, &size);
  if (index < 0) return false;
  rs_sched_stage_start(s, index);
  rs_sched_group_form(s, index, size);
  out->kind = RS_COMMAND_START;
  out->stage = index;
  out->outcome = RS_RUNNING;
  out->attempt = s->stages[index].attempts;
  rs_sched_group_list(s, index, out);
  return true;
}

/* Whether nothing runs and nothing will start. A ready stage with no group yet waits for workers
 * that have still to report idle. */
static bool at_end(const rs_sched *s) {
  if (s->counts.stages[RS_RUNNING] > 0) return false;
  bool deserted = s->any_joined && s->counts.workers == 0;
  return s->stopping || deserted || (s->no_more_trials && s->n_ready == 0);
}

bool rs_sched_next(rs_sched *s, rs_command *out) {
  *out = (rs_command){.stage = -1, .trial = -1};
  if (next_notice(s, out) || next_start(s, out)) return true;
  if (s->finished || !at_end(s)) return false;
  s->finished = true;
  out->kind = RS_COMMAND_FINISHED;
  return true;
}

/* ---- displays ----------------------------------------------------------------------------- */

void rs_sched_count(const rs_sched *s, rs_sched_counts *out) {
  *out = s->counts;
  out->idle = (int)s->idle.n;
}

rs_outcome rs_sched_stage_state(const rs_sched *s, int index) {
  RS_ASSERT(index >= 0 && (size_t)index < s->n_stages);
  return s->stages[index].state;
}

int rs_sched_stage_attempts(const rs_sched *s, int index) {
  RS_ASSERT(index >= 0 && (size_t)index < s->n_stages);
  return rs_sched_attempts_used(&s->stages[index]);
}

double rs_sched_cost_left(const rs_sched *s) {
  return s->cost_left > 0 ? s->cost_left : 0; /* rounding may leave a trace below zero */
}
