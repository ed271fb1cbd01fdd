/* Sorts what a job file and its overrides say by setting, axis and objective. */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

/* ---- faults --------------------------------------------------------------------------------- */

void rs_reader_twice(rs_reader *r, const char *path, const rs_node *key, const rs_node *first) {
  rs_str place = {0}, name = {0};
  rs_node_place(first, &place);
  rs_text_cite(path, &name);
  rs_node_problem(r->problems, key, "%s is given twice, first at %s", rs_text_shown(&name),
                  rs_text_shown(&place));
  rs_str_free(&place);
  rs_str_free(&name);
}

void rs_reader_unknown(rs_reader *r, const rs_node *key, const char *path) {
  enum {
    SUGGESTED = 200
  }; /* problems; a file with more is no job file, and comparing takes time */
  char near[RS_NAME_BYTES];
  rs_str name = {0};
  rs_text_cite(path, &name);
  bool found =
      rs_problems_count(r->problems) < SUGGESTED && rs_catalog_suggest(r->catalog, path, near);
  if (found)
    rs_node_problem(r->problems, key, "unknown setting %s; did you mean `%s`?",
                    rs_text_shown(&name), near);
  else
    rs_node_problem(r->problems, key, "unknown setting %s for experiment %s", rs_text_shown(&name),
                    r->catalog->schema->experiment);
  rs_str_free(&name);
}

static void expected_mapping(rs_reader *r, const char *prefix, const rs_node *node) {
  rs_str got = {0};
  if (node->kind == RS_NODE_SCALAR) rs_text_cite(node->text, &got);
  rs_node_problem(r->problems, node, "%s: expected a mapping, got %s",
                  prefix[0] != '\0' ? prefix : "job file",
                  node->kind == RS_NODE_SCALAR ? rs_text_shown(&got) : "a list");
  rs_str_free(&got);
}

/* ---- walking -------------------------------------------------------------------------------- */

static rs_status visit_child(rs_reader *r, const char *prefix, const rs_node *child, rs_visit visit,
                             void *user) {
  rs_str path = {0};
  if (prefix[0] != '\0') rs_str_addf(&path, "%s.", prefix);
  rs_str_add(&path, child->key->text);
  rs_status status = rs_str_status(&path);
  if (status == RS_OK && child->twin != NULL)
    rs_reader_twice(r, path.text, child->key, child->twin->key);
  else if (status == RS_OK)
    status = visit(r, user, path.text, child->key, child);
  rs_str_free(&path);
  return status;
}

rs_status rs_reader_each(rs_reader *r, const char *prefix, const rs_node *map, rs_visit visit,
                         void *user) {
  if (rs_node_is_null(map)) return RS_OK; /* a heading whose lines are all commented out */
  if (map->kind != RS_NODE_MAP) {
    expected_mapping(r, prefix, map);
    return RS_OK;
  }
  for (const rs_node *child = map->first; child != NULL; child = child->next)
    RS_TRY(visit_child(r, prefix, child, visit, user));
  return RS_OK;
}

/* ---- taking --------------------------------------------------------------------------------- */

static void take_once(rs_reader *r, rs_entry *into, rs_entry given) {
  if (into->value != NULL && !r->overriding)
    rs_reader_twice(r, given.name, given.key, into->key);
  else
    *into = given;
}

static rs_status take_into(rs_reader *r, rs_entries *list, rs_entry given) {
  for (size_t i = 0; i < list->count; i++)
    if (list->items[i].name == given.name) {
      take_once(r, &list->items[i], given);
      return RS_OK;
    }
  RS_TRY(rs_grow(&list->items, &list->cap, list->count + 1, sizeof(rs_entry)));
  list->items[list->count++] = given;
  return RS_OK;
}

bool rs_reader_may_sweep(rs_reader *r, const char *path, const rs_node *key) {
  bool scales = strcmp(path, "resources.ranks_per_trial") == 0 ||
                strcmp(path, "resources.threads_per_rank") == 0; /* to see how training scales */
  bool fixed = strcmp(path, "name") == 0 || strcmp(path, "experiment") == 0 ||
               strncmp(path, "sweep.", 6) == 0 || strcmp(path, "checkpoint.keep") == 0 ||
               (rs_setting_is_layout(path) && !scales);
  if (fixed) rs_node_problem(r->problems, key, "`%s` is the same for all trials of a job", path);
  return !fixed;
}

static rs_status take(rs_reader *r, void *user, const char *path, const rs_node *key,
                      const rs_node *value);

/* PATH is all of it, BELOW what follows "sweep.space.". */
static rs_status take_axis(rs_reader *r, const char *path, const char *below, const rs_node *key,
                           const rs_node *value) {
  if (below[0] == '\0') {
    if (r->overriding) r->axes.count = 0;
    return rs_reader_each(r, path, value, take, NULL);
  }
  size_t i = rs_catalog_find(r->catalog, below);
  if (i < r->catalog->count) {
    const char *name = r->catalog->entries[i]->path;
    if (!rs_reader_may_sweep(r, name, key)) return RS_OK;
    return take_into(r, &r->axes, (rs_entry){name, key, value});
  }
  if (rs_catalog_has_group(r->catalog, below)) return rs_reader_each(r, path, value, take, NULL);
  rs_reader_unknown(r, key, below);
  return RS_OK;
}

enum { MOST_METRICS = 64 };

/* Names that an objective may have; their number. */
static size_t metric_names(const rs_schema *schema, const char *names[MOST_METRICS]) {
  size_t n = 0;
  for (const rs_metric *m = schema->metrics; m != NULL && m->name != NULL && n + 2 < MOST_METRICS;
       m++)
    names[n++] = m->name;
  names[n++] = "parameters";
  names[n++] = "seconds";
  return n;
}

