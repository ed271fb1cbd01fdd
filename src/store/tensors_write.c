/* Named tensors into the datasets of a group. */
#include "tensors.h"

#include <stdlib.h>
#include <string.h>

/* ---- groups ------------------------------------------------------------------------------- */

/* The group below MODEL for tensor NAME: "dense1" for "dense1/kernel". COPY is a copy of NAME to
 * take apart. */
static hid_t group_of(hid_t model, char *copy) {
  hid_t group = H5Gopen2(model, ".", H5P_DEFAULT);
  for (char *slash; group >= 0 && (slash = strchr(copy, '/')) != NULL; copy = slash + 1) {
    *slash = '\0';
    if (!rs_h5_group_enter(&group, copy)) break;
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
         rs_h5_set_number(dataset, "checksum", H5T_NATIVE_UINT64, &checksum) &&
         rs_h5_set_number(dataset, "index", H5T_NATIVE_UINT64, &index);
}

rs_status rs_h5_tensor_write(hid_t model, const char *path, const rs_tensor *t, size_t index) {
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

rs_status rs_h5_tensors_write(hid_t group, const char *path, const rs_bundle *bundle) {
  rs_status status = RS_OK;
  for (size_t i = 0; status == RS_OK && i < bundle->count; i++)
    status = rs_h5_tensor_write(group, path, &bundle->tensors[i], i);
  return status;
}
