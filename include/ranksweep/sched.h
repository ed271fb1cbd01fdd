/* sched: who runs what, when. A pure state machine, and the coordinator, workers and transports around it. */
#ifndef RANKSWEEP_SCHED_H
#define RANKSWEEP_SCHED_H

#include "ranksweep/base.h"

/* ---- the state machine ---------------------------------------------------------------------- */

/* Events in, commands out: no clock, no MPI, no files, no allocation but its own tables. The same events in the
 * same order give the same commands. Stages are numbered as they are added, parents first; trials too. Workers
 * are MPI ranks 1..N (0 for the coordinator's own process when it works alone).
 *
 * Rules:
 *  - A stage becomes ready when its parent is done. It runs on a group of `ranks` idle workers; the group's
 *    first member is the root. A stage that wants more ranks than there are living workers gets those.
 *  - Ready stages start in order of priority: most expensive remaining path first (see rs_sched_add_stage),
 *    then lower index. A stage is preferred on a worker that holds its parent's result in memory (the root
 *    of the group that ran the parent), when that worker is idle; it does not wait for it.
 *  - A big group is not starved by small stages: when the first ready stage does not fit, workers are held free
 *    for it, unless it could not start sooner that way.
 *  - A stage that fails is tried again up to `max_attempts` times in all, after other ready stages; then it has
 *    failed and so has every trial whose chain holds it; its descendants are never started.
 *  - Losing a worker while a stage runs on it counts as an attempt of that stage only; the group's other members
 *    become idle when they report (RS_EVENT_WORKER_IDLE).
 *  - A trial is done when the last stage of its chain is done: exactly one RS_COMMAND_TRIAL a trial, exactly one
 *    RS_COMMAND_STAGE_END a stage that ended.
 *  - After RS_EVENT_STOP nothing starts; running stages are asked to stop (RS_COMMAND_STOP, once each); when none
 *    runs, RS_COMMAND_FINISHED.
 *  - RS_COMMAND_FINISHED comes once, when nothing runs and nothing can start any more and no trial will be added
 *    (RS_EVENT_NO_MORE_TRIALS has come), or after a stop, or when no worker is left. */
typedef enum rs_event_kind {
  RS_EVENT_WORKER_JOINED, /* worker */
  RS_EVENT_WORKER_IDLE,   /* worker: left its group (also after its stage ended) and can take work */
  RS_EVENT_WORKER_LOST,   /* worker */
  RS_EVENT_STAGE_DONE,    /* stage: reported by its root */
  RS_EVENT_STAGE_FAILED,  /* stage */
  RS_EVENT_STAGE_FATAL,   /* stage failed in a way that a second attempt cannot mend (bad data) */
  RS_EVENT_STAGE_STOPPED, /* stage: checkpointed and left on request */
  RS_EVENT_NO_MORE_TRIALS,
  RS_EVENT_STOP
} rs_event_kind;

typedef struct rs_event {
  rs_event_kind kind;
  int worker; /* where it applies */
  int stage;
} rs_event;

typedef enum rs_command_kind {
  RS_COMMAND_START,     /* stage, workers[n_workers], attempt: run it on this group */
  RS_COMMAND_STOP,      /* stage, workers: ask the group to checkpoint and leave */
  RS_COMMAND_STAGE_END, /* stage, outcome */
  RS_COMMAND_TRIAL,     /* trial, outcome; stage: the one that decided it */
  RS_COMMAND_FINISHED
} rs_command_kind;

typedef enum rs_outcome { RS_PENDING, RS_RUNNING, RS_DONE, RS_FAILED, RS_STOPPED } rs_outcome;

typedef struct rs_command {
  rs_command_kind kind;
  int stage, trial, attempt; /* attempt counts from 1 */
  rs_outcome outcome;
  const int *workers; /* valid until the next call on the scheduler */
  int n_workers;
} rs_command;

typedef struct rs_sched rs_sched;

rs_status rs_sched_create(int max_attempts, rs_sched **out) RS_MUST_CHECK;
void rs_sched_destroy(rs_sched *s);

/* Add a stage: PARENT is its index or -1, RANKS the group's size wanted (>= 1), COST any number proportional to its
 * time, STATE RS_PENDING, or RS_DONE/RS_FAILED when the journal says so, ATTEMPTS already used. Its index in *OUT. */
rs_status rs_sched_add_stage(rs_sched *s, int parent, int ranks, double cost, rs_outcome state,
                             int attempts, int *out) RS_MUST_CHECK;

/* Add a trial that ends with stage LAST. One whose outcome is known already (its last stage is done, or one of its
 * chain failed) gives its RS_COMMAND_TRIAL at the next rs_sched_next. */
rs_status rs_sched_add_trial(rs_sched *s, int last, int *out) RS_MUST_CHECK;

/* Hand over an event. One that does not fit the state (a stage that is not running reports done, an unknown worker)
 * is RS_ERR_INTERNAL and changes nothing. */
rs_status rs_sched_event(rs_sched *s, const rs_event *event) RS_MUST_CHECK;

/* The next command, false when there is none until the next event. */
bool rs_sched_next(rs_sched *s, rs_command *out);

/* For displays: numbers of stages and trials in each outcome, workers idle and living. */
typedef struct rs_sched_counts {
  int stages[5], trials[5]; /* by rs_outcome */
  int workers, idle;
} rs_sched_counts;
void rs_sched_count(const rs_sched *s, rs_sched_counts *out);
rs_outcome rs_sched_stage_state(const rs_sched *s, int stage);
int rs_sched_stage_attempts(const rs_sched *s, int stage);
double rs_sched_cost_left(const rs_sched *s); /* sum over stages not yet ended that can still run */

#endif
