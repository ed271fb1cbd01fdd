/* Forward and backward passes. */
#include "ranksweep/nn.h"

#include <math.h>
#include <stdlib.h>

/* For layer i: output[i] [rows, out], inner[i] [rows, D] of a factored layer; gradients likewise.
 */
struct rs_workspace {
  size_t rows, n_layers;
  float **output, **inner, **output_gradient, **inner_gradient;
};

/* ---- life -------------------------------------------------------------------------------------
 */

static rs_status new_arrays(const rs_network *net, size_t rows, float ***outputs, float ***inners) {
  RS_TRY(rs_new(outputs, net->n_layers, sizeof **outputs));
  RS_TRY(rs_new(inners, net->n_layers, sizeof **inners));
  for (size_t i = 0; i < net->n_layers; i++) {
    const rs_layer_spec *l = &net->layers[i].spec;
    size_t inner = l->svd_rank > 0 ? l->svd_rank : net->layers[i].most_low;
    RS_TRY(rs_new(&(*outputs)[i], rows * l->out, sizeof(float)));
    if (inner > 0) RS_TRY(rs_new(&(*inners)[i], rows * inner, sizeof(float)));
  }
  return RS_OK;
}

static void free_arrays(float **arrays, size_t n) {
  for (size_t i = 0; arrays != NULL && i < n; i++) free(arrays[i]);
  free(arrays);
}

rs_status rs_workspace_create(const rs_network *net, size_t rows, bool training,
                              rs_workspace **out) {
  rs_workspace *ws;
  *out = NULL;
  RS_TRY(rs_new(&ws, 1, sizeof *ws));
  ws->rows = rows;
  ws->n_layers = net->n_layers;
  rs_status status = new_arrays(net, rows, &ws->output, &ws->inner);
  if (status == RS_OK && training)
    status = new_arrays(net, rows, &ws->output_gradient, &ws->inner_gradient);
  if (status != RS_OK) {
    rs_workspace_destroy(ws);
    return status;
  }
  *out = ws;
  return RS_OK;
}

void rs_workspace_destroy(rs_workspace *ws) {
  if (ws == NULL) return;
  free_arrays(ws->output, ws->n_layers);
  free_arrays(ws->inner, ws->n_layers);
  free_arrays(ws->output_gradient, ws->n_layers);
  free_arrays(ws->inner_gradient, ws->n_layers);
  free(ws);
}

float *rs_workspace_output_gradient(rs_workspace *ws) {
  return ws->output_gradient[ws->n_layers - 1];
}

/* ---- forward ------------------------------------------------------------------------------------
 */

/* Of a layer that has factors, or whose kernel is the product of some; svd_rank 0: neither. */
static rs_low_rank factors_of(const rs_network *net, const rs_layer *l) {
  if (l->spec.svd_rank == 0) return l->low;
  return (rs_low_rank){l->spec.svd_rank, net->values + l->u, net->values + l->v};
}

const float *rs_network_forward(const rs_network *net, rs_workspace *ws, size_t m, const float *x) {
  RS_ASSERT(m <= ws->rows && ws->n_layers == net->n_layers);
  const float *w = net->values;
  for (size_t i = 0; i < net->n_layers; i++) {
    const rs_layer *l = &net->layers[i];
    const rs_layer_spec *s = &l->spec;
    rs_epilogue act = {s->activation == RS_RELU ? RS_EPILOGUE_BIAS_RELU : RS_EPILOGUE_BIAS,
                       .bias = w + l->bias};
    rs_low_rank f = factors_of(net, l);
    if (f.svd_rank > 0) { /* y = act((x u) v + b) */
      rs_gemm_chain(RS_GEMM_NN, m, s->out, f.svd_rank, s->in, x, f.u, f.v, ws->inner[i],
                    ws->output[i], &act);
    } else { /* y = act(x W + b) */
      rs_gemm(RS_GEMM_NN, m, s->out, s->in, x, w + l->kernel, ws->output[i], &act);
    }
    x = ws->output[i];
  }
  return x;
}

const char *rs_workspace_not_finite(const rs_network *net, const rs_workspace *ws, size_t m) {
  for (size_t i = 0; i < net->n_layers; i++)
    if (!isfinite(rs_sum_squares(m * net->layers[i].spec.out, ws->output[i])))
      return net->layers[i].name;
  return NULL;
}

/* ---- backward -----------------------------------------------------------------------------------
 */

/* Gradients of one layer's parameters from dy [m, out] and its input x; dx [m, in] through
 * PREVIOUS, the activation that made x, unless dx is NULL.  Dense: dW = x^T dy, db = sum dy, dx =
 * dy W^T. Factored: dv = h^T dy, dh = dy v^T, du = x^T dh, dx = dh u^T, h = x u. */
static void layer_backward(const rs_network *net, const rs_layer *l, size_t m, const float *x,
                           const float *h, const float *dy, float *dh, float *dx,
                           const rs_epilogue *previous, float *gradients) {
  const rs_layer_spec *s = &l->spec;
  const float *w = net->values;
  rs_column_sums(m, s->out, dy, gradients + l->bias);
  if (s->svd_rank > 0) {
    if (dx != NULL)
      rs_gemm_chain(RS_GEMM_NT, m, s->in, s->svd_rank, s->out, dy, w + l->v, w + l->u, dh, dx,
                    previous);
    else
      rs_gemm(RS_GEMM_NT, m, s->svd_rank, s->out, dy, w + l->v, dh, NULL);
    rs_gemm_factor_gradients(m, s->in, s->svd_rank, s->out, x, h, dh, dy, gradients + l->u,
                             gradients + l->v);
  } else {
    rs_gemm(RS_GEMM_TN, s->in, s->out, m, x, dy, gradients + l->kernel, NULL);
    if (dx == NULL) return;
    if (l->low.svd_rank >
        0) { /* the kernel learns as it is, but is passed through by its factors */
      rs_gemm_chain(RS_GEMM_NT, m, s->in, l->low.svd_rank, s->out, dy, l->low.v, l->low.u, dh, dx,
                    previous);
    } else {
      rs_gemm(RS_GEMM_NT, m, s->in, s->out, dy, w + l->kernel, dx, previous);
    }
  }
}

rs_status rs_network_backward(const rs_network *net, rs_workspace *ws, size_t m, const float *x,
                              float *gradients, rs_gradient_ready ready, void *user) {
  RS_ASSERT(ws->output_gradient != NULL && m <= ws->rows);
  RS_ASSERT(net->layers[net->n_layers - 1].spec.activation == RS_LINEAR);
  for (size_t i = net->n_layers; i-- > 0;) {
    const rs_layer *l = &net->layers[i];
    bool masked = i > 0 && net->layers[i - 1].spec.activation == RS_RELU;
    const float *input = i > 0 ? ws->output[i - 1] : x;
    rs_epilogue previous = {masked ? RS_EPILOGUE_RELU_MASK : RS_EPILOGUE_NONE, .mask = input};
    layer_backward(net, l, m, input, ws->inner[i], ws->output_gradient[i], ws->inner_gradient[i],
                   i > 0 ? ws->output_gradient[i - 1] : NULL, &previous, gradients);
    if (ready != NULL) RS_TRY(ready(user, l->first, l->size));
  }
  return RS_OK;
}
