/* Rows of /stages, and what else is known of each stage. */
#ifndef RANKSWEEP_SCHED_STAGE_ROWS_H
#define RANKSWEEP_SCHED_STAGE_ROWS_H

#include "ranksweep/exp.h"
#include "ranksweep/plan.h"
#include "ranksweep/sched.h"
#include "ranksweep/store.h"

#include <jansson.h>

typedef struct stage_rows stage_rows;

rs_status stage_rows_create(stage_rows **out) RS_MUST_CHECK;
void stage_rows_destroy(stage_rows *s);
rs_table *stage_rows_table(const stage_rows *s);

/* In order of their index in the plan. */
rs_status stage_rows_add(stage_rows *s, const rs_stage *stage) RS_MUST_CHECK;
size_t stage_rows_count(const stage_rows *s);

/* ---- what happens --------------------------------------------------------------------------- */

/* What a journal knows, as for tables_recall, but for the metrics. */
rs_status stage_rows_recall(stage_rows *s, int stage, const json_t *known,
                            int attempts) RS_MUST_CHECK;
void stage_rows_begin(stage_rows *s, int stage, int attempt, int ranks);
/* Rows of metrics have come as far as EPOCH. */
void stage_rows_trained(stage_rows *s, int stage, int64_t epoch);
/* What the worker said at the end of the last attempt. */
rs_status stage_rows_result(stage_rows *s, int stage, const json_t *result) RS_MUST_CHECK;
/* Marks the end and returns what a journal should say of it; NULL: out of memory. */
json_t *stage_rows_end(stage_rows *s, int stage, rs_outcome outcome);

/* ---- outputs -------------------------------------------------------------------------------- */

/* Is what a done stage left there, or is it gone? Neither when it left nothing. */
bool stage_rows_has_output(const stage_rows *s, int stage);
bool stage_rows_lacks_output(const stage_rows *s, int stage);
/* A snapshot links to it. */
void stage_rows_link_output(stage_rows *s, int stage);
/* It is gone. Returns whether the last snapshot links to it. */
bool stage_rows_drop_output(stage_rows *s, int stage);

/* The stage runs again for what it left; all that is known of it stays as it is. Until it is there
 * again stage_rows_is_redone() holds. */
void stage_rows_redo(stage_rows *s, int stage);
bool stage_rows_is_redone(const stage_rows *s, int stage);
/* The files that it left for people were written again. */
void stage_rows_set_artifacts(stage_rows *s, int stage, json_t *artifacts);
/* How that went. */
rs_status stage_rows_redone(stage_rows *s, int stage, bool done, const char *message) RS_MUST_CHECK;

/* ---- what is known -------------------------------------------------------------------------- */

rs_outcome stage_rows_state(const stage_rows *s, int stage);
rs_id stage_rows_identity(const stage_rows *s, int stage);
int stage_rows_parent(const stage_rows *s, int stage); /* -1: none */
int64_t stage_rows_attempts(const stage_rows *s, int stage);
int64_t stage_rows_epochs(const stage_rows *s, int stage);
double stage_rows_seconds(const stage_rows *s, int stage);
int64_t stage_rows_ranks(const stage_rows *s, int stage);
int64_t stage_rows_threads(const stage_rows *s, int stage);
/* Of the last failed attempt, "" when none. */
const char *stage_rows_message(const stage_rows *s, int stage);
/* {name: value} of the last attempt that gave a result; NULL: none. */
json_t *stage_rows_finals(const stage_rows *s, int stage);
/* The list of artifacts.h of a done stage; NULL: none. */
json_t *stage_rows_artifacts(const stage_rows *s, int stage);

/* "pending", "running", ...; and back (RS_PENDING for an unknown word). */
const char *outcome_text(rs_outcome outcome);
rs_outcome outcome_parse(const char *text);

#endif
