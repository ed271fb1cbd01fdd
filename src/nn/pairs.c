/* How two sequences differ, number by number: what Siamese networks decide by. */
#include "sequence.h"

#include <math.h>
#include <string.h>

static rs_status allocate(const rs_sequence_layer *l, size_t frames, size_t rows, size_t m,
                          bool training, rs_sequence_buffers *b) {
  (void)frames;
  (void)m;
  (void)training;
  return rs_new(&b->made, rows * l->spec.in, sizeof(float));
}

static void forward(const rs_sequence_pass *p) {
  size_t n = p->layer->spec.in;
  for (size_t i = 0; i < p->batch->n_pairs; i++) {
    const float *a = p->x + p->batch->pairs[i][0] * n, *b = p->x + p->batch->pairs[i][1] * n;
    float *y = p->buffers->made + i * n;
    RS_ASSERT(p->batch->pairs[i][0] < p->m && p->batch->pairs[i][1] < p->m);
    for (size_t j = 0; j < n; j++) y[j] = fabsf(a[j] - b[j]);
  }
  p->buffers->output = p->buffers->made;
}

/* A sequence gets the gradients of all its pairs, in their order. Where both sides are equal there
 * is none. */
static void backward(const rs_sequence_pass *p) {
  size_t n = p->layer->spec.in;
  if (p->dx == NULL) return;
  memset(p->dx, 0, p->m * n * sizeof *p->dx);
  for (size_t i = 0; i < p->batch->n_pairs; i++) {
    size_t a = p->batch->pairs[i][0] * n, b = p->batch->pairs[i][1] * n;
    const float *dy = p->buffers->output_gradient + i * n;
    for (size_t j = 0; j < n; j++) {
      float d = p->x[a + j] - p->x[b + j], g = d > 0.0f ? dy[j] : d < 0.0f ? -dy[j] : 0.0f;
      p->dx[a + j] += g;
      p->dx[b + j] -= g;
    }
  }
}

const rs_sequence_ops rs_pairs_ops = {
    .name = "pairs", .pairs = true, .allocate = allocate, .forward = forward, .backward = backward};
