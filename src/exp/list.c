/* All experiment kinds: one line each. */
#include "ranksweep/exp.h"

#include <string.h>

#define KINDS(X)                                                                                   \
  X(rs_svd_compress)                                                                               \
  X(rs_svd_factorized)                                                                             \
  X(rs_svd_constrained)                                                                            \
  X(rs_speech_denoising)                                                                           \
  X(rs_speaker_verification)                                                                       \
  X(rs_noop)                                                                                       \
  X(rs_noop_look)

#define DECLARE(kind)         extern const rs_experiment kind;
#define REFER(kind)           &kind,
#define REFER_TO_SCHEMA(kind) &kind.schema,

KINDS(DECLARE)

const rs_experiment *const rs_experiments[] = {KINDS(REFER) NULL};

static const rs_schema *const schemas[] = {KINDS(REFER_TO_SCHEMA) NULL};

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

size_t rs_experiment_model(const rs_experiment *kind) {
  size_t n = 0;
  while (kind->stages[n] != NULL) n++;
  while (n > 1 && kind->stages[n - 1]->leaves_no_model) n--;
  return n - 1;
}
