/* The table of names over a block of parameters, and the kernels' first values. */
#ifndef RANKSWEEP_NN_PARAMS_H
#define RANKSWEEP_NN_PARAMS_H

#include "ranksweep/nn.h"

/* A table that grows: PARAMS has room for all that will come. */
typedef struct rs_layout {
  rs_param *params;
  size_t *n_params, *size;
} rs_layout;

/* "layer/name" at the end of the block; returns its offset. COLS 0: a vector. */
size_t rs_layout_add(const rs_layout *to, const char *layer, const char *name, size_t rows,
                     size_t cols);

rs_status rs_params_load(const rs_param *params, size_t n, const rs_bundle *from,
                         float *values) RS_MUST_CHECK;
rs_status rs_params_save(const rs_param *params, size_t n, const float *values,
                         rs_bundle *into) RS_MUST_CHECK;

/* KERNEL [in, out] uniform in +-sqrt(6 / (in + out)) (Glorot and Bengio, 2010), from elements FROM
 * on of the stream. */
void rs_glorot_init(const rs_stream *s, size_t in, size_t out, uint64_t from, float *kernel);

#endif
