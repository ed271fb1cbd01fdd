#include "decompose.h"

#include <stdio.h>
#include <string.h>

const rs_stage_vectors rs_exp_singular_values[] = {
    {.tensor = "s",
     .name = "singular_values",
     .long_name = "Singular values",
     .axis = {.long_name = "Index of the singular value"},
     .scale = RS_SCALE_LOG},
    {0},
};

typedef struct decomposition {
  const rs_kernel *kernel;
  size_t k;
  int owner; /* rank that computes it */
  float *u, *s, *vt;
  rs_status status;
  char message[256]; /* errors belong to a thread: carried out of it */
} decomposition;

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/* ---- tensors ----------------------------------------------------------------------------- */

enum { NAME_BYTES = 64 };

static void tensor_name(const char *kernel, const char *tensor, char out[NAME_BYTES]) {
  snprintf(out, NAME_BYTES, "%.31s/%s", kernel, tensor);
}

static rs_status append(rs_bundle *into, const char *kernel, const char *tensor, size_t rows,
                        size_t cols, float **data) {
  char name[NAME_BYTES];
  tensor_name(kernel, tensor, name);
  return rs_bundle_add(into, name, cols > 0 ? 2 : 1, (size_t[]){rows, cols}, data);
}

static rs_status find(const rs_bundle *from, const char *kernel, const char *tensor, size_t rows,
                      size_t cols, const float **data) {
  char name[NAME_BYTES];
  tensor_name(kernel, tensor, name);
  return rs_bundle_get(from, name, rows, cols, data);
}

/* ---- decomposing ------------------------------------------------------------------------- */

static rs_status prepare(decomposition *d, const rs_kernel *kernel, int owner, rs_bundle *into) {
  *d = (decomposition){.kernel = kernel, .k = smaller(kernel->m, kernel->n), .owner = owner};
  RS_TRY(append(into, kernel->name, "u", kernel->m, d->k, &d->u));
  RS_TRY(append(into, kernel->name, "s", d->k, 0, &d->s));
  return append(into, kernel->name, "vt", d->k, kernel->n, &d->vt);
}

static rs_status decompose_own(decomposition *all, size_t n, int rank) {
#pragma omp parallel for schedule(dynamic, 1)
  for (size_t i = 0; i < n; i++) {
    decomposition *d = &all[i];
    if (d->owner != rank) continue;
    d->status = rs_svd_thin(d->kernel->m, d->kernel->n, d->kernel->data, d->u, d->s, d->vt);
    if (d->status != RS_OK) snprintf(d->message, sizeof d->message, "%s", rs_error_message());
  }
  for (size_t i = 0; i < n; i++)
    if (all[i].status != RS_OK)
      return rs_fail(all[i].status, "layer %s: %s", all[i].kernel->name, all[i].message);
  return RS_OK;
}

static rs_status share_results(rs_comm *comm, const decomposition *all, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const decomposition *d = &all[i];
    RS_TRY(rs_comm_broadcast(comm, d->owner, d->u, d->kernel->m * d->k * sizeof(float)));
    RS_TRY(rs_comm_broadcast(comm, d->owner, d->s, d->k * sizeof(float)));
    RS_TRY(rs_comm_broadcast(comm, d->owner, d->vt, d->k * d->kernel->n * sizeof(float)));
  }
  return RS_OK;
}

rs_status rs_exp_decompose(rs_comm *comm, const rs_kernel *kernels, size_t n, rs_bundle *into) {
  decomposition all[RS_MOST_KERNELS];
  rs_status status = RS_OK;
  RS_ASSERT(n <= RS_MOST_KERNELS);
  for (size_t i = 0; i < n && status == RS_OK; i++)
    status = prepare(&all[i], &kernels[i], (int)i % rs_comm_size(comm), into);
  if (status == RS_OK) status = decompose_own(all, n, rs_comm_rank(comm));
  RS_TRY(rs_comm_agree(comm, status));
  return share_results(comm, all, n);
}

/* Golub and Van Loan, Matrix Computations: R-SVD with thin U and V. */
void rs_exp_decomposition_cost(size_t rows, size_t cols, rs_cost *to) {
  double m = (double)rows, n = (double)cols, k = m < n ? m : n;
  to->flops += 4 * m * n * k + 13 * k * k * k;
  to->bytes += 4 * (m + n) * k + 4 * (m * n + 4 * k * k + 7 * k);
}

/* ---- truncating -------------------------------------------------------------------------- */

rs_status rs_exp_truncate(const rs_bundle *svd, const char *name, size_t m, size_t n, size_t d,
                          double share, float *left, float *right) {
  const float *u, *s, *vt;
  size_t k = smaller(m, n);
  RS_TRY(find(svd, name, "u", m, k, &u));
  RS_TRY(find(svd, name, "s", k, 0, &s));
  RS_TRY(find(svd, name, "vt", k, n, &vt));
  rs_svd_slice(m, n, u, s, vt, d, share, left, right);
  return RS_OK;
}

rs_status rs_exp_energy(const rs_bundle *svd, const char *name, size_t m, size_t n, size_t d,
                        double *out) {
  const float *s;
  size_t k = smaller(m, n);
  RS_TRY(find(svd, name, "s", k, 0, &s));
  double whole = rs_sum_squares(k, s);
  *out = whole > 0 ? rs_sum_squares(smaller(d, k), s) / whole : 1.0;
  return RS_OK;
}
