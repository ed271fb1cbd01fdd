/* A checkpoint back into a bundle and a state, nothing in it trusted. */
#include "checkpoint.h"
#include "hdf5_util.h"

#include <stdlib.h>
#include <string.h>

typedef struct reader {
  rs_h5_file f;
  hid_t model;
  size_t count; /* tensors */
  char **names; /* by index; NULL: not yet found */
  rs_status status;
} reader;

/* ---- which tensors are there -------------------------------------------------------------- */

static rs_status note_index(reader *r, hid_t dataset, const char *name) {
  uint64_t index;
  RS_TRY(rs_h5_get_int(&r->f, dataset, name, "index", H5T_NATIVE_UINT64, &index));
  if (index >= r->count || r->names[index] != NULL)
    return rs_fail(RS_ERR_DATA, "%s: %s: index %llu is out of range or taken", r->f.path, name,
                   (unsigned long long)index);
  return rs_strdup(&r->names[index], name);
}

/* Datasets are tensors; groups are only walked through and links to elsewhere passed over. */
static rs_status visit_object(reader *r, hid_t model, const char *name, const H5L_info_t *link) {
  if (link->type != H5L_TYPE_HARD) return RS_OK;
  hid_t object = H5Oopen(model, name, H5P_DEFAULT);
  if (object < 0) return rs_h5_fail(RS_ERR_DATA, r->f.path, name);
  rs_status status = H5Iget_type(object) == H5I_DATASET ? note_index(r, object, name) : RS_OK;
  rs_h5_close(object);
  return status;
}

static herr_t visit_link(hid_t model, const char *name, const H5L_info_t *link, void *user) {
  reader *r = user;
  r->status = visit_object(r, model, name, link);
  return r->status == RS_OK ? 0 : 1;
}

static rs_status find_tensors(reader *r) {
  RS_TRY(rs_new(&r->names, r->count, sizeof *r->names));
  if (H5Lvisit(r->model, H5_INDEX_NAME, H5_ITER_NATIVE, visit_link, r) < 0)
    return rs_h5_fail(RS_ERR_DATA, r->f.path, RS_CHECKPOINT_MODEL);
  RS_TRY(r->status);
  for (size_t i = 0; i < r->count; i++)
    if (r->names[i] == NULL)
      return rs_fail(RS_ERR_DATA, "%s: tensor %zu of %zu is missing", r->f.path, i, r->count);
  return RS_OK;
}

/* ---- checksums ---------------------------------------------------------------------------- */

