/* What an earlier journal says, by stage identity. */
#ifndef RANKSWEEP_SCHED_PAST_H
#define RANKSWEEP_SCHED_PAST_H

#include "ranksweep/job.h"
#include "ranksweep/store.h"

#include <jansson.h>

typedef struct past past;

rs_status past_create(past **out) RS_MUST_CHECK;
void past_destroy(past *p);

/* An rs_journal_visit; USER is the past. */
rs_status past_visit(void *user, const char *payload, size_t line) RS_MUST_CHECK;

/* Does the journal hold much more than its present meaning: work begun and interrupted, rows that
 * others took the place of? */
bool past_is_long(const past *p);
/* An rs_journal_fill that writes records of the same meaning; USER is the past, interrupted. */
rs_status past_write(void *user, rs_journal *to);

/* What another past knows of a stage, into this one and its journal. */
rs_status past_adopt(past *p, rs_id identity, const json_t *entry, rs_journal *to) RS_MUST_CHECK;

/* The kind that the journal is of; NULL: it is new. */
const char *past_experiment(const past *p);
/* When the journal was begun; NULL: it is new. */
const char *past_opened(const past *p);
/* The first record, with the settings of the latest start; NULL: the journal is new. */
const json_t *past_first(const past *p);
/* Array of start records. */
const json_t *past_starts(const past *p);
/* How many stages it knows. */
size_t past_stages(const past *p);
/* {"begin": {...}, "end": {...}, "metrics": [...], "message": "...", "removed": true}, each where
 * there is one; NULL: unknown. The message is of a crash that the stage was blamed for; "removed":
 * what the stage left has been removed. */
const json_t *past_stage(const past *p, rs_id identity);
/* All of them by identity. */
const json_t *past_all(const past *p);
/* Attempts at a stage that count: all but those that ended through no fault of its own (a stop, a
 * crash of something else). */
int past_attempts(const past *p, rs_id identity);

/* The journal goes on: what was running in it was interrupted. */
void past_interrupt(past *p);
/* Stages that failed are as if they had never been tried. */
void past_forgive(past *p);

/* The begin record of the stage that worker RANK was running when the journal ended; NULL: none. */
const json_t *past_running_on(const past *p, int rank);
/* Stages that are done, of this sweep or not. */
size_t past_finished(const past *p);
/* Grows with what was finished, blamed, and trained. */
size_t past_progress(const past *p);

/* The paths that JOB sweeps, as the keys of an object; NULL: out of memory. */
json_t *past_swept(const rs_job *job);

/* May JOB continue this? Another job or experiment, or other values of settings that are not swept
 * while something is finished, are RS_ERR_CONFLICT that lists the differences. */
rs_status past_check(const past *p, const rs_job *job, const char *results) RS_MUST_CHECK;

/* Are the data those of FINGERPRINT (NULL: there are none)? RS_ERR_CONFLICT that names the files
 * that differ when earlier starts have begun stages with others: what these left, checkpoints
 * included, would be continued with data that it does not come from. (past_data.c) */
rs_status past_check_data(const past *p, const char *fingerprint,
                          const char *results) RS_MUST_CHECK;

#endif
