/* What the coordinator keeps: the journal as the truth, and the tables and snapshots made from it.
 */
#ifndef RANKSWEEP_SCHED_RECORD_H
#define RANKSWEEP_SCHED_RECORD_H

#include "ranksweep/exp.h"
#include "ranksweep/plan.h"
#include "ranksweep/sched.h"

#include <jansson.h>

typedef struct rs_record rs_record;

/* Open the record of the results that OPTIONS name, reading an earlier journal. `fresh` moves
 * earlier results aside first. Results of another job, of settings that change finished work,
 * of other data, without a journal, in use by another run, of another program or of a newer version
 * are RS_ERR_CONFLICT. A damaged results file beside its journal is moved aside: the journal is the
 * truth. SHARE: what the results are of the job (see share.h; NULL: all of it), taken over; earlier
 * ones of another share are RS_ERR_CONFLICT.
 *
 * When the journal cannot be written, nothing is written any more, snapshots included: later
 * records would make sense of what is missing. */
rs_status record_open(const rs_coordinate_options *options, json_t *share,
                      rs_record **out) RS_MUST_CHECK;
/* Move what there is under RESULTS' names aside; RS_ERR_CONFLICT when another run writes it. */
rs_status record_set_aside(const char *results, const rs_log *log) RS_MUST_CHECK;
void record_close(rs_record *r); /* takes NULL; without a last snapshot */

double record_seconds(const rs_record *r);        /* spent in the journal and snapshots so far */
const char *record_directory(const rs_record *r); /* RESULTS.ckpt, for stages' outputs */

/* Rows of /provenance for earlier starts. */
rs_status record_past_starts(rs_record *r) RS_MUST_CHECK;
/* One row of /provenance; PROVENANCE is taken over. */
rs_status record_start(rs_record *r, json_t *provenance) RS_MUST_CHECK;

/* Rows for a new trial and for those of its stages that are new. */
rs_status record_add_trial(rs_record *r, const rs_plan *plan, const rs_trial *trial) RS_MUST_CHECK;

/* What the journal knows of a stage: RS_PENDING, RS_DONE or RS_FAILED, and the attempts used. */
rs_outcome record_known(const rs_record *r, int stage, int *attempts);
/* Stages that the journal knows as done and no trial so far has. */
size_t record_left_out(const rs_record *r);

/* TRIAL: the first that needs the stage. START: the command that starts it. */
rs_status record_begin(rs_record *r, const rs_stage *stage, int trial,
                       const rs_command *start) RS_MUST_CHECK;
rs_status record_metrics(rs_record *r, int stage, const json_t *message) RS_MUST_CHECK;
/* A result message, which is kept until record_end says how the attempt counts. */
rs_status record_result(rs_record *r, int stage, const json_t *message) RS_MUST_CHECK;
/* That attempt counts, and another may follow. */
rs_status record_failed(rs_record *r, int stage, const json_t *message) RS_MUST_CHECK;
rs_status record_end(rs_record *r, int stage, rs_outcome outcome) RS_MUST_CHECK;

/* Is what a done stage left there, or is it gone? Neither when it left nothing. */
bool record_has_output(const rs_record *r, int stage);
bool record_lacks_output(const rs_record *r, int stage);
/* What a stage left goes: the file itself when that is durably on record. */
rs_status record_remove(rs_record *r, int stage) RS_MUST_CHECK;
/* A done stage runs again for what it left. What is known of its result stays: of what it reports
 * only a failure's message and that the output is there again are taken. */
void record_redo(rs_record *r, int stage);
/* Remove files that belong to no stage of the plan or the journal, or are not needed any more.
 * Once, after all that is known has been told and before anything runs. */
void record_clean(rs_record *r);

/* The attempt at STAGE that is under way brings the run to its end, MESSAGE saying how; durable. */
rs_status record_crash(rs_record *r, int stage, const char *message) RS_MUST_CHECK;
rs_status record_trial(rs_record *r, const rs_trial *trial, rs_outcome outcome,
                       int stage) RS_MUST_CHECK;

/* A final metric of a finished trial; NaN when there is none. */
double record_final(const rs_record *r, size_t trial, const char *metric);
/* Message of the last failed attempt of a stage, "" when none. */
const char *record_message(const rs_record *r, int stage);

/* Make the journal durable when that is due. */
rs_status record_flush(rs_record *r) RS_MUST_CHECK;

/* Is a snapshot due? There is news and the last one is old enough, or it is so old that it says
 * little of what runs. */
bool record_due(const rs_record *r);
/* Write a snapshot now. VIEW: how the run stands. */
rs_status record_snapshot(rs_record *r, const rs_run_view *view) RS_MUST_CHECK;

/* Last snapshot, with STATE: complete or interrupted. */
rs_status record_finish(rs_record *r, const char *state, const rs_run_view *view) RS_MUST_CHECK;

#endif
