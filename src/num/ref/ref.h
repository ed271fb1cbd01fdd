/* The kernels of num as their definitions read, in double. Oracles for tests. */
#ifndef RANKSWEEP_NUM_REF_H
#define RANKSWEEP_NUM_REF_H

#include "ranksweep/num.h"

void rs_ref_gemm(rs_gemm_op op, size_t m, size_t n, size_t k, const float *a, const float *b,
                 float *c, const rs_epilogue *epilogue);
void rs_ref_column_sums(size_t m, size_t n, const float *a, float *sums);
double rs_ref_softmax_cross_entropy(size_t m, size_t classes, const float *logits,
                                    const uint8_t *labels, float scale, float *gradient,
                                    size_t *correct);
void rs_ref_adam_update(const rs_adam *adam, size_t n, float *w, const float *g, float *m,
                        float *v);
void rs_ref_sgd_update(double lr, double momentum, double decay, size_t n, float *w, const float *g,
                       float *m);

#endif
