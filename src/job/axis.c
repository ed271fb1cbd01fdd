/* One axis of sweep.space: a list of values, a choice or a range. */
#include <stdlib.h>
#include <string.h>

#include "reader.h"
#include "text.h"

void rs_axis_free(rs_dim *dim) {
  for (size_t i = 0; i < dim->count; i++) {
    rs_value_free((rs_value *)&dim->values[i]);
    free((char *)dim->places[i]);
  }
  free((void *)dim->values);
  free((void *)dim->places);
  free((char *)dim->place);
}

/* ---- values --------------------------------------------------------------------------------- */

static rs_status place_of(const rs_node *node, const char **out) {
  rs_str place = {0};
  rs_node_place(node, &place);
  *out = place.text;
  return rs_str_status(&place);
}

/* The index breaks ties, so that the later one of two equal values gets the blame. */
static int by_value(const void *left, const void *right) {
  const rs_value *a = *(const rs_value *const *)left, *b = *(const rs_value *const *)right;
  int order = rs_value_order(a, b);
  return order != 0 ? order : a < b ? -1 : a > b;
}

static void report_repeated(rs_reader *r, const rs_dim *dim, size_t i) {
  rs_str text = {0};
  rs_value_print(&dim->values[i], dim->setting->word, &text);
  rs_problem_add(r->problems, dim->places[i], "%s: %.60s is listed twice", dim->path,
                 rs_text_shown(&text));
  rs_str_free(&text);
}

static rs_status find_repeated(rs_reader *r, const rs_dim *dim) {
  const rs_value **order;
  RS_TRY(rs_new(&order, dim->count, sizeof *order));
  for (size_t i = 0; i < dim->count; i++) order[i] = &dim->values[i];
  qsort(order, dim->count, sizeof *order, by_value);
  for (size_t i = 1; i < dim->count; i++)
    if (rs_value_equal(order[i - 1], order[i]))
      report_repeated(r, dim, (size_t)(order[i] - dim->values));
  free(order);
  return RS_OK;
}

static rs_status read_values(rs_reader *r, const rs_node *list, rs_dim *dim) {
  rs_value *values;
  const char **places;
  if (list->kind != RS_NODE_LIST || list->count == 0) {
    rs_node_problem(r->problems, list, "%s: %s", dim->path,
                    list->kind == RS_NODE_LIST ? "the list of values is empty"
                                               : "expected a list of values");
    return RS_OK;
  }
  RS_TRY(rs_new(&values, list->count, sizeof *values));
  dim->values = values;
  RS_TRY(rs_new(&places, list->count, sizeof *places));
  dim->places = places;
  for (const rs_node *item = list->first; item != NULL; item = item->next) {
    bool fits;
    RS_TRY(rs_node_value(item, dim->setting, dim->path, r->problems, &values[dim->count], &fits));
    if (!fits) continue;
    dim->count++; /* before the place: what is counted is freed */
    RS_TRY(place_of(item, &places[dim->count - 1]));
  }
  return find_repeated(r, dim);
}

/* ---- ranges --------------------------------------------------------------------------------- */

static rs_status read_bound(rs_reader *r, const rs_dim *dim, const rs_node *node, double *out,
                            bool *usable) {
  rs_value value;
  bool fits;
  RS_TRY(rs_node_value(node, dim->setting, dim->path, r->problems, &value, &fits));
  if (fits && value.word)
    rs_node_problem(r->problems, node, "%s: the ends of a range are numbers, got `%s`", dim->path,
                    dim->setting->word);
  *usable = *usable && fits && !value.word;
  *out = dim->setting->type == RS_INT ? (double)value.integer : value.real;
  return RS_OK;
}

static rs_status read_range(rs_reader *r, const char *kind, const rs_node *ends, rs_dim *dim) {
  rs_type type = dim->kind == RS_DIM_INT ? RS_INT : RS_FLOAT;
  bool usable = true;
  if (dim->setting->type != type) {
    rs_node_problem(r->problems, ends->key, "%s: `%s` is for settings that take a %s", dim->path,
                    kind,
                    type == RS_INT ? "whole number; use `uniform`, `log_uniform` or a list"
                                   : "number; use `int` or a list");
    return RS_OK;
  }
  if (ends->kind != RS_NODE_LIST || ends->count != 2) {
    rs_node_problem(r->problems, ends, "%s: expected `%s: [lowest, highest]`", dim->path, kind);
    return RS_OK;
  }
  RS_TRY(read_bound(r, dim, ends->first, &dim->low, &usable));
  RS_TRY(read_bound(r, dim, ends->last, &dim->high, &usable));
  if (usable && !(dim->low < dim->high))
    rs_node_problem(r->problems, ends, "%s: expected the lowest value first, then a higher one",
                    dim->path);
  else if (usable && dim->kind == RS_DIM_LOG_UNIFORM && dim->low <= 0)
    rs_node_problem(r->problems, ends->first, "%s: `log_uniform` starts above 0", dim->path);
  return RS_OK;
}

/* ---- axes ----------------------------------------------------------------------------------- */

static const struct {
  const char *name;
  rs_dim_kind kind;
} kinds[] = {{"choice", RS_DIM_CHOICE},
             {"uniform", RS_DIM_UNIFORM},
             {"log_uniform", RS_DIM_LOG_UNIFORM},
             {"int", RS_DIM_INT}};

static rs_status read_described(rs_reader *r, const rs_node *map, rs_dim *dim) {
  const rs_node *only = map->count == 1 ? map->first : NULL;
  for (size_t k = 0; only != NULL && k < RS_COUNT(kinds); k++) {
    if (strcmp(only->key->text, kinds[k].name) != 0) continue;
    dim->kind = kinds[k].kind;
    if (dim->kind == RS_DIM_CHOICE) return read_values(r, only, dim);
    return read_range(r, kinds[k].name, only, dim);
  }
  rs_node_problem(r->problems, map,
                  "%s: expected one of `choice: [...]`, `uniform: [a, b]`, `log_uniform: [a, b]` "
                  "and `int: [a, b]`",
                  dim->path);
  return RS_OK;
}

rs_status rs_axis_read(rs_reader *r, const rs_entry *entry, rs_dim *dim) {
  const rs_node *node = entry->value;
  dim->path = entry->name;
  dim->setting = r->catalog->entries[rs_catalog_find(r->catalog, entry->name)];
  dim->kind = RS_DIM_VALUES;
  RS_TRY(place_of(node, &dim->place));
  if (node->kind == RS_NODE_LIST) return read_values(r, node, dim);
  if (node->kind == RS_NODE_MAP) return read_described(r, node, dim);
  rs_str got = {0};
  rs_text_cite(node->text, &got);
  rs_node_problem(r->problems, node, "%s: expected a list of values to sweep, got %s", dim->path,
                  node->text[0] == '\0' ? "nothing" : rs_text_shown(&got));
  rs_str_free(&got);
  return RS_OK;
}
