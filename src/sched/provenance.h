/* Where and how a run was started. */
#ifndef RANKSWEEP_SCHED_PROVENANCE_H
#define RANKSWEEP_SCHED_PROVENANCE_H

#include "ranksweep/sched.h"

#include <jansson.h>

/* One row of /provenance; NULL when memory is out. */
json_t *provenance_row(const rs_coordinate_options *options, const rs_transport *t);

#endif
