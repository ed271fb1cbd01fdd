/* What the two directions of the recurrence share. */
#ifndef RANKSWEEP_NUM_GRU_PRIVATE_H
#define RANKSWEEP_NUM_GRU_PRIVATE_H

#include "ranksweep/num.h"

/* A recurrent product has few rows: it lives on the bandwidth of the weights. So these are packed
 * in panels of columns, which a register tile walks from end to end, and a thread keeps the same
 * panels for the whole sequence.
 *
 * Forward panels hold the columns of LANES units for each of the three gates, so that all that a
 * unit's new state needs comes out of one tile. Plain panels (backward, and the first factor of a
 * factored kernel) hold WIDE columns. Both tiles take twelve accumulators, which with the weights
 * and one number of the left side fill 16 vector registers. */
enum {
  LANES = 8,
  GATES = 3,
  FORWARD_ROWS = 4, /* FORWARD_ROWS * GATES accumulators */
  WIDE = 2 * LANES,
  PLAIN_ROWS = 6, /* PLAIN_ROWS * 2 accumulators */
  MOST_ROWS = 32, /* whose sums are kept while a panel passes */
  PIECE =
      24576 /* bytes of a panel that all rows use before the next: most of a first-level cache */
};

/* Aligned to its elements only: rows of odd widths are read in place. */
typedef float vector
    __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));

struct rs_gru_plan {
  size_t units, svd_rank, rows;
  float *forward;  /* [panels of LANES units][units or svd_rank][GATES][LANES] */
  float *backward; /* [panels of WIDE units][3 units][WIDE], the transposed kernel; training */
  float *first;    /* [panels of WIDE of svd_rank][units][WIDE]; factored */
  float *inner;    /* [rows, svd_rank]: state times first factor */
  float *carry;    /* [rows, units]: gradient of the state past the gates; training */
};

static inline size_t panels(size_t columns, size_t width) {
  return (columns + width - 1) / width;
}

/* The share of COUNT that thread PART of PARTS has. */
typedef struct range {
  size_t first, last;
} range;

static inline range share_out(size_t count, size_t part, size_t parts) {
  return (range){count * part / parts, count * (part + 1) / parts};
}

static inline size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

static inline bool counts(const uint32_t *lengths, size_t row, size_t frame) {
  return lengths == NULL || frame < lengths[row];
}

/* SUM [rows <= MOST_ROWS, WIDE] = A [rows, k] times a plain panel [k, WIDE]. */
void rs_gru_plain_product(size_t rows, size_t k, const float *a, const float *panel,
                          float sum[MOST_ROWS][WIDE]);

#endif
