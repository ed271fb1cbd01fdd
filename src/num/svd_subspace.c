/* The largest singular values of a matrix by block power iteration with re-orthogonalisation, from
 * a basis that is near already (Halko, Martinsson and Tropp, 2011; Rutishauser, 1970). */
#include "ranksweep/num.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lapacke.h>

struct rs_subspace {
  size_t m, n, d, l; /* l = d and some more, for faster convergence */
  float *basis;      /* [l, n]: orthonormal rows near the right singular vectors */
  float *y, *left;   /* [l, m] */
  float *z;          /* [l, n] */
  float *small;      /* [l, l] */
  float *s;          /* [l] */
  float *tau, *work; /* of QR */
  lapack_int n_work;
};

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/* ---- life ---------------------------------------------------------------------------------- */

static lapack_int work_size(lapack_int rows, lapack_int columns) {
  float factor = 0, form = 0;
  LAPACKE_sgeqrf_work(LAPACK_COL_MAJOR, rows, columns, NULL, rows, NULL, &factor, -1);
  LAPACKE_sorgqr_work(LAPACK_COL_MAJOR, rows, columns, columns, NULL, rows, NULL, &form, -1);
  return (lapack_int)(factor > form ? factor : form) + 1;
}

static rs_status allocate(rs_subspace *t) {
  RS_TRY(rs_new(&t->basis, t->l * t->n, sizeof(float)));
  RS_TRY(rs_new(&t->y, t->l * t->m, sizeof(float)));
  RS_TRY(rs_new(&t->left, t->l * t->m, sizeof(float)));
  RS_TRY(rs_new(&t->z, t->l * t->n, sizeof(float)));
  RS_TRY(rs_new(&t->small, t->l * t->l, sizeof(float)));
  RS_TRY(rs_new(&t->s, t->l, sizeof(float)));
  RS_TRY(rs_new(&t->tau, t->l, sizeof(float)));
  lapack_int columns = (lapack_int)t->l;
  lapack_int longest = (lapack_int)(t->m > t->n ? t->m : t->n);
  t->n_work = work_size(longest, columns);
  return rs_new(&t->work, (size_t)t->n_work, sizeof(float));
}

rs_status rs_subspace_create(size_t m, size_t n, size_t d, size_t oversampling, rs_subspace **out) {
  rs_subspace *t;
  *out = NULL;
  RS_ASSERT(d > 0 && d <= smaller(m, n) && m <= INT32_MAX && n <= INT32_MAX);
  RS_TRY(rs_new(&t, 1, sizeof *t));
  t->m = m;
  t->n = n;
  t->d = d;
  t->l = smaller(d + oversampling, smaller(m, n));
  rs_status status = allocate(t);
  if (status == RS_OK)
    *out = t;
  else
    rs_subspace_destroy(t);
  return status;
}

void rs_subspace_destroy(rs_subspace *t) {
  if (t == NULL) return;
  free(t->basis);
  free(t->y);
  free(t->left);
  free(t->z);
  free(t->small);
  free(t->s);
  free(t->tau);
  free(t->work);
  free(t);
}

size_t rs_subspace_width(const rs_subspace *t) {
  return t->l;
}

float *rs_subspace_basis(rs_subspace *t) {
  return t->basis;
}

void rs_subspace_scatter(rs_subspace *t, const rs_stream *stream) {
  for (size_t i = 0; i < t->l * t->n; i++) t->basis[i] = (float)rs_stream_normal(stream, i);
}

/* ---- steps --------------------------------------------------------------------------------- */

/* The l rows of x [l, length] become orthonormal, spanning what they spanned. Rows are LAPACK's
 * columns. */
static rs_status orthonormalise(rs_subspace *t, size_t length, float *x) {
  lapack_int rows = (lapack_int)length, columns = (lapack_int)t->l;
  lapack_int info =
      LAPACKE_sgeqrf_work(LAPACK_COL_MAJOR, rows, columns, x, rows, t->tau, t->work, t->n_work);
  if (info == 0)
    info = LAPACKE_sorgqr_work(LAPACK_COL_MAJOR, rows, columns, columns, x, rows, t->tau, t->work,
                               t->n_work);
  return info == 0 ? RS_OK : rs_fail(RS_ERR_INTERNAL, "QR of %zu vectors: %d", t->l, (int)info);
}

/* left: orthonormal rows that span A basis^T; then the exact SVD of A within them. */
static rs_status iterate(rs_subspace *t, const float *a) {
  RS_TRY(orthonormalise(t, t->m, t->y));
  rs_gemm(RS_GEMM_NN, t->l, t->n, t->m, t->y, a, t->z, NULL);
  RS_TRY(rs_svd_thin(t->l, t->n, t->z, t->small, t->s, t->basis));
  rs_gemm(RS_GEMM_TN, t->l, t->m, t->l, t->small, t->y, t->left, NULL);
  return RS_OK;
}

/* || A V - U S ||_F / || S ||_F over the d leading ones, with y = (A V)^T: the other residual, A^T
 * U
 * - V S, is zero by construction. */
static double residual(const rs_subspace *t) {
  double off = 0, whole = 0;
  for (size_t i = 0; i < t->d; i++) {
    const float *y = t->y + i * t->m, *u = t->left + i * t->m;
    float s = t->s[i];
    double row = 0;
#pragma omp simd reduction(+ : row)
    for (size_t j = 0; j < t->m; j++) {
      float r = y[j] - s * u[j];
      row += (double)r * r;
    }
    off += row;
    whole += (double)t->s[i] * t->s[i];
  }
  return whole > 0 ? sqrt(off / whole) : 0;
}

static bool is_scattered(const rs_subspace *t) {
  double first = rs_sum_squares(t->n, t->basis);
  return first > 0 && isfinite(first);
}

rs_status rs_subspace_run(rs_subspace *t, const float *a, size_t most, double tolerance,
                          rs_subspace_report *report) {
  double norm = rs_sum_squares(t->m * t->n, a);
  *report = (rs_subspace_report){.residual = INFINITY};
  if (!isfinite(norm))
    return rs_fail(RS_ERR_NUMERIC, "SVD of a %zu x %zu matrix that holds NaN or infinity", t->m,
                   t->n);
  RS_ASSERT(is_scattered(t));
  for (;;) {
    rs_gemm(RS_GEMM_NT, t->l, t->m, t->n, t->basis, a, t->y, NULL);
    if (report->iterations > 0) report->residual = residual(t);
    if (report->residual <= tolerance || report->iterations == most) break;
    RS_TRY(iterate(t, a));
    report->iterations++;
  }
  report->energy = norm > 0 ? rs_sum_squares(t->d, t->s) / norm : 1;
  return RS_OK;
}

void rs_subspace_factors(const rs_subspace *t, float *u, float *v) {
  for (size_t i = 0; i < t->m; i++)
    for (size_t j = 0; j < t->d; j++) u[i * t->d + j] = t->left[j * t->m + i] * t->s[j];
  memcpy(v, t->basis, t->d * t->n * sizeof *v);
}
