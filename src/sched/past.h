/* What an earlier journal says, by stage identity. */
#ifndef RANKSWEEP_SCHED_PAST_H
#define RANKSWEEP_SCHED_PAST_H

#include "ranksweep/job.h"

#include <jansson.h>

typedef struct past past;

rs_status past_create(past **out) RS_MUST_CHECK;
void past_destroy(past *p);

/* An rs_journal_visit; USER is the past. */
rs_status past_visit(void *user, const char *payload, size_t line) RS_MUST_CHECK;

/* When the journal was begun; NULL: it is new. */
const char *past_opened(const past *p);
/* Array of start records. */
const json_t *past_starts(const past *p);
/* {"begin": {...}, "end": {...}, "metrics": [...]}, each where there is one; NULL: unknown. */
const json_t *past_stage(const past *p, rs_id identity);

/* May JOB continue this? Another job or experiment, or other values of settings that are not swept
 * while something is finished, are RS_ERR_CONFLICT that lists the differences. */
rs_status past_check(const past *p, const rs_job *job, const char *results) RS_MUST_CHECK;

#endif
