/* All experiment kinds: one line each. */
#include "ranksweep/exp.h"

#include <string.h>

extern const rs_experiment rs_svd_compress, rs_noop;

const rs_experiment *const rs_experiments[] = {
    &rs_svd_compress,
    &rs_noop,
    NULL,
};

static const rs_schema *const schemas[RS_COUNT(rs_experiments)] = {
    &rs_svd_compress.schema,
    &rs_noop.schema,
    NULL,
};

const rs_experiment *rs_experiment_find(const char *name) {
  for (size_t i = 0; rs_experiments[i] != NULL; i++)
    if (strcmp(rs_experiments[i]->schema.experiment, name) == 0) return rs_experiments[i];
  return NULL;
}

const rs_schema *const *rs_experiment_schemas(void) {
  return schemas;
}

size_t rs_experiment_specs(const rs_experiment *kind, const rs_stage_spec *specs[RS_MAX_STAGES]) {
  size_t n = 0;
  for (; kind->stages[n] != NULL; n++) {
    RS_ASSERT(n < RS_MAX_STAGES);
    specs[n] = &kind->stages[n]->spec;
  }
  return n;
}
