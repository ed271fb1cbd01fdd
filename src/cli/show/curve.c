/* The learning curve of a trial as a table. */
#include "show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 30 };

/* What of /metrics is printed. */
typedef struct curve {
  size_t *rows, *columns;
  size_t n_rows, n_columns, of; /* of: rows before they were thinned out */
} curve;

/* ---- rows --------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static rs_status choose_rows(const rs_table *metrics, const show_chain *c, curve *out) {
  size_t n = rs_table_rows(metrics);
  RS_TRY(rs_new(&out->rows, n, sizeof *out->rows));
  for (size_t i = 0; c->count > 0 && i < n; i++) {
    int64_t stage = show_int(metrics, i, "stage", -1);
    if (bsearch(&stage, c->numbers, c->count, sizeof stage, by_number) != NULL)
      out->rows[out->n_rows++] = i;
  }
  return RS_OK;
}

/* Evenly, the first and the last among those kept. */
static void thin_out(curve *v) {
  v->of = v->n_rows;
  if (v->n_rows <= MOST_ROWS) return;
  for (size_t i = 0; i < MOST_ROWS; i++) v->rows[i] = v->rows[i * (v->of - 1) / (MOST_ROWS - 1)];
  v->n_rows = MOST_ROWS;
}

/* ---- columns ------------------------------------------------------------------------------ */

static bool is_named(const rs_table *metrics, size_t column, const char *name) {
  return strcmp(rs_table_column(metrics, column)->name, name) == 0;
}

/* `stage` only when there are several, metrics only where they apply. */
static bool is_shown(const rs_table *metrics, const curve *v, size_t column) {
  bool stage = is_named(metrics, column, "stage");
  for (size_t i = 0; i < v->n_rows; i++) {
    bool differs = rs_table_number(metrics, v->rows[i], column) !=
                   rs_table_number(metrics, v->rows[0], column);
    if (stage ? differs : !show_empty(metrics, v->rows[i], column)) return true;
  }
  return false;
}

static rs_status choose_columns(const rs_table *metrics, curve *out) {
  size_t n = rs_table_columns(metrics);
  RS_TRY(rs_new(&out->columns, n, sizeof *out->columns));
  for (size_t c = 0; c < n; c++)
    if (is_shown(metrics, out, c)) out->columns[out->n_columns++] = c;
  return RS_OK;
}

/* ---- table -------------------------------------------------------------------------------- */

static rs_status put(text_table *t, const rs_table *metrics, size_t row, size_t column) {
  if (rs_table_column(metrics, column)->type != RS_COLUMN_INT)
    return show_put(t, metrics, row, column);
  return text_table_cell(t, "%" PRId64, rs_table_int(metrics, row, column));
}

static rs_status fill(text_table *t, const rs_table *metrics, const curve *v) {
  for (size_t c = 0; c < v->n_columns; c++) {
    text_table_right(t, c);
    RS_TRY(show_put_text(t, rs_table_column(metrics, v->columns[c])->name));
  }
  for (size_t i = 0; i < v->n_rows; i++)
    for (size_t c = 0; c < v->n_columns; c++) RS_TRY(put(t, metrics, v->rows[i], v->columns[c]));
  return RS_OK;
}

static rs_status print(const rs_table *metrics, const curve *v) {
  text_table *t;
  if (v->n_rows == 0 || v->n_columns == 0) return RS_OK;
  RS_TRY(text_table_create(v->n_columns, &t));
  rs_status status = fill(t, metrics, v);
  if (status == RS_OK && v->n_rows < v->of)
    printf("\nlearning curve, %zu of %zu rows:\n\n", v->n_rows, v->of);
  else if (status == RS_OK)
    printf("\nlearning curve:\n\n");
  if (status == RS_OK) text_table_print(t, stdout);
  text_table_destroy(t);
  return status;
}

rs_status show_curve_print(const rs_results *r, const show_chain *c) {
  curve v = {0};
  rs_status status = choose_rows(r->metrics, c, &v);
  if (status == RS_OK) thin_out(&v);
  if (status == RS_OK) status = choose_columns(r->metrics, &v);
  if (status == RS_OK) status = print(r->metrics, &v);
  free(v.rows);
  free(v.columns);
  return status;
}
