/* Where, how and from what a run was started: the columns of /provenance and their contents. */
#ifndef RANKSWEEP_SCHED_PROVENANCE_H
#define RANKSWEEP_SCHED_PROVENANCE_H

#include "ranksweep/sched.h"
#include "ranksweep/store.h"

#include <jansson.h>

/* This start, as a journal keeps it: one member a column. NULL when memory is out. */
json_t *provenance_row(const rs_coordinate_options *options, const rs_transport *t);

/* /provenance without rows. */
rs_status provenance_table_create(rs_table **out) RS_MUST_CHECK;
/* The row of START, which may come from the journal of an older version: what it does not know is
 * "" or 0. */
rs_status provenance_table_add(rs_table *t, const json_t *start) RS_MUST_CHECK;

#endif
