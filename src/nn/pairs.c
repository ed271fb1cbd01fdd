/* How two sequences differ: what Siamese networks decide by. */
#include "sequence.h"

#include <math.h>
#include <string.h>

/* ---- one pair ---------------------------------------------------------------------------- */

float rs_pair_distance(size_t n, const float *a, const float *b) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (size_t j = 0; j < n; j++) sum += fabsf(a[j] - b[j]);
  return sum / (float)n;
}

static const float LEAST_SQUARE = 1e-12f; /* of a length that something is divided by */

static float inverse_length(size_t n, const float *x) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (size_t j = 0; j < n; j++) sum += x[j] * x[j];
  return 1 / sqrtf(sum + LEAST_SQUARE);
}

static float product(size_t n, const float *a, const float *b) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (size_t j = 0; j < n; j++) sum += a[j] * b[j];
  return sum;
}

float rs_pair_cosine(size_t n, const float *a, const float *b) {
  return product(n, a, b) * inverse_length(n, a) * inverse_length(n, b);
}

static void differences(size_t n, const float *a, const float *b, float *y) {
  for (size_t j = 0; j < n; j++) y[j] = fabsf(a[j] - b[j]);
}

static void distance(size_t n, const float *a, const float *b, float *y) {
  *y = rs_pair_distance(n, a, b);
}

static void cosine(size_t n, const float *a, const float *b, float *y) {
  *y = rs_pair_cosine(n, a, b);
}

/* ---- and back ---------------------------------------------------------------------------- */

/* Where both numbers are equal there is no gradient. */
static float through_absolute(float d, float dy) {
  return d > 0.0f ? dy : d < 0.0f ? -dy : 0.0f;
}

static void differences_back(size_t n, const float *a, const float *b, const float *dy, float *da,
                             float *db) {
  for (size_t j = 0; j < n; j++) {
    float g = through_absolute(a[j] - b[j], dy[j]);
    da[j] += g;
    db[j] -= g;
  }
}

static void distance_back(size_t n, const float *a, const float *b, const float *dy, float *da,
                          float *db) {
  for (size_t j = 0; j < n; j++) {
    float g = through_absolute(a[j] - b[j], *dy / (float)n);
    da[j] += g;
    db[j] -= g;
  }
}

/* The cosine is p q, p = a / |a| and q = b / |b|; by a it is (q - (p q) p) / |a|. */
static void cosine_back(size_t n, const float *a, const float *b, const float *dy, float *da,
                        float *db) {
  float u = inverse_length(n, a), v = inverse_length(n, b), y = product(n, a, b) * u * v;
  for (size_t j = 0; j < n; j++) {
    float p = a[j] * u, q = b[j] * v;
    da[j] += *dy * u * (q - y * p);
    db[j] += *dy * v * (p - y * q);
  }
}

/* ---- layers ------------------------------------------------------------------------------ */

static rs_status allocate(const rs_sequence_layer *l, size_t frames, size_t rows, size_t m,
                          bool training, rs_sequence_buffers *b) {
  (void)frames;
  (void)m;
  (void)training;
  return rs_new(&b->made, rows * l->spec.out, sizeof(float));
}

static void each_forward(const rs_sequence_pass *p,
                         void (*of)(size_t n, const float *a, const float *b, float *y)) {
  size_t n = p->layer->spec.in, out = p->layer->spec.out;
  for (size_t i = 0; i < p->batch->n_pairs; i++) {
    size_t a = p->batch->pairs[i][0], b = p->batch->pairs[i][1];
    RS_ASSERT(a < p->m && b < p->m);
    of(n, p->x + a * n, p->x + b * n, p->buffers->made + i * out);
  }
  p->buffers->output = p->buffers->made;
}

/* A sequence gets the gradients of all its pairs, in their order. */
static void each_backward(const rs_sequence_pass *p,
                          void (*of)(size_t n, const float *a, const float *b, const float *dy,
                                     float *da, float *db)) {
  size_t n = p->layer->spec.in, out = p->layer->spec.out;
  if (p->dx == NULL) return;
  memset(p->dx, 0, p->m * n * sizeof *p->dx);
  for (size_t i = 0; i < p->batch->n_pairs; i++) {
    size_t a = p->batch->pairs[i][0] * n, b = p->batch->pairs[i][1] * n;
    of(n, p->x + a, p->x + b, p->buffers->output_gradient + i * out, p->dx + a, p->dx + b);
  }
}

static void pairs_forward(const rs_sequence_pass *p) {
  each_forward(p, differences);
}

static void pairs_backward(const rs_sequence_pass *p) {
  each_backward(p, differences_back);
}

static void distances_forward(const rs_sequence_pass *p) {
  each_forward(p, distance);
}

static void distances_backward(const rs_sequence_pass *p) {
  each_backward(p, distance_back);
}

static void cosines_forward(const rs_sequence_pass *p) {
  each_forward(p, cosine);
}

static void cosines_backward(const rs_sequence_pass *p) {
  each_backward(p, cosine_back);
}

const rs_sequence_ops rs_pairs_ops = {.name = "pairs",
                                      .pairs = true,
                                      .allocate = allocate,
                                      .forward = pairs_forward,
                                      .backward = pairs_backward};
const rs_sequence_ops rs_distances_ops = {.name = "distances",
                                          .pairs = true,
                                          .narrows = true,
                                          .allocate = allocate,
                                          .forward = distances_forward,
                                          .backward = distances_backward};
const rs_sequence_ops rs_cosines_ops = {.name = "cosines",
                                        .pairs = true,
                                        .narrows = true,
                                        .allocate = allocate,
                                        .forward = cosines_forward,
                                        .backward = cosines_backward};
