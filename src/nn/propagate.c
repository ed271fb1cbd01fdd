/* Forward and backward passes. */
#include "dense.h"

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

const float *rs_network_forward(const rs_network *net, rs_workspace *ws, size_t m, const float *x) {
  RS_ASSERT(m <= ws->rows && ws->n_layers == net->n_layers);
  for (size_t i = 0; i < net->n_layers; i++) {
    rs_dense_forward(&net->layers[i], net->values, m, x, ws->inner[i], ws->output[i]);
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

rs_status rs_network_backward(const rs_network *net, rs_workspace *ws, size_t m, const float *x,
                              float *gradients, rs_gradient_ready ready, void *user) {
  RS_ASSERT(ws->output_gradient != NULL && m <= ws->rows);
  RS_ASSERT(net->layers[net->n_layers - 1].spec.activation == RS_LINEAR);
  for (size_t i = net->n_layers; i-- > 0;) {
    const rs_layer *l = &net->layers[i];
    bool masked = i > 0 && net->layers[i - 1].spec.activation == RS_RELU;
    const float *input = i > 0 ? ws->output[i - 1] : x;
    rs_epilogue previous = {masked ? RS_EPILOGUE_RELU_MASK : RS_EPILOGUE_NONE, .mask = input};
    rs_dense_backward(l, net->values, m, input, ws->inner[i], ws->output_gradient[i],
                      ws->inner_gradient[i], i > 0 ? ws->output_gradient[i - 1] : NULL, &previous,
                      gradients);
    if (ready != NULL) RS_TRY(ready(user, l->first, l->size));
  }
  return RS_OK;
}
