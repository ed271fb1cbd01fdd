#include "worker.h"

#include "tables/artifacts.h"
#include "message.h"
#include "ranksweep/run.h"

#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct rs_worker {
  rs_transport *transport;
  rs_runner *runner;
  const rs_experiment *kind;
  rs_comm *node;
  json_t *order; /* the start message that waits, or NULL */
  int stage;     /* running, -1: none */
  bool stop, ended;
  const char *(*stop_asked)(void *user); /* may be NULL */
  void *user;
  bool stop_told;
  rs_status status; /* first failure while a message was taken */
};

rs_status rs_worker_create(rs_transport *t, rs_comm *node, rs_worker **out) {
  RS_TRY(rs_new(out, 1, sizeof **out));
  (*out)->transport = t;
  (*out)->node = node;
  (*out)->stage = -1;
  return RS_OK;
}

void rs_worker_destroy(rs_worker *w) {
  if (w == NULL) return;
  rs_runner_destroy(w->runner);
  json_decref(w->order);
  free(w);
}

bool rs_worker_ended(const rs_worker *w) {
  return w->ended;
}

/* ---- taking messages ------------------------------------------------------------------------ */

static rs_status set_up(rs_worker *w, const json_t *message) {
  w->kind = rs_experiment_find(message_text(message, "kind"));
  if (w->kind == NULL)
    return rs_fail(RS_ERR_INTERNAL, "no experiment kind \"%s\" on rank %d",
                   message_text(message, "kind"), rs_transport_rank(w->transport));
  return rs_runner_create(message_text(message, "directory"), &w->runner);
}

static rs_status share_data(rs_worker *w, const json_t *message) {
  rs_settings *settings;
  RS_TRY(rs_settings_from_json(&w->kind->schema, message_text(message, "settings"), &settings));
  rs_runner_share(w->runner, w->kind, settings, w->node);
  rs_settings_destroy(settings);
  return RS_OK;
}

static rs_status take(rs_worker *w, json_t *message) {
  if (message_is(message, "setup")) return set_up(w, message);
  if (message_is(message, "data")) return share_data(w, message);
  if (message_is(message, "start")) {
    RS_ASSERT(w->order == NULL);
    w->order = json_incref(message);
    w->stop = false;
  } else if (message_is(message, "stop")) {
    w->stop |=
        message_int(message, "stage") == w->stage ||
        (w->order != NULL && message_int(w->order, "stage") == message_int(message, "stage"));
  } else if (message_is(message, "end")) {
    w->ended = true;
  }
  return RS_OK;
}

void rs_worker_receive(void *worker, int from, const char *text) {
  rs_worker *w = worker;
  json_t *message;
  (void)from;
  rs_status status = message_parse(text, &message);
  if (status == RS_OK) status = take(w, message);
  if (w->status == RS_OK) w->status = status;
  json_decref(message);
}

/* ---- what a running stage tells ------------------------------------------------------------- */

static json_t *named_values(const rs_metric_value *values, size_t n) {
  json_t *object = json_object();
  for (size_t i = 0; i < n; i++)
    json_object_set_new(object, values[i].name, message_real(values[i].value));
  return object;
}

static rs_status on_metrics(void *user, const rs_stage_task *task, size_t epoch, uint64_t step,
                            double seconds, const rs_metric_value *values, size_t n) {
  rs_worker *w = user;
  return message_send(w->transport, 0,
                      json_pack("{s:s, s:i, s:I, s:I, s:o, s:o}", "is", "metrics", "stage",
                                task->stage, "epoch", (json_int_t)epoch, "step", (json_int_t)step,
                                "seconds", message_real(seconds), "values",
                                named_values(values, n)));
}

static rs_status on_progress(void *user, const rs_stage_task *task, const rs_stage_progress *p) {
  rs_worker *w = user;
  return message_send(w->transport, 0,
                      json_pack("{s:s, s:i, s:I, s:I, s:I, s:I, s:o}", "is", "progress", "stage",
                                task->stage, "done", (json_int_t)p->done, "total",
                                (json_int_t)p->total, "epoch", (json_int_t)p->epoch, "epochs",
                                (json_int_t)p->epochs, "loss", message_real(p->loss)));
}

/* What the system asks of one rank holds for the run: the coordinator stops it. */
static rs_status tell_stop(rs_worker *w) {
  const char *reason = w->stop_asked != NULL && !w->stop_told ? w->stop_asked(w->user) : NULL;
  if (reason == NULL) return RS_OK;
  w->stop_told = true;
  return message_send(w->transport, 0,
                      json_pack("{s:s, s:s}", "is", "stop-asked", "reason", reason));
}

/* A message that is lost is missed no more than the rank itself. */
static void on_waiting(void *user, const rs_stage_task *task, double seconds) {
  rs_worker *w = user;
  (void)!tell_stop(w);
  (void)!message_send(w->transport, 0,
                      json_pack("{s:s, s:i, s:i, s:f}", "is", "waiting", "stage", task->stage,
                                "attempt", task->attempt, "seconds", seconds));
}

static rs_status on_warning(void *user, const rs_stage_task *task, const char *text) {
  rs_worker *w = user;
  return message_send(
      w->transport, 0,
      json_pack("{s:s, s:i, s:s}", "is", "warning", "stage", task->stage, "text", text));
}

