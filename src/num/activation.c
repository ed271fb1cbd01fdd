/* Activations over arrays, and binary cross-entropy. */
#include "ranksweep/num.h"

#include "activation.h"

enum {
  BLOCK = 4096,      /* elements a thread takes at a time */
  WORTH = 16 * BLOCK /* elements from which threads pay for waking them */
};

static void sigmoid_block(size_t n, const float *x, float *y) {
#pragma omp simd
  for (size_t i = 0; i < n; i++) y[i] = sigmoid_of(x[i]);
}

static void tanh_block(size_t n, const float *x, float *y) {
#pragma omp simd
  for (size_t i = 0; i < n; i++) y[i] = tanh_of(x[i]);
}

void rs_sigmoid(size_t n, const float *x, float *y) {
#pragma omp parallel for schedule(static) if (n > WORTH)
  for (size_t i = 0; i < n; i += BLOCK) sigmoid_block(n - i < BLOCK ? n - i : BLOCK, x + i, y + i);
}

void rs_tanh(size_t n, const float *x, float *y) {
#pragma omp parallel for schedule(static) if (n > WORTH)
  for (size_t i = 0; i < n; i += BLOCK) tanh_block(n - i < BLOCK ? n - i : BLOCK, x + i, y + i);
}

/* ---- binary cross-entropy -----------------------------------------------------------------------
 */

/* -t log s(x) - (1 - t) log(1 - s(x)) = max(x, 0) - x t + log(1 + e^-|x|), which neither overflows
 * nor takes the logarithm of a rounded number. */
static inline float binary_loss(float x, float t) {
  return (x < 0.0f ? 0.0f : x) - x * t + log1p_unit(exp_cut(-fabsf(x)));
}

static double row_loss(size_t n, const float *x, const float *t) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (size_t j = 0; j < n; j++) sum += (double)binary_loss(x[j], t[j]);
  return sum;
}

static void row_gradient(size_t n, const float *x, const float *t, float scale, float *g) {
#pragma omp simd
  for (size_t j = 0; j < n; j++) g[j] = scale * (sigmoid_of(x[j]) - t[j]);
}

/* The same with a weight E of each element. */
static double row_loss_weighted(size_t n, const float *x, const float *t, const float *e) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (size_t j = 0; j < n; j++) sum += (double)(e[j] * binary_loss(x[j], t[j]));
  return sum;
}

static void weigh(size_t n, const float *e, float *g) {
#pragma omp simd
  for (size_t j = 0; j < n; j++) g[j] *= e[j];
}

typedef struct binary_problem {
  size_t n;
  const float *logits, *targets, *weights, *emphasis;
  float scale;
  float *gradient;
} binary_problem;

/* Rows [first, last) in order. A row of weight zero is not looked at. */
static double rows_loss(const binary_problem *p, size_t first, size_t last) {
  double loss = 0;
  for (size_t i = first; i < last; i++) {
    const float *x = p->logits + i * p->n, *t = p->targets + i * p->n;
    float *g = p->gradient != NULL ? p->gradient + i * p->n : NULL;
    float weight = p->weights != NULL ? p->weights[i] : 1.0f;
    if (weight == 0.0f) {
      if (g != NULL) memset(g, 0, p->n * sizeof *g);
      continue;
    }
    const float *e = p->emphasis != NULL ? p->emphasis + i * p->n : NULL;
    loss += (double)weight * (e != NULL ? row_loss_weighted(p->n, x, t, e) : row_loss(p->n, x, t));
    if (g != NULL) row_gradient(p->n, x, t, p->scale * weight, g);
    if (g != NULL && e != NULL) weigh(p->n, e, g);
  }
  return loss;
}

double rs_sigmoid_cross_entropy(size_t m, size_t n, const float *logits, const float *targets,
                                const float *weights, const float *emphasis, float scale,
                                float *gradient) {
  enum { PARTS = 64 };
  double part[PARTS], loss = 0;
  const binary_problem p = {n, logits, targets, weights, emphasis, scale, gradient};
#pragma omp parallel for schedule(static) if (m * n > WORTH)
  for (size_t i = 0; i < PARTS; i++) part[i] = rows_loss(&p, m * i / PARTS, m * (i + 1) / PARTS);
  for (size_t i = 0; i < PARTS; i++) loss += part[i];
  return loss;
}
