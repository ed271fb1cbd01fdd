/* The tables of a results file, kept up to date as things happen. */
#ifndef RANKSWEEP_SCHED_TABLES_H
#define RANKSWEEP_SCHED_TABLES_H

#include "ranksweep/exp.h"
#include "ranksweep/plan.h"
#include "ranksweep/sched.h"

#include <jansson.h>

typedef struct tables tables;

rs_status tables_create(const rs_job *job, const rs_experiment *kind, tables **out) RS_MUST_CHECK;
void tables_destroy(tables *t);

rs_status tables_add_start(tables *t, const json_t *provenance) RS_MUST_CHECK;

/* Stages and trials are added in order of their index in the plan. */
rs_status tables_add_stage(tables *t, const rs_stage *stage) RS_MUST_CHECK;
rs_status tables_add_trial(tables *t, const rs_trial *trial) RS_MUST_CHECK;
size_t tables_stages(const tables *t);
rs_id tables_identity(const tables *t, int stage);

/* Fill in what a journal knows of STAGE (see past_stage, past_attempts). */
rs_status tables_recall(tables *t, int stage, const json_t *known, int attempts) RS_MUST_CHECK;
rs_outcome tables_stage_state(const tables *t, int stage, int *attempts);
const char *tables_message(const tables *t, int stage);

void tables_begin(tables *t, int stage, int attempt, int ranks);
rs_status tables_add_metrics(tables *t, int stage, const json_t *message) RS_MUST_CHECK;
rs_status tables_set_result(tables *t, int stage, const json_t *result) RS_MUST_CHECK;
/* Marks the end and returns what a journal should say of it; NULL: out of memory. */
json_t *tables_end(tables *t, int stage, rs_outcome outcome);
rs_status tables_end_trial(tables *t, const rs_trial *trial, rs_outcome outcome,
                           int stage) RS_MUST_CHECK;
double tables_final(const tables *t, size_t trial, const char *metric);

/* Write them all, and how the run stands, as the results file PATH. DIRECTORY holds the stages'
 * outputs, beside it. */
rs_status tables_write(tables *t, const char *path, const char *directory, const char *created,
                       const char *state, const rs_run_view *view) RS_MUST_CHECK;

/* "pending", "running", ...; and back (RS_PENDING for an unknown word). */
const char *outcome_text(rs_outcome outcome);
rs_outcome outcome_parse(const char *text);

#endif
