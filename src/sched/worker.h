/* A worker: takes orders as texts, runs stages, answers. */
#ifndef RANKSWEEP_SCHED_WORKER_H
#define RANKSWEEP_SCHED_WORKER_H

#include "ranksweep/sched.h"

typedef struct rs_worker rs_worker;

rs_status rs_worker_create(rs_transport *t, rs_comm *node, rs_worker **out) RS_MUST_CHECK;
void rs_worker_destroy(rs_worker *w);

/* An rs_receive: note what the coordinator says. */
void rs_worker_receive(void *worker, int from, const char *text);

/* Run the stage that a message asked for, if any. Its failure is reported, not returned; returned
 * is what makes the worker itself useless. */
rs_status rs_worker_run_pending(rs_worker *w) RS_MUST_CHECK;

bool rs_worker_ended(const rs_worker *w);

#endif
