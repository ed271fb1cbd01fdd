/* The sweep of a job: its axes or points, its objectives, and what they supply to the settings. */
#include <string.h>

#include "reader.h"
#include "text.h"

/* ---- objectives ----------------------------------------------------------------------------- */

static rs_status read_objectives(rs_reader *r, rs_job *job) {
  RS_TRY(rs_new(&job->objectives, r->goals.count, sizeof *job->objectives));
  for (size_t i = 0; i < r->goals.count; i++) {
    const rs_entry *goal = &r->goals.items[i];
    const char *word = goal->value->kind == RS_NODE_SCALAR ? goal->value->text : "";
    rs_objective objective = {.metric = goal->name, .maximize = strcmp(word, "max") == 0};
    if (!objective.maximize && strcmp(word, "min") != 0)
      rs_node_problem(r->problems, goal->value, "sweep.objectives.%s: expected max or min%s%.20s%s",
                      goal->name, word[0] != '\0' ? ", got `" : "", word,
                      word[0] != '\0' ? "`" : "");
    job->objectives[job->objective_count++] = objective;
  }
  return RS_OK;
}

/* ---- axes ----------------------------------------------------------------------------------- */

static bool is_range(const rs_dim *dim) {
  return dim->kind != RS_DIM_VALUES && dim->kind != RS_DIM_CHOICE;
}

static void check_grid(rs_reader *r, const rs_job *job) {
  size_t trials = 1;
  for (size_t i = 0; i < job->dim_count; i++) {
    const rs_dim *dim = &job->dims[i];
    if (is_range(dim))
      rs_problem_add(r->problems, dim->place,
                     "%s: strategy `grid` takes lists of values and `choice`, not ranges",
                     dim->path);
    if (dim->count > 0 && trials <= RS_GRID_MAX) trials *= dim->count; /* at most 1e7 times 2e5 */
  }
  if (trials > RS_GRID_MAX)
    rs_node_problem(r->problems, r->axes.items[0].key,
                    "the grid has more than %d trials; shorten its lists", RS_GRID_MAX);
}

static rs_status read_axes(rs_reader *r, rs_job *job) {
  RS_TRY(rs_new(&job->dims, r->axes.count, sizeof *job->dims));
  for (size_t i = 0; i < r->axes.count; i++)
    RS_TRY(rs_axis_read(r, &r->axes.items[i], &job->dims[job->dim_count++]));
  return RS_OK;
}

/* ---- strategy ------------------------------------------------------------------------------- */

static void check_strategy(rs_reader *r, const rs_job *job) {
  const rs_value *value = rs_settings_value(job->base, "sweep.strategy");
  if (value == NULL) return; /* it is reported already */
  bool list = strcmp(value->text, "list") == 0;
  if (!list) check_grid(r, job);
  if (!list && r->trials.value != NULL)
    rs_node_problem(r->problems, r->trials.key, "`sweep.trials` needs `strategy: list`");
  if (list && r->trials.value == NULL)
    rs_problem_add(r->problems, rs_settings_place(job->base, "sweep.strategy"),
                   "strategy `list` needs `sweep.trials`, a list of mappings");
  if (list && r->axes.count > 0)
    rs_node_problem(r->problems, r->axes.items[0].key,
                    "`sweep.space` is not for strategy `list`, which takes `sweep.trials`");
}

/* ---- what the sweep supplies ---------------------------------------------------------------- */

static bool is_swept(const rs_job *job, const char *path) {
  for (size_t i = 0; i < job->dim_count; i++)
    if (strcmp(job->dims[i].path, path) == 0) return true;
  return false;
}

/* The required setting PATH is not in the base: every point must set it. */
static bool points_supply(rs_reader *r, const rs_job *job, const char *path) {
  size_t setters = 0;
  for (size_t i = 0; i < job->point_count; i++) setters += rs_point_sets(&job->points[i], path);
  for (size_t i = 0; setters > 0 && i < job->point_count; i++)
    if (!rs_point_sets(&job->points[i], path))
      rs_problem_add(r->problems, job->points[i].place, "this trial lacks `%s`, which is required",
                     path);
  return setters > 0;
}

static void check_required(rs_reader *r, const rs_job *job) {
  const rs_catalog *c = r->catalog;
  for (size_t i = 0; i < c->count; i++) {
    const rs_setting *setting = c->entries[i];
    bool given = r->values[i].value != NULL || setting->initial != NULL;
    if (given || is_swept(job, setting->path) || points_supply(r, job, setting->path)) continue;
    rs_problem_add(r->problems, r->file, "`%s` is required: %s", setting->path, setting->help);
  }
}

/* A value of the sweep for entry I of the base, so that the base is complete by itself. */
static rs_status supply(const rs_job *job, size_t i, const char *path) {
  rs_value copy;
  for (size_t d = 0; d < job->dim_count; d++) {
    const rs_dim *dim = &job->dims[d];
    if (strcmp(dim->path, path) != 0) continue;
    RS_TRY(rs_value_copy(&dim->values[0], &copy));
    return rs_settings_put(job->base, i, &copy, dim->places[0]);
  }
  const rs_point *point = &job->points[0];
  for (size_t k = 0; k < point->count; k++) {
    if (strcmp(point->paths[k], path) != 0) continue;
    RS_TRY(rs_value_copy(&point->values[k], &copy));
    return rs_settings_put(job->base, i, &copy, point->places[k]);
  }
  return rs_fail(RS_ERR_INTERNAL, "nothing supplies the setting %s", path);
}

rs_status rs_sweep_read(rs_reader *r, rs_job *job) {
  const rs_catalog *c = r->catalog;
  RS_TRY(read_axes(r, job));
  if (r->trials.value != NULL) RS_TRY(rs_points_read(r, job));
  RS_TRY(read_objectives(r, job));
  check_strategy(r, job);
  check_required(r, job);
  if (rs_problems_count(r->problems) > 0) return RS_OK;
  for (size_t i = 0; i < c->count; i++)
    if (job->base->cells[i] == NULL) RS_TRY(supply(job, i, c->entries[i]->path));
  return RS_OK;
}
