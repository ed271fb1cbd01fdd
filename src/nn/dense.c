/* Dense and factored layers. */
#include "dense.h"

#include <string.h>

void rs_dense_lay_out(rs_layer *l, const rs_layout *to) {
  const rs_layer_spec *s = &l->spec;
  l->first = *to->size;
  if (s->svd_rank > 0) {
    l->u = rs_layout_add(to, l->name, "u", s->in, s->svd_rank);
    l->v = rs_layout_add(to, l->name, "v", s->svd_rank, s->out);
  } else {
    l->kernel = rs_layout_add(to, l->name, "kernel", s->in, s->out);
  }
  l->bias = rs_layout_add(to, l->name, "bias", s->out, 0);
  l->size = *to->size - l->first;
}

void rs_dense_init(const rs_layer *l, const rs_stream *s, float *values) {
  size_t in = l->spec.in, out = l->spec.out, d = l->spec.svd_rank;
  if (d > 0) {
    rs_glorot_init(s, in, d, 0, values + l->u);
    rs_glorot_init(s, d, out, in * d, values + l->v);
  } else {
    rs_glorot_init(s, in, out, 0, values + l->kernel);
  }
  memset(values + l->bias, 0, out * sizeof *values);
}

/* Of a layer that has factors, or whose kernel is the product of some; svd_rank 0: neither. */
static rs_low_rank factors_of(const rs_layer *l, const float *w) {
  if (l->spec.svd_rank == 0) return l->low;
  return (rs_low_rank){l->spec.svd_rank, w + l->u, w + l->v};
}

void rs_dense_forward(const rs_layer *l, const float *w, size_t m, const float *x, float *inner,
                      float *y) {
  const rs_layer_spec *s = &l->spec;
  rs_epilogue act = {s->activation == RS_RELU ? RS_EPILOGUE_BIAS_RELU : RS_EPILOGUE_BIAS,
                     .bias = w + l->bias};
  rs_low_rank f = factors_of(l, w);
  if (f.svd_rank > 0) /* y = act((x u) v + b) */
    rs_gemm_chain(RS_GEMM_NN, m, s->out, f.svd_rank, s->in, x, f.u, f.v, inner, y, &act);
  else /* y = act(x W + b) */
    rs_gemm(RS_GEMM_NN, m, s->out, s->in, x, w + l->kernel, y, &act);
}

/* dv = h^T dy, dh = dy v^T, du = x^T dh, dx = dh u^T, h = x u. */
static void factored_backward(const rs_layer *l, const float *w, size_t m, const float *x,
                              const float *h, const float *dy, float *dh, float *dx,
                              const rs_epilogue *previous, float *gradients) {
  const rs_layer_spec *s = &l->spec;
  if (dx != NULL)
    rs_gemm_chain(RS_GEMM_NT, m, s->in, s->svd_rank, s->out, dy, w + l->v, w + l->u, dh, dx,
                  previous);
  else
    rs_gemm(RS_GEMM_NT, m, s->svd_rank, s->out, dy, w + l->v, dh, NULL);
  rs_gemm_factor_gradients(m, s->in, s->svd_rank, s->out, x, h, dh, dy, gradients + l->u,
                           gradients + l->v);
}

/* dW = x^T dy, dx = dy W^T. A kernel that is a product learns as it is, but is passed through by
 * its factors. */
static void kernel_backward(const rs_layer *l, const float *w, size_t m, const float *x,
                            const float *dy, float *dh, float *dx, const rs_epilogue *previous,
                            float *gradients) {
  const rs_layer_spec *s = &l->spec;
  rs_gemm(RS_GEMM_TN, s->in, s->out, m, x, dy, gradients + l->kernel, NULL);
  if (dx == NULL) return;
  if (l->low.svd_rank > 0)
    rs_gemm_chain(RS_GEMM_NT, m, s->in, l->low.svd_rank, s->out, dy, l->low.v, l->low.u, dh, dx,
                  previous);
  else
    rs_gemm(RS_GEMM_NT, m, s->in, s->out, dy, w + l->kernel, dx, previous);
}

void rs_dense_backward(const rs_layer *l, const float *w, size_t m, const float *x, const float *h,
                       const float *dy, float *dh, float *dx, const rs_epilogue *previous,
                       float *gradients) {
  rs_column_sums(m, l->spec.out, dy, gradients + l->bias);
  if (l->spec.svd_rank > 0)
    factored_backward(l, w, m, x, h, dy, dh, dx, previous, gradients);
  else
    kernel_backward(l, w, m, x, dy, dh, dx, previous, gradients);
}
