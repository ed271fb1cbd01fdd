/* From all frames of a sequence to one: the last, or the mean, or mean and deviation, of those that
 * are no padding. A sequence of length 0 gives zeros. */
#include "sequence.h"

#include <math.h>
#include <string.h>

static rs_status allocate(const rs_sequence_layer *l, size_t frames, size_t rows, size_t m,
                          bool training, rs_sequence_buffers *b) {
  (void)frames;
  (void)m;
  (void)training;
  return rs_new(&b->made, rows * l->spec.out, sizeof(float));
}

/* y = SCALE times the sum of frames [first, length) of sequence ROW; and back. */
static void gather(const rs_sequence_pass *p, size_t row, size_t first, float scale) {
  size_t n = p->layer->spec.in, rows = p->batch->rows;
  float *y = p->buffers->made + row * n;
  memset(y, 0, n * sizeof *y);
  for (size_t t = first; t < rs_sequence_length(p->batch, row); t++)
    for (size_t j = 0; j < n; j++) y[j] += scale * p->x[(t * rows + row) * n + j];
}

static void scatter(const rs_sequence_pass *p, size_t row, size_t first, float scale) {
  size_t n = p->layer->spec.in, rows = p->batch->rows;
  const float *dy = p->buffers->output_gradient + row * n;
  for (size_t t = first; t < rs_sequence_length(p->batch, row); t++)
    for (size_t j = 0; j < n; j++) p->dx[(t * rows + row) * n + j] = scale * dy[j];
}

typedef void (*move)(const rs_sequence_pass *p, size_t row, size_t first, float scale);

static void each_last(const rs_sequence_pass *p, move part) {
  for (size_t row = 0; row < p->batch->rows; row++) {
    size_t length = rs_sequence_length(p->batch, row);
    part(p, row, length > 0 ? length - 1 : 0, 1.0f);
  }
}

static void each_mean(const rs_sequence_pass *p, move part) {
  for (size_t row = 0; row < p->batch->rows; row++) {
    size_t length = rs_sequence_length(p->batch, row);
    part(p, row, 0, length > 0 ? 1.0f / (float)length : 0.0f);
  }
}

static void clear_gradient(const rs_sequence_pass *p) {
  memset(p->dx, 0, p->m * p->layer->spec.in * sizeof *p->dx);
}

static void last_forward(const rs_sequence_pass *p) {
  each_last(p, gather);
  p->buffers->output = p->buffers->made;
}

static void last_backward(const rs_sequence_pass *p) {
  if (p->dx == NULL) return;
  clear_gradient(p);
  each_last(p, scatter);
}

static void mean_forward(const rs_sequence_pass *p) {
  each_mean(p, gather);
  p->buffers->output = p->buffers->made;
}

static void mean_backward(const rs_sequence_pass *p) {
  if (p->dx == NULL) return;
  clear_gradient(p);
  each_mean(p, scatter);
}

/* ---- mean and deviation ------------------------------------------------------------------ */

static const float LEAST_VARIANCE = 1e-6f; /* keeps the root's slope finite */

/* y = (m, s), m the mean over L frames, s = sqrt(mean of (x - m)^2 + LEAST_VARIANCE). */
static void statistics_forward(const rs_sequence_pass *p) {
  size_t n = p->layer->spec.in, rows = p->batch->rows;
#pragma omp parallel for schedule(static)
  for (size_t row = 0; row < rows; row++) {
    size_t length = rs_sequence_length(p->batch, row);
    float *m = p->buffers->made + row * 2 * n, *s = m + n;
    memset(m, 0, 2 * n * sizeof *m);
    if (length == 0) continue;
    for (size_t t = 0; t < length; t++)
      for (size_t j = 0; j < n; j++) m[j] += p->x[(t * rows + row) * n + j];
    for (size_t j = 0; j < n; j++) m[j] /= (float)length;
    for (size_t t = 0; t < length; t++)
      for (size_t j = 0; j < n; j++) {
        float d = p->x[(t * rows + row) * n + j] - m[j];
        s[j] += d * d;
      }
    for (size_t j = 0; j < n; j++) s[j] = sqrtf(s[j] / (float)length + LEAST_VARIANCE);
  }
  p->buffers->output = p->buffers->made;
}

/* dx = (dm + ds (x - m) / s) / L; the mean in s has no share, as deviations from it add up to 0. */
static void statistics_backward(const rs_sequence_pass *p) {
  size_t n = p->layer->spec.in, rows = p->batch->rows;
  if (p->dx == NULL) return;
  clear_gradient(p);
#pragma omp parallel for schedule(static)
  for (size_t row = 0; row < rows; row++) {
    size_t length = rs_sequence_length(p->batch, row);
    const float *m = p->buffers->made + row * 2 * n, *s = m + n;
    const float *dm = p->buffers->output_gradient + row * 2 * n, *ds = dm + n;
    for (size_t t = 0; t < length; t++)
      for (size_t j = 0; j < n; j++) {
        size_t at = (t * rows + row) * n + j;
        p->dx[at] = (dm[j] + ds[j] * (p->x[at] - m[j]) / s[j]) / (float)length;
      }
  }
}

const rs_sequence_ops rs_last_ops = {.name = "last",
                                     .pools = true,
                                     .allocate = allocate,
                                     .forward = last_forward,
                                     .backward = last_backward};
const rs_sequence_ops rs_mean_ops = {.name = "mean",
                                     .pools = true,
                                     .allocate = allocate,
                                     .forward = mean_forward,
                                     .backward = mean_backward};
const rs_sequence_ops rs_statistics_ops = {.name = "statistics",
                                           .pools = true,
                                           .widens = 2,
                                           .allocate = allocate,
                                           .forward = statistics_forward,
                                           .backward = statistics_backward};
