/* Datasets of a group back into named tensors, nothing in them trusted. */
#include "tensors.h"

#include <stdlib.h>
#include <string.h>

/* Finds the tensors of a group by walking through it. */
typedef struct finder {
  const rs_h5_file *f;
  size_t count; /* tensors */
  char **names; /* by index; NULL: not yet found */
  rs_status status;
} finder;

/* ---- which tensors are there -------------------------------------------------------------- */

static rs_status note_index(finder *r, hid_t dataset, const char *name) {
  uint64_t index;
  RS_TRY(rs_h5_get_int(r->f, dataset, name, "index", H5T_NATIVE_UINT64, &index));
  if (index >= r->count || r->names[index] != NULL)
    return rs_fail(RS_ERR_DATA, "%s: %s: index %llu is out of range or taken", r->f->path, name,
                   (unsigned long long)index);
  return rs_strdup(&r->names[index], name);
}

/* Datasets are tensors; groups are only walked through and links to elsewhere passed over. */
static rs_status visit_object(finder *r, hid_t model, const char *name, const H5L_info_t *link) {
  if (link->type != H5L_TYPE_HARD) return RS_OK;
  hid_t object = H5Oopen(model, name, H5P_DEFAULT);
  if (object < 0) return rs_h5_fail(RS_ERR_DATA, r->f->path, name);
  rs_status status = H5Iget_type(object) == H5I_DATASET ? note_index(r, object, name) : RS_OK;
  rs_h5_close(object);
  return status;
}

static herr_t visit_link(hid_t model, const char *name, const H5L_info_t *link, void *user) {
  finder *r = user;
  r->status = visit_object(r, model, name, link);
  return r->status == RS_OK ? 0 : 1;
}

static rs_status find(finder *r, hid_t group) {
  RS_TRY(rs_new(&r->names, r->count, sizeof *r->names));
  if (H5Lvisit(group, H5_INDEX_NAME, H5_ITER_NATIVE, visit_link, r) < 0)
    return rs_h5_fail(RS_ERR_DATA, r->f->path, "tensors");
  RS_TRY(r->status);
  for (size_t i = 0; i < r->count; i++)
    if (r->names[i] == NULL)
      return rs_fail(RS_ERR_DATA, "%s: tensor %zu of %zu is missing", r->f->path, i, r->count);
  return RS_OK;
}

/* Every tensor takes some bytes of the file for its header. */
static rs_status read_count(const rs_h5_file *f, hid_t owner, const char *where, size_t *out) {
  enum { HEADER_BYTES = 64 };
  uint64_t count;
  RS_TRY(rs_h5_get_int(f, owner, where, "tensors", H5T_NATIVE_UINT64, &count));
  *out = (size_t)count;
  if (count <= f->bytes / HEADER_BYTES) return RS_OK;
  return rs_fail(RS_ERR_DATA, "%s: claims %llu tensors in %zu bytes", f->path,
                 (unsigned long long)count, f->bytes);
}

rs_status rs_h5_tensors_find(const rs_h5_file *f, hid_t owner, const char *where, hid_t group,
                             rs_names *out) {
  finder r = {.f = f};
  *out = (rs_names){0};
  RS_TRY(read_count(f, owner, where, &r.count));
  rs_status status = find(&r, group);
  *out = (rs_names){.count = r.count, .names = r.names};
  if (status != RS_OK) rs_names_free(out);
  return status;
}

void rs_names_free(rs_names *n) {
  rs_h5_free_texts(n->names, n->count);
  *n = (rs_names){0};
}

/* ---- checksums ---------------------------------------------------------------------------- */

rs_status rs_h5_verify(const rs_h5_file *f, hid_t object, const char *name, const char *attribute,
                       const void *data, size_t bytes) {
  uint64_t expected, got = rs_checksum(data, bytes);
  RS_TRY(rs_h5_get_int(f, object, name, attribute, H5T_NATIVE_UINT64, &expected));
  if (got == expected) return RS_OK;
  return rs_fail(RS_ERR_DATA,
                 "%s: %s: expected checksum %016llx, got %016llx: the data are damaged", f->path,
                 name, (unsigned long long)expected, (unsigned long long)got);
}

/* ---- one tensor --------------------------------------------------------------------------- */

