#include "ref_gru.h"

#include <math.h>
#include <string.h>

double rs_ref_sigmoid(double x) {
  return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

double rs_ref_sigmoid_cross_entropy(size_t m, size_t n, const double *logits, const double *targets,
                                    const double *weights, double scale, double *gradient) {
  double loss = 0;
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < n; j++) {
      double x = logits[i * n + j], t = targets[i * n + j], s = rs_ref_sigmoid(x);
      double weight = weights != NULL ? weights[i] : 1;
      loss -= weight * (t * log(s) + (1 - t) * log(rs_ref_sigmoid(-x)));
      if (gradient != NULL) gradient[i * n + j] = scale * weight * (s - t);
    }
  return loss;
}

/* ---- one unit of one frame ----------------------------------------------------------------------
 */

typedef struct gates {
  double z, r, q, c;
} gates;

static bool is_padding(const rs_ref_gru *g, size_t t, size_t row) {
  return g->lengths != NULL && t >= g->lengths[row];
}

/* Column of the product with the kernel and its bias; the same with the recurrent kernel. */
static double input_part(const rs_ref_gru *g, size_t t, size_t row, size_t column) {
  double sum = g->bias[column];
  for (size_t i = 0; i < g->in; i++)
    sum += g->x[(t * g->rows + row) * g->in + i] * g->kernel[i * 3 * g->units + column];
  return sum;
}

static double state_part(const rs_ref_gru *g, size_t t, size_t row, size_t column) {
  double sum = g->bias[3 * g->units + column];
  for (size_t i = 0; i < g->units; i++)
    sum += g->states[(t * g->rows + row) * g->units + i] * g->recurrent[i * 3 * g->units + column];
  return sum;
}

static gates gates_of(const rs_ref_gru *g, size_t t, size_t row, size_t unit) {
  size_t u = g->units;
  double z = rs_ref_sigmoid(input_part(g, t, row, unit) + state_part(g, t, row, unit));
  double r = rs_ref_sigmoid(input_part(g, t, row, u + unit) + state_part(g, t, row, u + unit));
  double q = state_part(g, t, row, 2 * u + unit);
  return (gates){z, r, q, tanh(input_part(g, t, row, 2 * u + unit) + r * q)};
}

void rs_ref_gru_forward(const rs_ref_gru *g) {
  for (size_t t = 0; t < g->frames; t++)
    for (size_t row = 0; row < g->rows; row++)
      for (size_t unit = 0; unit < g->units; unit++) {
        size_t at = (t * g->rows + row) * g->units + unit, next = at + g->rows * g->units;
        gates a = gates_of(g, t, row, unit);
        g->states[next] =
            is_padding(g, t, row) ? g->states[at] : a.z * g->states[at] + (1 - a.z) * a.c;
      }
}

/* ---- backward -----------------------------------------------------------------------------------
 */

/* Adds what DA, the gradient of column COLUMN of the input's part, and DG, that of the state's,
 * mean for everything that they were made from; DBEFORE: of the states before, of this row. */
static void spread(const rs_ref_gru *g, size_t t, size_t row, size_t column, double da, double dg,
                   const rs_ref_gru_gradients *out, double *dbefore) {
  size_t u = g->units, at = t * g->rows + row;
  out->dbias[column] += da;
  out->dbias[3 * u + column] += dg;
  for (size_t i = 0; i < g->in; i++) {
    out->dkernel[i * 3 * u + column] += g->x[at * g->in + i] * da;
    out->dx[at * g->in + i] += g->kernel[i * 3 * u + column] * da;
  }
  for (size_t i = 0; i < u; i++) {
    out->drecurrent[i * 3 * u + column] += g->states[at * u + i] * dg;
    dbefore[i] += g->recurrent[i * 3 * u + column] * dg;
  }
}

static void unit_backward(const rs_ref_gru *g, size_t t, size_t row, size_t unit, double dh,
                          const rs_ref_gru_gradients *out, double *dbefore) {
  size_t u = g->units;
  double before = g->states[(t * g->rows + row) * u + unit];
  gates a = gates_of(g, t, row, unit);
  double dc = dh * (1 - a.z) * (1 - a.c * a.c);
  double dz = dh * (before - a.c) * a.z * (1 - a.z);
  double dr = dc * a.q * a.r * (1 - a.r);
  dbefore[unit] += dh * a.z;
  spread(g, t, row, unit, dz, dz, out, dbefore);
  spread(g, t, row, u + unit, dr, dr, out, dbefore);
  spread(g, t, row, 2 * u + unit, dc, dc * a.r, out, dbefore);
}

/* One sequence. DFIRST holds the gradient of the state after frame t, then of that before it. */
static void row_backward(const rs_ref_gru *g, size_t row, const double *dy,
                         const rs_ref_gru_gradients *out) {
  enum { MOST = 256 };
  double dh[MOST], *dbefore = out->dfirst + row * g->units;
  RS_ASSERT(g->units <= MOST);
  for (size_t t = g->frames; t-- > 0;) {
    for (size_t i = 0; i < g->units; i++)
      dh[i] = dbefore[i] + dy[(t * g->rows + row) * g->units + i];
    memset(dbefore, 0, g->units * sizeof *dbefore);
    for (size_t i = 0; i < g->units; i++)
      if (is_padding(g, t, row))
        dbefore[i] = dh[i];
      else
        unit_backward(g, t, row, i, dh[i], out, dbefore);
  }
}

void rs_ref_gru_backward(const rs_ref_gru *g, const double *dy, const rs_ref_gru_gradients *out) {
  size_t u = g->units;
  memset(out->dx, 0, g->frames * g->rows * g->in * sizeof(double));
  memset(out->dkernel, 0, g->in * 3 * u * sizeof(double));
  memset(out->drecurrent, 0, u * 3 * u * sizeof(double));
  memset(out->dbias, 0, 2 * 3 * u * sizeof(double));
  memset(out->dfirst, 0, g->rows * u * sizeof(double));
  for (size_t row = 0; row < g->rows; row++) row_backward(g, row, dy, out);
}
