/* Gated recurrent units, activations and binary cross-entropy as their definitions read, in double.
 * Oracles for tests. */
#ifndef RANKSWEEP_NUM_REF_GRU_H
#define RANKSWEEP_NUM_REF_GRU_H

#include "ranksweep/num.h"

double rs_ref_sigmoid(double x);

/* As rs_sigmoid_cross_entropy; gradient may be NULL. */
double rs_ref_sigmoid_cross_entropy(size_t m, size_t n, const double *logits, const double *targets,
                                    const double *weights, double scale, double *gradient);

/* A layer over sequences x [T, B, in]: kernel [in, 3u], recurrent [u, 3u], bias [2, 3u], gates z,
 * r, h; states [T + 1, B, u], the first given. */
typedef struct rs_ref_gru {
  size_t frames, rows, in, units;
  const uint32_t *lengths; /* [B]; NULL: all T */
  const double *x, *kernel, *recurrent, *bias;
  double *states;
} rs_ref_gru;

void rs_ref_gru_forward(const rs_ref_gru *g);

/* Of dy [T, B, u], the gradient of the states after each frame, after a forward pass. All outputs
 * are overwritten; DX and DFIRST [B, u] (of the first states) too. */
typedef struct rs_ref_gru_gradients {
  double *dx, *dkernel, *drecurrent, *dbias, *dfirst;
} rs_ref_gru_gradients;
void rs_ref_gru_backward(const rs_ref_gru *g, const double *dy, const rs_ref_gru_gradients *out);

#endif
