/* Typed columns in memory: one array a column, so that a new column or row touches nothing else. */
#include "ranksweep/store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct table_column {
  rs_column about; /* its texts belong to the column */
  size_t cap;
  union {
    void *any;
    int64_t *ints;
    double *floats;
    char **texts; /* NULL: "" */
  } cells;
} table_column;

struct rs_table {
  size_t rows, count, cap;
  table_column *
      *columns; /* each on its own, so that rs_table_column() stays valid while columns are added */
};

/* ---- columns ------------------------------------------------------------------------------ */

static size_t cell_bytes(rs_column_type type) {
  return type == RS_COLUMN_TEXT ? sizeof(char *) : sizeof(int64_t);
}

static void column_free(table_column *c, size_t rows) {
  if (c == NULL) return;
  if (c->about.type == RS_COLUMN_TEXT)
    for (size_t r = 0; r < rows; r++) free(c->cells.texts[r]);
  free(c->cells.any);
  free((char *)c->about.name);
  free((char *)c->about.unit);
  free((char *)c->about.long_name);
  free(c);
}

/* Room for ROWS rows; rs_grow() has zeroed what is new, which is right for all but floats. */
static rs_status column_reserve(table_column *c, size_t rows) {
  size_t old = c->cap;
  RS_TRY(rs_grow(&c->cells.any, &c->cap, rows, cell_bytes(c->about.type)));
  if (c->about.type == RS_COLUMN_FLOAT)
    for (size_t r = old; r < c->cap; r++) c->cells.floats[r] = NAN;
  return RS_OK;
}

static rs_status copy_text(const char **to, const char *from) {
  char *copy;
  RS_TRY(rs_strdup(&copy, from));
  *to = copy;
  return RS_OK;
}

static rs_status column_create(const rs_column *about, size_t rows, table_column **out) {
  table_column *c;
  rs_status status;
  *out = NULL;
  RS_TRY(rs_new(&c, 1, sizeof *c));
  c->about.type = about->type;
  RS_TRY_GOTO(status, failed, copy_text(&c->about.name, about->name));
  RS_TRY_GOTO(status, failed, copy_text(&c->about.unit, about->unit));
  RS_TRY_GOTO(status, failed, copy_text(&c->about.long_name, about->long_name));
  RS_TRY_GOTO(status, failed, column_reserve(c, rows));
  *out = c;
  return RS_OK;
failed:
  column_free(c, 0);
  return status;
}

/* ---- tables ------------------------------------------------------------------------------- */

rs_status rs_table_create(const rs_column *columns, size_t n, rs_table **out) {
  *out = NULL;
  rs_table *t;
  RS_TRY(rs_new(&t, 1, sizeof *t));
  for (size_t i = 0; i < n; i++) {
    rs_status status = rs_table_add_column(t, &columns[i]);
    if (status != RS_OK) {
      rs_table_destroy(t);
      return status;
    }
  }
  *out = t;
  return RS_OK;
}

void rs_table_destroy(rs_table *t) {
  if (t == NULL) return;
  for (size_t i = 0; i < t->count; i++) column_free(t->columns[i], t->rows);
  free(t->columns);
  free(t);
}

rs_status rs_table_add_column(rs_table *t, const rs_column *about) {
  RS_ASSERT(about->name != NULL && about->name[0] != '\0' && rs_table_find(t, about->name) < 0);
  RS_TRY(rs_grow(&t->columns, &t->cap, t->count + 1, sizeof(table_column *)));
  RS_TRY(column_create(about, t->rows, &t->columns[t->count]));
  t->count++;
  return RS_OK;
}

rs_status rs_table_add_row(rs_table *t, size_t *row) {
  for (size_t i = 0; i < t->count; i++) RS_TRY(column_reserve(t->columns[i], t->rows + 1));
  if (row != NULL) *row = t->rows;
  t->rows++;
  return RS_OK;
}

size_t rs_table_rows(const rs_table *t) {
  return t->rows;
}

size_t rs_table_columns(const rs_table *t) {
  return t->count;
}

const rs_column *rs_table_column(const rs_table *t, size_t column) {
  RS_ASSERT(column < t->count);
  return &t->columns[column]->about;
}

int rs_table_find(const rs_table *t, const char *name) {
  for (size_t i = 0; i < t->count; i++)
    if (strcmp(t->columns[i]->about.name, name) == 0) return (int)i;
  return -1;
}

/* ---- cells -------------------------------------------------------------------------------- */

static table_column *cell_column(const rs_table *t, size_t row, size_t column,
                                 rs_column_type type) {
  RS_ASSERT(column < t->count && row < t->rows && t->columns[column]->about.type == type);
  (void)row;
  (void)type;
  return t->columns[column];
}

void rs_table_set_int(rs_table *t, size_t row, size_t column, int64_t value) {
  cell_column(t, row, column, RS_COLUMN_INT)->cells.ints[row] = value;
}

void rs_table_set_float(rs_table *t, size_t row, size_t column, double value) {
  cell_column(t, row, column, RS_COLUMN_FLOAT)->cells.floats[row] = value;
}

rs_status rs_table_set_text(rs_table *t, size_t row, size_t column, const char *value) {
  char **cell = &cell_column(t, row, column, RS_COLUMN_TEXT)->cells.texts[row];
  char *copy;
  RS_TRY(rs_strdup(&copy, value != NULL && value[0] != '\0' ? value : NULL));
  free(*cell);
  *cell = copy;
  return RS_OK;
}

int64_t rs_table_int(const rs_table *t, size_t row, size_t column) {
  return cell_column(t, row, column, RS_COLUMN_INT)->cells.ints[row];
}

double rs_table_float(const rs_table *t, size_t row, size_t column) {
  return cell_column(t, row, column, RS_COLUMN_FLOAT)->cells.floats[row];
}

const char *rs_table_text(const rs_table *t, size_t row, size_t column) {
  const char *text = cell_column(t, row, column, RS_COLUMN_TEXT)->cells.texts[row];
  return text != NULL ? text : "";
}

double rs_table_number(const rs_table *t, size_t row, size_t column) {
  switch (rs_table_column(t, column)->type) {
  case RS_COLUMN_INT: return (double)rs_table_int(t, row, column);
  case RS_COLUMN_FLOAT: return rs_table_float(t, row, column);
  case RS_COLUMN_TEXT: break;
  }
  return NAN;
}
