#include "transport.h"

void rs_transport_destroy(rs_transport *t) {
  if (t != NULL) t->ops->destroy(t);
}

int rs_transport_rank(const rs_transport *t) {
  return t->rank;
}

int rs_transport_size(const rs_transport *t) {
  return t->size;
}

void rs_transport_workers(const rs_transport *t, int *first, int *count) {
  *first = t->first_worker;
  *count = t->n_workers;
}

const char *rs_transport_host(const rs_transport *t, int rank) {
  return t->nodes[rank].host;
}

const char *rs_transport_processor(const rs_transport *t, int rank) {
  return t->nodes[rank].processor;
}

rs_status rs_transport_send(rs_transport *t, int to, const char *text) {
  return t->ops->send(t, to, text);
}

rs_status rs_transport_poll(rs_transport *t, double seconds, rs_receive receive, void *user) {
  return t->ops->poll(t, seconds, receive, user);
}
