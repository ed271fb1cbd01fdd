/* Files that may be removed as soon as the record says so durably. */
#ifndef RANKSWEEP_SCHED_REMOVALS_H
#define RANKSWEEP_SCHED_REMOVALS_H

#include "ranksweep/base.h"

typedef struct removals {
  struct removal {
    char *path;
    rs_id identity;
    bool linked;
  } * list;
  size_t count, cap;
} removals;

/* Note a file of the stage of IDENTITY. LINKED: the last snapshot links to it, so it stays until
 * there is a later one. PATH is taken over, also on failure. */
rs_status removals_add(removals *r, char *path, rs_id identity, bool linked) RS_MUST_CHECK;
/* How many wait for the journal alone. */
size_t removals_ready(const removals *r);
bool removals_has(const removals *r, rs_id identity);

/* The journal is durable: remove all but the linked ones; and those with ALL, after a snapshot. */
void removals_run(removals *r, bool all);

void removals_free(removals *r); /* without removing any */

#endif
