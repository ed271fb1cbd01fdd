/* Stages that run now: how far they are, and since when nothing was heard of them. No clock: NOW is
 * in seconds, as rs_clock_now gives them. */
#ifndef RANKSWEEP_SCHED_RUNNING_H
#define RANKSWEEP_SCHED_RUNNING_H

#include "ranksweep/sched.h"

typedef struct running_stage {
  int stage, trial, attempt; /* trial: the first that needs it */
  const char *name;
  int n_workers, *workers; /* the root first */
  double *waiting;         /* by worker: when it last said that it waits for others; -INFINITY */
  double began, heard;     /* heard: the last sign of headway */
  double epoch_ended;      /* the last one that did; else as began */
  double fraction, loss;
  uint64_t step; /* of the stage */
  size_t epoch, epochs;
  bool warned; /* of the present silence */
} running_stage;

typedef struct running {
  running_stage *list;
  size_t count, cap;
  rs_running_view *views;
  size_t cap_views;
} running;

void running_free(running *r);

/* A group begins an attempt. */
rs_status running_begin(running *r, const rs_command *start, const char *name, int trial,
                        double now) RS_MUST_CHECK;
/* NULL: STAGE does not run. Valid until the next begin or end. */
running_stage *running_find(running *r, int stage);
void running_end(running *r, int stage);

/* For displays; valid until the next call. */
rs_status running_views(running *r, double now, const rs_running_view **out) RS_MUST_CHECK;

/* ---- stalls --------------------------------------------------------------------------------- */

/* It makes headway. True: a silence that was warned of is over. */
bool running_heard(running_stage *s, double now);
/* Member RANK waits for the others, inside a collective. */
void running_waits(running_stage *s, int rank, double now);

typedef enum stall { STALL_NONE, STALL_WARN, STALL_OVER } stall;

/* Has S been silent for half of LIMIT seconds (STALL_WARN, once a silence), or for all of it
 * (STALL_OVER)? LIMIT 0: there is none. */
stall running_stall(running_stage *s, double now, double limit);
/* The members that have given no sign of waiting for the others: they hold them up. When all have,
 * or none, all are in it. Writes at most n_workers to MISSING; returns their number. */
int running_missing(const running_stage *s, double now, int *missing);

#endif
