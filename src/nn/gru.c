/* Layers of gated recurrent units: large products over all frames around the recurrence of num. */
#include "sequence.h"

#include <string.h>

enum { GATES = 3 };

/* ---- parameters -------------------------------------------------------------------------------
 */

static void lay_out(rs_sequence_layer *l, const rs_layout *to) {
  size_t in = l->spec.in, u = l->spec.out, d = l->spec.svd_rank;
  const char *name = l->base.name;
  if (d > 0) {
    l->base.u = rs_layout_add(to, name, "u", in, d);
    l->base.v = rs_layout_add(to, name, "v", d, GATES * u);
    l->recurrent_u = rs_layout_add(to, name, "recurrent_u", u, d);
    l->recurrent_v = rs_layout_add(to, name, "recurrent_v", d, GATES * u);
  } else {
    l->base.kernel = rs_layout_add(to, name, "kernel", in, GATES * u);
    l->recurrent = rs_layout_add(to, name, "recurrent_kernel", u, GATES * u);
  }
  l->base.bias = rs_layout_add(to, name, "bias", 2, GATES * u);
}

static rs_status init_whole(const rs_sequence_layer *l, const rs_stream *input,
                            const rs_stream *recurrent, float *values) {
  size_t in = l->spec.in, u = l->spec.out;
  float *kernel = values + l->recurrent;
  rs_glorot_init(input, in, GATES * u, 0, values + l->base.kernel);
  for (size_t i = 0; i < GATES * u * u; i++) kernel[i] = (float)rs_stream_normal(recurrent, i);
  return rs_orthonormal_rows(u, GATES * u, kernel);
}

static void init_factors(const rs_sequence_layer *l, const rs_stream *input,
                         const rs_stream *recurrent, float *values) {
  size_t in = l->spec.in, u = l->spec.out, d = l->spec.svd_rank;
  rs_glorot_init(input, in, d, 0, values + l->base.u);
  rs_glorot_init(input, d, GATES * u, in * d, values + l->base.v);
  rs_glorot_init(recurrent, u, d, 0, values + l->recurrent_u);
  rs_glorot_init(recurrent, d, GATES * u, u * d, values + l->recurrent_v);
}

static rs_status init(const rs_sequence_layer *l, uint64_t seed, const char *stage, size_t index,
                      float *values) {
  rs_stream input = rs_stream_make(seed, stage, "init", index);
  rs_stream recurrent = rs_stream_make(seed, stage, "init recurrent", index);
  memset(values + l->base.bias, 0, 2 * GATES * l->spec.out * sizeof *values);
  if (l->spec.svd_rank == 0) return init_whole(l, &input, &recurrent, values);
  init_factors(l, &input, &recurrent, values);
  return RS_OK;
}

static double flops(const rs_sequence_spec *s) {
  size_t u = s->out, d = s->svd_rank;
  size_t terms = d > 0 ? d * (s->in + u + 2 * GATES * u) : GATES * u * (s->in + u);
  return 2.0 * (double)terms;
}

/* ---- buffers ----------------------------------------------------------------------------------
 */

static rs_status allocate(const rs_sequence_layer *l, size_t frames, size_t rows, size_t m,
                          bool training, rs_sequence_buffers *b) {
  size_t u = l->spec.out, d = l->spec.svd_rank;
  if (training && d > 0)
    return rs_fail(RS_ERR_USAGE, "%s: a recurrent layer of svd rank %zu cannot be trained",
                   l->base.name, d);
  RS_TRY(rs_gru_plan_create(u, d, rows, training, &b->plan));
  RS_TRY(rs_new(&b->made, (frames + 1) * rows * u, sizeof(float)));
  RS_TRY(rs_new(&b->gates, m * GATES * u, sizeof(float)));
  RS_TRY(rs_new(&b->bias, GATES * u, sizeof(float)));
  if (d > 0) RS_TRY(rs_new(&b->inner, m * d, sizeof(float)));
  if (training) RS_TRY(rs_new(&b->products, m * GATES * u, sizeof(float)));
  return RS_OK;
}

