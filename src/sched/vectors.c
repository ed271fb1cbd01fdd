#include "vectors.h"

#include "ranksweep/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 200 }; /* vectors in all */

typedef struct vector {
  int stage;
  const char *kind;
  const rs_stage_vectors *spec;
  rs_id identity;
  size_t length;
  char *tensor; /* "dense1/s" */
} vector;

struct vectors {
  vector *list;
  size_t count, cap;
};

rs_status vectors_create(vectors **out) {
  return rs_new(out, 1, sizeof **out);
}

void vectors_destroy(vectors *v) {
  if (v == NULL) return;
  for (size_t i = 0; i < v->count; i++) free(v->list[i].tensor);
  free(v->list);
  free(v);
}

/* ---- looking ------------------------------------------------------------------------------ */

typedef struct looker {
  vectors *v;
  vector found; /* all but length and tensor */
  rs_status status;
} looker;

static const char *last_part(const char *name) {
  const char *slash = strrchr(name, '/');
  return slash != NULL ? slash + 1 : name;
}

static rs_status note(void *user, const char *name, size_t ndim, const size_t *dims) {
  looker *l = user;
  vectors *v = l->v;
  if (ndim != 1 || strcmp(last_part(name), l->found.spec->tensor) != 0 || v->count == MOST)
    return RS_OK;
  l->status = rs_grow(&v->list, &v->cap, v->count + 1, sizeof *v->list);
  if (l->status != RS_OK) return l->status;
  vector *added = &v->list[v->count];
  *added = l->found;
  added->length = dims[0];
  l->status = rs_strdup(&added->tensor, name);
  if (l->status == RS_OK) v->count++;
  return l->status;
}

rs_status vectors_look(vectors *v, int stage, const char *kind, const rs_stage_vectors *spec,
                       const char *directory, rs_id identity) {
  looker l = {v, {.stage = stage, .kind = kind, .spec = spec, .identity = identity}, RS_OK};
  char *path;
  if (v->count == MOST) return RS_OK;
  RS_TRY(rs_stage_path(directory, identity, &path));
  (void)!rs_checkpoint_list(path, note, &l);
  free(path);
  return l.status;
}

void vectors_drop(vectors *v, int stage) {
  size_t kept = 0;
  for (size_t i = 0; i < v->count; i++) {
    if (v->list[i].stage == stage)
      free(v->list[i].tensor);
    else
      v->list[kept++] = v->list[i];
  }
  v->count = kept;
}

/* ---- table -------------------------------------------------------------------------------- */

static rs_status set_text(rs_table *t, size_t row, size_t column, rs_str *text) {
  rs_status status = rs_str_status(text);
  if (status == RS_OK) status = rs_table_set_text(t, row, column, text->text);
  rs_str_free(text);
  return status;
}

/* The layer's name, "dense1" of "dense1/s", fit for the name of a group. */
static void add_layer(rs_str *out, const char *tensor) {
  size_t n = (size_t)(last_part(tensor) - tensor);
  for (size_t i = 0; i + 1 < n; i++) rs_str_addn(out, tensor[i] == '/' ? "_" : tensor + i, 1);
}

static rs_status set_names(rs_table *t, size_t row, const vector *v) {
  rs_str name = {0}, title = {0};
  rs_str_addf(&name, "%s_stage_%d_", v->spec->name, v->stage);
  add_layer(&name, v->tensor);
  rs_str_addf(&title, "%s of ", v->spec->long_name);
  add_layer(&title, v->tensor);
  rs_str_addf(&title, ", %s, stage %d", v->kind, v->stage);
  rs_status status = set_text(t, row, RS_VECTOR_NAME, &name);
  rs_status other = set_text(t, row, RS_VECTOR_TITLE, &title);
  return status != RS_OK ? status : other;
}

static rs_status set_file(rs_table *t, size_t row, const vector *v, const char *folder) {
  char *path;
  RS_TRY(rs_stage_path(folder, v->identity, &path));
  rs_status status = rs_table_set_text(t, row, RS_VECTOR_FILE, path);
  free(path);
  return status;
}

static rs_status add_row(rs_table *t, const vector *v, const char *folder) {
  size_t row;
  RS_TRY(rs_table_add_row(t, &row));
  rs_table_set_int(t, row, RS_VECTOR_LENGTH, (int64_t)v->length);
  RS_TRY(set_names(t, row, v));
  RS_TRY(set_file(t, row, v, folder));
  RS_TRY(rs_table_set_text(t, row, RS_VECTOR_SIGNAL, v->spec->name));
  RS_TRY(rs_table_set_text(t, row, RS_VECTOR_LONG_NAME, v->spec->long_name));
  RS_TRY(rs_table_set_text(t, row, RS_VECTOR_INDEX, v->spec->index));
  return rs_table_set_text(t, row, RS_VECTOR_TENSOR, v->tensor);
}

/* Stages end in any order; vectors of one stage stay in that of its layers. */
static int by_stage(const void *a, const void *b) {
  const vector *x = *(const vector *const *)a, *y = *(const vector *const *)b;
  if (x->stage != y->stage) return x->stage < y->stage ? -1 : 1;
  return (x > y) - (x < y);
}

rs_status vectors_table(const vectors *v, const char *folder, rs_table **out) {
  const vector **sorted;
  *out = NULL;
  RS_TRY(rs_new(&sorted, v->count, sizeof *sorted));
  for (size_t i = 0; i < v->count; i++) sorted[i] = &v->list[i];
  qsort(sorted, v->count, sizeof *sorted, by_stage);
  rs_status status = rs_table_create(rs_vector_columns, RS_VECTOR_COLUMNS, out);
  for (size_t i = 0; status == RS_OK && i < v->count; i++)
    status = add_row(*out, sorted[i], folder);
  free(sorted);
  if (status == RS_OK) return RS_OK;
  rs_table_destroy(*out);
  *out = NULL;
  return status;
}
