/* Short forms of a stage's ways out. */
#include "ranksweep/exp.h"

rs_status rs_stage_metrics(rs_stage_context *c, size_t epoch, uint64_t step,
                           const rs_metric_value *values, size_t n) {
  return c->host->metrics(c->host->user, epoch, step, values, n);
}

rs_status rs_stage_final(rs_stage_context *c, const char *name, double value) {
  return c->host->final(c->host->user, name, value);
}

rs_status rs_stage_tick(rs_stage_context *c, const rs_stage_progress *progress,
                        const rs_stage_saver *saver) {
  return c->host->tick(c->host->user, progress, saver);
}

rs_status rs_stage_artifact(rs_stage_context *c, const rs_artifact *artifact) {
  return c->host->artifact(c->host->user, artifact);
}
