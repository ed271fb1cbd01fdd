/* Coordinator and worker in one process. The coordinator's messages wait in a queue; its poll hands
 * each to the worker, who answers straight into the coordinator's receiver. */
#include "transport.h"
#include "worker.h"

#include <stdlib.h>

typedef struct local_transport {
  rs_transport base;
  rs_worker *worker;
  rs_comm *node;
  bool in_worker;     /* the worker is running: it sends to the coordinator, and polls for itself */
  rs_receive receive; /* the coordinator's, while it polls */
  void *user;
  char **queue; /* to the worker */
  size_t first, count, cap;
} local_transport;

static void destroy(rs_transport *t) {
  local_transport *local = (local_transport *)t;
  rs_worker_destroy(local->worker);
  rs_comm_destroy(local->node);
  for (size_t i = local->first; i < local->count; i++) free(local->queue[i]);
  free(local->queue);
  free(local->base.nodes);
  free(local);
}

static rs_status enqueue(local_transport *local, const char *text) {
  RS_TRY(rs_grow(&local->queue, &local->cap, local->count + 1, sizeof *local->queue));
  RS_TRY(rs_strdup(&local->queue[local->count], text));
  local->count++;
  return RS_OK;
}

/* The next message to the worker, or NULL; the caller's to free. */
static char *dequeue(local_transport *local) {
  if (local->first == local->count) return NULL;
  char *text = local->queue[local->first++];
  if (local->first == local->count) local->first = local->count = 0;
  return text;
}

static rs_status send(rs_transport *t, int to, const char *text) {
  local_transport *local = (local_transport *)t;
  (void)to;
  if (!local->in_worker) return enqueue(local, text);
  local->in_worker = false; /* the coordinator's code runs now, and may send */
  local->receive(local->user, 0, text);
  local->in_worker = true;
  return RS_OK;
}

/* The worker looks for a word from the coordinator in the middle of a stage. */
static void poll_for_worker(local_transport *local, rs_receive receive, void *user) {
  for (char *text; (text = dequeue(local)) != NULL; free(text)) receive(user, 0, text);
}

static rs_status poll(rs_transport *t, double seconds, rs_receive receive, void *user) {
  local_transport *local = (local_transport *)t;
  if (local->in_worker) {
    poll_for_worker(local, receive, user);
    return RS_OK;
  }
  local->receive = receive;
  local->user = user;
  char *text = dequeue(local);
  if (text == NULL) {
    rs_clock_sleep(seconds);
    return RS_OK;
  }
  local->in_worker = true;
  rs_worker_receive(local->worker, 0, text);
  rs_status status = rs_worker_run_pending(local->worker);
  local->in_worker = false;
  free(text);
  return status;
}

rs_status rs_transport_create_local(rs_transport **out) {
  static const rs_transport_ops ops = {destroy, send, poll};
  local_transport *local;
  *out = NULL;
  RS_TRY(rs_new(&local, 1, sizeof *local));
  local->base =
      (rs_transport){.ops = &ops, .rank = 0, .size = 1, .first_worker = 0, .n_workers = 1};
  rs_status status = rs_new(&local->base.nodes, 1, sizeof *local->base.nodes);
  if (status == RS_OK) node_look(local->base.nodes);
  if (status == RS_OK) status = rs_comm_create_solo(&local->node);
  if (status == RS_OK) status = rs_worker_create(&local->base, local->node, &local->worker);
  if (status != RS_OK) {
    destroy(&local->base);
    return status;
  }
  *out = &local->base;
  return RS_OK;
}