/* Compare with the checksum in ATTRIBUTE of OBJECT. */
static rs_status verify(const reader *r, hid_t object, const char *name, const char *attribute,
                        const void *data, size_t bytes) {
  uint64_t expected, got = rs_checksum(data, bytes);
  RS_TRY(rs_h5_get_int(&r->f, object, name, attribute, H5T_NATIVE_UINT64, &expected));
  if (got == expected) return RS_OK;
  return rs_fail(RS_ERR_DATA,
                 "%s: %s: expected checksum %016llx, got %016llx: the data are damaged", r->f.path,
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
static bool size_is_true(const reader *r, hid_t dataset, size_t ndim, const size_t *dims) {
  size_t elements = 1, stored = (size_t)H5Dget_storage_size(dataset);
  for (size_t i = 0; i < ndim; i++) {
    if (dims[i] != 0 && elements > r->f.bytes / dims[i]) return false;
    elements *= dims[i];
  }
  return stored <= r->f.bytes && stored == elements * sizeof(float);
}

static rs_status read_dataset(const reader *r, hid_t dataset, const char *name, rs_bundle *bundle) {
  size_t dims[4], ndim = shape_of(dataset, dims);
  if (ndim == 0 || !is_float32(dataset) || !stored_contiguously(dataset))
    return rs_fail(RS_ERR_DATA, "%s: %s: expected contiguous float32 of 1 to 4 dimensions",
                   r->f.path, name);
  if (!size_is_true(r, dataset, ndim, dims))
    return rs_fail(RS_ERR_DATA, "%s: %s: what is stored does not fit its shape or the file",
                   r->f.path, name);
  float *data;
  RS_TRY(rs_bundle_add(bundle, name, ndim, dims, &data));
  if (H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
    return rs_h5_fail(RS_ERR_DATA, r->f.path, name);
  size_t bytes = rs_tensor_size(&bundle->tensors[bundle->count - 1]) * sizeof(float);
  return verify(r, dataset, name, "checksum", data, bytes);
}

static rs_status read_tensor(const reader *r, const char *name, rs_bundle *bundle) {
  hid_t dataset = H5Dopen2(r->model, name, H5P_DEFAULT);
  if (dataset < 0) return rs_h5_fail(RS_ERR_DATA, r->f.path, name);
  rs_status status = read_dataset(r, dataset, name, bundle);
  rs_h5_close(dataset);
  return status;
}

/* ---- the file ---------------------------------------------------------------------------- */

static rs_status check_format(const rs_h5_file *f) {
  char *format;
  int version = 0;
  RS_TRY(rs_h5_get_text(f, f->id, "/", "format", &format));
  bool ours = strcmp(format, RS_CHECKPOINT_FORMAT) == 0;
  free(format);
  if (!ours) return rs_fail(RS_ERR_DATA, "%s: not a checkpoint of ranksweep", f->path);
  RS_TRY(rs_h5_get_int(f, f->id, "/", "format_version", H5T_NATIVE_INT, &version));
  if (version == RS_CHECKPOINT_VERSION) return RS_OK;
  return rs_fail(RS_ERR_DATA, "%s: format_version: expected %d, got %d", f->path,
                 RS_CHECKPOINT_VERSION, version);
}

/* Every tensor takes some bytes of the file for its header. */
static rs_status open_model(reader *r) {
  enum { HEADER_BYTES = 64 };
  uint64_t count;
  RS_TRY(check_format(&r->f));
  RS_TRY(rs_h5_get_int(&r->f, r->f.id, "/", "tensors", H5T_NATIVE_UINT64, &count));
  if (count > r->f.bytes / HEADER_BYTES)
    return rs_fail(RS_ERR_DATA, "%s: claims %llu tensors in %zu bytes", r->f.path,
                   (unsigned long long)count, r->f.bytes);
  r->count = (size_t)count;
  r->model = H5Gopen2(r->f.id, RS_CHECKPOINT_MODEL, H5P_DEFAULT);
  return r->model >= 0 ? RS_OK : rs_h5_fail(RS_ERR_DATA, r->f.path, RS_CHECKPOINT_MODEL);
}

/* Verified even when the caller does not want it. */
static rs_status read_state(const reader *r, char **state_json) {
  char *state;
  RS_TRY(rs_h5_get_text(&r->f, r->f.id, "/", "state", &state));
  rs_status status = verify(r, r->f.id, "state", "state_checksum", state, strlen(state));
  if (status == RS_OK && state_json != NULL)
    *state_json = state;
  else
    free(state);
  return status;
}

static rs_status read_all(reader *r, const char *path, rs_bundle *bundle, char **state_json) {
  RS_TRY(rs_h5_open(path, &r->f));
  RS_TRY(open_model(r));
  RS_TRY(find_tensors(r));
  for (size_t i = 0; i < r->count; i++) RS_TRY(read_tensor(r, r->names[i], bundle));
  return read_state(r, state_json);
}

rs_status rs_checkpoint_read(const char *path, rs_bundle *bundle, char **state_json) {
  reader r = {.f.id = H5I_INVALID_HID, .model = H5I_INVALID_HID};
  RS_ASSERT(bundle->count == 0);
  if (state_json != NULL) *state_json = NULL;
  rs_status status = read_all(&r, path, bundle, state_json);
  rs_h5_free_texts(r.names, r.count);
  rs_h5_close(r.model);
  rs_h5_file_close(&r.f);
  if (status != RS_OK) rs_bundle_free(bundle);
  return status;
}
