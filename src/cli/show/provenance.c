/* The starts of a run, a block each: one line a cell that says something. */
#include "show.h"

#include <string.h>

/* Width of the widest column name. */
static int name_width(const rs_table *t) {
  size_t widest = 0;
  for (size_t c = 0; c < rs_table_columns(t); c++) {
    size_t length = strlen(rs_table_column(t, c)->name);
    if (length > widest) widest = length;
  }
  return (int)widest;
}

/* TEXT with a line for each of its items "A=b; C=d", those after the first below it. */
static void add_items(rs_str *out, const char *text, int indent) {
  for (const char *end; (end = strstr(text, "; ")) != NULL; text = end + 2) {
    rs_str item = {0};
    rs_str_addn(&item, text, (size_t)(end - text));
    show_add_text(out, item.text != NULL ? item.text : "");
    rs_str_addf(out, "\n%*s", indent, "");
    out->failed |= item.failed;
    rs_str_free(&item);
  }
  show_add_text(out, text);
}

static bool is_list(const rs_column *column) {
  return column->type == RS_COLUMN_TEXT &&
         (strcmp(column->name, "environment") == 0 || strcmp(column->name, "data") == 0);
}

static void add_start(const rs_table *t, size_t row, rs_str *out) {
  int width = name_width(t);
  rs_str_addf(out, "%sstart %zu of %zu\n", row > 0 ? "\n" : "", row + 1, rs_table_rows(t));
  for (size_t c = 0; c < rs_table_columns(t); c++) {
    const rs_column *column = rs_table_column(t, c);
    if (column->type == RS_COLUMN_TEXT && show_empty(t, row, c)) continue;
    rs_str_addf(out, "  %-*s  ", width, column->name);
    if (is_list(column))
      add_items(out, rs_table_text(t, row, c), width + 4);
    else
      show_add_value(t, row, c, out);
    rs_str_add(out, "\n");
  }
}

rs_status show_print_provenance(const rs_table *starts) {
  rs_str text = {0};
  for (size_t row = 0; row < rs_table_rows(starts); row++) add_start(starts, row, &text);
  rs_status status = rs_str_status(&text);
  if (status == RS_OK && text.len > 0) fputs(text.text, stdout);
  rs_str_free(&text);
  return status;
}
