/* Stage mlp-svd: one thin SVD of each hidden kernel, which serves every svd rank; the kernels stay
 * beside their factors. */
#include "low_rank/decompose.h"
#include "mlp.h"

#include <stdio.h>
#include <string.h>

static rs_status cost(const rs_settings *s, rs_cost *out) {
  rs_mlp_shape shape = rs_exp_mlp_shape(s, 0);
  out->parameters = (double)rs_network_size(shape.layers, shape.n);
  out->bytes = 4 * out->parameters;
  out->ranks = (int)shape.n - 1;
  for (size_t i = 0; i + 1 < shape.n; i++)
    rs_exp_decomposition_cost(shape.layers[i].in, shape.layers[i].out, out);
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

static rs_status run(rs_stage_context *c) {
  rs_mlp_shape shape = rs_exp_mlp_shape(c->settings, 0);
  rs_kernel kernels[RS_MLP_MAX_LAYERS];
  rs_status status = RS_OK;
  for (size_t i = 0; i < shape.n && status == RS_OK; i++) {
    const rs_layer_spec *l = &shape.layers[i];
    kernels[i] = (rs_kernel){.m = l->in, .n = l->out};
    snprintf(kernels[i].name, sizeof kernels[i].name, "dense%zu", i + 1);
    status = copy_layer(l, i + 1, c->parent, c->output, &kernels[i].data);
  }
  RS_TRY(rs_comm_agree(c->comm, status));
  return rs_exp_decompose(c->comm, kernels, shape.n - 1, c->output);
}

const rs_stage_op rs_mlp_svd = {
    .spec = {.name = "mlp-svd",
             .version = 1,
             .reads = (const char *const[]){"model.hidden", NULL},
             .cost = cost},
    .vectors = rs_exp_singular_values,
    .run = run,
};
