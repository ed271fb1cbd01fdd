/* Recurrent kernels in panels, and the product with a plain panel. */
#include "gru.h"

#include <stdlib.h>
#include <string.h>

/* ---- life -------------------------------------------------------------------------------------
 */

static rs_status allocate(rs_gru_plan *p, bool training) {
  size_t u = p->units, d = p->svd_rank, depth = d > 0 ? d : u;
  RS_TRY(rs_new(&p->forward, panels(u, LANES) * depth, GATES * LANES * sizeof(float)));
  if (d > 0) {
    RS_TRY(rs_new(&p->first, panels(d, WIDE) * u, WIDE * sizeof(float)));
    RS_TRY(rs_new(&p->inner, p->rows * d, sizeof(float)));
  }
  if (!training) return RS_OK;
  RS_TRY(rs_new(&p->backward, panels(u, WIDE) * GATES * u, WIDE * sizeof(float)));
  return rs_new(&p->carry, p->rows * u, sizeof(float));
}

rs_status rs_gru_plan_create(size_t units, size_t svd_rank, size_t rows, bool training,
                             rs_gru_plan **out) {
  rs_gru_plan *p;
  *out = NULL;
  RS_ASSERT(!training || svd_rank == 0);
  RS_TRY(rs_new(&p, 1, sizeof *p));
  p->units = units;
  p->svd_rank = svd_rank;
  p->rows = rows;
  rs_status status = allocate(p, training);
  if (status != RS_OK) {
    rs_gru_plan_destroy(p);
    return status;
  }
  *out = p;
  return RS_OK;
}

void rs_gru_plan_destroy(rs_gru_plan *p) {
  if (p == NULL) return;
  free(p->forward);
  free(p->backward);
  free(p->first);
  free(p->inner);
  free(p->carry);
  free(p);
}

/* ---- packing ----------------------------------------------------------------------------------
 * Places past the last column stay zero, as they were made. */

/* Units from PANEL * LANES on of KERNEL [depth, 3 units]. */
static void pack_forward(size_t units, size_t depth, size_t panel, const float *kernel,
                         float *packed) {
  size_t first = panel * LANES, count = smaller(units - first, LANES);
  float *to = packed + panel * depth * GATES * LANES;
  for (size_t k = 0; k < depth; k++)
    for (size_t g = 0; g < GATES; g++, to += LANES)
      memcpy(to, kernel + (k * GATES + g) * units + first, count * sizeof *to);
}

/* Columns from PANEL * WIDE on of MATRIX [depth, columns]. */
static void pack_plain(size_t columns, size_t depth, size_t panel, const float *matrix,
                       float *packed) {
  size_t first = panel * WIDE, count = smaller(columns - first, WIDE);
  float *to = packed + panel * depth * WIDE;
  for (size_t k = 0; k < depth; k++, to += WIDE)
    memcpy(to, matrix + k * columns + first, count * sizeof *to);
}

/* The same of the transpose of MATRIX [columns, depth]. */
static void pack_transposed(size_t columns, size_t depth, size_t panel, const float *matrix,
                            float *packed) {
  size_t first = panel * WIDE, count = smaller(columns - first, WIDE);
  float *to = packed + panel * depth * WIDE;
  for (size_t k = 0; k < depth; k++, to += WIDE)
    for (size_t j = 0; j < count; j++) to[j] = matrix[(first + j) * depth + k];
}

void rs_gru_plan_pack(rs_gru_plan *p, const float *kernel) {
  size_t u = p->units;
  RS_ASSERT(p->svd_rank == 0);
#pragma omp parallel
  {
#pragma omp for schedule(static) nowait
    for (size_t i = 0; i < panels(u, LANES); i++) pack_forward(u, u, i, kernel, p->forward);
#pragma omp for schedule(static)
    for (size_t i = 0; i < (p->backward != NULL ? panels(u, WIDE) : 0); i++)
      pack_transposed(u, GATES * u, i, kernel, p->backward);
  }
}

void rs_gru_plan_pack_factors(rs_gru_plan *p, const float *first, const float *second) {
  size_t u = p->units, d = p->svd_rank;
  RS_ASSERT(d > 0);
  for (size_t i = 0; i < panels(d, WIDE); i++) pack_plain(d, u, i, first, p->first);
  for (size_t i = 0; i < panels(u, LANES); i++) pack_forward(u, d, i, second, p->forward);
}

/* ---- plain product ----------------------------------------------------------------------------
 */

static inline __attribute__((always_inline)) void add_rows(const size_t rows, size_t k,
                                                           const float *a, size_t lda,
                                                           const float *panel, float (*out)[WIDE]) {
  vector sum[PLAIN_ROWS][2];
#pragma GCC unroll 6
  for (size_t r = 0; r < rows; r++) {
    sum[r][0] = *(vector *)out[r];
    sum[r][1] = *(vector *)(out[r] + LANES);
  }
  for (size_t i = 0; i < k; i++, panel += WIDE) {
    const vector w0 = *(const vector *)panel, w1 = *(const vector *)(panel + LANES);
#pragma GCC unroll 6
    for (size_t r = 0; r < rows; r++) {
      sum[r][0] += a[r * lda + i] * w0;
      sum[r][1] += a[r * lda + i] * w1;
    }
  }
#pragma GCC unroll 6
  for (size_t r = 0; r < rows; r++) {
    *(vector *)out[r] = sum[r][0];
    *(vector *)(out[r] + LANES) = sum[r][1];
  }
}

/* OUT += A [rows, k] times PANEL [k, WIDE]. The numbers of rows are constants so that the sums stay
 * in registers. */
static void add_tile(size_t rows, size_t k, const float *a, size_t lda, const float *panel,
                     float (*out)[WIDE]) {
  switch (rows) {
  case 1: add_rows(1, k, a, lda, panel, out); break;
  case 2: add_rows(2, k, a, lda, panel, out); break;
  case 3: add_rows(3, k, a, lda, panel, out); break;
  case 4: add_rows(4, k, a, lda, panel, out); break;
  case 5: add_rows(5, k, a, lda, panel, out); break;
  default: add_rows(6, k, a, lda, panel, out); break;
  }
}

void rs_gru_plain_product(size_t rows, size_t k, const float *a, const float *panel,
                          float sum[MOST_ROWS][WIDE]) {
  const size_t piece = PIECE / (WIDE * sizeof(float)), tiles = panels(rows, PLAIN_ROWS);
  memset(sum, 0, rows * sizeof *sum);
  for (size_t i = 0; i < k; i += piece)
    for (size_t tile = 0; tile < tiles; tile++) {
      range r = share_out(rows, tile, tiles);
      add_tile(r.last - r.first, smaller(piece, k - i), a + r.first * k + i, k, panel + i * WIDE,
               sum + r.first);
    }
}
