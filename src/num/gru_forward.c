/* The recurrence forward in time. */
#include "gru.h"

#include "activation.h"

#include <omp.h>
#include <string.h>

enum { WORTH = 1 << 15 }; /* terms of one frame's product from which a second thread helps */

/* ---- products ---------------------------------------------------------------------------------
 */

/* The tile below takes every vector register. Without this GCC saves one by loading weights from
 * memory anew in each of their products, and loads, not products, set the pace (Zen 3: 40 instead
 * of 30.5 ms for 100 frames of 16 x 512 units). */
#if defined(__AVX__)
#define KEEP_IN_REGISTER(v) __asm__("" : "+x"(v))
#else
#define KEEP_IN_REGISTER(v) (void)0
#endif

static inline __attribute__((always_inline)) void add_rows(const size_t rows, size_t k,
                                                           const float *a, size_t lda,
                                                           const float *panel,
                                                           float (*out)[GATES][LANES]) {
  vector sum[FORWARD_ROWS][GATES];
#pragma GCC unroll 4
  for (size_t j = 0; j < rows; j++)
#pragma GCC unroll 3
    for (size_t g = 0; g < GATES; g++) sum[j][g] = *(vector *)out[j][g];
  for (size_t i = 0; i < k; i++, panel += GATES * LANES) {
    vector z = *(const vector *)panel, r = *(const vector *)(panel + LANES);
    vector h = *(const vector *)(panel + 2 * LANES);
    KEEP_IN_REGISTER(z);
    KEEP_IN_REGISTER(r);
    KEEP_IN_REGISTER(h);
#pragma GCC unroll 4
    for (size_t j = 0; j < rows; j++) {
      sum[j][0] += a[j * lda + i] * z;
      sum[j][1] += a[j * lda + i] * r;
      sum[j][2] += a[j * lda + i] * h;
    }
  }
#pragma GCC unroll 4
  for (size_t j = 0; j < rows; j++)
#pragma GCC unroll 3
    for (size_t g = 0; g < GATES; g++) *(vector *)out[j][g] = sum[j][g];
}

/* OUT += A [rows, k] times PANEL [k, GATES, LANES]. The numbers of rows are constants so that the
 * sums stay in registers. */
static void add_tile(size_t rows, size_t k, const float *a, size_t lda, const float *panel,
                     float (*out)[GATES][LANES]) {
  switch (rows) {
  case 1: add_rows(1, k, a, lda, panel, out); break;
  case 2: add_rows(2, k, a, lda, panel, out); break;
  case 3: add_rows(3, k, a, lda, panel, out); break;
  default: add_rows(4, k, a, lda, panel, out); break;
  }
}

/* SUM [rows <= MOST_ROWS] = A [rows, k] times a forward panel. */
static void gate_product(size_t rows, size_t k, const float *a, const float *panel,
                         float (*sum)[GATES][LANES]) {
  const size_t piece = PIECE / (GATES * LANES * sizeof(float)), tiles = panels(rows, FORWARD_ROWS);
  memset(sum, 0, rows * sizeof *sum);
  for (size_t i = 0; i < k; i += piece)
    for (size_t tile = 0; tile < tiles; tile++) {
      range r = share_out(rows, tile, tiles);
      add_tile(r.last - r.first, smaller(piece, k - i), a + r.first * k + i, k,
               panel + i * GATES * LANES, sum + r.first);
    }
}

/* ---- gates ------------------------------------------------------------------------------------
 */

/* N units of one row: z = s(gates_z + sum_z), r = s(gates_r + sum_r), q = sum_h + bias,
 * c = tanh(gates_h + r q), next = z before + (1 - z) c. The gates stay in place of what they were
 * made from. */
