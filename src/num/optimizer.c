/* Optimizer updates: one pass over parameters, gradients and moments, bound by memory. */
#include "ranksweep/num.h"

#include <math.h>

enum {
  BLOCK = 4096,      /* elements a thread takes at a time: 16 KiB of each array */
  WORTH = 32 * BLOCK /* elements from which threads pay for waking them */
};

typedef struct adam_factors {
  float b1, c1, b2, c2, rate, scale2, epsilon, keep;
} adam_factors;

static adam_factors adam_prepare(const rs_adam *a) {
  double unbias1 = 1.0 - pow(a->beta1, (double)a->step),
         unbias2 = 1.0 - pow(a->beta2, (double)a->step);
  return (adam_factors){
      .b1 = (float)a->beta1,
      .c1 = (float)(1.0 - a->beta1),
      .b2 = (float)a->beta2,
      .c2 = (float)(1.0 - a->beta2),
      .rate = (float)(a->lr / unbias1),
      .scale2 = (float)(1.0 / sqrt(unbias2)),
      .epsilon = (float)a->epsilon,
      .keep = (float)(1.0 - a->lr * a->decay),
  };
}

static void adam_block(const adam_factors *f, size_t n, float *restrict w, const float *restrict g,
                       float *restrict m, float *restrict v) {
  const adam_factors c = *f;
#pragma omp simd
  for (size_t i = 0; i < n; i++) {
    float first = c.b1 * m[i] + c.c1 * g[i];
    float second = c.b2 * v[i] + c.c2 * g[i] * g[i];
    m[i] = first;
    v[i] = second;
    w[i] = c.keep * w[i] - c.rate * first / (sqrtf(second) * c.scale2 + c.epsilon);
  }
}

void rs_adam_update(const rs_adam *adam, size_t n, float *w, const float *g, float *m, float *v) {
  adam_factors f = adam_prepare(adam);
#pragma omp parallel for schedule(static) if (n > WORTH)
  for (size_t i = 0; i < n; i += BLOCK) {
    size_t count = n - i < BLOCK ? n - i : BLOCK;
    adam_block(&f, count, w + i, g + i, m + i, v + i);
  }
}

static void sgd_block(float lr, float momentum, float decay, size_t n, float *restrict w,
                      const float *restrict g, float *restrict m) {
#pragma omp simd
  for (size_t i = 0; i < n; i++) {
    m[i] = momentum * m[i] + g[i] + decay * w[i];
    w[i] -= lr * m[i];
  }
}

void rs_sgd_update(double lr, double momentum, double decay, size_t n, float *w, const float *g,
                   float *m) {
#pragma omp parallel for schedule(static) if (n > WORTH)
  for (size_t i = 0; i < n; i += BLOCK) {
    size_t count = n - i < BLOCK ? n - i : BLOCK;
    sgd_block((float)lr, (float)momentum, (float)decay, count, w + i, g + i, m + i);
  }
}

double rs_sum_squares(size_t n, const float *x) {
  double total = 0;
  for (size_t i = 0; i < n; i += BLOCK) {
    size_t count = n - i < BLOCK ? n - i : BLOCK;
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t j = i; j < i + count; j++) sum += (double)x[j] * x[j];
    total += sum;
  }
  return total;
}

void rs_add(size_t n, float *restrict to, const float *restrict from) {
#pragma omp parallel for simd schedule(static) if (n > WORTH)
  for (size_t i = 0; i < n; i++) to[i] += from[i];
}

void rs_scale(size_t n, float factor, float *x) {
#pragma omp parallel for simd schedule(static) if (n > WORTH)
  for (size_t i = 0; i < n; i++) x[i] *= factor;
}
