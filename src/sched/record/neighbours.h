/* Results of other experiments in the same directory: a stage that one of them has finished is the
 * same work, and need not be done again. */
#ifndef RANKSWEEP_SCHED_NEIGHBOURS_H
#define RANKSWEEP_SCHED_NEIGHBOURS_H

#include "past.h"

typedef struct neighbours neighbours;

/* Reads the journals beside RESULTS that are of another experiment than EXPERIMENT, on data of the
 * same FINGERPRINT. Those that cannot be read are passed over. */
rs_status neighbours_open(const char *results, const char *experiment, const char *fingerprint,
                          const rs_log *log, neighbours **out) RS_MUST_CHECK;
void neighbours_close(neighbours *n); /* takes NULL */

/* What a neighbour knows of the done stage IDENTITY, after what it left, if anything, has been
 * linked into DIRECTORY; NULL: none has it, or its file cannot be had. *FROM: the neighbour's
 * journal. */
const json_t *neighbours_take(neighbours *n, rs_id identity, const char *directory,
                              const char **from);

#endif