/* ---- passes -------------------------------------------------------------------------------------
 */

static rs_gru_pass pass_of(const rs_sequence_pass *p) {
  const rs_sequence_buffers *b = p->buffers;
  size_t u = p->layer->spec.out;
  return (rs_gru_pass){.frames = p->batch->frames,
                       .rows = p->batch->rows,
                       .lengths = p->batch->lengths,
                       .bias = p->values + p->layer->base.bias + (2 * GATES - 1) * u,
                       .states = b->made,
                       .gates = b->gates,
                       .products = b->products};
}

/* (a_z, a_r, a_h) = x W + the biases that add up: both of z and r, h's of the input. */
static void input_part(const rs_sequence_pass *p) {
  const rs_sequence_layer *l = p->layer;
  const float *w = p->values, *bias = w + l->base.bias;
  size_t u = l->spec.out, wide = GATES * u, d = l->spec.svd_rank;
  rs_sequence_buffers *b = p->buffers;
  for (size_t j = 0; j < wide; j++) b->bias[j] = bias[j] + (j < 2 * u ? bias[wide + j] : 0.0f);
  const rs_epilogue add = {RS_EPILOGUE_BIAS, .bias = b->bias};
  if (d > 0) {
    rs_gemm(RS_GEMM_NN, p->m, d, l->spec.in, p->x, w + l->base.u, b->inner, NULL);
    rs_gemm(RS_GEMM_NN, p->m, wide, d, b->inner, w + l->base.v, b->gates, &add);
  } else {
    rs_gemm(RS_GEMM_NN, p->m, wide, l->spec.in, p->x, w + l->base.kernel, b->gates, &add);
  }
}

/* First states: zero, or those after the last frame of the batch before; then the kernel is packed
 * already. */
static void begin(const rs_sequence_pass *p) {
  const rs_sequence_layer *l = p->layer;
  float *states = p->buffers->made;
  size_t size = p->batch->rows * l->spec.out;
  if (p->batch->continues) {
    memmove(states, states + p->frames_before * size, size * sizeof *states);
    return;
  }
  memset(states, 0, size * sizeof *states);
  if (l->spec.svd_rank > 0)
    rs_gru_plan_pack_factors(p->buffers->plan, p->values + l->recurrent_u,
                             p->values + l->recurrent_v);
  else
    rs_gru_plan_pack(p->buffers->plan, p->values + l->recurrent);
}

static void forward(const rs_sequence_pass *p) {
  rs_gru_pass pass = pass_of(p);
  begin(p);
  input_part(p);
  rs_gru_forward(p->buffers->plan, &pass);
  p->buffers->output = p->buffers->made + p->batch->rows * p->layer->spec.out;
}

/* With a = x W + b_0 and g = h U + b_1 over all frames, h the states before them: dW = x^T da, dU =
 * h^T dg, db = column sums, dx = da W^T. */
static void backward(const rs_sequence_pass *p) {
  const rs_layer *l = &p->layer->base;
  size_t in = p->layer->spec.in, u = p->layer->spec.out, wide = GATES * u;
  const float *da = p->buffers->gates, *dg = p->buffers->products;
  float *g = p->gradients;
  rs_gru_pass pass = pass_of(p);
  rs_gru_backward(p->buffers->plan, &pass, p->buffers->output_gradient);
  rs_gemm(RS_GEMM_TN, in, wide, p->m, p->x, da, g + l->kernel, NULL);
  rs_gemm(RS_GEMM_TN, u, wide, p->m, p->buffers->made, dg, g + p->layer->recurrent, NULL);
  rs_column_sums(p->m, wide, da, g + l->bias);
  rs_column_sums(p->m, wide, dg, g + l->bias + wide);
  if (p->dx != NULL) rs_gemm(RS_GEMM_NT, p->m, in, wide, da, p->values + l->kernel, p->dx, NULL);
}

const rs_sequence_ops rs_gru_ops = {.name = "gru",
                                    .lay_out = lay_out,
                                    .init = init,
                                    .flops = flops,
                                    .allocate = allocate,
                                    .forward = forward,
                                    .backward = backward};
