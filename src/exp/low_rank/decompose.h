/* Thin SVDs of several kernels, shared out over a group. */
#ifndef RANKSWEEP_EXP_DECOMPOSE_H
#define RANKSWEEP_EXP_DECOMPOSE_H

#include "ranksweep/exp.h"

enum { RS_MOST_KERNELS = 48 };

typedef struct rs_kernel {
  char name[32];     /* "dense1": what it comes to is dense1/u, dense1/s, dense1/vt */
  const float *data; /* [m, n] */
  size_t m, n;
} rs_kernel;

/* Appends u [m, k], s [k] and vt [k, n], k = min(m, n), of N kernels to INTO on every rank. The
 * kernels are shared out over the ranks, and those of a rank over its threads; each decomposition
 * runs on one thread, so the bits do not depend on either. Collective. */
rs_status rs_exp_decompose(rs_comm *comm, const rs_kernel *kernels, size_t n,
                           rs_bundle *into) RS_MUST_CHECK;

/* Adds floating-point operations and bytes of one such decomposition. */
void rs_exp_decomposition_cost(size_t m, size_t n, rs_cost *to);

/* Truncated factors left [m, d] and right [d, n] of kernel NAME of SVD; singular values go to the
 * left to the power SHARE. */
rs_status rs_exp_truncate(const rs_bundle *svd, const char *name, size_t m, size_t n, size_t d,
                          double share, float *left, float *right) RS_MUST_CHECK;

/* Share of the squared singular values of that kernel that the first D hold. */
rs_status rs_exp_energy(const rs_bundle *svd, const char *name, size_t m, size_t n, size_t d,
                        double *out) RS_MUST_CHECK;

/* What a stage that decomposes says of its output. */
extern const rs_stage_vectors rs_exp_singular_values[];

#endif
