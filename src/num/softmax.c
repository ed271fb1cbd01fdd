/* Softmax cross-entropy with its gradient. */
#include "ranksweep/num.h"

#include <math.h>

/* Index of the largest of N values, the first of equals. */
static size_t largest(size_t n, const float *x) {
  size_t best = 0;
  for (size_t j = 1; j < n; j++)
    if (x[j] > x[best]) best = j;
  return best;
}

/* -log softmax(x)[label]; p gets softmax(x) and may be x. */
static double row_loss(size_t n, const float *x, size_t label, float *p) {
  float top = x[largest(n, x)], chosen = x[label];
  double sum = 0;
  for (size_t j = 0; j < n; j++) sum += exp((double)x[j] - top);
  if (p != NULL)
    for (size_t j = 0; j < n; j++) p[j] = (float)(exp((double)x[j] - top) / sum);
  return log(sum) - ((double)chosen - top);
}

double rs_softmax_cross_entropy(size_t m, size_t classes, const float *logits,
                                const uint8_t *labels, float scale, float *gradient,
                                size_t *correct) {
  double loss = 0;
  size_t right = 0;
  for (size_t i = 0; i < m; i++) {
    const float *x = logits + i * classes;
    float *g = gradient != NULL ? gradient + i * classes : NULL;
    right += largest(classes, x) == labels[i];
    loss += row_loss(classes, x, labels[i], g);
    if (g == NULL) continue;
    g[labels[i]] -= 1.0f;
    for (size_t j = 0; j < classes; j++) g[j] *= scale;
  }
  if (correct != NULL) *correct = right;
  return loss;
}
