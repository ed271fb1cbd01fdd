/* Image sets stay loaded between the stages of a process: one copy a node of those that a run began
 * with, and the last other one. */
#include "images.h"

#include <stdlib.h>
#include <string.h>

typedef struct dataset {
  rs_images_spec spec; /* its path is `path` */
  char *path;
  rs_images train, test;
  rs_shared *shared; /* holds the arrays; NULL: they are the dataset's own */
} dataset;

struct rs_data_cache {
  dataset shared[RS_MOST_SHARED]; /* one copy a node, of the data that a run began with */
  size_t n_shared;
  dataset own; /* the last other one */
  bool has_own;
};

rs_status rs_data_cache_create(rs_data_cache **out) {
  return rs_new(out, 1, sizeof **out);
}

static void drop(dataset *d) {
  if (d->shared == NULL) {
    rs_images_free(&d->train);
    rs_images_free(&d->test);
  }
  rs_shared_destroy(d->shared);
  free(d->path);
  *d = (dataset){0};
}

void rs_data_cache_destroy(rs_data_cache *cache) {
  if (cache == NULL) return;
  while (cache->n_shared > 0) drop(&cache->shared[--cache->n_shared]);
  drop(&cache->own);
  free(cache);
}

static bool same_text(const char *a, const char *b) {
  return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_of(const dataset *d, const rs_images_spec *spec) {
  return d->spec.source == spec->source && same_text(d->path, spec->path) &&
         d->spec.train_limit == spec->train_limit && d->spec.test_limit == spec->test_limit &&
         d->spec.seed == spec->seed;
}

static const dataset *find(const rs_data_cache *cache, const rs_images_spec *spec) {
  for (size_t i = 0; i < cache->n_shared; i++)
    if (is_of(&cache->shared[i], spec)) return &cache->shared[i];
  return cache->has_own && is_of(&cache->own, spec) ? &cache->own : NULL;
}

rs_status rs_exp_load_images(rs_data_cache *cache, const rs_settings *s, const rs_images **train,
                             const rs_images **test) {
  rs_images_spec spec = rs_exp_image_spec(s);
  const dataset *found = find(cache, &spec);
  if (found == NULL) {
    drop(&cache->own);
    cache->has_own = false;
    RS_TRY(rs_strdup(&cache->own.path, spec.path));
    cache->own.spec = spec;
    RS_TRY(rs_exp_read_images(&spec, &cache->own.train, &cache->own.test));
    cache->has_own = true;
    found = &cache->own;
  }
  *train = &found->train;
  *test = &found->test;
  return RS_OK;
}

/* ---- one copy a node --------------------------------------------------------------------------
 */

/* The arrays of PART, in the order they have in shared memory. */
static size_t pixels_of(const rs_images *part) {
  return part->count * part->rows * part->cols;
}

static uint8_t *move_into(rs_images *part, uint8_t *memory, bool mine) {
  uint8_t *pixels = memory, *labels = memory + pixels_of(part);
  if (mine) {
    memcpy(pixels, part->pixels, pixels_of(part));
    memcpy(labels, part->labels, part->count);
    free(part->pixels);
    free(part->labels);
  }
  part->pixels = pixels;
  part->labels = labels;
  return labels + part->count;
}

/* The first rank of NODE has the data, all have the shapes: into memory that all see. */
static rs_status share_arrays(dataset *d, rs_comm *node) {
  size_t bytes = pixels_of(&d->train) + d->train.count + pixels_of(&d->test) + d->test.count;
  bool mine = rs_comm_rank(node) == 0;
  RS_TRY(rs_shared_create(node, bytes, &d->shared));
  uint8_t *memory = rs_shared_memory(d->shared);
  move_into(&d->test, move_into(&d->train, memory, mine), mine);
  return rs_shared_publish(d->shared);
}

static rs_status load_shared(dataset *d, const rs_images_spec *spec, rs_comm *node) {
  rs_images shapes[2] = {{0}};
  rs_status status = rs_strdup(&d->path, spec->path);
  d->spec = *spec;
  if (status == RS_OK && rs_comm_rank(node) == 0)
    status = rs_exp_read_images(spec, &d->train, &d->test);
  RS_TRY(rs_comm_agree(node, status));
  if (rs_comm_rank(node) == 0) {
    shapes[0] = d->train;
    shapes[1] = d->test;
  }
  RS_TRY(rs_comm_broadcast(node, 0, shapes, sizeof shapes)); /* its pointers mean nothing here */
  if (rs_comm_rank(node) > 0) {
    d->train = shapes[0];
    d->test = shapes[1];
    d->train.pixels = d->train.labels = d->test.pixels = d->test.labels = NULL;
  }
  return share_arrays(d, node);
}

rs_status rs_exp_share_images(const rs_settings *s, rs_data_cache *cache, rs_comm *node) {
  rs_images_spec spec = rs_exp_image_spec(s);
  if (cache->n_shared == RS_MOST_SHARED || find(cache, &spec) != NULL) return RS_OK;
  dataset *d = &cache->shared[cache->n_shared];
  rs_status status = load_shared(d, &spec, node);
  if (status == RS_OK)
    cache->n_shared++;
  else
    drop(d);
  return status;
}
