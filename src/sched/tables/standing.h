/* What a snapshot says of the run itself, for those who watch it from outside. */
#ifndef RANKSWEEP_SCHED_STANDING_H
#define RANKSWEEP_SCHED_STANDING_H

#include "ranksweep/sched.h"
#include "ranksweep/store.h"

rs_standing standing_of(const rs_run_view *view);
/* /running: one row a running stage; the caller's to destroy. */
rs_status standing_running(const rs_run_view *view, rs_table **out) RS_MUST_CHECK;

#endif
