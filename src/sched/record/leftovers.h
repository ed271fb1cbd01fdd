/* Files that interrupted runs and other jobs left in RESULTS.ckpt. */
#ifndef RANKSWEEP_SCHED_LEFTOVERS_H
#define RANKSWEEP_SCHED_LEFTOVERS_H

#include "past.h"
#include "stage_rows.h"

/* Remove from DIRECTORY, of the files that have a name as stages give it:
 *  - those of stages that neither the plan (STAGES) nor the journal (P) knows; artifacts of others
 *    stay
 *  - outputs that are on record as removed, and checkpoints of stages that are done
 *  - what writers that have died were writing.
 * *REMOVED: how many. No stage may be running. */
rs_status leftovers_remove(const char *directory, const stage_rows *stages, const past *p,
                           size_t *removed) RS_MUST_CHECK;

#endif
