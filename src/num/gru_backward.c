/* The recurrence backward in time. */
#include "gru.h"

#include <omp.h>
#include <string.h>

enum { WORTH = 1 << 15 }; /* terms of one frame's product from which a second thread helps */

/* N units of one row, from dh, the gradient of the state after this frame. With the names of the
 * forward pass, and before the activations:
 *   dc = dh (1 - z) (1 - c^2),  dz = dh (before - c) z (1 - z),  dr = dc q r (1 - r),  dq = dc r.
 * GATES get (dz, dr, dc), the gradient of what the input gave them; PRODUCTS (dz, dr, dq), that of
 * the recurrent product; CARRY what of dh goes past the gates. */
static inline __attribute__((always_inline)) void gate_gradients(const size_t n, size_t units,
                                                                 const float *dh,
                                                                 const float *before, float *gates,
                                                                 float *products, float *carry) {
#pragma omp simd
  for (size_t j = 0; j < n; j++) {
    float z = gates[j], r = gates[units + j], c = gates[2 * units + j];
    float q = products[2 * units + j];
    float dc = dh[j] * (1.0f - z) * (1.0f - c * c);
    float dz = dh[j] * (before[j] - c) * z * (1.0f - z);
    float dr = dc * q * r * (1.0f - r);
    carry[j] = dh[j] * z;
    gates[j] = products[j] = dz;
    gates[units + j] = products[units + j] = dr;
    gates[2 * units + j] = dc;
    products[2 * units + j] = dc * r;
  }
}

/* A padded frame: the state passed through, and nothing else happened. */
static void pass_through(size_t n, size_t units, const float *dh, float *gates, float *products,
                         float *carry) {
  memcpy(carry, dh, n * sizeof *carry);
  for (size_t g = 0; g < GATES; g++) {
    memset(gates + g * units, 0, n * sizeof *gates);
    memset(products + g * units, 0, n * sizeof *products);
  }
}

/* One frame of one sequence, N units from FIRST on; SUM: what came back through the recurrent
 * product of the frame after it, then dh. */
static void finish_row(const rs_gru_plan *p, const rs_gru_pass *s, const float *dy, size_t frame,
                       size_t row, size_t first, size_t n, float sum[WIDE]) {
  size_t u = p->units, at = frame * s->rows + row;
  const float *before = s->states + at * u + first, *above = dy + at * u + first;
  float *gates = s->gates + at * GATES * u + first;
  float *products = s->products + at * GATES * u + first, *carry = p->carry + row * u + first;
  for (size_t j = 0; j < n; j++) sum[j] += above[j] + carry[j];
  if (!counts(s->lengths, row, frame))
    pass_through(n, u, sum, gates, products, carry);
  else if (n == WIDE)
    gate_gradients(WIDE, u, sum, before, gates, products, carry);
  else
    gate_gradients(n, u, sum, before, gates, products, carry);
}

/* ---- time ---------------------------------------------------------------------------------------
 */

/* SUM = what the frame after FRAME sends back to the states before it. */
static void product_back(const rs_gru_plan *p, const rs_gru_pass *s, size_t frame, size_t panel,
                         size_t row, size_t rows, float sum[MOST_ROWS][WIDE]) {
  size_t depth = GATES * p->units;
  if (frame + 1 == s->frames)
    memset(sum, 0, rows * sizeof *sum);
  else
    rs_gru_plain_product(rows, depth, s->products + ((frame + 1) * s->rows + row) * depth,
                         p->backward + panel * depth * WIDE, sum);
}

static void backward_frame(const rs_gru_plan *p, const rs_gru_pass *s, const float *dy,
                           size_t frame, range mine) {
  float sum[MOST_ROWS][WIDE];
  for (size_t panel = mine.first; panel < mine.last; panel++) {
    size_t first = panel * WIDE, n = smaller(p->units - first, WIDE);
    for (size_t row = 0; row < s->rows; row += MOST_ROWS) {
      size_t rows = smaller(s->rows - row, MOST_ROWS);
      product_back(p, s, frame, panel, row, rows, sum);
      for (size_t i = 0; i < rows; i++) finish_row(p, s, dy, frame, row + i, first, n, sum[i]);
    }
  }
}

void rs_gru_backward(const rs_gru_plan *p, const rs_gru_pass *s, const float *dy) {
  RS_ASSERT(p->backward != NULL && s->products != NULL && s->rows <= p->rows);
  memset(p->carry, 0, s->rows * p->units * sizeof *p->carry);
#pragma omp parallel if (GATES * s->rows * p->units * p->units > WORTH)
  {
    size_t part = (size_t)omp_get_thread_num(), parts = (size_t)omp_get_num_threads();
    range mine = share_out(panels(p->units, WIDE), part, parts);
    for (size_t frame = s->frames; frame-- > 0;) {
      backward_frame(p, s, dy, frame, mine);
#pragma omp barrier
    }
  }
}
