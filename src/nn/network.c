/* The shape of a network: its layers over one block of parameters. */
#include "dense.h"
#include "params.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- sizes ---------------------------------------------------------------------------------- */

static size_t layer_size(const rs_layer_spec *l) {
  size_t kernel = l->svd_rank > 0 ? l->svd_rank * (l->in + l->out) : l->in * l->out;
  return kernel + l->out;
}

size_t rs_network_size(const rs_layer_spec *layers, size_t n) {
  size_t size = 0;
  for (size_t i = 0; i < n; i++) size += layer_size(&layers[i]);
  return size;
}

double rs_network_flops(const rs_layer_spec *layers, size_t n, bool training) {
  double flops = 0;
  for (size_t i = 0; i < n; i++) {
    const rs_layer_spec *l = &layers[i];
    double pass = 2.0 * (double)(layer_size(l) - l->out);
    double first = 2.0 * (double)(l->svd_rank > 0 ? l->in * l->svd_rank : l->in * l->out);
    flops +=
        training ? 3.0 * pass - (i == 0 ? first : 0.0) : pass; /* nobody needs the gradient of x */
  }
  return flops;
}

/* ---- life -------------------------------------------------------------------------------------
 */

static void lay_out(rs_network *net, size_t index, const rs_layer_spec *spec) {
  rs_layer *l = &net->layers[index];
  l->spec = *spec;
  snprintf(l->name, sizeof l->name, "dense%zu", index + 1);
  rs_dense_lay_out(l, &(rs_layout){net->params, &net->n_params, &net->size});
}

rs_status rs_network_create(const rs_layer_spec *layers, size_t n, rs_network **out) {
  rs_network *net;
  *out = NULL;
  RS_TRY(rs_new(&net, 1, sizeof *net));
  rs_status status = rs_new(&net->layers, n, sizeof *net->layers);
  if (status == RS_OK) status = rs_new(&net->params, 3 * n, sizeof *net->params);
  if (status == RS_OK) {
    net->n_layers = n;
    for (size_t i = 0; i < n; i++) lay_out(net, i, &layers[i]);
    status = rs_new(&net->values, net->size, sizeof *net->values);
  }
  if (status != RS_OK) {
    rs_network_destroy(net);
    return status;
  }
  *out = net;
  return RS_OK;
}

void rs_network_destroy(rs_network *net) {
  if (net == NULL) return;
  free(net->layers);
  free(net->params);
  free(net->values);
  free(net);
}

/* ---- contents -----------------------------------------------------------------------------------
 */

void rs_network_init(rs_network *net, uint64_t seed, const char *stage) {
  for (size_t i = 0; i < net->n_layers; i++) {
    rs_stream s = rs_stream_make(seed, stage, "init", i);
    rs_dense_init(&net->layers[i], &s, net->values);
  }
}

void rs_network_forget_factors(rs_network *net) {
  for (size_t i = 0; i < net->n_layers; i++) net->layers[i].low = (rs_low_rank){0};
}

rs_status rs_network_load(rs_network *net, const rs_bundle *from) {
  return rs_params_load(net->params, net->n_params, from, net->values);
}

rs_status rs_network_save(const rs_network *net, rs_bundle *into) {
  return rs_params_save(net->params, net->n_params, net->values, into);
}
