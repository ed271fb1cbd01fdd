/* Settings: a flat array of shared cells over the catalog of their schema. */
#include "settings.h"

#include <stdlib.h>
#include <string.h>

/* ---- cells ---------------------------------------------------------------------------------- */

static rs_status cell_create(rs_value *value, const char *place, rs_cell **out) {
  rs_cell *cell;
  size_t n = strlen(place) + 1;
  rs_status status = rs_new(&cell, 1, sizeof *cell + n);
  *out = cell;
  if (status != RS_OK) {
    rs_value_free(value);
    return status;
  }
  atomic_init(&cell->users, 1);
  cell->value = *value;
  memcpy(cell->place, place, n);
  *value = (rs_value){.type = value->type};
  return RS_OK;
}

static rs_cell *cell_share(rs_cell *cell) {
  if (cell != NULL) atomic_fetch_add_explicit(&cell->users, 1, memory_order_relaxed);
  return cell;
}

static void cell_release(rs_cell *cell) {
  if (cell == NULL) return;
  if (atomic_fetch_sub_explicit(&cell->users, 1, memory_order_acq_rel) != 1) return;
  rs_value_free(&cell->value);
  free(cell);
}

/* ---- life ----------------------------------------------------------------------------------- */

rs_status rs_settings_create(rs_catalog *catalog, rs_settings **out) {
  RS_TRY(rs_new(out, 1, sizeof **out + catalog->count * sizeof(rs_cell *)));
  (*out)->catalog = rs_catalog_share(catalog);
  return RS_OK;
}

rs_status rs_settings_put(rs_settings *s, size_t index, rs_value *value, const char *place) {
  rs_cell *cell;
  RS_TRY(cell_create(value, place, &cell));
  cell_release(s->cells[index]);
  s->cells[index] = cell;
  return RS_OK;
}

rs_status rs_settings_clone(const rs_settings *s, rs_settings **out) {
  RS_TRY(rs_settings_create(s->catalog, out));
  for (size_t i = 0; i < s->catalog->count; i++) (*out)->cells[i] = cell_share(s->cells[i]);
  return RS_OK;
}

void rs_settings_destroy(rs_settings *s) {
  if (s == NULL) return;
  for (size_t i = 0; i < s->catalog->count; i++) cell_release(s->cells[i]);
  rs_catalog_release(s->catalog);
  free(s);
}

rs_status rs_settings_with(const rs_settings *s, const char *path, const rs_value *value,
                           const char *place, rs_settings **out) {
  *out = NULL;
  size_t i = rs_catalog_find(s->catalog, path);
  RS_ASSERT(i < s->catalog->count && s->catalog->entries[i]->type == value->type);
  rs_value copy;
  rs_settings *next;
  RS_TRY(rs_value_copy(value, &copy));
  rs_status status = rs_settings_clone(s, &next);
  if (status != RS_OK) {
    rs_value_free(&copy);
    return status;
  }
  status = rs_settings_put(next, i, &copy, place != NULL ? place : "computed");
  if (status != RS_OK) {
    rs_settings_destroy(next);
    return status;
  }
  *out = next;
  return RS_OK;
}

/* ---- getters -------------------------------------------------------------------------------- */

static const rs_cell *find_cell(const rs_settings *s, const char *path) {
  size_t i = rs_catalog_find(s->catalog, path);
  return i < s->catalog->count ? s->cells[i] : NULL;
}

static const rs_value *get(const rs_settings *s, const char *path, rs_type type) {
  const rs_cell *cell = find_cell(s, path);
  RS_ASSERT(cell != NULL && cell->value.type == type);
  (void)type;
  return &cell->value;
}

const rs_setting *rs_settings_entry(const rs_settings *s, const char *path) {
  size_t i = rs_catalog_find(s->catalog, path);
  return i < s->catalog->count ? s->catalog->entries[i] : NULL;
}

const rs_value *rs_settings_value(const rs_settings *s, const char *path) {
  const rs_cell *cell = find_cell(s, path);
  return cell != NULL ? &cell->value : NULL;
}

const char *rs_settings_place(const rs_settings *s, const char *path) {
  const rs_cell *cell = find_cell(s, path);
  RS_ASSERT(cell != NULL);
  return cell->place;
}

bool rs_settings_has(const rs_settings *s, const char *path) {
  return find_cell(s, path) != NULL;
}

bool rs_settings_word(const rs_settings *s, const char *path) {
  const rs_cell *cell = find_cell(s, path);
  RS_ASSERT(cell != NULL);
  return cell->value.word;
}

bool rs_settings_bool(const rs_settings *s, const char *path) {
  return get(s, path, RS_BOOL)->boolean;
}

int64_t rs_settings_int(const rs_settings *s, const char *path) {
  return get(s, path, RS_INT)->integer;
}

double rs_settings_float(const rs_settings *s, const char *path) {
  return get(s, path, RS_FLOAT)->real;
}

const char *rs_settings_text(const rs_settings *s, const char *path) {
  return get(s, path, RS_TEXT)->text;
}

size_t rs_settings_ints(const rs_settings *s, const char *path, const int64_t **out) {
  const rs_value *value = get(s, path, RS_INTS);
  *out = value->list.integers;
  return value->list.count;
}

size_t rs_settings_floats(const rs_settings *s, const char *path, const double **out) {
  const rs_value *value = get(s, path, RS_FLOATS);
  *out = value->list.reals;
  return value->list.count;
}

size_t rs_settings_texts(const rs_settings *s, const char *path, const char *const **out) {
  const rs_value *value = get(s, path, RS_TEXTS);
  *out = (const char *const *)value->list.texts;
  return value->list.count;
}
