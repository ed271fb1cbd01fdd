/* The shape of a network: its layers over one block of parameters. */
#include "ranksweep/nn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static size_t add_param(rs_network *net, const rs_layer *layer, const char *name, size_t rows,
                        size_t cols) {
  rs_param *p = &net->params[net->n_params++];
  snprintf(p->name, sizeof p->name, "%.20s/%.10s", layer->name, name);
  p->rows = rows;
  p->cols = cols;
  p->offset = net->size;
  net->size += rows * (cols > 0 ? cols : 1);
  return p->offset;
}

static void lay_out(rs_network *net, size_t index, const rs_layer_spec *spec) {
  rs_layer *l = &net->layers[index];
  l->spec = *spec;
  snprintf(l->name, sizeof l->name, "dense%zu", index + 1);
  l->first = net->size;
  if (spec->svd_rank > 0) {
    l->u = add_param(net, l, "u", spec->in, spec->svd_rank);
    l->v = add_param(net, l, "v", spec->svd_rank, spec->out);
  } else {
    l->kernel = add_param(net, l, "kernel", spec->in, spec->out);
  }
  l->bias = add_param(net, l, "bias", spec->out, 0);
  l->size = net->size - l->first;
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

static void glorot(const rs_stream *s, size_t in, size_t out, uint64_t from, float *kernel) {
  float limit = (float)sqrt(6.0 / (double)(in + out));
  for (size_t i = 0; i < in * out; i++)
    kernel[i] = limit * (2.0f * rs_stream_uniform(s, from + i) - 1.0f);
}

void rs_network_init(rs_network *net, uint64_t seed, const char *stage) {
  for (size_t i = 0; i < net->n_layers; i++) {
    const rs_layer *l = &net->layers[i];
    rs_stream s = rs_stream_make(seed, stage, "init", i);
    size_t in = l->spec.in, out = l->spec.out, d = l->spec.svd_rank;
    if (d > 0) {
      glorot(&s, in, d, 0, net->values + l->u);
      glorot(&s, d, out, in * d, net->values + l->v);
    } else {
      glorot(&s, in, out, 0, net->values + l->kernel);
    }
    memset(net->values + l->bias, 0, out * sizeof *net->values);
  }
}

void rs_network_forget_factors(rs_network *net) {
  for (size_t i = 0; i < net->n_layers; i++) net->layers[i].low = (rs_low_rank){0};
}

static size_t param_size(const rs_param *p) {
  return p->rows * (p->cols > 0 ? p->cols : 1);
}

rs_status rs_network_load(rs_network *net, const rs_bundle *from) {
  for (size_t i = 0; i < net->n_params; i++) {
    const rs_param *p = &net->params[i];
    const float *data;
    RS_TRY(rs_bundle_get(from, p->name, p->rows, p->cols, &data));
    memcpy(net->values + p->offset, data, param_size(p) * sizeof *data);
  }
  return RS_OK;
}

rs_status rs_network_save(const rs_network *net, rs_bundle *into) {
  for (size_t i = 0; i < net->n_params; i++) {
    const rs_param *p = &net->params[i];
    float *data;
    RS_TRY(rs_bundle_add(into, p->name, p->cols > 0 ? 2 : 1, (size_t[]){p->rows, p->cols}, &data));
    memcpy(data, net->values + p->offset, param_size(p) * sizeof *data);
  }
  return RS_OK;
}
