/* Tables for other programs: CSV and JSON. */
#include "show.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* ---- CSV ---------------------------------------------------------------------------------- */

static void print_field(const char *text, FILE *to) {
  rs_str field = {0};
  rs_str_add_csv(&field, text);
  fputs(rs_str_status(&field) == RS_OK ? field.text : text, to);
  rs_str_free(&field);
}

/* The fewest digits that read back as the same number; nothing for NaN. */
static void print_double(double value, FILE *to) {
  char text[32];
  if (isnan(value)) return;
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, value);
    if (strtod(text, NULL) == value) break;
  }
  fputs(text, to);
}

static void print_csv_cell(const rs_table *t, size_t row, size_t column, FILE *to) {
  switch (rs_table_column(t, column)->type) {
  case RS_COLUMN_INT: fprintf(to, "%" PRId64, rs_table_int(t, row, column)); break;
  case RS_COLUMN_FLOAT: print_double(rs_table_float(t, row, column), to); break;
  case RS_COLUMN_TEXT: print_field(rs_table_text(t, row, column), to); break;
  }
}

void show_write_csv(const rs_table *t, const show_rows *rows, FILE *to) {
  size_t n = rs_table_columns(t), n_rows = rows != NULL ? rows->count : rs_table_rows(t);
  for (size_t c = 0; c < n; c++) {
    if (c > 0) putc(',', to);
    print_field(rs_table_column(t, c)->name, to);
  }
  putc('\n', to);
  for (size_t i = 0; i < n_rows; i++) {
    for (size_t c = 0; c < n; c++) {
      if (c > 0) putc(',', to);
      print_csv_cell(t, rows != NULL ? rows->rows[i] : i, c, to);
    }
    putc('\n', to);
  }
}

/* ---- JSON --------------------------------------------------------------------------------- */

/* A text that is not UTF-8 gets "?" for all beyond ASCII: JSON has no other way to hold it. */
static json_t *text_value(const char *text) {
  json_t *value = json_string(text);
  char *copy;
  if (value != NULL || rs_strdup(&copy, text) != RS_OK) return value;
  for (char *p = copy; *p != '\0'; p++)
    if ((unsigned char)*p >= 0x80) *p = '?';
  value = json_string(copy);
  free(copy);
  return value;
}

static json_t *cell_value(const rs_table *t, size_t row, size_t column) {
  double value;
  switch (rs_table_column(t, column)->type) {
  case RS_COLUMN_INT: return json_integer(rs_table_int(t, row, column));
  case RS_COLUMN_FLOAT:
    value = rs_table_float(t, row, column);
    return isfinite(value) ? json_real(value) : json_null();
  case RS_COLUMN_TEXT: break;
  }
  return text_value(rs_table_text(t, row, column));
}

static rs_status print_object(const rs_table *t, size_t row, FILE *to) {
  json_t *object = json_object();
  rs_status status = RS_OK;
  for (size_t c = 0; status == RS_OK && c < rs_table_columns(t); c++)
    if (json_object_set_new(object, rs_table_column(t, c)->name, cell_value(t, row, c)) != 0)
      status = rs_fail(RS_ERR_DATA, "column %zu cannot be written as JSON", c);
  if (status == RS_OK && json_dumpf(object, to, 0) != 0)
    status = rs_fail(RS_ERR_IO, "cannot write JSON");
  json_decref(object);
  return status;
}

rs_status show_write_json(const rs_table *t, const show_rows *rows, FILE *to) {
  size_t n = rows != NULL ? rows->count : rs_table_rows(t);
  putc('[', to);
  for (size_t i = 0; i < n; i++) {
    fputs(i > 0 ? ",\n " : "\n ", to);
    RS_TRY(print_object(t, rows != NULL ? rows->rows[i] : i, to));
  }
  fputs(n > 0 ? "\n]\n" : "]\n", to);
  return RS_OK;
}
