/* Stage mlp-svd: one thin SVD of each hidden kernel, which serves every svd rank; the kernels stay
 * beside their factors. The layers are shared out over the group's ranks, and those of a rank over
 * its threads; each decomposition runs on one thread. */
#include "mlp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct decomposition {
  size_t number; /* of the layer, from 1 */
  size_t m, n, k;
  int owner; /* rank that computes it */
  const float *kernel;
  float *u, *s, *vt;
  rs_status status;
  char message[256]; /* errors belong to a thread: carried out of it */
} decomposition;

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

static rs_status cost(const rs_settings *s, rs_cost *out) {
  rs_mlp_shape shape = rs_exp_mlp_shape(s, 0);
  out->parameters = (double)rs_network_size(shape.layers, shape.n);
  out->bytes = 4 * out->parameters;
  out->ranks = (int)shape.n - 1;
  for (size_t i = 0; i + 1 < shape.n; i++) {
    double m = (double)shape.layers[i].in, n = (double)shape.layers[i].out, k = m < n ? m : n;
    out->flops += 4 * m * n * k + 13 * k * k * k; /* Golub and Van Loan, R-SVD with thin U and V */
    out->bytes += 4 * (m + n) * k + 4 * (m * n + 4 * k * k + 7 * k);
  }
  return RS_OK;
}

/* Kernel and bias of a layer, unchanged. */
static rs_status copy_layer(const rs_layer_spec *layer, size_t number, const rs_bundle *from,
                            rs_bundle *into, const float **kernel) {
  const float *bias;
  float *kernel_out, *bias_out;
  RS_TRY(rs_exp_find(from, number, "kernel", layer->in, layer->out, kernel));
  RS_TRY(rs_exp_find(from, number, "bias", layer->out, 0, &bias));
  RS_TRY(rs_exp_append(into, number, "kernel", layer->in, layer->out, &kernel_out));
  RS_TRY(rs_exp_append(into, number, "bias", layer->out, 0, &bias_out));
  memcpy(kernel_out, *kernel, layer->in * layer->out * sizeof **kernel);
  memcpy(bias_out, bias, layer->out * sizeof *bias);
  return RS_OK;
}

static rs_status prepare(decomposition *d, size_t index, const rs_layer_spec *layer, int ranks,
                         const rs_bundle *from, rs_bundle *into) {
  *d = (decomposition){.m = layer->in, .n = layer->out, .k = smaller(layer->in, layer->out)};
  d->owner = (int)(index % (size_t)ranks);
  d->number = index + 1;
  RS_TRY(copy_layer(layer, d->number, from, into, &d->kernel));
  RS_TRY(rs_exp_append(into, d->number, "u", d->m, d->k, &d->u));
  RS_TRY(rs_exp_append(into, d->number, "s", d->k, 0, &d->s));
  return rs_exp_append(into, d->number, "vt", d->k, d->n, &d->vt);
}

static rs_status decompose_own(decomposition *all, size_t n, int rank) {
#pragma omp parallel for schedule(dynamic, 1)
  for (size_t i = 0; i < n; i++) {
    decomposition *d = &all[i];
    if (d->owner != rank) continue;
    d->status = rs_svd_thin(d->m, d->n, d->kernel, d->u, d->s, d->vt);
    if (d->status != RS_OK) snprintf(d->message, sizeof d->message, "%s", rs_error_message());
  }
  for (size_t i = 0; i < n; i++)
    if (all[i].status != RS_OK)
      return rs_fail(all[i].status, "layer dense%zu: %s", all[i].number, all[i].message);
  return RS_OK;
}

static rs_status share_results(rs_comm *comm, const decomposition *all, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const decomposition *d = &all[i];
    RS_TRY(rs_comm_broadcast(comm, d->owner, d->u, d->m * d->k * sizeof(float)));
    RS_TRY(rs_comm_broadcast(comm, d->owner, d->s, d->k * sizeof(float)));
    RS_TRY(rs_comm_broadcast(comm, d->owner, d->vt, d->k * d->n * sizeof(float)));
  }
  return RS_OK;
}

static rs_status run(rs_stage_context *c) {
  rs_mlp_shape shape = rs_exp_mlp_shape(c->settings, 0);
  size_t hidden = shape.n - 1;
  decomposition all[RS_MLP_MAX_LAYERS];
  rs_status status = RS_OK;
  for (size_t i = 0; i < hidden && status == RS_OK; i++)
    status = prepare(&all[i], i, &shape.layers[i], rs_comm_size(c->comm), c->parent, c->output);
  const float *unused;
  if (status == RS_OK)
    status = copy_layer(&shape.layers[hidden], shape.n, c->parent, c->output, &unused);
  if (status == RS_OK) status = decompose_own(all, hidden, rs_comm_rank(c->comm));
  RS_TRY(rs_comm_agree(c->comm, status));
  return share_results(c->comm, all, hidden);
}

static const rs_stage_vectors singular_values = {
    .tensor = "s",
    .name = "singular_values",
    .long_name = "Singular values",
    .index = "Index of the singular value",
};

const rs_stage_op rs_mlp_svd = {
    .spec = {.name = "mlp-svd",
             .version = 1,
             .reads = (const char *const[]){"model.hidden", NULL},
             .cost = cost},
    .vectors = &singular_values,
    .run = run,
};
