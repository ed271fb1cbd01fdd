/* Do the tables of a results file agree with each other? */
#include "show/show.h"
#include "verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- stages by number --------------------------------------------------------------------- */

typedef struct numbered {
  int64_t number;
  size_t row;
} numbered;

struct verify_stages {
  numbered *list; /* sorted */
  size_t count;
};

static int by_number(const void *a, const void *b) {
  const numbered *x = a, *y = b;
  if (x->number != y->number) return x->number < y->number ? -1 : 1;
  return (x->row > y->row) - (x->row < y->row);
}

/* The rows of T sorted by column NAME. */
static rs_status sort_rows(const rs_table *t, const char *name, numbered **out) {
  size_t n = rs_table_rows(t);
  RS_TRY(rs_new(out, n, sizeof **out));
  for (size_t i = 0; i < n; i++) (*out)[i] = (numbered){show_int(t, i, name, -1), i};
  qsort(*out, n, sizeof **out, by_number);
  return RS_OK;
}

rs_status verify_stages_create(const rs_table *stages, verify_stages **out) {
  RS_TRY(rs_new(out, 1, sizeof **out));
  (*out)->count = rs_table_rows(stages);
  rs_status status = sort_rows(stages, "stage", &(*out)->list);
  if (status == RS_OK) return RS_OK;
  verify_stages_destroy(*out);
  *out = NULL;
  return status;
}

void verify_stages_destroy(verify_stages *s) {
  if (s == NULL) return;
  free(s->list);
  free(s);
}

bool verify_stages_find(const verify_stages *s, int64_t number, size_t *row) {
  size_t low = 0, high = s->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (s->list[middle].number < number)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == s->count || s->list[low].number != number) return false;
  *row = s->list[low].row;
  return true;
}

/* ---- faults of rows ----------------------------------------------------------------------- */

static void row_fault(verification *v, const char *table, size_t row, const char *format, ...)
    RS_PRINTF(4, 5);
static void row_fault(verification *v, const char *table, size_t row, const char *format, ...) {
  char place[64], message[512];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  snprintf(place, sizeof place, "/%s, row %zu", table, row);
  verify_fault(v, v->path, place, "%s", message);
}

static void check_state(verification *v, const char *table, const rs_table *t, size_t row) {
  static const char *const words[] = {"pending", "running", "done", "failed", "stopped", "pruned"};
  const char *state = show_text(t, row, "state");
  for (size_t i = 0; i < RS_COUNT(words); i++)
    if (strcmp(state, words[i]) == 0) return;
  row_fault(v, table, row, "state \"%s\" is none that there is", state);
}

/* Are the numbers in column NAME, which name rows, different and not negative? */
static rs_status check_numbers(verification *v, const char *table, const rs_table *t,
                               const char *name) {
  numbered *sorted;
  RS_TRY(sort_rows(t, name, &sorted));
  for (size_t i = 0; i < rs_table_rows(t); i++) {
    if (sorted[i].number < 0)
      row_fault(v, table, sorted[i].row, "%s %" PRId64 ": expected 0 or more", name,
                sorted[i].number);
    else if (i > 0 && sorted[i].number == sorted[i - 1].number)
      row_fault(v, table, sorted[i].row, "%s %" PRId64 " is also in row %zu", name,
                sorted[i].number, sorted[i - 1].row);
  }
  free(sorted);
  return RS_OK;
}

static bool has_columns(verification *v, const char *table, const rs_table *t,
                        const rs_column *columns, size_t n) {
  size_t found = 0;
  for (size_t i = 0; i < n; i++) {
    if (show_find(t, columns[i].name, columns[i].type) >= 0)
      found++;
    else
      verify_fault(v, v->path, table, "no column \"%s\" of %s", columns[i].name,
                   columns[i].type == RS_COLUMN_TEXT ? "texts" : "whole numbers");
  }
  return found == n;
}

/* ---- /stages ------------------------------------------------------------------------------ */

static void check_parent(verification *v, const verify_stages *stages, size_t row) {
  int64_t stage = show_int(v->r.stages, row, "stage", -1);
  int64_t parent = show_int(v->r.stages, row, "parent", -1);
  size_t parent_row;
  if (parent == -1) return;
  if (!verify_stages_find(stages, parent, &parent_row))
    row_fault(v, "stages", row, "parent %" PRId64 ": there is no such stage", parent);
  else if (parent >= stage)
    row_fault(v, "stages", row, "parent %" PRId64 ": expected a lower number than %" PRId64, parent,
              stage);
}

typedef struct named {
  const char *identity;
  size_t row;
} named;

