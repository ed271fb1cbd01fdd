/* Files that stages leave for people, in messages, in the journal and in the results file.
 *
 * The first two hold the same list: [{name, long_name, bytes, checksum}], the checksum being 16 hex
 * digits. */
#ifndef RANKSWEEP_SCHED_ARTIFACTS_H
#define RANKSWEEP_SCHED_ARTIFACTS_H

#include "record/stage_rows.h"

#include <jansson.h>

/* One entry; NULL: out of memory. */
json_t *artifact_note(const char *name, const char *long_name, size_t bytes, uint64_t checksum);

/* /artifacts: those of the done stages, in order; NULL when there are none, else the caller's to
 * destroy. FOLDER: name of the directory of the stages' files, beside the results file. */
rs_status artifacts_table(const stage_rows *stages, const char *folder,
                          rs_table **out) RS_MUST_CHECK;

#endif