static inline __attribute__((always_inline)) void
gates_of(const size_t n, size_t units, float sum[GATES][LANES], const float *bias,
         const float *before, float *gates, float *inner, float *next) {
#pragma omp simd
  for (size_t j = 0; j < n; j++) {
    float z = sigmoid_of(gates[j] + sum[0][j]);
    float r = sigmoid_of(gates[units + j] + sum[1][j]);
    float q = sum[2][j] + bias[j];
    float c = tanh_of(gates[2 * units + j] + r * q);
    gates[j] = z;
    gates[units + j] = r;
    gates[2 * units + j] = c;
    sum[2][j] = q;
    next[j] = z * before[j] + (1.0f - z) * c;
  }
  if (inner != NULL) memcpy(inner, sum[2], n * sizeof *inner);
}

/* One frame of one sequence, N units from FIRST on. */
static void finish_row(const rs_gru_pass *s, size_t units, size_t frame, size_t row, size_t first,
                       size_t n, float sum[GATES][LANES]) {
  size_t at = frame * s->rows + row;
  const float *before = s->states + at * units + first;
  float *next = s->states + (at + s->rows) * units + first;
  float *gates = s->gates + at * GATES * units + first;
  float *inner = s->products != NULL ? s->products + (at * GATES + 2) * units + first : NULL;
  if (!counts(s->lengths, row, frame))
    memcpy(next, before, n * sizeof *next);
  else if (n == LANES)
    gates_of(LANES, units, sum, s->bias + first, before, gates, inner, next);
  else
    gates_of(n, units, sum, s->bias + first, before, gates, inner, next);
}

/* ---- time ---------------------------------------------------------------------------------------
 */

/* inner [rows, D] = the states before FRAME times the first factor; MINE: panels of D. */
static void first_factor(const rs_gru_plan *p, const rs_gru_pass *s, size_t frame, range mine) {
  float sum[MOST_ROWS][WIDE];
  const float *states = s->states + frame * s->rows * p->units;
  for (size_t panel = mine.first; panel < mine.last; panel++) {
    const float *weights = p->first + panel * p->units * WIDE;
    size_t first = panel * WIDE, n = smaller(p->svd_rank - first, WIDE);
    for (size_t row = 0; row < s->rows; row += MOST_ROWS) {
      size_t rows = smaller(s->rows - row, MOST_ROWS);
      rs_gru_plain_product(rows, p->units, states + row * p->units, weights, sum);
      for (size_t i = 0; i < rows; i++)
        memcpy(p->inner + (row + i) * p->svd_rank + first, sum[i], n * sizeof(float));
    }
  }
}

/* The states after FRAME from those before it; MINE: panels of units. */
static void forward_frame(const rs_gru_plan *p, const rs_gru_pass *s, size_t frame, range mine) {
  float sum[MOST_ROWS][GATES][LANES];
  size_t u = p->units, depth = p->svd_rank > 0 ? p->svd_rank : u;
  const float *left = p->svd_rank > 0 ? p->inner : s->states + frame * s->rows * u;
  for (size_t panel = mine.first; panel < mine.last; panel++) {
    const float *weights = p->forward + panel * depth * GATES * LANES;
    size_t first = panel * LANES, n = smaller(u - first, LANES);
    for (size_t row = 0; row < s->rows; row += MOST_ROWS) {
      size_t rows = smaller(s->rows - row, MOST_ROWS);
      gate_product(rows, depth, left + row * depth, weights, sum);
      for (size_t i = 0; i < rows; i++) finish_row(s, u, frame, row + i, first, n, sum[i]);
    }
  }
}

void rs_gru_forward(const rs_gru_plan *p, const rs_gru_pass *s) {
  size_t depth = p->svd_rank > 0 ? p->svd_rank : p->units;
  RS_ASSERT(s->rows <= p->rows);
#pragma omp parallel if (s->rows * p->units * depth > WORTH)
  {
    size_t part = (size_t)omp_get_thread_num(), parts = (size_t)omp_get_num_threads();
    range mine = share_out(panels(p->units, LANES), part, parts);
    range mine_first = share_out(panels(p->svd_rank, WIDE), part, parts);
    for (size_t frame = 0; frame < s->frames; frame++) {
      if (p->svd_rank > 0) {
        first_factor(p, s, frame, mine_first);
#pragma omp barrier
      }
      forward_frame(p, s, frame, mine);
#pragma omp barrier
    }
  }
}