static int by_identity(const void *a, const void *b) {
  const named *x = a, *y = b;
  int order = strcmp(x->identity, y->identity);
  return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

static rs_status check_identities(verification *v) {
  named *sorted;
  rs_id id;
  size_t n = rs_table_rows(v->r.stages);
  RS_TRY(rs_new(&sorted, n, sizeof *sorted));
  for (size_t i = 0; i < n; i++) sorted[i] = (named){show_text(v->r.stages, i, "identity"), i};
  qsort(sorted, n, sizeof *sorted, by_identity);
  for (size_t i = 0; i < n; i++) {
    if (!rs_id_parse(sorted[i].identity, &id))
      row_fault(v, "stages", sorted[i].row, "identity \"%s\": expected 32 hex digits",
                sorted[i].identity);
    else if (i > 0 && strcmp(sorted[i].identity, sorted[i - 1].identity) == 0)
      row_fault(v, "stages", sorted[i].row, "identity %s is also in row %zu", sorted[i].identity,
                sorted[i - 1].row);
  }
  free(sorted);
  return RS_OK;
}

static rs_status check_stages(verification *v, const verify_stages *stages) {
  static const rs_column columns[] = {{"stage", RS_COLUMN_INT, NULL, NULL},
                                      {"parent", RS_COLUMN_INT, NULL, NULL},
                                      {"state", RS_COLUMN_TEXT, NULL, NULL},
                                      {"identity", RS_COLUMN_TEXT, NULL, NULL}};
  if (!has_columns(v, "/stages", v->r.stages, columns, RS_COUNT(columns))) return RS_OK;
  RS_TRY(check_numbers(v, "stages", v->r.stages, "stage"));
  for (size_t row = 0; row < rs_table_rows(v->r.stages); row++) {
    check_state(v, "stages", v->r.stages, row);
    check_parent(v, stages, row);
  }
  return check_identities(v);
}

/* ---- /trials ------------------------------------------------------------------------------ */

/* A done trial has only done stages. Broken chains are faults of /stages and told there. */
static void check_chain(verification *v, const verify_stages *stages, size_t trial_row,
                        int64_t stage) {
  const rs_table *t = v->r.stages;
  size_t row;
  while (stage >= 0 && verify_stages_find(stages, stage, &row)) {
    if (strcmp(show_text(t, row, "state"), "done") != 0)
      row_fault(v, "trials", trial_row, "is done, but its stage %" PRId64 " is %s", stage,
                show_text(t, row, "state"));
    int64_t parent = show_int(t, row, "parent", -1);
    if (parent >= stage) return;
    stage = parent;
  }
}

static rs_status check_trials(verification *v, const verify_stages *stages) {
  static const rs_column columns[] = {{"stage", RS_COLUMN_INT, NULL, NULL}};
  const rs_table *t = v->r.trials;
  size_t unused;
  RS_TRY(check_numbers(v, "trials", t, "trial"));
  if (!has_columns(v, "/trials", t, columns, RS_COUNT(columns))) return RS_OK;
  for (size_t row = 0; row < rs_table_rows(t); row++) {
    int64_t stage = show_int(t, row, "stage", -1);
    check_state(v, "trials", t, row);
    if (!verify_stages_find(stages, stage, &unused))
      row_fault(v, "trials", row, "stage %" PRId64 ": there is no such stage", stage);
    else if (strcmp(show_text(t, row, "state"), "done") == 0)
      check_chain(v, stages, row, stage);
  }
  return RS_OK;
}

/* ---- /metrics, /running and the root ------------------------------------------------------ */

static void check_metrics(verification *v, const verify_stages *stages) {
  static const rs_column columns[] = {{"stage", RS_COLUMN_INT, NULL, NULL},
                                      {"epoch", RS_COLUMN_INT, NULL, NULL},
                                      {"step", RS_COLUMN_INT, NULL, NULL}};
  const rs_table *t = v->r.metrics;
  size_t unused;
  if (!has_columns(v, "/metrics", t, columns, RS_COUNT(columns))) return;
  for (size_t row = 0; row < rs_table_rows(t); row++) {
    int64_t stage = show_int(t, row, "stage", -1), epoch = show_int(t, row, "epoch", 0);
    if (!verify_stages_find(stages, stage, &unused))
      row_fault(v, "metrics", row, "stage %" PRId64 ": there is no such stage", stage);
    if (epoch < 0) row_fault(v, "metrics", row, "epoch %" PRId64 ": expected 0 or more", epoch);
    if (show_int(t, row, "step", 0) < 0)
      row_fault(v, "metrics", row, "step %" PRId64 ": expected 0 or more",
                show_int(t, row, "step", 0));
  }
}

static void check_running(verification *v, const verify_stages *stages) {
  size_t unused;
  for (size_t row = 0; v->r.running != NULL && row < rs_table_rows(v->r.running); row++) {
    int64_t stage = show_int(v->r.running, row, "stage", -1);
    if (!verify_stages_find(stages, stage, &unused))
      row_fault(v, "running", row, "stage %" PRId64 ": there is no such stage", stage);
  }
}

static void check_root(verification *v) {
  static const char *const words[] = {"running", "complete", "interrupted"};
  for (size_t i = 0; i < RS_COUNT(words); i++)
    if (strcmp(v->r.state, words[i]) == 0) return;
  verify_fault(v, v->path, "/", "state \"%s\": expected running, complete or interrupted",
               v->r.state);
}

rs_status verify_tables(verification *v, const verify_stages *stages) {
  check_root(v);
  RS_TRY(check_stages(v, stages));
  RS_TRY(check_trials(v, stages));
  check_metrics(v, stages);
  check_running(v, stages);
  return RS_OK;
}
