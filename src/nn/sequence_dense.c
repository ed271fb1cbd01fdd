/* Dense layers of sequence networks: every row of every frame alike. */
#include "dense.h"
#include "sequence.h"

static void lay_out(rs_sequence_layer *l, const rs_layout *to) {
  rs_dense_lay_out(&l->base, to);
}

static rs_status init(const rs_sequence_layer *l, uint64_t seed, const char *stage, size_t index,
                      float *values) {
  rs_stream s = rs_stream_make(seed, stage, "init", index);
  rs_dense_init(&l->base, &s, values);
  return RS_OK;
}

static double flops(const rs_sequence_spec *s) {
  return 2.0 * (double)(s->svd_rank > 0 ? s->svd_rank * (s->in + s->out) : s->in * s->out);
}

static rs_status allocate(const rs_sequence_layer *l, size_t frames, size_t rows, size_t m,
                          bool training, rs_sequence_buffers *b) {
  (void)frames;
  (void)rows;
  size_t d = l->spec.svd_rank;
  RS_TRY(rs_new(&b->made, m * l->spec.out, sizeof(float)));
  if (d > 0) RS_TRY(rs_new(&b->inner, m * d, sizeof(float)));
  if (d > 0 && training) RS_TRY(rs_new(&b->inner_gradient, m * d, sizeof(float)));
  return RS_OK;
}

static void forward(const rs_sequence_pass *p) {
  rs_dense_forward(&p->layer->base, p->values, p->m, p->x, p->buffers->inner, p->buffers->made);
  p->buffers->output = p->buffers->made;
}

static void through_relu(size_t n, const float *y, float *dy) {
#pragma omp parallel for simd schedule(static)
  for (size_t i = 0; i < n; i++) dy[i] = y[i] > 0.0f ? dy[i] : 0.0f;
}

static void backward(const rs_sequence_pass *p) {
  const rs_sequence_buffers *b = p->buffers;
  if (p->layer->spec.activation == RS_RELU)
    through_relu(p->m * p->layer->spec.out, b->made, b->output_gradient);
  rs_dense_backward(&p->layer->base, p->values, p->m, p->x, b->inner, b->output_gradient,
                    b->inner_gradient, p->dx, NULL, p->gradients);
}

const rs_sequence_ops rs_dense_ops = {.name = "dense",
                                      .lay_out = lay_out,
                                      .init = init,
                                      .flops = flops,
                                      .allocate = allocate,
                                      .forward = forward,
                                      .backward = backward};
