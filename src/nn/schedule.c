/* Learning rates over a training. */
#include "ranksweep/nn.h"

#include <math.h>

double rs_learning_rate(const rs_train_spec *spec, uint64_t step, uint64_t total, uint64_t warmup) {
  if (step < warmup) return spec->lr * (double)(step + 1) / (double)warmup;
  if (total <= warmup) return spec->lr;
  double done = (double)(step - warmup) / (double)(total - warmup), left = 1.0;
  switch (spec->schedule) {
  case RS_CONSTANT: return spec->lr;
  case RS_LINEAR_DECAY: left = 1.0 - done; break;
  case RS_COSINE: left = 0.5 * (1.0 + cos(3.141592653589793 * done)); break;
  }
  return spec->lr * (spec->lr_final + (1.0 - spec->lr_final) * left);
}
