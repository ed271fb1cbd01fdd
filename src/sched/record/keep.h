/* Which outputs of stages may go: `checkpoint.keep`. Pure, as the state machine is: it is told what
 * happens and says what may be removed.
 *
 * Under `best K` the K best done trials (equal values: the lower trial) keep their models and what
 * stages after these left, under `none` no stage keeps its output; any other output goes as soon as
 * no stage that is still to be done, and no undecided trial, needs it. Under `final` and `last K`
 * nothing goes. */
#ifndef RANKSWEEP_SCHED_KEEP_H
#define RANKSWEEP_SCHED_KEEP_H

#include "ranksweep/job.h"

typedef struct keeper keeper;

/* MAXIMIZE: are greater values of the objective the better ones? */
rs_status keep_create(rs_checkpoint_keep policy, bool maximize, keeper **out) RS_MUST_CHECK;
void keep_destroy(keeper *k);

/* Stages and trials are added in order of their index, parents first. OPEN: the stage has still to
 * be done. OUTPUT: it has left one that is there. */
rs_status keep_add_stage(keeper *k, int parent, bool open, bool output) RS_MUST_CHECK;
/* A trial ends with stage LAST; MODEL, which is LAST or above it, leaves its model. */
rs_status keep_add_trial(keeper *k, int model, int last) RS_MUST_CHECK;

/* A stage has to be done again, for its output is not there. */
void keep_stage_redo(keeper *k, int stage);
/* A stage is done or has failed. */
void keep_stage_end(keeper *k, int stage, bool output);
/* A trial is done, with the value of its objective (NaN: worse than any other), or has failed. */
void keep_trial_end(keeper *k, int trial, bool done, double value);

/* The next output that may go, taken as gone from now on; false: none. */
bool keep_next(keeper *k, int *stage);

#endif