static void unknown_metric(rs_reader *r, const rs_node *key, const char *metric,
                           const char *const *names, size_t n) {
  rs_str text = {0};
  const char *near = rs_job_nearest(metric, names, n);
  rs_str_add(&text, "unknown metric ");
  rs_text_cite(metric, &text);
  if (near != NULL) rs_str_addf(&text, "; did you mean `%s`?", near);
  if (near == NULL) rs_str_addf(&text, "; experiment %s has", r->catalog->schema->experiment);
  for (size_t i = 0; near == NULL && i < n; i++)
    rs_str_addf(&text, "%s %s", i > 0 ? "," : "", names[i]);
  rs_node_problem(r->problems, key, "%s", rs_text_shown(&text));
  rs_str_free(&text);
}

static rs_status take_goal(rs_reader *r, const char *path, const char *below, const rs_node *key,
                           const rs_node *value) {
  if (below[0] == '\0') {
    if (r->overriding) r->goals.count = 0;
    return rs_reader_each(r, path, value, take, NULL);
  }
  const char *names[MOST_METRICS];
  size_t n = metric_names(r->catalog->schema, names);
  for (size_t i = 0; i < n; i++)
    if (strcmp(names[i], below) == 0)
      return take_into(r, &r->goals, (rs_entry){names[i], key, value});
  unknown_metric(r, key, below, names, n);
  return RS_OK;
}

/* What follows "HEAD." in PATH, "" when PATH is HEAD, NULL when it is neither. */
static const char *below(const char *path, const char *head) {
  size_t n = strlen(head);
  if (strncmp(path, head, n) != 0) return NULL;
  if (path[n] == '\0') return path + n;
  return path[n] == '.' && path[n + 1] != '\0' ? path + n + 1 : NULL;
}

static rs_status take(rs_reader *r, void *user, const char *path, const rs_node *key,
                      const rs_node *value) {
  (void)user;
  const char *axis = below(path, "sweep.space"), *goal = below(path, "sweep.objectives");
  if (axis != NULL) return take_axis(r, path, axis, key, value);
  if (goal != NULL) return take_goal(r, path, goal, key, value);
  size_t i = rs_catalog_find(r->catalog, path);
  if (strcmp(path, "sweep.trials") == 0)
    take_once(r, &r->trials, (rs_entry){"sweep.trials", key, value});
  else if (i < r->catalog->count)
    take_once(r, &r->values[i], (rs_entry){r->catalog->entries[i]->path, key, value});
  else if (rs_catalog_has_group(r->catalog, path))
    return rs_reader_each(r, path, value, take, NULL);
  else
    rs_reader_unknown(r, key, path);
  return RS_OK;
}

rs_status rs_reader_take_root(rs_reader *r, const rs_node *root) {
  return rs_reader_each(r, "", root, take, NULL);
}

rs_status rs_reader_take(rs_reader *r, const char *path, const rs_node *value) {
  r->overriding = true;
  return take(r, NULL, path, value, value);
}

void rs_reader_free(rs_reader *r) {
  free(r->values);
  free(r->axes.items);
  free(r->goals.items);
}

/* ---- settings ------------------------------------------------------------------------------- */

static rs_status put_given(rs_reader *r, size_t i, const rs_node *node, rs_settings *into) {
  const rs_setting *setting = r->catalog->entries[i];
  rs_value value;
  rs_str place = {0};
  bool fits;
  RS_TRY(rs_node_value(node, setting, setting->path, r->problems, &value, &fits));
  if (!fits) return RS_OK;
  rs_node_place(node, &place);
  rs_status status = rs_str_status(&place);
  if (status == RS_OK)
    status = rs_settings_put(into, i, &value, place.text);
  else
    rs_value_free(&value);
  rs_str_free(&place);
  return status;
}

/* The tables write defaults in YAML; one that does not fit its own setting is a fault of the
 * program. */
static rs_status put_default(const rs_setting *setting, size_t i, rs_settings *into) {
  static const rs_source source = {"default", false};
  rs_problems *problems;
  rs_tree *tree = NULL;
  rs_value value = {.type = setting->type};
  bool fits = false;
  RS_TRY(rs_problems_create(&problems));
  rs_status status =
      rs_tree_parse(&source, setting->initial, strlen(setting->initial), problems, &tree);
  if (status == RS_OK && tree != NULL)
    status = rs_node_value(rs_tree_root(tree), setting, setting->path, problems, &value, &fits);
  if (status == RS_OK && !fits) {
    status = rs_problems_status(problems);
    status = rs_fail(RS_ERR_INTERNAL, "table of settings: %s", rs_error_message());
  }
  if (status == RS_OK) status = rs_settings_put(into, i, &value, source.name);
  rs_tree_destroy(tree);
  rs_problems_destroy(problems);
  return status;
}

static rs_status put_all(rs_reader *r, rs_settings *into) {
  for (size_t i = 0; i < r->catalog->count; i++) {
    if (r->values[i].value != NULL)
      RS_TRY(put_given(r, i, r->values[i].value, into));
    else if (r->catalog->entries[i]->initial != NULL)
      RS_TRY(put_default(r->catalog->entries[i], i, into));
  }
  return RS_OK;
}

rs_status rs_reader_settings(rs_reader *r, rs_settings **out) {
  RS_TRY(rs_settings_create(r->catalog, out));
  rs_status status = put_all(r, *out);
  if (status == RS_OK) return RS_OK;
  rs_settings_destroy(*out);
  *out = NULL;
  return status;
}
