/* The shape of a sequence network: its layers over one block of parameters. */
#include "sequence.h"

#include <stdio.h>
#include <stdlib.h>

const rs_sequence_ops *rs_sequence_ops_of(rs_sequence_kind kind) {
  switch (kind) {
  case RS_SEQUENCE_GRU: return &rs_gru_ops;
  case RS_SEQUENCE_DENSE: return &rs_dense_ops;
  case RS_SEQUENCE_DROPOUT: return &rs_dropout_ops;
  case RS_SEQUENCE_LAST: return &rs_last_ops;
  case RS_SEQUENCE_MEAN: return &rs_mean_ops;
  case RS_SEQUENCE_STATISTICS: return &rs_statistics_ops;
  case RS_SEQUENCE_BESIDE: return &rs_beside_ops;
  case RS_SEQUENCE_PAIRS: return &rs_pairs_ops;
  case RS_SEQUENCE_DISTANCES: return &rs_distances_ops;
  case RS_SEQUENCE_COSINES: return &rs_cosines_ops;
  }
  RS_ASSERT(false);
  return NULL;
}

/* ---- life -------------------------------------------------------------------------------------
 */

enum { MOST_PARAMS = 5 }; /* of a layer: a factored gru's */

/* How many of the first N layers are of KIND. */
static size_t count_kind(const rs_sequence_spec *layers, size_t n, rs_sequence_kind kind) {
  size_t count = 0;
  for (size_t i = 0; i < n; i++) count += layers[i].kind == kind;
  return count;
}

static void lay_out(rs_sequence_net *net, const rs_sequence_spec *layers, size_t index) {
  const rs_sequence_ops *ops = rs_sequence_ops_of(layers[index].kind);
  rs_sequence_layer *l = &net->layers[index];
  l->spec = layers[index];
  size_t width = ops->narrows ? 1 : l->spec.in * (ops->widens > 0 ? ops->widens : 1);
  if (ops->appends) width += layers[0].in;
  if (l->spec.out == 0) l->spec.out = width;
  RS_ASSERT(ops->lay_out != NULL || l->spec.out == width);
  RS_ASSERT(index == 0 || l->spec.in == net->layers[index - 1].spec.out);
  l->base.spec = (rs_layer_spec){l->spec.in, l->spec.out, l->spec.svd_rank, l->spec.activation};
  snprintf(l->base.name, sizeof l->base.name, "%s%zu", ops->name,
           count_kind(layers, index, l->spec.kind) + 1);
  l->base.first = net->size;
  if (ops->lay_out != NULL) ops->lay_out(l, &(rs_layout){net->params, &net->n_params, &net->size});
  l->base.size = net->size - l->base.first;
}

rs_status rs_sequence_create(const rs_sequence_spec *layers, size_t n, rs_sequence_net **out) {
  rs_sequence_net *net;
  rs_status status;
  *out = NULL;
  RS_TRY(rs_new(&net, 1, sizeof *net));
  RS_TRY_GOTO(status, failed, rs_new(&net->layers, n, sizeof *net->layers));
  RS_TRY_GOTO(status, failed, rs_new(&net->params, MOST_PARAMS * n, sizeof *net->params));
  net->n_layers = n;
  for (size_t i = 0; i < n; i++) lay_out(net, layers, i);
  RS_TRY_GOTO(status, failed, rs_new(&net->values, net->size, sizeof *net->values));
  *out = net;
  return RS_OK;
failed:
  rs_sequence_destroy(net);
  return status;
}

void rs_sequence_destroy(rs_sequence_net *net) {
  if (net == NULL) return;
  free(net->layers);
  free(net->params);
  free(net->values);
  free(net);
}

/* ---- contents ---------------------------------------------------------------------------------
 */

rs_status rs_sequence_init(rs_sequence_net *net, uint64_t seed, const char *stage) {
  for (size_t i = 0; i < net->n_layers; i++) {
    const rs_sequence_ops *ops = rs_sequence_ops_of(net->layers[i].spec.kind);
    if (ops->init != NULL) RS_TRY(ops->init(&net->layers[i], seed, stage, i, net->values));
  }
  return RS_OK;
}

rs_status rs_sequence_load(rs_sequence_net *net, const rs_bundle *from) {
  return rs_params_load(net->params, net->n_params, from, net->values);
}

rs_status rs_sequence_save(const rs_sequence_net *net, rs_bundle *into) {
  return rs_params_save(net->params, net->n_params, net->values, into);
}

/* Backward a product is done twice more: for its weights and for its input. Nobody wants the
 * gradient of the first input, whose products are the share in / (in + u) of a gru's. */
double rs_sequence_flops(const rs_sequence_net *net, size_t frames, bool training) {
  double sum = 0;
  size_t rows = frames;
  for (size_t i = 0; i < net->n_layers; i++) {
    const rs_sequence_spec *s = &net->layers[i].spec;
    const rs_sequence_ops *ops = rs_sequence_ops_of(s->kind);
    double pass = ops->flops != NULL ? (double)rows * ops->flops(s) : 0;
    double input =
        s->kind == RS_SEQUENCE_GRU ? pass * (double)s->in / (double)(s->in + s->out) : pass;
    sum += training ? 3 * pass - (i == 0 ? input : 0) : pass;
    if (ops->pools) rows = 1;
  }
  return sum;
}
