/* Which trials to print, and in which order. */
#include "show.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int64_t number_of(const rs_results *r, size_t row) {
  return rs_table_int(r->trials, row, (size_t)rs_table_find(r->trials, "trial"));
}

static bool is_done(const rs_results *r, size_t row) {
  size_t state = (size_t)rs_table_find(r->trials, "state");
  return strcmp(rs_table_text(r->trials, row, state), "done") == 0;
}

/* The value such that less is better. NaN: it has none. */
static double key_of(const rs_results *r, size_t row, const show_goal *goal) {
  double value = rs_table_number(r->trials, row, goal->column);
  return goal->maximize ? -value : value;
}

void show_rows_free(show_rows *s) {
  free(s->rows);
  free(s->won);
  *s = (show_rows){0};
}

/* ---- all, one ----------------------------------------------------------------------------- */

rs_status show_select_all(const rs_results *r, show_rows *out) {
  *out = (show_rows){0};
  size_t n = rs_table_rows(r->trials);
  RS_TRY(rs_new(&out->rows, n, sizeof *out->rows));
  for (size_t i = 0; i < n; i++) out->rows[i] = i;
  out->count = n;
  return RS_OK;
}

static rs_status no_such_trial(const rs_results *r, const char *path, int64_t number) {
  size_t n = rs_table_rows(r->trials);
  int64_t low = INT64_MAX, high = INT64_MIN;
  for (size_t i = 0; i < n; i++) {
    if (number_of(r, i) < low) low = number_of(r, i);
    if (number_of(r, i) > high) high = number_of(r, i);
  }
  if (n == 0) return rs_fail(RS_ERR_USAGE, "%s: no trial %" PRId64 "; it has none", path, number);
  return rs_fail(RS_ERR_USAGE,
                 "%s: no trial %" PRId64 "; expected a number from %" PRId64 " to %" PRId64, path,
                 number, low, high);
}

rs_status show_select_trial(const rs_results *r, const char *path, int64_t number, show_rows *out) {
  *out = (show_rows){0};
  RS_TRY(rs_new(&out->rows, 1, sizeof *out->rows));
  for (size_t i = 0; i < rs_table_rows(r->trials); i++) {
    if (number_of(r, i) != number) continue;
    out->rows[0] = i;
    out->count = 1;
    return RS_OK;
  }
  show_rows_free(out);
  return no_such_trial(r, path, number);
}

/* ---- best --------------------------------------------------------------------------------- */

/* False when no done trial has the metric. */
static bool find_best(const rs_results *r, const show_goal *goal, size_t *best) {
  double least = NAN;
  for (size_t i = 0; i < rs_table_rows(r->trials); i++) {
    double key = key_of(r, i, goal);
    if (isnan(key) || !is_done(r, i)) continue;
    bool better = isnan(least) || key < least;
    if (!better && !(key == least && number_of(r, i) < number_of(r, *best))) continue;
    least = key;
    *best = i;
  }
  return !isnan(least);
}

rs_status show_select_best(const rs_results *r, const show_goals *goals, show_rows *out) {
  *out = (show_rows){0};
  rs_status status = rs_new(&out->rows, goals->count, sizeof *out->rows);
  if (status == RS_OK) status = rs_new(&out->won, goals->count, sizeof *out->won);
  for (size_t g = 0; status == RS_OK && g < goals->count; g++) {
    size_t row = 0, place = 0;
    if (!find_best(r, &goals->list[g], &row)) continue;
    while (place < out->count && out->rows[place] != row) place++;
    if (place == out->count) out->rows[out->count++] = row;
    out->won[place] |= 1u << g;
  }
  if (status != RS_OK) show_rows_free(out);
  return status;
}

/* ---- Pareto front ------------------------------------------------------------------------- */

/* A done trial that has all the goals. keys[0] is the second goal, which the front is sorted by,
 * keys[1] the first, then the others; unused ones are 0. Less is better. */
typedef struct candidate {
  size_t row;
  int64_t trial;
  double keys[SHOW_MOST_GOALS];
} candidate;

static bool make_candidate(const rs_results *r, size_t row, const show_goals *goals, candidate *c) {
  *c = (candidate){.row = row, .trial = number_of(r, row)};
  for (size_t g = 0; g < goals->count; g++) {
    size_t place = goals->count > 1 && g < 2 ? 1 - g : g;
    c->keys[place] = key_of(r, row, &goals->list[g]);
    if (isnan(c->keys[place])) return false;
  }
  return is_done(r, row);
}

static int by_keys(const void *a, const void *b) {
  const candidate *x = a, *y = b;
  for (size_t i = 0; i < SHOW_MOST_GOALS; i++)
    if (x->keys[i] != y->keys[i]) return x->keys[i] < y->keys[i] ? -1 : 1;
  return (x->trial > y->trial) - (x->trial < y->trial);
}

static bool dominates(const candidate *a, const candidate *b) {
  bool better = false;
  for (size_t i = 0; i < SHOW_MOST_GOALS; i++) {
    if (a->keys[i] > b->keys[i]) return false;
    better |= a->keys[i] < b->keys[i];
  }
  return better;
}

/* Move the front of N sorted candidates to the beginning; returns its size. Whoever dominates a
 * candidate comes before it. With two goals the front only gets better in keys[1], so its last
 * member dominates whatever any of it does. */
static size_t keep_front(candidate *all, size_t n, size_t goals) {
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    bool beaten = false;
    for (size_t k = goals <= 2 && kept > 0 ? kept - 1 : 0; k < kept && !beaten; k++)
      beaten = dominates(&all[k], &all[i]);
    if (!beaten) all[kept++] = all[i];
  }
  return kept;
}

rs_status show_select_pareto(const rs_results *r, const show_goals *goals, show_rows *out) {
  candidate *all;
  size_t n = 0;
  *out = (show_rows){0};
  RS_TRY(rs_new(&all, rs_table_rows(r->trials), sizeof *all));
  for (size_t i = 0; i < rs_table_rows(r->trials); i++) n += make_candidate(r, i, goals, &all[n]);
  qsort(all, n, sizeof *all, by_keys);
  n = keep_front(all, n, goals->count);
  rs_status status = rs_new(&out->rows, n, sizeof *out->rows);
  for (size_t i = 0; status == RS_OK && i < n; i++) out->rows[i] = all[i].row;
  if (status == RS_OK) out->count = n;
  free(all);
  return status;
}
