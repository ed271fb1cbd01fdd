#include "vectors.h"

#include "ranksweep/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_VECTORS = 200, MOST_IMAGES = 24 }; /* in all */

/* Exactly one of SPEC and IMAGE is there. */
typedef struct vector {
  int stage;
  const char *kind;
  const rs_stage_vectors *spec;
  const rs_stage_images *image;
  rs_id identity;
  size_t dims[2]; /* of a vector: 0 and its length */
  char *tensor;   /* "dense1/s" */
} vector;

struct vectors {
  vector *list;
  size_t count, cap;
  size_t images; /* of them */
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

/* ---- what an output holds ------------------------------------------------------------------- */

typedef struct shape {
  char *name;
  size_t ndim, dims[4];
} shape;

typedef struct shapes {
  shape *list;
  size_t count, cap;
  rs_status status;
} shapes;

static rs_status note_shape(void *user, const char *name, size_t ndim, const size_t *dims) {
  shapes *s = user;
  s->status = rs_grow(&s->list, &s->cap, s->count + 1, sizeof *s->list);
  if (s->status != RS_OK) return s->status;
  shape *added = &s->list[s->count];
  *added = (shape){.ndim = ndim};
  memcpy(added->dims, dims, ndim * sizeof *dims);
  s->status = rs_strdup(&added->name, name);
  if (s->status == RS_OK) s->count++;
  return s->status;
}

static void free_shapes(shapes *s) {
  for (size_t i = 0; i < s->count; i++) free(s->list[i].name);
  free(s->list);
}

static const char *last_part(const char *name) {
  const char *slash = strrchr(name, '/');
  return slash != NULL ? slash + 1 : name;
}

/* Is there a vector NAME of LENGTH elements beside the tensor IMAGE? */
static bool has_axis(const shapes *s, const char *image, const char *name, size_t length) {
  size_t group = (size_t)(last_part(image) - image);
  for (size_t i = 0; i < s->count; i++) {
    const shape *t = &s->list[i];
    if (strncmp(t->name, image, group) == 0 && strcmp(t->name + group, name) == 0)
      return t->ndim == 1 && t->dims[0] == length;
  }
  return false;
}

/* ---- looking ------------------------------------------------------------------------------ */

/* FOUND has all but the tensor's name. */
static rs_status add(vectors *v, vector found, const char *tensor) {
  RS_TRY(rs_grow(&v->list, &v->cap, v->count + 1, sizeof *v->list));
  RS_TRY(rs_strdup(&found.tensor, tensor));
  v->list[v->count++] = found;
  v->images += found.image != NULL;
  return RS_OK;
}

/* Is T, one of S, the vector that M describes? */
static bool is_vector(const shapes *s, const shape *t, const rs_stage_vectors *m) {
  if (t->ndim != 1 || strcmp(last_part(t->name), m->tensor) != 0) return false;
  return m->axis.tensor == NULL || has_axis(s, t->name, m->axis.tensor, t->dims[0]);
}

static rs_status find_vectors(vectors *v, const shapes *s, const rs_stage_vectors *specs,
                              vector found) {
  for (const rs_stage_vectors *m = specs; m->tensor != NULL; m++)
    for (size_t i = 0; i < s->count; i++) {
      if (!is_vector(s, &s->list[i], m)) continue;
      if (v->count - v->images == MOST_VECTORS) return RS_OK;
      found.spec = m;
      found.dims[1] = s->list[i].dims[0];
      RS_TRY(add(v, found, s->list[i].name));
    }
  return RS_OK;
}

/* Is T, one of S, the image that M describes? */
static bool is_image(const shapes *s, const shape *t, const rs_stage_images *m) {
  return t->ndim == 2 && strcmp(last_part(t->name), m->tensor) == 0 &&
         has_axis(s, t->name, m->rows.tensor, t->dims[0]) &&
         has_axis(s, t->name, m->cols.tensor, t->dims[1]);
}

/* In the order of the output: all images of a few examples rather than some of many. */
static rs_status find_images(vectors *v, const shapes *s, const rs_stage_images *images,
                             vector found) {
  for (size_t i = 0; i < s->count; i++)
    for (const rs_stage_images *m = images; m->tensor != NULL; m++) {
      if (!is_image(s, &s->list[i], m)) continue;
      if (v->images == MOST_IMAGES) return RS_OK;
      found.image = m;
      memcpy(found.dims, s->list[i].dims, sizeof found.dims);
      RS_TRY(add(v, found, s->list[i].name));
    }
  return RS_OK;
}

static rs_status find_all(vectors *v, const shapes *s, const rs_stage_op *op, vector found) {
  if (op->images != NULL) RS_TRY(find_images(v, s, op->images, found));
  return op->vectors != NULL ? find_vectors(v, s, op->vectors, found) : RS_OK;
}

rs_status vectors_look(vectors *v, int stage, const rs_stage_op *op, const char *directory,
                       rs_id identity) {
  vector found = {.stage = stage, .kind = op->spec.name, .identity = identity};
  shapes s = {0};
  char *path;
  RS_TRY(rs_stage_path(directory, identity, &path));
  bool read = rs_checkpoint_list(path, note_shape, &s) == RS_OK;
  free(path);
  rs_status status = s.status;
  if (status == RS_OK && read) status = find_all(v, &s, op, found);
  free_shapes(&s);
  return status;
}

void vectors_drop(vectors *v, int stage) {
  size_t kept = 0;
  for (size_t i = 0; i < v->count; i++) {
    if (v->list[i].stage == stage) {
      v->images -= v->list[i].image != NULL;
      free(v->list[i].tensor);
    } else {
      v->list[kept++] = v->list[i];
    }
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

/* The group's name, "dense1" of "dense1/s", fit for the name of a group. */
static void add_group(rs_str *out, const char *tensor) {
  size_t n = (size_t)(last_part(tensor) - tensor);
  for (size_t i = 0; i + 1 < n; i++) rs_str_addn(out, tensor[i] == '/' ? "_" : tensor + i, 1);
}

static rs_status set_names(rs_table *t, size_t row, const vector *v) {
  const char *name = v->image != NULL ? v->image->name : v->spec->name;
  const char *long_name = v->image != NULL ? v->image->long_name : v->spec->long_name;
  const char *unit = v->image != NULL ? v->image->unit : NULL;
  rs_str plot = {0}, title = {0};
  rs_str_addf(&plot, "%s_stage_%d_", name, v->stage);
  add_group(&plot, v->tensor);
  rs_str_addf(&title, unit != NULL ? "%s (%s) of " : "%s of ", long_name, unit);
  add_group(&title, v->tensor);
  rs_str_addf(&title, ", %s, stage %d", v->kind, v->stage);
  rs_status status = set_text(t, row, RS_VECTOR_NAME, &plot);
  rs_status other = set_text(t, row, RS_VECTOR_TITLE, &title);
  RS_TRY(status != RS_OK ? status : other);
  RS_TRY(rs_table_set_text(t, row, RS_VECTOR_SIGNAL, name));
  RS_TRY(rs_table_set_text(t, row, RS_VECTOR_UNIT, unit));
  return rs_table_set_text(t, row, RS_VECTOR_LONG_NAME, long_name);
}

static rs_status set_file(rs_table *t, size_t row, const vector *v, const char *folder) {
  char *path;
  RS_TRY(rs_stage_path(folder, v->identity, &path));
  rs_status status = rs_table_set_text(t, row, RS_VECTOR_FILE, path);
  free(path);
  return status;
}

/* The name of AXIS beside the image. */
static rs_status set_axis(rs_table *t, size_t row, size_t column, const vector *v,
                          const rs_stage_axis *axis) {
  rs_str name = {0};
  rs_str_addn(&name, v->tensor, (size_t)(last_part(v->tensor) - v->tensor));
  rs_str_add(&name, axis->tensor);
  return set_text(t, row, column, &name);
}

static const char *scale_name(rs_stage_scale scale) {
  switch (scale) {
  case RS_SCALE_LINEAR: return "linear";
  case RS_SCALE_LOG: return "log";
  case RS_SCALE_LOG_LOG: return "log-log";
  }
  return "";
}

static rs_status set_curve(rs_table *t, size_t row, const vector *v) {
  const rs_stage_vectors *m = v->spec;
  if (m->axis.tensor != NULL) RS_TRY(set_axis(t, row, RS_VECTOR_X, v, &m->axis));
  RS_TRY(rs_table_set_text(t, row, RS_VECTOR_INDEX, m->axis.long_name));
  RS_TRY(rs_table_set_text(t, row, RS_VECTOR_X_UNIT, m->axis.unit));
  return rs_table_set_text(t, row, RS_VECTOR_SCALE, scale_name(m->scale));
}

static rs_status set_axes(rs_table *t, size_t row, const vector *v) {
  const rs_stage_images *m = v->image;
  if (m == NULL) return set_curve(t, row, v);
  rs_table_set_int(t, row, RS_VECTOR_Y_LENGTH, (int64_t)v->dims[0]);
  RS_TRY(set_axis(t, row, RS_VECTOR_Y, v, &m->rows));
  RS_TRY(rs_table_set_text(t, row, RS_VECTOR_Y_LONG_NAME, m->rows.long_name));
  RS_TRY(rs_table_set_text(t, row, RS_VECTOR_Y_UNIT, m->rows.unit));
  RS_TRY(set_axis(t, row, RS_VECTOR_X, v, &m->cols));
  RS_TRY(rs_table_set_text(t, row, RS_VECTOR_INDEX, m->cols.long_name));
  return rs_table_set_text(t, row, RS_VECTOR_X_UNIT, m->cols.unit);
}

static rs_status add_row(rs_table *t, const vector *v, const char *folder) {
  size_t row;
  RS_TRY(rs_table_add_row(t, &row));
  rs_table_set_int(t, row, RS_VECTOR_LENGTH, (int64_t)v->dims[1]);
  RS_TRY(set_names(t, row, v));
  RS_TRY(set_file(t, row, v, folder));
  RS_TRY(set_axes(t, row, v));
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
