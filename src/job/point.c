/* sweep.trials: the trials of strategy `list`, one by one. */
#include <stdlib.h>
#include <string.h>

#include "reader.h"

/* A point while it grows. */
typedef struct growing {
  size_t count;
  const char **paths;
  rs_value *values;
  char **places;
  size_t path_cap, value_cap, place_cap;
} growing;

void rs_point_free(rs_point *point) {
  for (size_t i = 0; i < point->count; i++) {
    rs_value_free((rs_value *)&point->values[i]);
    free((char *)point->places[i]);
  }
  free((void *)point->paths);
  free((void *)point->values);
  free((void *)point->places);
  free((char *)point->place);
}

bool rs_point_sets(const rs_point *point, const char *path) {
  for (size_t i = 0; i < point->count; i++)
    if (strcmp(point->paths[i], path) == 0) return true;
  return false;
}

static rs_status make_room(growing *g) {
  RS_TRY(rs_grow(&g->paths, &g->path_cap, g->count + 1, sizeof *g->paths));
  RS_TRY(rs_grow(&g->values, &g->value_cap, g->count + 1, sizeof *g->values));
  return rs_grow(&g->places, &g->place_cap, g->count + 1, sizeof *g->places);
}

static rs_status add_value(rs_reader *r, growing *g, const rs_setting *setting,
                           const rs_node *node) {
  rs_str place = {0};
  bool fits;
  RS_TRY(make_room(g));
  RS_TRY(rs_node_value(node, setting, setting->path, r->problems, &g->values[g->count], &fits));
  if (!fits) return RS_OK;
  rs_node_place(node, &place);
  g->paths[g->count] = setting->path;
  g->places[g->count] = place.text;
  g->count++;
  return rs_str_status(&place);
}

static bool is_set(const growing *g, const char *path) {
  for (size_t i = 0; i < g->count; i++)
    if (g->paths[i] == path) return true; /* both are the table's own text */
  return false;
}

static rs_status take(rs_reader *r, void *user, const char *path, const rs_node *key,
                      const rs_node *value) {
  growing *g = user;
  size_t i = rs_catalog_find(r->catalog, path);
  if (i == r->catalog->count) {
    if (rs_catalog_has_group(r->catalog, path)) return rs_reader_each(r, path, value, take, user);
    rs_reader_unknown(r, key, path);
    return RS_OK;
  }
  const rs_setting *setting = r->catalog->entries[i];
  if (!rs_reader_may_sweep(r, setting->path, key)) return RS_OK;
  if (is_set(g, setting->path)) {
    rs_node_problem(r->problems, key, "`%s` is given twice in this trial", setting->path);
    return RS_OK;
  }
  return add_value(r, g, setting, value);
}

static rs_status read_point(rs_reader *r, const rs_node *node, rs_point *out) {
  growing g = {0};
  rs_str place = {0};
  rs_node_place(node, &place);
  rs_status status = rs_str_status(&place);
  if (status == RS_OK && node->kind != RS_NODE_MAP)
    rs_node_problem(r->problems, node, "sweep.trials: expected a mapping, such as {seed: 2}");
  else if (status == RS_OK)
    status = rs_reader_each(r, "", node, take, &g);
  *out = (rs_point){.count = g.count,
                    .paths = g.paths,
                    .values = g.values,
                    .places = (const char *const *)g.places,
                    .place = place.text};
  return status;
}

rs_status rs_points_read(rs_reader *r, rs_job *job) {
  const rs_node *list = r->trials.value;
  if (list->kind != RS_NODE_LIST || list->count == 0) {
    rs_node_problem(r->problems, list, "sweep.trials: expected a list of mappings, one a trial");
    return RS_OK;
  }
  RS_TRY(rs_new(&job->points, list->count, sizeof *job->points));
  for (const rs_node *item = list->first; item != NULL; item = item->next)
    RS_TRY(read_point(r, item, &job->points[job->point_count++]));
  return RS_OK;
}
