/* /models: links to checkpoints, or in a packed file the tensors themselves. */
#include "results.h"
#include "tensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 32 };

static void model_name(int64_t trial, char name[NAME_BYTES]) {
  snprintf(name, NAME_BYTES, "%" PRId64, trial);
}

rs_status rs_results_linked_path(const char *results, const char *linked, char **out) {
  char *directory;
  *out = NULL;
  RS_TRY(rs_path_directory(results, &directory));
  rs_status status = rs_path_join(directory, linked, out);
  free(directory);
  return status;
}

/* Results whose models are missing are not whole, so that is damage. */
static rs_status read_linked(const char *results, const char *linked, rs_bundle *bundle) {
  char *path;
  RS_TRY(rs_results_linked_path(results, linked, &path));
  rs_status status = rs_checkpoint_read(path, bundle, NULL);
  free(path);
  return status == RS_ERR_IO ? RS_ERR_DATA : status;
}

/* ---- writing ------------------------------------------------------------------------------ */

static rs_status link_model(hid_t models, const char *path, const char *name, const char *file) {
  bool ok = H5Lcreate_external(file, "/model", models, name, H5P_DEFAULT, H5P_DEFAULT) >= 0;
  return ok ? RS_OK : rs_h5_fail(RS_ERR_IO, path, "models");
}

static rs_status embed_bundle(hid_t models, const char *path, const char *name,
                              const rs_bundle *bundle) {
  uint64_t count = bundle->count;
  hid_t group = rs_h5_group_create(models, name);
  bool ok = group >= 0 && rs_h5_set_number(group, "tensors", H5T_NATIVE_UINT64, &count);
  rs_status status =
      ok ? rs_h5_tensors_write(group, path, bundle) : rs_h5_fail(RS_ERR_IO, path, "models");
  rs_h5_close(group);
  return status;
}

/* An earlier model of the same file, which the trials share. */
static const struct rs_model_link *find_same(const rs_results *r, size_t i) {
  for (size_t k = 0; k < i; k++)
    if (strcmp(r->models[k].file, r->models[i].file) == 0) return &r->models[k];
  return NULL;
}

static rs_status embed_model(hid_t models, const char *path, const rs_results *r, size_t i,
                             const char *from) {
  char name[NAME_BYTES], other[NAME_BYTES];
  model_name(r->models[i].trial, name);
  const struct rs_model_link *same = find_same(r, i);
  if (same != NULL) {
    model_name(same->trial, other);
    bool ok = H5Lcreate_hard(models, other, models, name, H5P_DEFAULT, H5P_DEFAULT) >= 0;
    return ok ? RS_OK : rs_h5_fail(RS_ERR_IO, path, "models");
  }
  rs_bundle bundle = {0};
  RS_TRY(read_linked(from, r->models[i].file, &bundle));
  rs_status status = embed_bundle(models, path, name, &bundle);
  rs_bundle_free(&bundle);
  return status;
}

rs_status rs_h5_models_write(hid_t file, const char *path, const rs_results *r, const char *from) {
  char name[NAME_BYTES];
  hid_t models = rs_h5_group_create(file, "models");
  rs_status status = models >= 0 ? RS_OK : rs_h5_fail(RS_ERR_IO, path, "models");
  for (size_t i = 0; status == RS_OK && i < r->n_models; i++) {
    model_name(r->models[i].trial, name);
    status = from != NULL ? embed_model(models, path, r, i, from)
                          : link_model(models, path, name, r->models[i].file);
  }
  rs_h5_close(models);
  return status;
}

/* ---- reading ------------------------------------------------------------------------------ */

/* Tensors of the group NAME of the file PATH: all below it, or the one dataset TENSOR in it. */
static rs_status read_inside(const char *path, const char *name, const char *tensor,
                             rs_bundle *bundle) {
  rs_h5_file f;
  hid_t group = H5I_INVALID_HID;
  rs_status status = rs_h5_open(path, &f);
  if (status == RS_OK) {
    group = H5Gopen2(f.id, name, H5P_DEFAULT);
    if (group < 0) status = rs_h5_fail(RS_ERR_DATA, path, name);
  }
  if (status == RS_OK)
    status = tensor != NULL ? rs_h5_tensor_read(&f, group, tensor, bundle)
                            : rs_h5_tensors_read(&f, group, name, group, bundle);
  rs_h5_close(group);
  rs_h5_file_close(&f);
  if (status != RS_OK) rs_bundle_free(bundle);
  return status;
}

