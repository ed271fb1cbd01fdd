/* Which metrics make a trial good, and which way. */
#include "show.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* ---- columns ------------------------------------------------------------------------------ */

static rs_status no_such_metric(const rs_results *r, const char *path, const char *metric) {
  rs_str names = {0};
  for (size_t c = 0; c < rs_table_columns(r->trials); c++) {
    const rs_column *column = rs_table_column(r->trials, c);
    if (column->type == RS_COLUMN_TEXT || show_role_of(column) == SHOW_TRIAL) continue;
    rs_str_addf(&names, "%s%s", names.len > 0 ? ", " : "", column->name);
  }
  rs_status status = rs_fail(RS_ERR_USAGE, "%s: no metric \"%s\"; there are: %s", path, metric,
                             names.text != NULL ? names.text : "none");
  rs_str_free(&names);
  return status;
}

static rs_status add_goal(const rs_results *r, const char *path, const char *metric, bool maximize,
                          show_goals *out) {
  int column = rs_table_find(r->trials, metric);
  if (column < 0 || rs_table_column(r->trials, (size_t)column)->type == RS_COLUMN_TEXT)
    return no_such_metric(r, path, metric);
  for (size_t i = 0; i < out->count; i++)
    if (out->list[i].column == (size_t)column)
      return rs_fail(RS_ERR_USAGE, "%s: objective \"%s\" is given twice", path, metric);
  if (out->count == SHOW_MOST_GOALS)
    return rs_fail(RS_ERR_USAGE, "%s: more than %d objectives", path, SHOW_MOST_GOALS);
  out->list[out->count++] = (show_goal){.column = (size_t)column, .maximize = maximize};
  return RS_OK;
}

void show_add_goal(const rs_results *r, const show_goal *goal, rs_str *out) {
  show_add_text(out, rs_table_column(r->trials, goal->column)->name);
  rs_str_add(out, goal->maximize ? " max" : " min");
}

/* ---- which way is better ------------------------------------------------------------------ */

static bool parse_direction(const char *word, bool *maximize) {
  *maximize = word != NULL && strcmp(word, "max") == 0;
  return *maximize || (word != NULL && strcmp(word, "min") == 0);
}

static bool guess_direction(const char *metric, bool *maximize) {
  static const struct {
    const char *word;
    bool maximize;
  } known[] = {{"loss", false},    {"error", false},   {"eer", false}, {"parameters", false},
               {"seconds", false}, {"accuracy", true}, {"gain", true}, {"auc", true},
               {"snr", true},      {"sdr", true}};
  for (size_t i = 0; i < RS_COUNT(known); i++) {
    if (strstr(metric, known[i].word) == NULL) continue;
    *maximize = known[i].maximize;
    return true;
  }
  return false;
}

static rs_status no_direction(const char *path, const char *metric) {
  return rs_fail(RS_ERR_USAGE, "%s: is more \"%s\" better? Say --by %s:max or --by %s:min", path,
                 metric, metric, metric);
}

/* ---- the three sources -------------------------------------------------------------------- */

/* {metric: "max"|"min"} in the order of the job; NULL: none. */
static json_t *load_declared(const rs_results *r) {
  json_t *resolved = json_loads(r->job_resolved, 0, NULL);
  json_t *declared = json_incref(json_object_get(resolved, "sweep.objectives"));
  json_decref(resolved);
  return declared;
}

static rs_status add_declared(const rs_results *r, const char *path, json_t *declared,
                              show_goals *out) {
  const char *metric;
  json_t *direction;
  json_object_foreach(declared, metric, direction) {
    bool maximize;
    if (!parse_direction(json_string_value(direction), &maximize))
      return no_direction(path, metric);
    RS_TRY(add_goal(r, path, metric, maximize, out));
  }
  return RS_OK;
}

static rs_status add_guessed(const rs_results *r, const char *path, show_goals *out) {
  for (size_t c = 0; c < rs_table_columns(r->trials); c++) {
    const rs_column *column = rs_table_column(r->trials, c);
    bool maximize;
    if (show_role_of(column) == SHOW_METRIC && column->type != RS_COLUMN_TEXT &&
        guess_direction(column->name, &maximize))
      return add_goal(r, path, column->name, maximize, out);
  }
  return rs_fail(RS_ERR_USAGE,
                 "%s: the job names no objectives; say --by METRIC:max or --by METRIC:min", path);
}

static rs_status add_asked(const rs_results *r, const char *path, const char *by,
                           const json_t *declared, show_goals *out) {
  bool maximize = false, known;
  const char *colon = strrchr(by, ':');
  char *metric;
  RS_TRY(rs_strdup(&metric, by));
  if (colon != NULL) {
    metric[colon - by] = '\0';
    known = parse_direction(colon + 1, &maximize);
  } else {
    const char *word = json_string_value(json_object_get(declared, metric));
    known = parse_direction(word, &maximize) || guess_direction(metric, &maximize);
  }
  rs_status status = add_goal(r, path, metric, maximize, out);
  if (status == RS_OK && !known) status = no_direction(path, metric);
  free(metric);
  return status;
}

rs_status show_goals_find(const rs_results *r, const char *path, const char *const *by, size_t n_by,
                          bool pair, show_goals *out) {
  json_t *declared = load_declared(r);
  rs_status status = RS_OK;
  *out = (show_goals){0};
  for (size_t i = 0; status == RS_OK && i < n_by; i++)
    status = add_asked(r, path, by[i], declared, out);
  if (status == RS_OK && n_by == 0) status = add_declared(r, path, declared, out);
  if (status == RS_OK && out->count == 0) status = add_guessed(r, path, out);
  json_decref(declared);
  int parameters = show_find(r->trials, "parameters", RS_COLUMN_INT);
  if (status == RS_OK && pair && out->count == 1 && parameters >= 0 &&
      out->list[0].column != (size_t)parameters)
    status = add_goal(r, path, "parameters", false, out);
  return status;
}
