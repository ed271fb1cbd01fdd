/* Rows of /metrics: compact while they come in, sorted by stage, epoch and step when they are
 * written. */
#ifndef RANKSWEEP_SCHED_METRICS_H
#define RANKSWEEP_SCHED_METRICS_H

#include "ranksweep/job.h"
#include "ranksweep/store.h"

#include <jansson.h>

typedef struct metrics metrics;

/* SPECS end with a NULL name; NULL: a kind without metrics. */
rs_status metrics_create(const rs_metric *specs, metrics **out) RS_MUST_CHECK;
void metrics_destroy(metrics *m);

/* MESSAGE: {epoch, step, seconds, values: {name: number}}. */
rs_status metrics_add(metrics *m, int stage, const json_t *message) RS_MUST_CHECK;
/* Drop the rows of a stage from STEP on: it has gone back to a checkpoint before them. */
void metrics_rewind(metrics *m, int stage, int64_t step);
/* All rows as a table, the caller's to destroy. */
rs_status metrics_table(const metrics *m, rs_table **out) RS_MUST_CHECK;

#endif
