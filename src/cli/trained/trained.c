/* Finds the trial that is meant, and reads its model. */
#include "trained.h"

#include "show/show.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

enum { MOST_LISTED = 20 };

/* ---- RESULTS.h5[:TRIAL] ------------------------------------------------------------------- */

typedef struct reference {
  char *path;
  int64_t trial; /* -1: not given */
} reference;

static bool parse_number(const char *text, int64_t *out) {
  char *end;
  errno = 0;
  *out = strtoll(text, &end, 10);
  return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

/* A file that has the whole name, colon and all, is meant. */
static rs_status parse_reference(const char *where, reference *out) {
  const char *colon = strrchr(where, ':');
  *out = (reference){.trial = -1};
  RS_TRY(rs_strdup(&out->path, where));
  if (colon == NULL || rs_file_exists(where)) return RS_OK;
  out->path[colon - where] = '\0';
  if (parse_number(colon + 1, &out->trial)) return RS_OK;
  rs_status status =
      rs_fail(RS_ERR_USAGE, "%s: expected the number of a trial after the colon, found \"%.60s\"",
              where, colon + 1);
  free(out->path);
  *out = (reference){.trial = -1};
  return status;
}

/* ---- which trial -------------------------------------------------------------------------- */

static const struct rs_model_link *find_model(const rs_results *r, size_t row) {
  int64_t trial = show_int(r->trials, row, "trial", -1);
  for (size_t i = 0; i < r->n_models; i++)
    if (r->models[i].trial == trial) return &r->models[i];
  return NULL;
}

static bool is_usable(const rs_results *r, size_t row) {
  return strcmp(show_text(r->trials, row, "state"), "done") == 0 && find_model(r, row) != NULL;
}

static rs_status given_row(const rs_results *r, const reference *ref, size_t *row) {
  show_rows rows;
  RS_TRY(show_select_trial(r, ref->path, ref->trial, &rows));
  *row = rows.rows[0];
  show_rows_free(&rows);
  if (find_model(r, *row) != NULL) return RS_OK;
  return rs_fail(RS_ERR_USAGE, "%s: trial %" PRId64 " (%s) has no model", ref->path, ref->trial,
                 show_text(r->trials, *row, "state"));
}

/* "3 (svd.rank 4)" for every trial that has a model. */
static void list_usable(const rs_results *r, rs_str *out) {
  size_t listed = 0;
  for (size_t row = 0; row < rs_table_rows(r->trials); row++) {
    if (!is_usable(r, row)) continue;
    if (listed++ == MOST_LISTED) {
      rs_str_add(out, ", ...");
      return;
    }
    rs_str_addf(out, "%s%" PRId64, listed > 1 ? ", " : "", show_int(r->trials, row, "trial", -1));
    bool open = false;
    for (size_t c = 0; c < rs_table_columns(r->trials); c++) {
      const rs_column *column = rs_table_column(r->trials, c);
      if (show_role_of(column) != SHOW_SWEPT) continue;
      rs_str_addf(out, "%s%s ", open ? ", " : " (", column->name);
      show_add_value(r->trials, row, c, out);
      open = true;
    }
    if (open) rs_str_add(out, ")");
  }
}

static rs_status no_choice(const rs_results *r, const char *path, size_t usable) {
  rs_str list = {0};
  if (usable == 0)
    return rs_fail(RS_ERR_USAGE, "%s: expected a done trial with its model, found none", path);
  list_usable(r, &list);
  rs_status status = rs_str_status(&list);
  if (status == RS_OK)
    status = rs_fail(RS_ERR_USAGE,
                     "%s: %zu trials have a model and the job names no objective that tells which "
                     "is best; say %s:TRIAL, with one of %s",
                     path, usable, path, list.text);
  rs_str_free(&list);
  return status;
}

static bool names_objective(const rs_results *r) {
  json_t *all = json_loads(r->job_resolved, 0, NULL);
  bool any = json_object_size(json_object_get(all, "sweep.objectives")) > 0;
  json_decref(all);
  return any;
}

/* The best by GOAL among trials that have a model; false when none of these has that metric. */
static bool find_best(const rs_results *r, const show_goal *goal, size_t *best) {
  double most = NAN;
  for (size_t row = 0; row < rs_table_rows(r->trials); row++) {
    double value = rs_table_number(r->trials, row, goal->column);
    if (!goal->maximize) value = -value;
    if (isnan(value) || !is_usable(r, row) || value <= most) continue;
    most = value;
    *best = row;
  }
  return !isnan(most);
}

static rs_status chosen_row(const rs_results *r, const char *path, size_t *row) {
  size_t usable = 0;
  show_goals goals;
  for (size_t i = 0; i < rs_table_rows(r->trials); i++) {
    if (!is_usable(r, i)) continue;
    *row = i;
    usable++;
  }
  if (usable == 1) return RS_OK;
  if (usable == 0 || !names_objective(r)) return no_choice(r, path, usable);
  RS_TRY(show_goals_find(r, path, NULL, 0, false, &goals));
  return find_best(r, &goals.list[0], row) ? RS_OK : no_choice(r, path, usable);
}

/* ---- opening ------------------------------------------------------------------------------ */

static rs_status set_name(const rs_results *r, size_t row, const char *path, trained *out) {
  rs_str name = {0};
  rs_str_addf(&name, "%s: trial %" PRId64, path, show_int(r->trials, row, "trial", -1));
  rs_status status = rs_str_status(&name);
  out->name = name.text;
  return status;
}

static rs_status read_trial(const rs_results *r, const reference *ref, trained *out) {
  size_t row = 0;
  RS_TRY(ref->trial >= 0 ? given_row(r, ref, &row) : chosen_row(r, ref->path, &row));
  RS_TRY(set_name(r, row, ref->path, out));
  out->threshold = show_float(r->trials, row, "eer_threshold");
  RS_TRY(trained_settings(r, row, out->name, &out->settings));
  return rs_results_read_model(ref->path, find_model(r, row), &out->model);
}

rs_status trained_open(const char *where, const char *experiment, trained *out) {
  reference ref;
  rs_results r;
  *out = (trained){0};
  RS_TRY(parse_reference(where, &ref));
  rs_status status = cli_read_results(ref.path, &r);
  if (status == RS_OK && strcmp(r.experiment, experiment) != 0)
    status = rs_fail(RS_ERR_USAGE, "%s: expected results of the experiment %s, found %.60s",
                     ref.path, experiment, r.experiment);
  if (status == RS_OK) status = read_trial(&r, &ref, out);
  if (status != RS_OK) trained_close(out);
  rs_results_free(&r);
  free(ref.path);
  return status;
}

void trained_close(trained *t) {
  free(t->name);
  rs_settings_destroy(t->settings);
  rs_bundle_free(&t->model);
  *t = (trained){0};
}
