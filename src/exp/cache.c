#include "cache.h"

#include <stdlib.h>
#include <string.h>

typedef struct dataset {
  const rs_dataset_kind *kind; /* NULL: none */
  rs_str key;
  void *header;
  rs_shared *block;
} dataset;

struct rs_data_cache {
  dataset shared[RS_MOST_SHARED];
  size_t n_shared;
  dataset own;
  rs_comm *solo; /* the group in which `own` is made */
};

/* ---- life -------------------------------------------------------------------------------- */

rs_status rs_data_cache_create(rs_data_cache **out) {
  RS_TRY(rs_new(out, 1, sizeof **out));
  rs_status status = rs_comm_create_solo(&(*out)->solo);
  if (status == RS_OK) return RS_OK;
  rs_data_cache_destroy(*out);
  *out = NULL;
  return status;
}

static void drop(dataset *d) {
  rs_shared_destroy(d->block);
  rs_str_free(&d->key);
  free(d->header);
  *d = (dataset){0};
}

void rs_data_cache_destroy(rs_data_cache *cache) {
  if (cache == NULL) return;
  while (cache->n_shared > 0) drop(&cache->shared[--cache->n_shared]);
  drop(&cache->own);
  rs_comm_destroy(cache->solo);
  free(cache);
}

/* ---- finding ----------------------------------------------------------------------------- */

static bool is_of(const dataset *d, const rs_dataset_kind *kind, const char *key) {
  return d->kind == kind && strcmp(d->key.text, key) == 0;
}

static const dataset *find(const rs_data_cache *cache, const rs_dataset_kind *kind,
                           const char *key) {
  for (size_t i = 0; i < cache->n_shared; i++)
    if (is_of(&cache->shared[i], kind, key)) return &cache->shared[i];
  return is_of(&cache->own, kind, key) ? &cache->own : NULL;
}

/* ---- making ------------------------------------------------------------------------------ */

/* The first rank of NODE has the source, all have the counts. */
static rs_status make_block(dataset *d, void *source, rs_comm *node) {
  RS_TRY(rs_shared_create(node, d->kind->bytes(d->header), &d->block));
  d->kind->attach(d->header, rs_shared_memory(d->block));
  rs_status status = RS_OK;
  if (rs_comm_rank(node) == 0) status = d->kind->fill(source, d->header);
  RS_TRY(rs_comm_agree(node, status));
  return rs_shared_publish(d->block);
}

static rs_status make_from(dataset *d, const rs_settings *s, void **source, rs_comm *node) {
  rs_status status = rs_new(&d->header, 1, d->kind->header_bytes);
  if (status == RS_OK && rs_comm_rank(node) == 0) status = d->kind->open(s, d->header, source);
  RS_TRY(rs_comm_agree(node, status));
  RS_TRY(rs_comm_broadcast(node, 0, d->header, d->kind->header_bytes));
  return make_block(d, *source, node);
}

/* Takes KEY over. */
static rs_status make(dataset *d, const rs_dataset_kind *kind, rs_str *key, const rs_settings *s,
                      rs_comm *node) {
  void *source = NULL;
  *d = (dataset){.kind = kind, .key = *key};
  *key = (rs_str){0};
  rs_status status = make_from(d, s, &source, node);
  kind->close(source);
  if (status != RS_OK) drop(d);
  return status;
}

rs_status rs_exp_load(rs_data_cache *cache, const rs_dataset_kind *kind, const rs_settings *s,
                      const void **out) {
  rs_str key = {0};
  *out = NULL;
  kind->key(s, &key);
  rs_status status = rs_str_status(&key);
  const dataset *found = status == RS_OK ? find(cache, kind, key.text) : NULL;
  if (status == RS_OK && found == NULL) {
    drop(&cache->own);
    status = make(&cache->own, kind, &key, s, cache->solo);
    found = &cache->own;
  }
  rs_str_free(&key);
  if (status == RS_OK) *out = found->header;
  return status;
}

rs_status rs_exp_share(rs_data_cache *cache, const rs_dataset_kind *kind, const rs_settings *s,
                       rs_comm *node) {
  rs_str key = {0};
  kind->key(s, &key);
  rs_status status = rs_comm_agree(node, rs_str_status(&key));
  bool wanted =
      status == RS_OK && cache->n_shared < RS_MOST_SHARED && find(cache, kind, key.text) == NULL;
  if (wanted) status = make(&cache->shared[cache->n_shared], kind, &key, s, node);
  if (wanted && status == RS_OK) cache->n_shared++;
  rs_str_free(&key);
  return status;
}