static bool stored_contiguously(hid_t dataset) {
  hid_t creation = H5Dget_create_plist(dataset);
  bool yes = creation >= 0 && H5Pget_layout(creation) == H5D_CONTIGUOUS &&
             H5Pget_external_count(creation) == 0;
  rs_h5_close(creation);
  return yes;
}

static bool is_float32(hid_t dataset) {
  hid_t type = H5Dget_type(dataset);
  bool yes = type >= 0 && H5Tequal(type, H5T_IEEE_F32LE) > 0;
  rs_h5_close(type);
  return yes;
}

/* The shape of DATASET, 1 to 4 dimensions; 0: another. */
static size_t shape_of(hid_t dataset, size_t dims[4]) {
  hsize_t stored[4];
  hid_t space = H5Dget_space(dataset);
  int ndim = space >= 0 ? H5Sget_simple_extent_ndims(space) : -1;
  bool ok = ndim >= 1 && ndim <= 4 && H5Sget_simple_extent_dims(space, stored, NULL) == ndim;
  for (int i = 0; ok && i < ndim; i++) dims[i] = (size_t)stored[i];
  rs_h5_close(space);
  return ok ? (size_t)ndim : 0;
}

/* Does the storage hold exactly the elements of the shape, and can the file hold the storage? */
static bool size_is_true(const rs_h5_file *f, hid_t dataset, size_t ndim, const size_t *dims) {
  size_t elements = 1, stored = (size_t)H5Dget_storage_size(dataset);
  for (size_t i = 0; i < ndim; i++) {
    if (dims[i] != 0 && elements > f->bytes / dims[i]) return false;
    elements *= dims[i];
  }
  return stored <= f->bytes && stored == elements * sizeof(float);
}

static rs_status read_dataset(const rs_h5_file *f, hid_t dataset, const char *name,
                              rs_bundle *bundle) {
  size_t dims[4], ndim = shape_of(dataset, dims);
  if (ndim == 0 || !is_float32(dataset) || !stored_contiguously(dataset))
    return rs_fail(RS_ERR_DATA, "%s: %s: expected contiguous float32 of 1 to 4 dimensions", f->path,
                   name);
  if (!size_is_true(f, dataset, ndim, dims))
    return rs_fail(RS_ERR_DATA, "%s: %s: what is stored does not fit its shape or the file",
                   f->path, name);
  float *data;
  RS_TRY(rs_bundle_add(bundle, name, ndim, dims, &data));
  if (H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
    return rs_h5_fail(RS_ERR_DATA, f->path, name);
  size_t bytes = rs_tensor_size(&bundle->tensors[bundle->count - 1]) * sizeof(float);
  return rs_h5_verify(f, dataset, name, "checksum", data, bytes);
}

rs_status rs_h5_tensor_read(const rs_h5_file *f, hid_t group, const char *name, rs_bundle *bundle) {
  hid_t dataset = H5Dopen2(group, name, H5P_DEFAULT);
  if (dataset < 0) return rs_h5_fail(RS_ERR_DATA, f->path, name);
  rs_status status = read_dataset(f, dataset, name, bundle);
  rs_h5_close(dataset);
  return status;
}

rs_status rs_h5_tensor_shape(const rs_h5_file *f, hid_t group, const char *name, size_t *ndim,
                             size_t dims[4]) {
  hid_t dataset = H5Dopen2(group, name, H5P_DEFAULT);
  if (dataset < 0) return rs_h5_fail(RS_ERR_DATA, f->path, name);
  *ndim = shape_of(dataset, dims);
  rs_h5_close(dataset);
  if (*ndim > 0) return RS_OK;
  return rs_fail(RS_ERR_DATA, "%s: %s: expected 1 to 4 dimensions", f->path, name);
}

rs_status rs_h5_tensors_read(const rs_h5_file *f, hid_t owner, const char *where, hid_t group,
                             rs_bundle *bundle) {
  rs_names found;
  RS_TRY(rs_h5_tensors_find(f, owner, where, group, &found));
  rs_status status = RS_OK;
  for (size_t i = 0; status == RS_OK && i < found.count; i++)
    status = rs_h5_tensor_read(f, group, found.names[i], bundle);
  rs_names_free(&found);
  return status;
}
