/* The network's input beside what its layers made of it. */
#include "sequence.h"

#include <string.h>

static rs_status allocate(const rs_sequence_layer *l, size_t frames, size_t rows, size_t m,
                          bool training, rs_sequence_buffers *b) {
  (void)frames;
  (void)rows;
  (void)training;
  return rs_new(&b->made, m * l->spec.out, sizeof(float));
}

static void forward(const rs_sequence_pass *p) {
  size_t n = p->layer->spec.in, out = p->layer->spec.out, inputs = out - n;
#pragma omp parallel for schedule(static)
  for (size_t i = 0; i < p->m; i++) {
    memcpy(p->buffers->made + i * out, p->x + i * n, n * sizeof(float));
    memcpy(p->buffers->made + i * out + n, p->batch->x + i * inputs, inputs * sizeof(float));
  }
  p->buffers->output = p->buffers->made;
}

static void backward(const rs_sequence_pass *p) {
  size_t n = p->layer->spec.in, out = p->layer->spec.out;
  if (p->dx == NULL) return;
#pragma omp parallel for schedule(static)
  for (size_t i = 0; i < p->m; i++)
    memcpy(p->dx + i * n, p->buffers->output_gradient + i * out, n * sizeof(float));
}

const rs_sequence_ops rs_beside_ops = {.name = "beside",
                                       .appends = true,
                                       .allocate = allocate,
                                       .forward = forward,
                                       .backward = backward};
