/* The table of trials on a terminal. */
#include "show.h"

#include <stdlib.h>
#include <string.h>

/* ---- heading ------------------------------------------------------------------------------ */

/* ": 7 trials, 6 done, 1 failed" */
static void add_counts(const rs_results *r, rs_str *out) {
  static const char *const states[] = {"done", "running", "pending", "failed", "stopped", "pruned"};
  size_t counts[RS_COUNT(states)] = {0}, n = rs_table_rows(r->trials);
  size_t column = (size_t)rs_table_find(r->trials, "state");
  for (size_t i = 0; i < n; i++)
    for (size_t s = 0; s < RS_COUNT(states); s++)
      counts[s] += strcmp(rs_table_text(r->trials, i, column), states[s]) == 0;
  rs_str_addf(out, ": %zu trial%s", n, n == 1 ? "" : "s");
  for (size_t s = 0; s < RS_COUNT(states); s++)
    if (counts[s] > 0) rs_str_addf(out, ", %zu %s", counts[s], states[s]);
}

static rs_status print_heading(const rs_results *r) {
  rs_str line = {0};
  show_add_text(&line, r->job_name);
  rs_str_add(&line, " (");
  show_add_text(&line, r->experiment);
  rs_str_add(&line, "), ");
  show_add_share(&line, r);
  show_add_text(&line, r->state);
  add_counts(r, &line);
  rs_str_add(&line, "; updated ");
  show_add_text(&line, r->updated);
  rs_status status = rs_str_status(&line);
  if (status == RS_OK) printf("%s\n\n", line.text);
  rs_str_free(&line);
  return status;
}

/* "Best trials by test_accuracy max, parameters min:" */
static rs_status print_goals(const rs_results *r, const show_rows *rows, const show_goals *goals) {
  rs_str line = {0};
  rs_str_add(&line,
             rows->won != NULL ? "Best trials by " : "Trials that no other beats in all of ");
  for (size_t g = 0; g < goals->count; g++) {
    if (g > 0) rs_str_add(&line, ", ");
    show_add_goal(r, &goals->list[g], &line);
  }
  rs_status status = rs_str_status(&line);
  if (status == RS_OK)
    printf("%s:%s\n", line.text, rows->count > 0 ? "\n" : " no trial is done that has them");
  rs_str_free(&line);
  return status;
}

/* ---- table -------------------------------------------------------------------------------- */

static bool is_shown(const rs_results *r, const show_rows *rows, size_t column) {
  show_role role = show_role_of(rs_table_column(r->trials, column));
  if (role == SHOW_TRIAL || role == SHOW_STATE) return true;
  bool filled = false;
  for (size_t i = 0; i < rows->count && !filled; i++)
    filled = !show_empty(r->trials, rows->rows[i], column);
  return filled && role != SHOW_OTHER;
}

static rs_status put_won(text_table *t, const rs_results *r, const show_goals *goals,
                         unsigned won) {
  rs_str text = {0};
  for (size_t g = 0; g < goals->count; g++) {
    if ((won >> g & 1) == 0) continue;
    if (text.len > 0) rs_str_add(&text, ", ");
    show_add_goal(r, &goals->list[g], &text);
  }
  rs_status status = rs_str_status(&text);
  if (status == RS_OK) status = text_table_cell(t, "%s", text.text != NULL ? text.text : "");
  rs_str_free(&text);
  return status;
}

static rs_status fill(text_table *t, const rs_results *r, const show_rows *rows,
                      const show_goals *goals, const size_t *columns, size_t n) {
  if (rows->won != NULL) RS_TRY(text_table_cell(t, "best for"));
  for (size_t c = 0; c < n; c++) {
    const rs_column *column = rs_table_column(r->trials, columns[c]);
    if (column->type != RS_COLUMN_TEXT) text_table_right(t, c + (rows->won != NULL));
    RS_TRY(show_put_text(t, column->name));
  }
  for (size_t i = 0; i < rows->count; i++) {
    if (rows->won != NULL) RS_TRY(put_won(t, r, goals, rows->won[i]));
    for (size_t c = 0; c < n; c++) RS_TRY(show_put(t, r->trials, rows->rows[i], columns[c]));
  }
  return RS_OK;
}

static rs_status print_rows(const rs_results *r, const show_rows *rows, const show_goals *goals) {
  size_t *columns, n = 0;
  text_table *t = NULL;
  RS_TRY(rs_new(&columns, rs_table_columns(r->trials), sizeof *columns));
  for (size_t c = 0; c < rs_table_columns(r->trials); c++)
    if (is_shown(r, rows, c)) columns[n++] = c;
  rs_status status = text_table_create(n + (rows->won != NULL), &t);
  if (status == RS_OK) status = fill(t, r, rows, goals, columns, n);
  if (status == RS_OK) text_table_print(t, stdout);
  text_table_destroy(t);
  free(columns);
  return status;
}

/* ---- messages ----------------------------------------------------------------------------- */

static rs_status print_messages(const rs_results *r, const show_rows *rows) {
  int message = show_find(r->trials, "message", RS_COLUMN_TEXT);
  int trial = rs_table_find(r->trials, "trial");
  rs_str text = {0};
  for (size_t i = 0; message >= 0 && i < rows->count; i++) {
    if (show_empty(r->trials, rows->rows[i], (size_t)message)) continue;
    rs_str_addf(&text, "%strial ", text.len == 0 ? "\n" : "");
    show_add_value(r->trials, rows->rows[i], (size_t)trial, &text);
    rs_str_add(&text, ": ");
    show_add_value(r->trials, rows->rows[i], (size_t)message, &text);
    rs_str_add(&text, "\n");
  }
  rs_status status = rs_str_status(&text);
  if (status == RS_OK && text.len > 0) fputs(text.text, stdout);
  rs_str_free(&text);
  return status;
}

rs_status show_print_text(const rs_results *r, const show_rows *rows, const show_goals *goals) {
  RS_TRY(print_heading(r));
  if (goals != NULL) RS_TRY(print_goals(r, rows, goals));
  if (rows->count == 0) return RS_OK;
  RS_TRY(print_rows(r, rows, goals));
  return print_messages(r, rows);
}
