/* A bundle of tensors and a state into a checkpoint. */
#include "checkpoint.h"
#include "tensors.h"

#include <string.h>

static rs_status write_root(hid_t file, const char *path, const rs_bundle *bundle,
                            const char *state) {
  int version = RS_CHECKPOINT_VERSION;
  uint64_t count = bundle->count, checksum = rs_checksum(state, strlen(state));
  bool ok = rs_h5_set_text(file, "format", RS_CHECKPOINT_FORMAT, false) &&
            rs_h5_set_number(file, "format_version", H5T_NATIVE_INT, &version) &&
            rs_h5_set_number(file, "tensors", H5T_NATIVE_UINT64, &count) &&
            rs_h5_set_number(file, "state_checksum", H5T_NATIVE_UINT64, &checksum) &&
            rs_h5_set_text(file, "state", state, false);
  return ok ? RS_OK : rs_h5_fail(RS_ERR_IO, path, "root attributes");
}

static rs_status write_model(hid_t file, const char *path, const rs_bundle *bundle) {
  hid_t model = rs_h5_group_create(file, RS_CHECKPOINT_MODEL);
  rs_status status = model >= 0 ? rs_h5_tensors_write(model, path, bundle)
                                : rs_h5_fail(RS_ERR_IO, path, RS_CHECKPOINT_MODEL);
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
