/* Replaces kernels by their truncated SVD, shared out over a group. */
#include "ranksweep/nn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct target {
  size_t layer, m, n, d;
  int owner; /* rank that decomposes it */
  bool by_subspace;
  rs_subspace *subspace; /* on every rank: each knows the basis, which goes into checkpoints */
  float *u, *v;          /* [m, d], [d, n] */
  double facts[4];       /* residual, energy, iterations, fell back */
  rs_status status;
  char message[256]; /* errors belong to a thread: carried out of it */
} target;

struct rs_projection {
  rs_network *net;
  rs_comm *comm;
  rs_projection_spec spec;
  size_t n;
  target *targets;
  uint64_t count; /* projections so far */
};

/* ---- life ---------------------------------------------------------------------------------- */

static double cost(const target *t) {
  double least = (double)(t->m < t->n ? t->m : t->n);
  return (double)t->m * (double)t->n * (t->by_subspace ? (double)t->d : least);
}

static int costlier(const void *a, const void *b) {
  const target *x = a, *y = b;
  double p = cost(x), q = cost(y);
  if (p != q) return p < q ? 1 : -1;
  return x->layer < y->layer ? -1 : 1;
}

static int by_layer(const void *a, const void *b) {
  const target *x = a, *y = b;
  return x->layer < y->layer ? -1 : 1;
}

/* The costliest first, each to the rank that has least to do. */
static rs_status share_out(rs_projection *p) {
  double *load;
  size_t ranks = (size_t)rs_comm_size(p->comm);
  RS_TRY(rs_new(&load, ranks, sizeof *load));
  qsort(p->targets, p->n, sizeof *p->targets, costlier);
  for (size_t i = 0; i < p->n; i++) {
    size_t least = 0;
    for (size_t r = 1; r < ranks; r++)
      if (load[r] < load[least]) least = r;
    p->targets[i].owner = (int)least;
    load[least] += cost(&p->targets[i]);
  }
  qsort(p->targets, p->n, sizeof *p->targets, by_layer);
  free(load);
  return RS_OK;
}

static rs_status open_target(const rs_projection *p, size_t layer, target *t) {
  rs_layer *l = &p->net->layers[layer];
  size_t least = l->spec.in < l->spec.out ? l->spec.in : l->spec.out;
  *t = (target){.layer = layer, .m = l->spec.in, .n = l->spec.out, .d = p->spec.svd_rank};
  l->most_low = t->d;
  /* with few dimensions left over, the whole decomposition is as cheap, and exact */
  t->by_subspace = p->spec.method == RS_SVD_SUBSPACE && 2 * (t->d + p->spec.oversampling) <= least;
  RS_TRY(rs_new(&t->u, t->m * t->d, sizeof *t->u));
  RS_TRY(rs_new(&t->v, t->d * t->n, sizeof *t->v));
  if (!t->by_subspace) return RS_OK;
  RS_TRY(rs_subspace_create(t->m, t->n, t->d, p->spec.oversampling, &t->subspace));
  rs_stream s = rs_stream_make(p->spec.seed, p->spec.stage, "subspace", layer);
  rs_subspace_scatter(t->subspace, &s);
  return RS_OK;
}

static rs_status open_targets(rs_projection *p) {
  RS_TRY(rs_new(&p->targets, p->net->n_layers, sizeof *p->targets));
  for (size_t i = 0; i + 1 < p->net->n_layers; i++) {
    const rs_layer_spec *l = &p->net->layers[i].spec;
    if (p->spec.svd_rank == 0 || p->spec.svd_rank >= (l->in < l->out ? l->in : l->out)) continue;
    p->n++;
    RS_TRY(open_target(p, i, &p->targets[p->n - 1]));
  }
  return share_out(p);
}

rs_status rs_projection_create(rs_network *net, const rs_projection_spec *spec, rs_comm *comm,
                               rs_projection **out) {
  rs_projection *p;
  *out = NULL;
  RS_TRY(rs_new(&p, 1, sizeof *p));
  p->net = net;
  p->comm = comm;
  p->spec = *spec;
  rs_status status = open_targets(p);
  if (status == RS_OK)
    *out = p;
  else
    rs_projection_destroy(p);
  return status;
}

void rs_projection_destroy(rs_projection *p) {
  if (p == NULL) return;
  for (size_t i = 0; p->targets != NULL && i < p->n; i++) {
    target *t = &p->targets[i];
    p->net->layers[t->layer].low = (rs_low_rank){0};
    rs_subspace_destroy(t->subspace);
    free(t->u);
    free(t->v);
  }
  free(p->targets);
  free(p);
}

