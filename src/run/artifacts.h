/* Files that stages leave for people. */
#ifndef RANKSWEEP_RUN_ARTIFACTS_H
#define RANKSWEEP_RUN_ARTIFACTS_H

#include "ranksweep/run.h"

/* Have A written into DIRECTORY for the stage IDENTITY, and note it in REPORT. Errors as for
 * rs_stage_host. */
rs_status artifacts_take(const char *directory, rs_id identity, const rs_artifact *a,
                         rs_stage_report *report) RS_MUST_CHECK;

#endif
