/* What workers say. */
#include "state.h"
#include "message.h"

#include <math.h>
#include <stdio.h>

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

/* An epoch of S has ended, or S itself. */
static void learn_pace(coordinator *c, running_stage *s) {
  const rs_stage *stage = rs_plan_stage(c->plan, (size_t)s->stage);
  double now = rs_clock_now();
  pace_learn(&c->pace[stage->step], rs_stage_work(stage) / s->n_workers, now - s->epoch_ended);
  s->epoch_ended = now;
}

/* A result of an attempt that was given up counts for nothing; the state machine knows what to do
 * with the worker. */
static rs_status keep_result(coordinator *c, const json_t *m, int stage, rs_status got) {
  running_stage *s = running_find(&c->running, stage);
  if (s == NULL || s->attempt != message_int(m, "attempt")) return RS_OK;
  if (got == RS_OK) learn_pace(c, s);
  c->summary->checkpoint_seconds += message_number(m, "checkpoints");
  if (s->n_workers > 1) {
    c->summary->group_seconds += message_number(m, "seconds");
    c->summary->wait_seconds += message_number(m, "waited");
  }
  running_end(&c->running, stage);
  RS_TRY(record_result(c->record, stage, m));
  if (event_of(got) == RS_EVENT_STAGE_FAILED && message_int(m, "files_failed") == 0)
    RS_TRY(record_failed(c->record, stage, m));
  if (message_int(m, "damaged") > 0)
    rs_logf(c->options->log, RS_LOG_WARN,
            "stage %d: %lld damaged checkpoint(s) passed over, continued from an earlier state",
            stage, message_int(m, "damaged"));
  if (got == RS_OK)
    rs_logf(c->options->log, RS_LOG_DEBUG, "stage %d %s done in %.1f s", stage,
            rs_plan_stage(c->plan, (size_t)stage)->spec->name, message_number(m, "seconds"));
  else if (message_int(m, "files_failed") == 0)
    rs_logf(c->options->log, RS_LOG_WARN, "stage %d %s, attempt %lld: %s", stage,
            rs_plan_stage(c->plan, (size_t)stage)->spec->name, message_int(m, "attempt"),
            message_text(m, "message"));
  return RS_OK;
}

/* A stage that failed over the run's own files gets its attempt back, and the run ends: it would
 * not fare better elsewhere, nor would the others. */
static rs_status on_result(coordinator *c, int from, const json_t *m, int stage) {
  rs_status got = (rs_status)message_int(m, "status");
  bool files_failed = message_int(m, "files_failed") != 0;
  RS_TRY(keep_result(c, m, stage, got));
  RS_TRY(rs_sched_event(c->sched,
                        &(rs_event){.kind = files_failed ? RS_EVENT_STAGE_STOPPED : event_of(got),
                                    .worker = from,
                                    .stage = stage,
                                    .attempt = (int)message_int(m, "attempt")}));
  RS_TRY(rs_sched_event(c->sched, &(rs_event){.kind = RS_EVENT_WORKER_IDLE, .worker = from}));
  if (!files_failed) return RS_OK;
  return rs_fail(got, "stage %d %s: %s", stage, rs_plan_stage(c->plan, (size_t)stage)->spec->name,
                 message_text(m, "message"));
}

static void on_warning(const coordinator *c, const json_t *m, int stage) {
  rs_logf(c->options->log, RS_LOG_WARN, "stage %d %s: %s", stage,
          rs_plan_stage(c->plan, (size_t)stage)->spec->name, message_text(m, "text"));
}

static void heard_of(coordinator *c, running_stage *s) {
  double now = rs_clock_now(), silent = now - s->heard;
  if (running_heard(s, now))
    rs_logf(c->options->log, RS_LOG_WARN, "stage %d %s goes on after %.0f s", s->stage, s->name,
            silent);
}

static void on_progress(coordinator *c, const json_t *m, int stage) {
  running_stage *s = running_find(&c->running, stage);
  double total = message_number(m, "total");
  if (s == NULL) return;
  heard_of(c, s);
  s->fraction = total > 0 ? message_number(m, "done") / total : 0;
  s->step = (uint64_t)message_int(m, "done");
  s->epoch = (size_t)message_int(m, "epoch");
  s->epochs = (size_t)message_int(m, "epochs");
  s->loss = message_number(m, "loss");
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
  running_stage *live = running_find(&c->running, stage);
  if (live != NULL) {
    heard_of(c, live);
    learn_pace(c, live);
  }
  return record_metrics(c->record, stage, m);
}

static void on_waiting(coordinator *c, int from, const json_t *m, int stage) {
  running_stage *s = running_find(&c->running, stage);
  if (s != NULL && s->attempt == message_int(m, "attempt")) running_waits(s, from, rs_clock_now());
}

static rs_status on_stop_asked(coordinator *c, int from, const json_t *m) {
  char reason[128];
  if (c->stop_sent) return RS_OK;
  snprintf(reason, sizeof reason, "rank %d %s", from, message_text(m, "reason"));
  return coordinator_stop(c, reason);
}

static rs_status take(coordinator *c, int from, const json_t *m) {
  int stage = (int)message_int(m, "stage");
  if (message_is(m, "hello")) {
    rs_logf(c->options->log, RS_LOG_DEBUG, "rank %d on %s, %lld cores", from,
            rs_transport_host(c->transport, from), message_int(m, "cpus"));
    return RS_OK;
  }
  if (message_is(m, "idle"))
    return rs_sched_event(c->sched, &(rs_event){.kind = RS_EVENT_WORKER_IDLE, .worker = from});
  if (message_is(m, "stop-asked")) return on_stop_asked(c, from, m);
  if (stage < 0 || (size_t)stage >= rs_plan_stages(c->plan))
    return rs_fail(RS_ERR_INTERNAL, "rank %d speaks of stage %d, which is not planned", from,
                   stage);
  if (message_is(m, "result")) return on_result(c, from, m, stage);
  if (message_is(m, "metrics")) return on_metrics(c, m, stage);
  if (message_is(m, "progress")) on_progress(c, m, stage);
  if (message_is(m, "waiting")) on_waiting(c, from, m, stage);
  if (message_is(m, "warning")) on_warning(c, m, stage);
  return RS_OK;
}

void coordinator_give_up(coordinator *c, rs_status status) {
  if (c->status != RS_OK) return;
  c->status = status;
  snprintf(c->message, sizeof c->message, "%s", rs_error_message());
  if (rs_sched_event(c->sched, &(rs_event){.kind = RS_EVENT_STOP}) == RS_OK)
    (void)!coordinator_carry_out_all(c);
}

void coordinator_receive(void *user, int from, const char *text) {
  coordinator *c = user;
  json_t *message;
  rs_status status = message_parse(text, &message);
  if (status == RS_OK) status = take(c, from, message);
  json_decref(message);
  /* In one process a whole stage passes inside a poll: its messages are the only occasions. */
  bool alone = rs_transport_size(c->transport) == 1;
  if (status == RS_OK && c->status == RS_OK && alone) status = coordinator_housekeeping(c);
  if (status != RS_OK) coordinator_give_up(c, status);
}
