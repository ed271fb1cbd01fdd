/* Making a set of clips. */
#ifndef RANKSWEEP_DATA_CLIPS_H
#define RANKSWEEP_DATA_CLIPS_H

#include "ranksweep/data.h"

/* Make room in the empty *OUT for COUNT clips of the given LENGTHS [count] and labels of the given
 * NAMES [count], one a clip: all but the samples is filled in. */
rs_status rs_clips_create(size_t count, const size_t *lengths, const char *const *names,
                          unsigned rate, rs_clips *out) RS_MUST_CHECK;

#endif
