/* Singular value decomposition over LAPACK. */
#include "ranksweep/num.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lapacke.h>

enum { MOST_VALUES = 20000 }; /* 4 k^2 + 7 k floats of workspace must fit an int */

static bool all_finite(size_t n, const float *x) {
  for (size_t i = 0; i < n; i++)
    if (!isfinite(x[i])) return false;
  return true;
}

/* Size that sgesdd wants for its workspace, in floats. */
static lapack_int workspace_size(lapack_int rows, lapack_int columns, lapack_int k) {
  float size = 0;
  lapack_int whole = 0;
  LAPACKE_sgesdd_work(LAPACK_COL_MAJOR, 'S', rows, columns, NULL, rows, NULL, NULL, rows, NULL, k,
                      &size, -1, &whole);
  return (lapack_int)(size * 1.0001f) + 1; /* large sizes are rounded in a float */
}

rs_status rs_svd_thin(size_t m, size_t n, const float *a, float *u, float *s, float *vt) {
  if (m == 0 || n == 0) return RS_OK;
  RS_ASSERT(m <= INT32_MAX && n <= INT32_MAX);
  if ((m < n ? m : n) > MOST_VALUES)
    return rs_fail(RS_ERR_USAGE, "SVD of a %zu x %zu matrix: LAPACK's workspace allows %d values",
                   m, n, MOST_VALUES);
  if (!all_finite(m * n, a))
    return rs_fail(RS_ERR_NUMERIC, "SVD of a %zu x %zu matrix that holds NaN or infinity", m, n);
  /* Row-major A is column-major A^T = V S U^T: LAPACK's left vectors are our VT, its right ones our
   * U. */
  lapack_int rows = (lapack_int)n, columns = (lapack_int)m, k = rows < columns ? rows : columns;
  lapack_int size = workspace_size(rows, columns, k), info = 0;
  float *copy = NULL, *work = NULL;
  lapack_int *pivots = NULL;
  rs_status status = rs_new(&copy, m * n, sizeof *copy);
  if (status == RS_OK) status = rs_new(&work, (size_t)size, sizeof *work);
  if (status == RS_OK) status = rs_new(&pivots, 8 * (size_t)k, sizeof *pivots);
  if (status == RS_OK) {
    memcpy(copy, a, m * n * sizeof *a);
    info = LAPACKE_sgesdd_work(LAPACK_COL_MAJOR, 'S', rows, columns, copy, rows, s, vt, rows, u, k,
                               work, size, pivots);
    if (info != 0)
      status = rs_fail(RS_ERR_NUMERIC, "SVD of a %zu x %zu matrix did not converge (sgesdd: %d)", m,
                       n, (int)info);
  }
  free(copy);
  free(work);
  free(pivots);
  return status;
}

/* left[:, first:first+n] = u[:, first:first+n] diag(s^p), a block of columns so that each power is
 * taken once. */
static void scale_columns(size_t m, size_t k, size_t d, size_t first, size_t n, const float *u,
                          const float *s, double p, float *left) {
  enum { MOST = 64 };
  float scale[MOST];
  RS_ASSERT(n <= MOST);
  for (size_t j = 0; j < n; j++) scale[j] = (float)pow(s[first + j], p);
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < n; j++) left[i * d + first + j] = u[i * k + first + j] * scale[j];
}

void rs_svd_slice(size_t m, size_t n, const float *u, const float *s, const float *vt, size_t d,
                  double p, float *left, float *right) {
  enum { BLOCK = 64 };
  size_t k = m < n ? m : n;
  RS_ASSERT(d <= k);
  for (size_t j = 0; j < d; j += BLOCK)
    scale_columns(m, k, d, j, d - j < BLOCK ? d - j : BLOCK, u, s, p, left);
  for (size_t j = 0; j < d; j++) {
    float scale = (float)pow(s[j], 1.0 - p);
    for (size_t i = 0; i < n; i++) right[j * n + i] = scale * vt[j * n + i];
  }
}