/* ---- one layer ----------------------------------------------------------------------------- */

static rs_status by_gesdd(target *t, const float *kernel) {
  size_t k = t->m < t->n ? t->m : t->n;
  float *u = NULL, *s = NULL, *vt = NULL;
  rs_status status = rs_new(&u, t->m * k, sizeof *u);
  if (status == RS_OK) status = rs_new(&s, k, sizeof *s);
  if (status == RS_OK) status = rs_new(&vt, k * t->n, sizeof *vt);
  if (status == RS_OK) status = rs_svd_thin(t->m, t->n, kernel, u, s, vt);
  if (status == RS_OK) {
    double whole = rs_sum_squares(k, s);
    rs_svd_slice(t->m, t->n, u, s, vt, t->d, 1.0, t->u, t->v);
    t->facts[0] = 0;
    t->facts[1] = whole > 0 ? rs_sum_squares(t->d, s) / whole : 1;
    if (t->by_subspace) /* which continues from here */
      memcpy(rs_subspace_basis(t->subspace), vt,
             rs_subspace_width(t->subspace) * t->n * sizeof *vt);
  }
  free(u);
  free(s);
  free(vt);
  return status;
}

static rs_status decompose(const rs_projection *p, target *t) {
  const float *kernel = p->net->values + p->net->layers[t->layer].kernel;
  memset(t->facts, 0, sizeof t->facts);
  if (!t->by_subspace) return by_gesdd(t, kernel);
  rs_subspace_report r;
  RS_TRY(rs_subspace_run(t->subspace, kernel, p->spec.iterations, p->spec.tolerance, &r));
  t->facts[2] = (double)r.iterations;
  t->facts[3] = r.residual > p->spec.tolerance;
  if (t->facts[3] > 0) return by_gesdd(t, kernel);
  t->facts[0] = r.residual;
  t->facts[1] = r.energy;
  rs_subspace_factors(t->subspace, t->u, t->v);
  return RS_OK;
}

static rs_status decompose_own(rs_projection *p) {
  int rank = rs_comm_rank(p->comm);
#pragma omp parallel for schedule(dynamic, 1)
  for (size_t i = 0; i < p->n; i++) {
    target *t = &p->targets[i];
    t->status = t->owner == rank ? decompose(p, t) : RS_OK;
    if (t->status != RS_OK) snprintf(t->message, sizeof t->message, "%s", rs_error_message());
  }
  for (size_t i = 0; i < p->n; i++)
    if (p->targets[i].status != RS_OK)
      return rs_fail(p->targets[i].status, "layer %s: %s", p->net->layers[p->targets[i].layer].name,
                     p->targets[i].message);
  return RS_OK;
}

/* ---- all of them --------------------------------------------------------------------------- */

/* Factors, not matrices: d (m + n) numbers instead of m n. */
static rs_status share_factors(rs_projection *p) {
  for (size_t i = 0; i < p->n; i++) {
    target *t = &p->targets[i];
    RS_TRY(rs_comm_broadcast(p->comm, t->owner, t->u, t->m * t->d * sizeof *t->u));
    RS_TRY(rs_comm_broadcast(p->comm, t->owner, t->v, t->d * t->n * sizeof *t->v));
    RS_TRY(rs_comm_broadcast(p->comm, t->owner, t->facts, sizeof t->facts));
    if (t->by_subspace)
      RS_TRY(rs_comm_broadcast(p->comm, t->owner, rs_subspace_basis(t->subspace),
                               rs_subspace_width(t->subspace) * t->n * sizeof(float)));
  }
  return RS_OK;
}

/* Products through the factors where they cost less than through the kernel. */
static void show_factors(rs_projection *p) {
  for (size_t i = 0; i < p->n; i++) {
    const target *t = &p->targets[i];
    if (t->d * (t->m + t->n) < t->m * t->n)
      p->net->layers[t->layer].low = (rs_low_rank){t->d, t->u, t->v};
  }
}

#if defined(RS_CHECKS) && RS_CHECKS
/* Test builds: all ranks hold the same bits. */
static rs_status check_agreement(const rs_projection *p) {
  uint64_t mine = rs_checksum(p->net->values, p->net->size * sizeof *p->net->values), root = mine;
  RS_TRY(rs_comm_broadcast(p->comm, 0, &root, sizeof root));
  return rs_comm_agree(p->comm, root == mine ? RS_OK
                                             : rs_fail(RS_ERR_INTERNAL,
                                                       "rank %d of its group holds other weights",
                                                       rs_comm_rank(p->comm)));
}
#else
static rs_status check_agreement(const rs_projection *p) {
  (void)p;
  return RS_OK;
}
#endif

