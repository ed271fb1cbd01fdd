#include "metrics.h"

#include <math.h>
#include <stdlib.h>

enum { FIXED = 4 }; /* stage, epoch, step, seconds */

struct metrics {
  const rs_metric *specs;
  size_t n_specs, width; /* width: FIXED + n_specs numbers a row */
  double *rows;          /* whole numbers are exact up to 2^53 */
  size_t count, cap;     /* rows; cap counts numbers */
};

rs_status metrics_create(const rs_metric *specs, metrics **out) {
  metrics *m;
  *out = NULL;
  RS_TRY(rs_new(&m, 1, sizeof *m));
  m->specs = specs;
  while (specs != NULL && specs[m->n_specs].name != NULL) m->n_specs++;
  m->width = FIXED + m->n_specs;
  *out = m;
  return RS_OK;
}

void metrics_destroy(metrics *m) {
  if (m == NULL) return;
  free(m->rows);
  free(m);
}

static double number(const json_t *value) {
  return json_is_number(value) ? json_number_value(value) : NAN;
}

rs_status metrics_add(metrics *m, int stage, const json_t *message) {
  RS_TRY(rs_grow(&m->rows, &m->cap, (m->count + 1) * m->width, sizeof *m->rows));
  double *row = m->rows + m->count++ * m->width;
  const json_t *values = json_object_get(message, "values");
  row[0] = stage;
  row[1] = number(json_object_get(message, "epoch"));
  row[2] = number(json_object_get(message, "step"));
  row[3] = number(json_object_get(message, "seconds"));
  for (size_t i = 0; i < m->n_specs; i++)
    row[FIXED + i] = number(json_object_get(values, m->specs[i].name));
  return RS_OK;
}

void metrics_rewind(metrics *m, int stage, int64_t step) {
  size_t kept = 0;
  for (size_t i = 0; i < m->count; i++) {
    double *from = m->rows + i * m->width, *to = m->rows + kept * m->width;
    if (from[0] == stage && from[2] >= (double)step) continue;
    for (size_t k = 0; from != to && k < m->width; k++) to[k] = from[k];
    kept++;
  }
  m->count = kept;
}

static int by_place(const void *a, const void *b) {
  const double *x = *(const double *const *)a, *y = *(const double *const *)b;
  for (int i = 0; i < 3; i++)
    if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
  return x < y ? -1 : x > y; /* rows of one place stay in order of arrival */
}

static rs_status make_table(const metrics *m, rs_table **out) {
  static const rs_column fixed[FIXED] = {
      {"stage", RS_COLUMN_INT, NULL, "Number of the stage"},
      {"epoch", RS_COLUMN_INT, "epochs", "Epochs done"},
      {"step", RS_COLUMN_INT, "steps", "Optimizer steps done"},
      {"seconds", RS_COLUMN_FLOAT, "s", "Time since the stage began"},
  };
  RS_TRY(rs_table_create(fixed, FIXED, out));
  for (size_t i = 0; i < m->n_specs; i++) {
    const rs_metric *s = &m->specs[i];
    RS_TRY(
        rs_table_add_column(*out, &(rs_column){s->name, RS_COLUMN_FLOAT, s->unit, s->long_name}));
  }
  return RS_OK;
}

static rs_status fill_table(const metrics *m, const double *const *sorted, rs_table *table) {
  for (size_t i = 0; i < m->count; i++) {
    size_t row;
    RS_TRY(rs_table_add_row(table, &row));
    for (size_t k = 0; k < m->width; k++) {
      if (k < 3)
        rs_table_set_int(table, row, k, (int64_t)sorted[i][k]);
      else
        rs_table_set_float(table, row, k, sorted[i][k]);
    }
  }
  return RS_OK;
}

rs_status metrics_table(const metrics *m, rs_table **out) {
  const double **sorted = NULL;
  *out = NULL;
  rs_status status = rs_new(&sorted, m->count, sizeof *sorted);
  if (status == RS_OK) {
    for (size_t i = 0; i < m->count; i++) sorted[i] = m->rows + i * m->width;
    qsort(sorted, m->count, sizeof *sorted, by_place);
    status = make_table(m, out);
  }
  if (status == RS_OK) status = fill_table(m, sorted, *out);
  free(sorted);
  if (status != RS_OK) {
    rs_table_destroy(*out);
    *out = NULL;
  }
  return status;
}
