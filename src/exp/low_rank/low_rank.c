#include "low_rank.h"

#include "decompose.h"
#include "mlp/images.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rs_status rs_exp_check_low_rank(const rs_settings *s, rs_problems *problems) {
  rs_exp_check_svd_rank(s, problems);
  rs_exp_check_training(s, problems);
  return RS_OK;
}

/* ---- factors from a decomposition ------------------------------------------------------------ */

static rs_status fill_layer(rs_network *net, size_t index, const rs_bundle *svd, double share) {
  const rs_layer *l = &net->layers[index];
  size_t in = l->spec.in, out = l->spec.out, d = l->spec.svd_rank;
  float *w = net->values;
  const float *kernel, *bias;
  char name[RS_NAME_BYTES];
  RS_TRY(rs_exp_find(svd, index + 1, "bias", out, 0, &bias));
  memcpy(w + l->bias, bias, out * sizeof *bias);
  if (d == 0) {
    RS_TRY(rs_exp_find(svd, index + 1, "kernel", in, out, &kernel));
    memcpy(w + l->kernel, kernel, in * out * sizeof *kernel);
    return RS_OK;
  }
  snprintf(name, sizeof name, "dense%zu", index + 1);
  return rs_exp_truncate(svd, name, in, out, d, share, w + l->u, w + l->v);
}

rs_status rs_exp_fill_factors(rs_network *net, const rs_bundle *svd, double share) {
  for (size_t i = 0; i < net->n_layers; i++) RS_TRY(fill_layer(net, i, svd, share));
  return RS_OK;
}

rs_status rs_exp_kept_energy(const rs_mlp_shape *shape, const rs_bundle *svd, size_t d,
                             double *out) {
  *out = 1.0;
  for (size_t i = 0; d > 0 && i + 1 < shape->n; i++) {
    char name[RS_NAME_BYTES];
    double kept;
    snprintf(name, sizeof name, "dense%zu", i + 1);
    RS_TRY(rs_exp_energy(svd, name, shape->layers[i].in, shape->layers[i].out, d, &kept));
    if (kept < *out) *out = kept;
  }
  return RS_OK;
}

/* ---- inference ------------------------------------------------------------------------------- */

enum { ROWS = 500, REPEATS = 15 };

typedef struct contestant {
  const rs_network *net;
  rs_workspace *ws;
  double best; /* s a pass */
} contestant;

static void pass(contestant *p, const float *x) {
  double start = rs_clock_now();
  (void)rs_network_forward(p->net, p->ws, ROWS, x);
  double took = rs_clock_now() - start;
  if (p->best == 0 || took < p->best) p->best = took;
}

/* In turn, so that what else the machine does hits both; the best counts. */
static void race(contestant *a, contestant *b, const float *x) {
  const double most_seconds = 0.25;
  double start = rs_clock_now();
  for (int i = 0; i < REPEATS && (i < 2 || rs_clock_now() - start < most_seconds); i++) {
    pass(a, x);
    pass(b, x);
  }
}

/* The dense network's weights do not matter for its speed. */
static rs_status time_both(const rs_network *net, const rs_mlp_shape *shape, double *seconds,
                           double *dense_seconds) {
  rs_mlp_shape dense = *shape;
  for (size_t i = 0; i < dense.n; i++) dense.layers[i].svd_rank = 0;
  rs_network *other = NULL;
  contestant mine = {.net = net}, its = {0};
  float *x = NULL;
  rs_status status = rs_network_create(dense.layers, dense.n, &other);
  if (status == RS_OK) status = rs_workspace_create(net, ROWS, false, &mine.ws);
  if (status == RS_OK) status = rs_workspace_create(other, ROWS, false, &its.ws);
  if (status == RS_OK) status = rs_new(&x, ROWS * RS_MLP_INPUTS, sizeof *x);
  if (status == RS_OK) {
    rs_stream s = rs_stream_make(1, "inference", "x", 0);
    for (size_t i = 0; i < (size_t)ROWS * RS_MLP_INPUTS; i++) x[i] = rs_stream_uniform(&s, i);
    rs_network_init(other, 1, "inference");
    its.net = other;
    race(&mine, &its, x);
    *seconds = mine.best;
    *dense_seconds = its.best;
  }
  free(x);
  rs_workspace_destroy(mine.ws);
  rs_workspace_destroy(its.ws);
  rs_network_destroy(other);
  return status;
}

rs_status rs_exp_measure_inference(rs_stage_context *c, const rs_network *net,
                                   const rs_mlp_shape *shape) {
  double seconds = 1, dense_seconds = 1;
  rs_status status = RS_OK;
  if (rs_comm_rank(c->comm) == 0) status = time_both(net, shape, &seconds, &dense_seconds);
  RS_TRY(rs_comm_agree(c->comm, status));
  double bytes = (double)(rs_network_size(shape->layers, shape->n) * sizeof(float));
  RS_TRY(rs_stage_final(c, "model_bytes", bytes));
  RS_TRY(rs_stage_final(c, "inference_speed", ROWS / seconds));
  return rs_stage_final(c, "inference_speedup", dense_seconds / seconds);
}
