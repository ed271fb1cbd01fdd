/* Orthonormal rows over LAPACK's QR decomposition. */
#include "ranksweep/num.h"

#include <stdlib.h>

#include <lapacke.h>

/* Row-major A [m, n] is column-major A^T [n, m] = Q R. LAPACK leaves the signs of R's diagonal
 * open; with all of them positive the result depends on A alone, and that of random normal numbers
 * is uniform (Mezzadri, 2007). */
static lapack_int decompose(lapack_int m, lapack_int n, float *a, float *tau, float *sign,
                            float *work, lapack_int size) {
  lapack_int info = LAPACKE_sgeqrf_work(LAPACK_COL_MAJOR, n, m, a, n, tau, work, size);
  for (lapack_int i = 0; i < m; i++) sign[i] = a[(size_t)i * n + i] < 0.0f ? -1.0f : 1.0f;
  if (info == 0) info = LAPACKE_sorgqr_work(LAPACK_COL_MAJOR, n, m, m, a, n, tau, work, size);
  for (lapack_int i = 0; i < m; i++)
    for (lapack_int j = 0; j < n; j++) a[(size_t)i * n + j] *= sign[i];
  return info;
}

rs_status rs_orthonormal_rows(size_t m, size_t n, float *a) {
  enum { BLOCK = 64 }; /* columns that LAPACK treats at once */
  RS_ASSERT(m <= n && n <= INT32_MAX / BLOCK);
  if (m == 0) return RS_OK;
  float *scratch;
  lapack_int info = 0;
  RS_TRY(rs_new(&scratch, (BLOCK + 2) * m, sizeof *scratch));
  /* In a parallel region OpenBLAS keeps to one thread, and the bits do not depend on threads. */
#pragma omp parallel
#pragma omp single
  info = decompose((lapack_int)m, (lapack_int)n, a, scratch, scratch + m, scratch + 2 * m,
                   (lapack_int)(BLOCK * m));
  free(scratch);
  if (info == 0) return RS_OK;
  return rs_fail(RS_ERR_INTERNAL, "QR of a %zu x %zu matrix: LAPACK says %d", m, n, (int)info);
}
