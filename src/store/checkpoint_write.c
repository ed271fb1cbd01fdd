/* A bundle of tensors and a state into a checkpoint. */
#include "checkpoint.h"
#include "hdf5_util.h"

#include <stdlib.h>
#include <string.h>

/* ---- groups ------------------------------------------------------------------------------- */

/* Step into the group NAME of *GROUP, which is closed; made when it is not there. */
static bool enter_group(hid_t *group, const char *name) {
  htri_t exists = H5Lexists(*group, name, H5P_DEFAULT);
  hid_t next = H5I_INVALID_HID;
  if (exists > 0) next = H5Gopen2(*group, name, H5P_DEFAULT);
  if (exists == 0) next = rs_h5_group_create(*group, name);
  rs_h5_close(*group);
  *group = next;
  return next >= 0;
}

/* The group below MODEL for tensor NAME: "dense1" for "dense1/kernel". COPY is a copy of NAME to
 * take apart. */
static hid_t group_of(hid_t model, char *copy) {
  hid_t group = H5Gopen2(model, ".", H5P_DEFAULT);
  for (char *slash; group >= 0 && (slash = strchr(copy, '/')) != NULL; copy = slash + 1) {
    *slash = '\0';
    if (!enter_group(&group, copy)) break;
  }
  return group;
}

/* ---- tensors ------------------------------------------------------------------------------ */

static hid_t create_dataset(hid_t group, const char *name, const rs_tensor *t) {
  hsize_t dims[4];
  for (size_t i = 0; i < t->ndim; i++) dims[i] = t->dims[i];
  hid_t space = H5Screate_simple((int)t->ndim, dims, NULL), dataset = H5I_INVALID_HID;
  hid_t creation = rs_h5_creation(H5P_DATASET_CREATE);
  if (space >= 0 && creation >= 0)
    dataset = H5Dcreate2(group, name, H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  rs_h5_close(creation);
  rs_h5_close(space);
  return dataset;
}

static bool write_dataset(hid_t dataset, const rs_tensor *t, uint64_t index) {
  uint64_t checksum = rs_checksum(t->data, rs_tensor_size(t) * sizeof(float));
  return H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, t->data) >= 0 &&
         rs_h5_set_int(dataset, "checksum", H5T_NATIVE_UINT64, &checksum) &&
         rs_h5_set_int(dataset, "index", H5T_NATIVE_UINT64, &index);
}

static rs_status write_tensor(hid_t model, const char *path, const rs_tensor *t, size_t index) {
  char *copy;
  RS_TRY(rs_strdup(&copy, t->name));
  const char *slash = strrchr(t->name, '/');
  hid_t group = group_of(model, copy), dataset = H5I_INVALID_HID;
  if (group >= 0) dataset = create_dataset(group, slash != NULL ? slash + 1 : t->name, t);
  bool ok = dataset >= 0 && write_dataset(dataset, t, index);
  rs_status status = ok ? RS_OK : rs_h5_fail(RS_ERR_IO, path, t->name);
  rs_h5_close(dataset);
  rs_h5_close(group);
  free(copy);
  return status;
}

/* ---- the file ----------------------------------------------------------------------------- */

static rs_status write_root(hid_t file, const char *path, const rs_bundle *bundle,
                            const char *state) {
  int version = RS_CHECKPOINT_VERSION;
  uint64_t count = bundle->count, checksum = rs_checksum(state, strlen(state));
  bool ok = rs_h5_set_text(file, "format", RS_CHECKPOINT_FORMAT, false) &&
            rs_h5_set_int(file, "format_version", H5T_NATIVE_INT, &version) &&
            rs_h5_set_int(file, "tensors", H5T_NATIVE_UINT64, &count) &&
            rs_h5_set_int(file, "state_checksum", H5T_NATIVE_UINT64, &checksum) &&
            rs_h5_set_text(file, "state", state, false);
  return ok ? RS_OK : rs_h5_fail(RS_ERR_IO, path, "root attributes");
}

static rs_status write_model(hid_t file, const char *path, const rs_bundle *bundle) {
  hid_t model = rs_h5_group_create(file, RS_CHECKPOINT_MODEL);
  rs_status status = model >= 0 ? RS_OK : rs_h5_fail(RS_ERR_IO, path, RS_CHECKPOINT_MODEL);
  for (size_t i = 0; status == RS_OK && i < bundle->count; i++)
    status = write_tensor(model, path, &bundle->tensors[i], i);
  rs_h5_close(model);
  return status;
}

rs_status rs_checkpoint_write(const char *path, const rs_bundle *bundle, const char *state_json) {
  hid_t file;
  rs_status status;
  RS_TRY(rs_h5_image_create(path, rs_bundle_bytes(bundle) + strlen(state_json), &file));
  RS_TRY_GOTO(status, done, write_root(file, path, bundle, state_json));
  RS_TRY_GOTO(status, done, write_model(file, path, bundle));
  status = rs_h5_image_commit(file, path);
done:
  rs_h5_close(file);
  return status;
}
