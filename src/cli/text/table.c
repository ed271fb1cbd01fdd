/* Aligned columns. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

struct text_table {
  size_t columns, count, cap;
  char **cells;
  bool *right;
};

rs_status text_table_create(size_t columns, text_table **out) {
  text_table *t;
  *out = NULL;
  RS_TRY(rs_new(&t, 1, sizeof *t));
  t->columns = columns;
  rs_status status = rs_new(&t->right, columns, sizeof *t->right);
  if (status != RS_OK) {
    free(t);
    return status;
  }
  *out = t;
  return RS_OK;
}

void text_table_destroy(text_table *t) {
  if (t == NULL) return;
  for (size_t i = 0; i < t->count; i++) free(t->cells[i]);
  free(t->cells);
  free(t->right);
  free(t);
}

void text_table_right(text_table *t, size_t column) {
  t->right[column] = true;
}

rs_status text_table_cell(text_table *t, const char *format, ...) {
  RS_TRY(rs_grow(&t->cells, &t->cap, t->count + 1, sizeof *t->cells));
  va_list args;
  va_start(args, format);
  int n = vasprintf(&t->cells[t->count], format, args);
  va_end(args);
  if (n < 0) return rs_fail(RS_ERR_NOMEM, "out of memory: a table");
  t->count++;
  return RS_OK;
}

/* Characters, not bytes: continuation bytes of UTF-8 do not count. */
static size_t width_of(const char *text) {
  size_t n = 0;
  for (; *text != '\0'; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
  return n;
}

static size_t column_width(const text_table *t, size_t column) {
  size_t widest = 0;
  for (size_t i = column; i < t->count; i += t->columns)
    if (width_of(t->cells[i]) > widest) widest = width_of(t->cells[i]);
  return widest;
}

static void add_spaces(rs_str *line, size_t n) {
  while (n-- > 0) rs_str_add(line, " ");
}

static void add_cell(const text_table *t, size_t index, const size_t *widths, rs_str *line) {
  size_t column = index % t->columns, pad = widths[column] - width_of(t->cells[index]);
  if (column > 0) rs_str_add(line, "  ");
  if (t->right[column]) add_spaces(line, pad);
  rs_str_add(line, t->cells[index]);
  if (!t->right[column]) add_spaces(line, pad);
}

static void add_rule(const text_table *t, const size_t *widths, rs_str *line) {
  for (size_t c = 0; c < t->columns; c++) {
    if (c > 0) rs_str_add(line, "  ");
    for (size_t i = 0; i < widths[c]; i++) rs_str_add(line, "─");
  }
}

static void print_line(rs_str *line, FILE *to) {
  while (line->len > 0 && line->text[line->len - 1] == ' ') line->text[--line->len] = '\0';
  if (line->text != NULL) fputs(line->text, to);
  fputc('\n', to);
  rs_str_clear(line);
}

void text_table_print(const text_table *t, FILE *to) {
  size_t *widths;
  rs_str line = {0};
  if (rs_new(&widths, t->columns, sizeof *widths) != RS_OK) return;
  for (size_t c = 0; c < t->columns; c++) widths[c] = column_width(t, c);
  for (size_t i = 0; i < t->count; i++) {
    add_cell(t, i, widths, &line);
    if ((i + 1) % t->columns != 0) continue;
    print_line(&line, to);
    if (i + 1 != t->columns) continue;
    add_rule(t, widths, &line);
    print_line(&line, to);
  }
  rs_str_free(&line);
  free(widths);
}
