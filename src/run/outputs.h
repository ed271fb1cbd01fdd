/* What stages leave: on disk by identity, and the last few in memory. */
#ifndef RANKSWEEP_RUN_OUTPUTS_H
#define RANKSWEEP_RUN_OUTPUTS_H

#include "ranksweep/base.h"
#include "ranksweep/num.h"

typedef struct outputs outputs;

rs_status outputs_create(const char *directory, outputs **out) RS_MUST_CHECK;
void outputs_destroy(outputs *o);

const char *outputs_directory(const outputs *o);

/* The bundle of IDENTITY, from memory or disk; it belongs to O until the next call. */
rs_status outputs_get(outputs *o, rs_id identity, const rs_bundle **out) RS_MUST_CHECK;

/* Write BUNDLE to disk and keep it in memory (taken over). */
rs_status outputs_put(outputs *o, rs_id identity, rs_bundle *bundle) RS_MUST_CHECK;

#endif
