/* The tables of a results file, kept up to date as things happen. */
#ifndef RANKSWEEP_SCHED_TABLES_H
#define RANKSWEEP_SCHED_TABLES_H

#include "record/stage_rows.h"

#include <jansson.h>

typedef struct tables tables;

/* SHARE: of the job, as in rs_results; outlives the tables. */
rs_status tables_create(const rs_job *job, const rs_experiment *kind, const char *share,
                        tables **out) RS_MUST_CHECK;
void tables_destroy(tables *t);

rs_status tables_add_start(tables *t, const json_t *provenance) RS_MUST_CHECK;

/* Stages and trials are added in order of their index in the plan. */
rs_status tables_add_stage(tables *t, const rs_stage *stage) RS_MUST_CHECK;
rs_status tables_add_trial(tables *t, const rs_trial *trial) RS_MUST_CHECK;

/* The rows of /stages: what happens to a stage is told them. */
stage_rows *tables_stages(tables *t);

/* Fill in what a journal knows of STAGE (see past_stage, past_attempts). */
rs_status tables_recall(tables *t, int stage, const json_t *known, int attempts) RS_MUST_CHECK;

rs_status tables_add_metrics(tables *t, int stage, const json_t *message) RS_MUST_CHECK;
/* What a stage left is gone. Returns whether the last snapshot links to it. */
bool tables_drop_output(tables *t, int stage);

rs_status tables_end_trial(tables *t, const rs_trial *trial, rs_outcome outcome,
                           int stage) RS_MUST_CHECK;
double tables_final(const tables *t, size_t trial, const char *metric);

/* Write them all, and how the run stands, as the results file PATH. DIRECTORY holds the stages'
 * outputs, beside it. */
rs_status tables_write(tables *t, const char *path, const char *directory, const char *created,
                       const char *state, const rs_run_view *view) RS_MUST_CHECK;

#endif
