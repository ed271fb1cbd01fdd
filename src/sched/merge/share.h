/* What the results of a share say of themselves: in the journal, and so in the results file. */
#ifndef RANKSWEEP_SCHED_SHARE_H
#define RANKSWEEP_SCHED_SHARE_H

#include "record/past.h"
#include "ranksweep/plan.h"
#include "ranksweep/sched.h"

/* {"name": "2/8", "index", "count", "trials": of the job, "sweep": identity of all of them, "yaml":
 * the job file, "overrides": [texts of --set]}: all that it takes to plan the whole job again. NULL
 * without a share. */
rs_status share_note(const rs_coordinate_options *options, const rs_share_map *map,
                     json_t **out) RS_MUST_CHECK;

/* "2/8"; NULL for NULL. */
const char *share_name(const json_t *note);

/* What the journal says of its share; NULL: nothing. */
const json_t *share_of(const past *p);

/* Are the earlier results of the share NOTE? RS_ERR_CONFLICT when they are not. */
rs_status share_check(const past *p, const json_t *note, const char *results) RS_MUST_CHECK;

#endif
