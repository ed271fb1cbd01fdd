/* Threads of the numeric kernels.
 *
 * OpenBLAS itself runs on one thread: rs_gemm cuts a product into tiles and calls it once a tile
 * from the team of OpenMP threads, and inside a parallel region its OpenMP build never starts
 * threads of its own. That is faster for the shapes of training, and the tiles fix the order of
 * every sum. */
#include "ranksweep/num.h"

#include <cblas.h>
#include <omp.h>

void rs_num_set_threads(int n) {
  RS_ASSERT(n > 0);
  omp_set_dynamic(0);
  omp_set_num_threads(n); /* openblas_set_num_threads would set this as well */
}

int rs_num_threads(void) {
  return omp_get_max_threads();
}

int rs_num_thread(void) {
  return omp_get_thread_num();
}

const char *rs_num_blas_core(void) {
  return openblas_get_corename();
}

const char *rs_num_blas_config(void) {
  return openblas_get_config();
}

rs_blas_threading rs_num_blas_threading(void) {
  switch (openblas_get_parallel()) {
  case OPENBLAS_OPENMP: return RS_BLAS_OPENMP;
  case OPENBLAS_THREAD: return RS_BLAS_PTHREADS;
  default: return RS_BLAS_SEQUENTIAL;
  }
}