static bool on_stop(void *user) {
  rs_worker *w = user;
  if (tell_stop(w) != RS_OK) return true;
  rs_status status = rs_transport_poll(w->transport, 0, rs_worker_receive, w);
  return w->stop || w->ended || status != RS_OK;
}

/* ---- running a stage ------------------------------------------------------------------------ */

/* Threads of a rank that the coordinator left to us: the cores that this process may use. */
static int own_threads(const rs_settings *settings) {
  int threads = (int)rs_settings_int(settings, "resources.threads_per_rank");
  if (threads > 0) return threads;
  cpu_set_t cores;
  CPU_ZERO(&cores);
  return sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
}

static rs_status join_group(const json_t *order, rs_comm **comm) {
  const json_t *members = json_object_get(order, "workers");
  int n = (int)json_array_size(members);
  if (n <= 1) return rs_comm_create_solo(comm);
  int *ranks;
  RS_TRY(rs_new(&ranks, (size_t)n, sizeof *ranks));
  for (int i = 0; i < n; i++)
    ranks[i] = (int)json_integer_value(json_array_get(members, (size_t)i));
  rs_status status = rs_comm_create_group(ranks, n, (int)message_int(order, "stage") % 30000, comm);
  free(ranks);
  return status;
}

static rs_status read_task(rs_worker *w, const json_t *order, rs_stage_task *task,
                           rs_settings **settings) {
  *task = (rs_stage_task){.stage = (int)message_int(order, "stage"),
                          .attempt = (int)message_int(order, "attempt"),
                          .kind = w->kind,
                          .step = (int)message_int(order, "step")};
  RS_TRY(rs_settings_from_json(&w->kind->schema, message_text(order, "settings"), settings));
  task->settings = *settings;
  task->threads = own_threads(*settings);
  task->has_parent = rs_id_parse(message_text(order, "parent"), &task->parent);
  if (!rs_id_parse(message_text(order, "identity"), &task->identity))
    return rs_fail(RS_ERR_INTERNAL, "a stage without identity");
  return RS_OK;
}

static json_t *artifact_notes(const rs_stage_report *r) {
  json_t *list = json_array();
  for (size_t i = 0; i < r->n_artifacts; i++) {
    const rs_artifact_note *a = &r->artifacts[i];
    json_array_append_new(list, artifact_note(a->name, a->long_name, a->bytes, a->checksum));
  }
  return list;
}

static rs_status send_result(rs_worker *w, const rs_stage_task *task, const rs_stage_report *r) {
  return message_send(
      w->transport, 0,
      json_pack("{s:s, s:i, s:i, s:i, s:s, s:f, s:f, s:o, s:b, s:i, s:i, s:f, s:i, s:o}", "is",
                "result", "stage", task->stage, "attempt", task->attempt, "status", (int)r->status,
                "message", r->message, "seconds", r->seconds, "waited", r->wait_seconds, "finals",
                named_values(r->finals, r->n_finals), "output", (int)r->has_output, "threads",
                task->threads, "damaged", r->damaged_checkpoints, "checkpoints",
                r->checkpoint_seconds, "files_failed", (int)r->files_failed, "artifacts",
                artifact_notes(r)));
}

rs_status rs_worker_run_pending(rs_worker *w) {
  RS_TRY(w->status);
  if (w->order == NULL) return RS_OK;
  json_t *order = w->order;
  rs_settings *settings = NULL;
  rs_comm *comm = NULL;
  rs_stage_task task;
  rs_stage_report report;
  const rs_run_events events = {w, on_metrics, on_progress, on_stop, on_waiting, on_warning};
  w->order = NULL;
  rs_status status = read_task(w, order, &task, &settings);
  if (status == RS_OK) status = join_group(order, &comm);
  if (status == RS_OK) {
    w->stage = task.stage;
    rs_runner_run(w->runner, &task, comm, &events, &report);
    w->stage = -1;
    bool root = rs_comm_rank(comm) == 0;
    rs_comm_destroy(comm);
    status = root ? send_result(w, &task, &report)
                  : message_send(w->transport, 0, json_pack("{s:s}", "is", "idle"));
  }
  rs_settings_destroy(settings);
  json_decref(order);
  return status;
}

/* ---- the loop ------------------------------------------------------------------------------- */

static rs_status greet(rs_worker *w) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  sched_getaffinity(0, sizeof cores, &cores);
  return message_send(
      w->transport, 0,
      json_pack("{s:s, s:i, s:i}", "is", "hello", "pid", (int)getpid(), "cpus", CPU_COUNT(&cores)));
}

rs_status rs_work(rs_transport *t, rs_comm *node, const char *(*stop)(void *user), void *user) {
  enum { IDLE_SECONDS = 1 };
  rs_worker *w;
  RS_TRY(rs_worker_create(t, node, &w));
  w->stop_asked = stop;
  w->user = user;
  rs_status status = greet(w);
  while (status == RS_OK && !rs_worker_ended(w)) {
    status = rs_transport_poll(t, IDLE_SECONDS, rs_worker_receive, w);
    if (status == RS_OK) status = tell_stop(w);
    if (status == RS_OK) status = rs_worker_run_pending(w);
  }
  if (status == RS_OK) rs_worker_destroy(w); /* else the others have no end to come to */
  return status;
}
