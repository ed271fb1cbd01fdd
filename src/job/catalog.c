/* Lookup and suggestion of settings by path. */
#include "catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* Parts of a job file with a structure of their own (see reader.c): no settings, but names to
 * suggest. */
static const char *const structures[] = {"sweep.space", "sweep.objectives", "sweep.trials"};

/* ---- life ----------------------------------------------------------------------------------- */

static size_t table_length(const rs_setting *table) {
  size_t n = 0;
  while (table[n].path != NULL) n++;
  return n;
}

static size_t total_length(const rs_schema *schema) {
  size_t n = table_length(rs_job_settings);
  for (const rs_setting *const *t = schema->settings; t != NULL && *t != NULL; t++)
    n += table_length(*t);
  return n;
}

static void append(rs_catalog *catalog, const rs_setting *table) {
  for (; table->path != NULL; table++) catalog->entries[catalog->count++] = table;
}

static int by_path(const void *a, const void *b) {
  return strcmp((*(const rs_setting *const *)a)->path, (*(const rs_setting *const *)b)->path);
}

rs_status rs_catalog_create(const rs_schema *schema, rs_catalog **out) {
  rs_catalog *c;
  *out = NULL;
  RS_TRY(rs_new(&c, 1, sizeof *c + total_length(schema) * sizeof c->entries[0]));
  atomic_init(&c->users, 1);
  c->schema = schema;
  append(c, rs_job_settings);
  for (const rs_setting *const *t = schema->settings; t != NULL && *t != NULL; t++) append(c, *t);
  qsort(c->entries, c->count, sizeof c->entries[0], by_path);
  for (size_t i = 1; i < c->count; i++)
    RS_ASSERT(strcmp(c->entries[i - 1]->path, c->entries[i]->path) != 0);
  *out = c;
  return RS_OK;
}

rs_catalog *rs_catalog_share(rs_catalog *catalog) {
  atomic_fetch_add_explicit(&catalog->users, 1, memory_order_relaxed);
  return catalog;
}

void rs_catalog_release(rs_catalog *catalog) {
  if (catalog == NULL) return;
  if (atomic_fetch_sub_explicit(&catalog->users, 1, memory_order_acq_rel) == 1) free(catalog);
}

/* ---- lookup --------------------------------------------------------------------------------- */

/* Index of the first entry that does not sort before PATH. */
static size_t lower_bound(const rs_catalog *c, const char *path) {
  size_t low = 0, high = c->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (strcmp(c->entries[middle]->path, path) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

size_t rs_catalog_find(const rs_catalog *catalog, const char *path) {
  size_t i = lower_bound(catalog, path);
  return i < catalog->count && strcmp(catalog->entries[i]->path, path) == 0 ? i : catalog->count;
}

bool rs_catalog_has_group(const rs_catalog *catalog, const char *path) {
  size_t n = strlen(path);
  for (size_t i = 0; i < catalog->count; i++) {
    const char *other = catalog->entries[i]->path;
    if (strncmp(other, path, n) == 0 && other[n] == '.') return true;
  }
  return false;
}

/* ---- suggestion ------------------------------------------------------------------------------ */

typedef struct guess {
  const char *word;
  size_t len, parts; /* of `word`: bytes, dotted parts */
  size_t limit;      /* a better guess has a smaller distance */
  const char *best;
  size_t best_len;
} guess;

static size_t count_parts(const char *path) {
  size_t n = 1;
  for (; *path != '\0'; path++) n += *path == '.';
  return n;
}

/* Bytes of the first PARTS dotted parts of PATH. */
static size_t head_length(const char *path, size_t parts) {
  const char *p = path;
  for (; *p != '\0'; p++)
    if (*p == '.' && --parts == 0) break;
  return (size_t)(p - path);
}

/* Compares with as many parts as the word has, so that `tain` finds the group `train`. */
static void consider(guess *g, const char *path) {
  size_t n = head_length(path, g->parts);
  size_t distance = rs_name_distance(g->word, g->len, path, n);
  if (distance >= g->limit) return;
  g->limit = distance;
  g->best = path;
  g->best_len = n;
}

/* `lr` alone means `train.lr`. */
static void consider_leaf(guess *g, const char *path) {
  const char *dot = strrchr(path, '.');
  if (g->best != NULL || dot == NULL || strcmp(dot + 1, g->word) != 0) return;
  g->best = path;
  g->best_len = strlen(path);
}

bool rs_catalog_suggest(const rs_catalog *catalog, const char *path, char out[RS_NAME_BYTES]) {
  size_t len = strlen(path);
  guess g = {.word = path, .len = len, .parts = count_parts(path)};
  g.limit = rs_name_tolerance(len) + 1;
  for (size_t i = 0; i < catalog->count; i++) consider(&g, catalog->entries[i]->path);
  for (size_t i = 0; i < RS_COUNT(structures); i++) consider(&g, structures[i]);
  for (size_t i = 0; i < catalog->count; i++) consider_leaf(&g, catalog->entries[i]->path);
  for (size_t i = 0; i < RS_COUNT(structures); i++) consider_leaf(&g, structures[i]);
  if (g.best == NULL || g.best_len >= RS_NAME_BYTES) return false;
  snprintf(out, RS_NAME_BYTES, "%.*s", (int)g.best_len, g.best);
  return true;
}
