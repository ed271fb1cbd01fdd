/* One dense or factored layer. VALUES and GRADIENTS are whole blocks, into which the layer's
 * offsets point. */
#ifndef RANKSWEEP_NN_DENSE_H
#define RANKSWEEP_NN_DENSE_H

#include "params.h"

/* Gives the layer, which has its spec and name, its place in the block. */
void rs_dense_lay_out(rs_layer *l, const rs_layout *to);

void rs_dense_init(const rs_layer *l, const rs_stream *s, float *values);

/* y [m, out] of x [m, in]; INNER [m, D] of a factored layer. */
void rs_dense_forward(const rs_layer *l, const float *values, size_t m, const float *x,
                      float *inner, float *y);

/* Gradients of the layer's parameters from dy [m, out] (before the activation) and its input x; dx
 * [m, in], then PREVIOUS (may be NULL), unless dx is NULL. */
void rs_dense_backward(const rs_layer *l, const float *values, size_t m, const float *x,
                       const float *inner, const float *dy, float *inner_gradient, float *dx,
                       const rs_epilogue *previous, float *gradients);

#endif
