/* What a transport provides. */
#ifndef RANKSWEEP_SCHED_TRANSPORT_H
#define RANKSWEEP_SCHED_TRANSPORT_H

#include "ranksweep/sched.h"

#include "node.h"

typedef struct rs_transport_ops {
  void (*destroy)(rs_transport *t);
  rs_status (*send)(rs_transport *t, int to, const char *text);
  rs_status (*poll)(rs_transport *t, double seconds, rs_receive receive, void *user);
} rs_transport_ops;

/* First member of every transport. */
struct rs_transport {
  const rs_transport_ops *ops;
  int rank, size, first_worker, n_workers;
  node *nodes; /* by rank; free() */
};

#endif
