/* num: dense linear algebra and kernels over OpenBLAS and LAPACKE, and named tensors.
 *
 * Matrices are row-major float32, given by pointer, shape and, where it may differ from the number of columns,
 * leading dimension. Kernels do not allocate. Work is cut into tiles that depend on shapes alone, so results do
 * not depend on the number of threads. src/num/ref has the slow, obvious version of each kernel. */
#ifndef RANKSWEEP_NUM_H
#define RANKSWEEP_NUM_H

#include "ranksweep/base.h"

/* ---- named tensors ------------------------------------------------------------------------ */

/* One float32 tensor of a bundle, row-major; `name` like "dense1/kernel". */
typedef struct rs_tensor {
  char *name;
  size_t ndim;
  size_t dims[4];
  float *data;
} rs_tensor;

/* A set of named tensors: what stages hand to each other and checkpoints hold. Zero-initialise; owns all. */
typedef struct rs_bundle {
  size_t count, cap;
  rs_tensor *tensors;
} rs_bundle;

/* Append a tensor of the given shape, zero-filled; *DATA (may be NULL) points at its elements. A name that is
 * there already is a program error. */
rs_status rs_bundle_add(rs_bundle *b, const char *name, size_t ndim, const size_t *dims, float **data)
    RS_MUST_CHECK;
/* NULL when there is no such tensor. */
const rs_tensor *rs_bundle_find(const rs_bundle *b, const char *name);
/* Tensor NAME with exactly the shape [rows, cols] (cols 0: a vector); otherwise RS_ERR_DATA. */
rs_status rs_bundle_get(const rs_bundle *b, const char *name, size_t rows, size_t cols,
                        const float **data) RS_MUST_CHECK;
size_t rs_tensor_size(const rs_tensor *t); /* elements */
size_t rs_bundle_bytes(const rs_bundle *b);
void rs_bundle_free(rs_bundle *b);

/* ---- threads ------------------------------------------------------------------------------ */

/* Use N OpenMP threads in this process (BLAS included) from now on. */
void rs_num_set_threads(int n);
int rs_num_threads(void);
/* "Zen", "Haswell": the kernels that OpenBLAS chose. And its version line. */
const char *rs_num_blas_core(void);
const char *rs_num_blas_config(void);

#endif
