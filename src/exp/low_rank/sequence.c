#include "sequence.h"

#include "decompose.h"
#include "sound/front.h"

#include <stdio.h>
#include <string.h>

/* ---- kernels ------------------------------------------------------------------------------ */

static bool is_factored(const rs_sequence_spec *l) {
  return (l->kind == RS_SEQUENCE_GRU || l->kind == RS_SEQUENCE_DENSE) && l->out > 1;
}

/* What is decomposed of layer L under which names: its kernel, and a recurrent one. */
static size_t kernels_of(const rs_sequence_layer *l, const float *values, rs_kernel out[2]) {
  size_t in = l->spec.in, u = l->spec.out;
  const char *name = l->base.name;
  bool is_gru = l->spec.kind == RS_SEQUENCE_GRU;
  if (!is_factored(&l->spec)) return 0;
  out[0] = (rs_kernel){.data = values + l->base.kernel, .m = in, .n = is_gru ? 3 * u : u};
  snprintf(out[0].name, sizeof out[0].name, "%.20s", name);
  if (!is_gru) return 1;
  out[1] = (rs_kernel){.data = values + l->recurrent, .m = u, .n = 3 * u};
  snprintf(out[1].name, sizeof out[1].name, "%.20s_recurrent", name);
  return 2;
}

void rs_exp_check_sequence_rank(const rs_settings *s, const rs_sequence_spec *layers, size_t n,
                                rs_problems *problems) {
  size_t d = (size_t)rs_settings_int(s, "svd.rank"), gru = 0, dense = 0;
  for (size_t i = 0; i < n; i++) {
    const rs_sequence_spec *l = &layers[i];
    bool is_gru = l->kind == RS_SEQUENCE_GRU;
    gru += is_gru;
    dense += l->kind == RS_SEQUENCE_DENSE;
    size_t most = l->in < l->out ? l->in : l->out;
    if (!is_factored(l) || d <= most) continue;
    rs_problem_add(
        problems, rs_settings_place(s, "svd.rank"),
        "svd.rank %zu is more than layer %s%zu [%zu, %zu] has: expected 1 to %zu or full", d,
        is_gru ? "gru" : "dense", is_gru ? gru : dense, l->in, l->out, most);
    return;
  }
}

/* The network LAYERS with the parameters in FROM. */
static rs_status load_net(const rs_sequence_spec *layers, size_t n, const rs_bundle *from,
                          rs_sequence_net **out) {
  RS_TRY(rs_sequence_create(layers, n, out));
  rs_status status = rs_sequence_load(*out, from);
  if (status == RS_OK) return RS_OK;
  rs_sequence_destroy(*out);
  *out = NULL;
  return status;
}

/* ---- decomposing -------------------------------------------------------------------------- */

rs_status rs_exp_sequence_svd_cost(const rs_sequence_spec *layers, size_t n, rs_cost *out) {
  rs_sequence_net *net;
  rs_kernel kernels[2];
  *out = (rs_cost){0};
  RS_TRY(rs_sequence_create(layers, n, &net));
  out->parameters = (double)net->size;
  for (size_t i = 0; i < n; i++) {
    size_t count = kernels_of(&net->layers[i], net->values, kernels);
    for (size_t k = 0; k < count; k++) rs_exp_decomposition_cost(kernels[k].m, kernels[k].n, out);
    out->ranks += (int)count;
  }
  out->bytes += 8 * out->parameters;
  rs_sequence_destroy(net);
  return RS_OK;
}

rs_status rs_exp_sequence_svd(rs_stage_context *c, const rs_sequence_spec *layers, size_t n) {
  rs_kernel kernels[RS_MOST_KERNELS];
  rs_sequence_net *net = NULL;
  size_t count = 0;
  RS_ASSERT(2 * n <= RS_MOST_KERNELS);
  rs_status status = load_net(layers, n, c->parent, &net);
  if (status == RS_OK) status = rs_sequence_save(net, c->output);
  if (status == RS_OK) status = rs_exp_copy_statistics(c->parent, c->output);
  status = rs_comm_agree(c->comm, status);
  for (size_t i = 0; status == RS_OK && i < n; i++)
    count += kernels_of(&net->layers[i], net->values, kernels + count);
  if (status == RS_OK) status = rs_exp_decompose(c->comm, kernels, count, c->output);
  rs_sequence_destroy(net);
  return status;
}

/* ---- truncating --------------------------------------------------------------------------- */

rs_status rs_exp_sequence_compress_cost(const rs_sequence_spec *low, size_t n, rs_cost *out) {
  rs_sequence_net *net;
  RS_TRY(rs_sequence_create(low, n, &net));
  *out = (rs_cost){.parameters = (double)net->size, .bytes = 16.0 * (double)net->size};
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

static rs_status truncate_layer(const rs_stage_context *c, const rs_sequence_net *full, size_t i,
                                rs_sequence_net *low, double *energy) {
  const rs_sequence_layer *from = &full->layers[i], *to = &low->layers[i];
  rs_kernel kernels[2];
  if (to->spec.svd_rank == 0) {
    memcpy(low->values + to->base.first, full->values + from->base.first,
           from->base.size * sizeof(float));
    return RS_OK;
  }
  size_t n = kernels_of(from, full->values, kernels), biases = n == 1 ? 1 : 6;
  for (size_t k = 0; k < n; k++)
    RS_TRY(truncate_kernel(c, &kernels[k], k, to, low->values, energy));
  memcpy(low->values + to->base.bias, full->values + from->base.bias,
         biases * from->spec.out * sizeof(float));
  return RS_OK;
}

/* FULL is as trained. */
static rs_status compress(rs_stage_context *c, const rs_sequence_net *full,
                          const rs_sequence_spec *layers, double *energy) {
  rs_sequence_net *low;
  rs_status status = rs_sequence_create(layers, full->n_layers, &low);
  for (size_t i = 0; status == RS_OK && i < full->n_layers; i++)
    status = truncate_layer(c, full, i, low, energy);
  if (status == RS_OK) status = rs_sequence_save(low, c->output);
  rs_sequence_destroy(low);
  return status;
}

rs_status rs_exp_sequence_compress(rs_stage_context *c, const rs_sequence_spec *layers,
                                   const rs_sequence_spec *low, size_t n) {
  rs_sequence_net *full = NULL;
  double energy = 1;
  rs_status status = load_net(layers, n, c->parent, &full);
  if (status == RS_OK && rs_comm_rank(c->comm) == 0) {
    status = compress(c, full, low, &energy);
    if (status == RS_OK) status = rs_exp_copy_statistics(c->parent, c->output);
  }
  rs_sequence_destroy(full);
  RS_TRY(rs_comm_agree(c->comm, status));
  return rs_stage_final(c, "energy", energy);
}
