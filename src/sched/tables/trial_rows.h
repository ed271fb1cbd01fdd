/* Rows of /trials. */
#ifndef RANKSWEEP_SCHED_TRIAL_ROWS_H
#define RANKSWEEP_SCHED_TRIAL_ROWS_H

#include "record/stage_rows.h"

typedef struct trial_rows trial_rows;

rs_status trial_rows_create(const rs_job *job, const rs_experiment *kind,
                            trial_rows **out) RS_MUST_CHECK;
void trial_rows_destroy(trial_rows *t);
rs_table *trial_rows_table(const trial_rows *t);

/* In order of their index in the plan. */
rs_status trial_rows_add(trial_rows *t, const rs_trial *trial) RS_MUST_CHECK;

/* The outcome is known; STAGE decided it. */
rs_status trial_rows_end(trial_rows *t, const stage_rows *stages, const rs_trial *trial,
                         rs_outcome outcome, int stage) RS_MUST_CHECK;

/* Bring the rows of undecided trials up to date with their stages: which runs, failed before, was
 * stopped. */
rs_status trial_rows_refresh(trial_rows *t, const stage_rows *stages) RS_MUST_CHECK;

/* A final metric; NaN when there is none. */
double trial_rows_final(const trial_rows *t, size_t trial, const char *metric);

#endif
