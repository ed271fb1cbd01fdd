/* What the kinds of layers of a sequence network have in common: one table of functions each. */
#ifndef RANKSWEEP_NN_SEQUENCE_H
#define RANKSWEEP_NN_SEQUENCE_H

#include "params.h"

/* What a layer keeps between its passes. Members that its kind has no use for are NULL. */
typedef struct rs_sequence_buffers {
  const float *output;           /* of the last forward: in `made`, or the layer's input */
  float *made;                   /* [T, B, out] or [B, out]; gru: states [T + 1, B, u] */
  float *output_gradient;        /* shaped as the output; training */
  float *inner, *inner_gradient; /* [T, B, D] of a factored kernel */
  rs_gru_plan *plan;
  float *gates, *products; /* gru: [T, B, 3u] */
  float *bias;             /* gru: [3u] that the input's part gets */
  uint8_t *keep;           /* dropout: [T, B, n] */
} rs_sequence_buffers;

/* One pass of one batch through one layer. */
typedef struct rs_sequence_pass {
  const rs_sequence_layer *layer;
  const float *values; /* the block */
  const rs_sequence_batch *batch;
  size_t m;             /* rows of x: T B, after pooling B, after pairing P */
  size_t frames_before; /* T of the last forward: where a batch that continues finds the states */
  rs_sequence_buffers *buffers;
  const float *x;   /* [m, in] */
  float *dx;        /* backward: where the gradient of x goes; NULL: nobody wants it */
  float *gradients; /* backward: the block */
} rs_sequence_pass;

typedef struct rs_sequence_ops {
  const char *name; /* "gru" */
  bool pools;       /* [T, B, n] to [B, n] */
  bool pairs;       /* [B, n] to [P, n] */
  size_t widens;    /* without parameters: n becomes so many times n; 0 stands for 1 */
  bool narrows;     /* without parameters: n becomes 1 */
  bool appends;     /* without parameters: n becomes n and the width of the network's input */
  /* NULL: no parameters. */
  void (*lay_out)(rs_sequence_layer *l, const rs_layout *to);
  rs_status (*init)(const rs_sequence_layer *l, uint64_t seed, const char *stage, size_t index,
                    float *values);
  /* Of one row of its input, forward. */
  double (*flops)(const rs_sequence_spec *s);
  /* All buffers but output_gradient, for up to FRAMES x ROWS; M rows of input. */
  rs_status (*allocate)(const rs_sequence_layer *l, size_t frames, size_t rows, size_t m,
                        bool training, rs_sequence_buffers *b);
  void (*forward)(const rs_sequence_pass *p); /* sets buffers->output */
  /* From output_gradient, which it may change, to dx and the layer's range of gradients. */
  void (*backward)(const rs_sequence_pass *p);
} rs_sequence_ops;

extern const rs_sequence_ops rs_gru_ops, rs_dense_ops, rs_dropout_ops, rs_last_ops, rs_mean_ops,
    rs_statistics_ops, rs_pairs_ops, rs_distances_ops, rs_cosines_ops, rs_beside_ops;
const rs_sequence_ops *rs_sequence_ops_of(rs_sequence_kind kind);

/* Frames of sequence ROW that are no padding. */
static inline size_t rs_sequence_length(const rs_sequence_batch *b, size_t row) {
  return b->lengths != NULL ? b->lengths[row] : b->frames;
}

#endif