rs_status rs_results_read_model(const char *path, const struct rs_model_link *model,
                                rs_bundle *bundle) {
  char name[NAME_BYTES + 8];
  if (model->file != NULL) return read_linked(path, model->file, bundle);
  snprintf(name, sizeof name, "models/%" PRId64, model->trial);
  return rs_error_context(read_inside(path, name, NULL, bundle), "%s", name);
}

/* ---- plotted vectors and images ----------------------------------------------------------- */

/* Where the tensors of a row of /plots/vectors are. */
typedef struct place {
  char *file;
  rs_str group;
  const char *names[3]; /* signal, x, y */
  size_t count;
} place;

/* The name that TENSOR has in the plot. */
static const char *name_in_plot(const rs_table *v, size_t row, size_t column) {
  const char *name = rs_table_text(v, row, column);
  const char *slash = strrchr(name, '/');
  if (column == RS_VECTOR_TENSOR) return rs_table_text(v, row, RS_VECTOR_SIGNAL);
  return slash != NULL ? slash + 1 : name;
}

static rs_status find_place(const char *path, const rs_table *v, size_t row, place *p) {
  static const size_t tensors[] = {RS_VECTOR_TENSOR, RS_VECTOR_X, RS_VECTOR_Y};
  const char *linked = rs_table_text(v, row, RS_VECTOR_FILE);
  bool inside = linked[0] == '\0';
  p->count = rs_table_text(v, row, RS_VECTOR_Y)[0] != '\0'   ? 3
             : rs_table_text(v, row, RS_VECTOR_X)[0] != '\0' ? 2
                                                             : 1;
  for (size_t i = 0; i < p->count; i++)
    p->names[i] = inside ? name_in_plot(v, row, tensors[i]) : rs_table_text(v, row, tensors[i]);
  if (inside)
    rs_str_addf(&p->group, "plots/%s", rs_table_text(v, row, RS_VECTOR_NAME));
  else
    rs_str_add(&p->group, "model");
  RS_TRY(rs_str_status(&p->group));
  return inside ? rs_strdup(&p->file, path) : rs_results_linked_path(path, linked, &p->file);
}

static rs_status expect_shape(const char *path, size_t row, const rs_tensor *t, size_t ndim,
                              const int64_t *dims) {
  bool fits = t->ndim == ndim;
  for (size_t i = 0; fits && i < ndim; i++) fits = (int64_t)t->dims[i] == dims[i];
  if (fits) return RS_OK;
  char expected[48];
  snprintf(expected, sizeof expected, ndim == 2 ? "%" PRId64 ", %" PRId64 : "%" PRId64, dims[0],
           dims[ndim - 1]);
  return rs_fail(RS_ERR_DATA,
                 "%s: plots/vectors, row %zu: %s: expected the shape [%s], got %zu elements in %zu "
                 "dimensions",
                 path, row, t->name, expected, rs_tensor_size(t), t->ndim);
}

static rs_status check_shapes(const char *path, const rs_table *v, size_t row, const rs_bundle *b) {
  const int64_t dims[] = {rs_table_int(v, row, RS_VECTOR_Y_LENGTH),
                          rs_table_int(v, row, RS_VECTOR_LENGTH)};
  if (b->count > 1) RS_TRY(expect_shape(path, row, &b->tensors[1], 1, &dims[1]));
  if (b->count < 3) return expect_shape(path, row, &b->tensors[0], 1, &dims[1]);
  RS_TRY(expect_shape(path, row, &b->tensors[0], 2, dims));
  return expect_shape(path, row, &b->tensors[2], 1, &dims[0]);
}

rs_status rs_results_read_vector(const char *path, const rs_results *r, size_t row,
                                 rs_bundle *bundle) {
  place p = {0};
  rs_status status = find_place(path, r->vectors, row, &p);
  for (size_t i = 0; status == RS_OK && i < p.count; i++)
    status = read_inside(p.file, p.group.text, p.names[i], bundle);
  if (status == RS_OK) status = check_shapes(path, r->vectors, row, bundle);
  if (status != RS_OK) rs_bundle_free(bundle);
  rs_str_free(&p.group);
  free(p.file);
  return status == RS_ERR_IO ? RS_ERR_DATA : status;
}
