/* The stages that made a trial. */
#include "show.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* ---- following ---------------------------------------------------------------------------- */

void show_chain_free(show_chain *c) {
  free(c->rows);
  free(c->numbers);
  *c = (show_chain){0};
}

/* Stages are numbered by their rows in what we write; a file of others is searched. */
static bool find_stage(const rs_table *stages, int64_t number, size_t *row) {
  size_t n = rs_table_rows(stages);
  *row = (size_t)number;
  if (number >= 0 && *row < n && show_int(stages, *row, "stage", -1) == number) return true;
  for (*row = 0; *row < n; (*row)++)
    if (show_int(stages, *row, "stage", -1) == number) return true;
  return false;
}

static rs_status chain_add(show_chain *c, size_t row, int64_t number) {
  RS_TRY(rs_grow(&c->rows, &c->cap_rows, c->count + 1, sizeof *c->rows));
  RS_TRY(rs_grow(&c->numbers, &c->cap_numbers, c->count + 1, sizeof *c->numbers));
  c->rows[c->count] = row;
  c->numbers[c->count++] = number;
  return RS_OK;
}

static void chain_reverse(show_chain *c) {
  for (size_t i = 0; i < c->count / 2; i++) {
    size_t k = c->count - 1 - i, row = c->rows[i];
    int64_t number = c->numbers[i];
    c->rows[i] = c->rows[k];
    c->rows[k] = row;
    c->numbers[i] = c->numbers[k];
    c->numbers[k] = number;
  }
}

rs_status show_chain_follow(const rs_results *r, const char *path, size_t trial_row,
                            show_chain *c) {
  size_t row;
  int64_t next = show_int(r->trials, trial_row, "stage", -1);
  while (next >= 0) {
    int64_t number = next;
    if (!find_stage(r->stages, number, &row))
      return rs_fail(RS_ERR_DATA, "%s: stages: no stage %" PRId64 ", which a trial needs", path,
                     number);
    RS_TRY(chain_add(c, row, number));
    next = show_int(r->stages, row, "parent", -1);
    if (next >= number)
      return rs_fail(RS_ERR_DATA,
                     "%s: stages: parent of stage %" PRId64
                     ": expected a lower number, got %" PRId64,
                     path, number, next);
  }
  chain_reverse(c);
  return RS_OK;
}

/* ---- table -------------------------------------------------------------------------------- */

static rs_status put_layout(text_table *t, const rs_table *stages, size_t row) {
  int64_t ranks = show_int(stages, row, "mpi_ranks", 0);
  if (ranks == 0) return text_table_cell(t, "-");
  return text_table_cell(t, "%" PRId64 " x %" PRId64, ranks, show_int(stages, row, "threads", 0));
}

static rs_status stage_row(text_table *t, const rs_table *stages, size_t row) {
  char identity[9];
  double seconds = show_float(stages, row, "seconds");
  RS_TRY(text_table_cell(t, "%" PRId64, show_int(stages, row, "stage", -1)));
  RS_TRY(show_put_text(t, show_text(stages, row, "kind")));
  RS_TRY(show_put_text(t, show_text(stages, row, "state")));
  RS_TRY(isnan(seconds) ? text_table_cell(t, "-") : text_table_cell(t, "%.2f", seconds));
  RS_TRY(put_layout(t, stages, row));
  RS_TRY(text_table_cell(t, "%" PRId64, show_int(stages, row, "attempts", 0)));
  snprintf(identity, sizeof identity, "%s", show_text(stages, row, "identity"));
  return show_put_text(t, identity);
}

rs_status show_chain_print(const rs_results *r, const show_chain *c) {
  static const char *const heads[] = {"stage",           "kind",     "state",   "seconds",
                                      "ranks x threads", "attempts", "identity"};
  text_table *t;
  if (c->count == 0) return RS_OK;
  RS_TRY(text_table_create(RS_COUNT(heads), &t));
  rs_status status = RS_OK;
  for (size_t i = 0; status == RS_OK && i < RS_COUNT(heads); i++)
    status = text_table_cell(t, "%s", heads[i]);
  text_table_right(t, 0);
  for (size_t i = 3; i < 6; i++) text_table_right(t, i);
  for (size_t i = 0; status == RS_OK && i < c->count; i++)
    status = stage_row(t, r->stages, c->rows[i]);
  if (status == RS_OK) putchar('\n');
  if (status == RS_OK) text_table_print(t, stdout);
  text_table_destroy(t);
  return status;
}
