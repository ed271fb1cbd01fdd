/* Stages denoise-svd and denoise-compress: the kernels of a trained denoiser decomposed once, then
 * truncated at any svd rank. */
#include "decompose.h"
#include "denoise.h"
#include "low_rank.h"

#include <stdio.h>
#include <string.h>

/* What is decomposed of layer L under which names: its kernel, and a recurrent one. */
static size_t kernels_of(const rs_sequence_layer *l, const float *values, rs_kernel out[2]) {
  size_t in = l->spec.in, u = l->spec.out;
  const char *name = l->base.name;
  bool is_gru = l->spec.kind == RS_SEQUENCE_GRU;
  if (!is_gru && l->spec.kind != RS_SEQUENCE_DENSE) return 0;
  out[0] = (rs_kernel){.data = values + l->base.kernel, .m = in, .n = is_gru ? 3 * u : u};
  snprintf(out[0].name, sizeof out[0].name, "%.20s", name);
  if (!is_gru) return 1;
  out[1] = (rs_kernel){.data = values + l->recurrent, .m = u, .n = 3 * u};
  snprintf(out[1].name, sizeof out[1].name, "%.20s_recurrent", name);
  return 2;
}

/* ---- decomposing ------------------------------------------------------------------------- */

static rs_status svd_cost(const rs_settings *s, rs_cost *out) {
  rs_denoise_shape shape = rs_exp_denoise_shape(s, 0);
  rs_sequence_net *net;
  rs_kernel kernels[2];
  RS_TRY(rs_sequence_create(shape.layers, shape.n, &net));
  out->parameters = (double)net->size;
  for (size_t i = 0; i < net->n_layers; i++) {
    size_t n = kernels_of(&net->layers[i], net->values, kernels);
    for (size_t k = 0; k < n; k++) rs_exp_decomposition_cost(kernels[k].m, kernels[k].n, out);
    out->ranks += (int)n;
  }
  out->bytes += 8 * out->parameters;
  rs_sequence_destroy(net);
  return RS_OK;
}

static rs_status svd_run(rs_stage_context *c) {
  rs_kernel kernels[RS_MOST_KERNELS];
  rs_denoise_model model;
  size_t n = 0;
  rs_status status = rs_denoise_model_create(c->settings, 0, &model);
  if (status == RS_OK) status = rs_denoise_model_load(&model, c->parent);
  if (status == RS_OK) status = rs_denoise_model_save(&model, c->output);
  status = rs_comm_agree(c->comm, status);
  for (size_t i = 0; status == RS_OK && i < model.net->n_layers; i++)
    n += kernels_of(&model.net->layers[i], model.net->values, kernels + n);
  if (status == RS_OK) status = rs_exp_decompose(c->comm, kernels, n, c->output);
  rs_denoise_model_free(&model);
  return status;
}

const rs_stage_op rs_denoise_svd = {
    .spec = {.name = "denoise-svd",
             .version = 1,
             .reads = (const char *const[]){"model.", NULL},
             .cost = svd_cost},
    .vectors = &rs_exp_singular_values,
    .run = svd_run,
};

/* ---- truncating -------------------------------------------------------------------------- */

static rs_status compress_cost(const rs_settings *s, rs_cost *out) {
  rs_denoise_shape shape = rs_exp_denoise_shape(s, (size_t)rs_settings_int(s, "svd.rank"));
  rs_sequence_net *net;
  RS_TRY(rs_sequence_create(shape.layers, shape.n, &net));
  out->parameters = (double)net->size;
  out->bytes = 16 * out->parameters;
  rs_sequence_destroy(net);
  return RS_OK;
}

/* Kernel number NUMBER of the layer. */
static rs_status truncate_kernel(const rs_stage_context *c, const rs_kernel *kernel, size_t number,
                                 const rs_sequence_layer *to, float *values, double *energy) {
  size_t d = to->spec.svd_rank;
  double kept;
  float *left = values + (number == 0 ? to->base.u : to->recurrent_u);
  float *right = values + (number == 0 ? to->base.v : to->recurrent_v);
  RS_TRY(rs_exp_energy(c->parent, kernel->name, kernel->m, kernel->n, d, &kept));
  if (kept < *energy) *energy = kept;
  return rs_exp_truncate(c->parent, kernel->name, kernel->m, kernel->n, d, 1.0, left, right);
}

/* FULL is as trained. */
static rs_status truncate_layers(const rs_stage_context *c, const rs_denoise_model *full,
                                 const rs_denoise_model *low, double *energy) {
  for (size_t i = 0; i < full->net->n_layers; i++) {
    const rs_sequence_layer *from = &full->net->layers[i], *to = &low->net->layers[i];
    rs_kernel kernels[2];
    size_t n = kernels_of(from, full->net->values, kernels);
    for (size_t k = 0; k < n; k++)
      RS_TRY(truncate_kernel(c, &kernels[k], k, to, low->net->values, energy));
    size_t biases = n == 0 ? 0 : n == 1 ? from->spec.out : 6 * from->spec.out;
    memcpy(low->net->values + to->base.bias, full->net->values + from->base.bias,
           biases * sizeof(float));
  }
  if (full->mean != NULL) memcpy(low->mean, full->mean, 2 * full->front.inputs * sizeof(float));
  return RS_OK;
}

static rs_status compress(rs_stage_context *c, const rs_denoise_model *full, size_t svd_rank,
                          double *energy) {
  rs_denoise_model low;
  RS_TRY(rs_denoise_model_create(c->settings, svd_rank, &low));
  rs_status status = truncate_layers(c, full, &low, energy);
  if (status == RS_OK) status = rs_denoise_model_save(&low, c->output);
  rs_denoise_model_free(&low);
  return status;
}

static rs_status compress_run(rs_stage_context *c) {
  size_t svd_rank = (size_t)rs_settings_int(c->settings, "svd.rank"); /* 0: full */
  double energy = 1;
  rs_denoise_model full;
  rs_status status = rs_denoise_model_create(c->settings, 0, &full);
  if (status == RS_OK) status = rs_denoise_model_load(&full, c->parent);
  if (status == RS_OK && rs_comm_rank(c->comm) == 0)
    status = svd_rank > 0 ? compress(c, &full, svd_rank, &energy)
                          : rs_denoise_model_save(&full, c->output);
  rs_denoise_model_free(&full);
  RS_TRY(rs_comm_agree(c->comm, status));
  return rs_stage_final(c, "energy", energy);
}

const rs_stage_op rs_denoise_compress = {
    .spec = {.name = "denoise-compress",
             .version = 1,
             .reads = (const char *const[]){"model.", "svd.rank", NULL},
             .cost = compress_cost},
    .run = compress_run,
};