static void sum_up(const rs_projection *p, rs_projection_report *out) {
  *out = (rs_projection_report){.energy = 1};
  for (size_t i = 0; i < p->n; i++) {
    const double *f = p->targets[i].facts;
    out->residual = fmax(out->residual, f[0]);
    out->energy = fmin(out->energy, f[1]);
    out->iterations += (size_t)f[2];
    out->fallbacks += (size_t)f[3];
  }
}

rs_status rs_projection_apply(rs_projection *p, rs_projection_report *out) {
  double began = rs_clock_now();
  *out = (rs_projection_report){0};
  RS_TRY(rs_comm_agree(p->comm, decompose_own(p)));
  RS_TRY(share_factors(p));
  for (size_t i = 0; i < p->n; i++) {
    const target *t = &p->targets[i];
    rs_gemm(RS_GEMM_NN, t->m, t->n, t->d, t->u, t->v,
            p->net->values + p->net->layers[t->layer].kernel, NULL);
  }
  RS_TRY(check_agreement(p));
  show_factors(p);
  sum_up(p, out);
  out->seconds = rs_clock_now() - began;
  p->count++;
  return RS_OK;
}

/* ---- in and out ---------------------------------------------------------------------------- */

static rs_status put(rs_bundle *into, const char *layer, const char *what, size_t rows, size_t cols,
                     const float *from) {
  char name[2 * RS_NAME_BYTES];
  float *data;
  snprintf(name, sizeof name, "projection/%s/%s", layer, what);
  RS_TRY(rs_bundle_add(into, name, 2, (size_t[]){rows, cols}, &data));
  memcpy(data, from, rows * cols * sizeof *from);
  return RS_OK;
}

static rs_status take(const rs_bundle *from, const char *layer, const char *what, size_t rows,
                      size_t cols, float *into) {
  char name[2 * RS_NAME_BYTES];
  const float *data;
  snprintf(name, sizeof name, "projection/%s/%s", layer, what);
  RS_TRY(rs_bundle_get(from, name, rows, cols, &data));
  memcpy(into, data, rows * cols * sizeof *into);
  return RS_OK;
}

rs_status rs_projection_save(const rs_projection *p, rs_bundle *into) {
  for (size_t i = 0; p->count > 0 && i < p->n; i++) {
    const target *t = &p->targets[i];
    const rs_layer *l = &p->net->layers[t->layer];
    RS_TRY(put(into, l->name, "u", t->m, t->d, t->u));
    RS_TRY(put(into, l->name, "v", t->d, t->n, t->v));
    if (t->by_subspace)
      RS_TRY(put(into, l->name, "basis", rs_subspace_width(t->subspace), t->n,
                 rs_subspace_basis(t->subspace)));
  }
  return RS_OK;
}

rs_status rs_projection_load(rs_projection *p, const rs_bundle *from, uint64_t count,
                             bool projected) {
  p->count = count;
  for (size_t i = 0; count > 0 && i < p->n; i++) {
    target *t = &p->targets[i];
    const rs_layer *l = &p->net->layers[t->layer];
    RS_TRY(take(from, l->name, "u", t->m, t->d, t->u));
    RS_TRY(take(from, l->name, "v", t->d, t->n, t->v));
    if (t->by_subspace)
      RS_TRY(take(from, l->name, "basis", rs_subspace_width(t->subspace), t->n,
                  rs_subspace_basis(t->subspace)));
  }
  if (projected) show_factors(p);
  return RS_OK;
}

uint64_t rs_projection_count(const rs_projection *p) {
  return p->count;
}

void rs_projection_factors(const rs_projection *p, rs_network *factored) {
  for (size_t i = 0; i < factored->n_layers; i++) {
    const rs_layer *to = &factored->layers[i], *from = &p->net->layers[i];
    memcpy(factored->values + to->bias, p->net->values + from->bias,
           from->spec.out * sizeof(float));
    if (to->spec.svd_rank == 0)
      memcpy(factored->values + to->kernel, p->net->values + from->kernel,
             from->spec.in * from->spec.out * sizeof(float));
  }
  for (size_t i = 0; i < p->n; i++) {
    const target *t = &p->targets[i];
    const rs_layer *to = &factored->layers[t->layer];
    memcpy(factored->values + to->u, t->u, t->m * t->d * sizeof(float));
    memcpy(factored->values + to->v, t->v, t->d * t->n * sizeof(float));
  }
}
