/* A checkpoint back into a bundle and a state, nothing in it trusted. */
#include "checkpoint.h"
#include "tensors.h"

#include <stdlib.h>
#include <string.h>

/* ---- opening ------------------------------------------------------------------------------ */

typedef struct checkpoint {
  rs_h5_file f;
  hid_t model;
} checkpoint;

static rs_status check_format(const rs_h5_file *f) {
  char *format;
  int version = 0;
  RS_TRY(rs_h5_get_text(f, f->id, "/", "format", &format));
  bool ours = strcmp(format, RS_CHECKPOINT_FORMAT) == 0;
  free(format);
  if (!ours) return rs_fail(RS_ERR_DATA, "%s: not a checkpoint of ranksweep", f->path);
  RS_TRY(rs_h5_get_int(f, f->id, "/", "format_version", H5T_NATIVE_INT, &version));
  if (version == RS_CHECKPOINT_VERSION) return RS_OK;
  return rs_fail(version < RS_CHECKPOINT_VERSION ? RS_ERR_DATA : RS_ERR_CONFLICT,
                 "%s: format_version: expected %d, got %d: written by a newer ranksweep?", f->path,
                 RS_CHECKPOINT_VERSION, version);
}

static rs_status open_checkpoint(const char *path, checkpoint *c) {
  *c = (checkpoint){.model = H5I_INVALID_HID};
  RS_TRY(rs_h5_open(path, &c->f));
  RS_TRY(check_format(&c->f));
  c->model = H5Gopen2(c->f.id, RS_CHECKPOINT_MODEL, H5P_DEFAULT);
  return c->model >= 0 ? RS_OK : rs_h5_fail(RS_ERR_DATA, path, RS_CHECKPOINT_MODEL);
}

static void close_checkpoint(checkpoint *c) {
  rs_h5_close(c->model);
  rs_h5_file_close(&c->f);
}

/* ---- reading ------------------------------------------------------------------------------ */

/* Verified even when the caller does not want it. */
static rs_status read_state(const rs_h5_file *f, char **state_json) {
  char *state;
  RS_TRY(rs_h5_get_text(f, f->id, "/", "state", &state));
  rs_status status = rs_h5_verify(f, f->id, "state", "state_checksum", state, strlen(state));
  if (status == RS_OK && state_json != NULL)
    *state_json = state;
  else
    free(state);
  return status;
}

rs_status rs_checkpoint_read(const char *path, rs_bundle *bundle, char **state_json) {
  checkpoint c;
  RS_ASSERT(bundle->count == 0);
  if (state_json != NULL) *state_json = NULL;
  rs_status status = open_checkpoint(path, &c);
  if (status == RS_OK) status = rs_h5_tensors_read(&c.f, c.f.id, "/", c.model, bundle);
  if (status == RS_OK) status = read_state(&c.f, state_json);
  close_checkpoint(&c);
  if (status != RS_OK) rs_bundle_free(bundle);
  return status;
}

/* ---- listing ------------------------------------------------------------------------------ */

static rs_status visit_all(const checkpoint *c, const rs_names *found, rs_tensor_visit visit,
                           void *user) {
  for (size_t i = 0; i < found->count; i++) {
    size_t ndim, dims[4];
    RS_TRY(rs_h5_tensor_shape(&c->f, c->model, found->names[i], &ndim, dims));
    RS_TRY(visit(user, found->names[i], ndim, dims));
  }
  return RS_OK;
}

rs_status rs_checkpoint_list(const char *path, rs_tensor_visit visit, void *user) {
  checkpoint c;
  rs_names found = {0};
  rs_status status = open_checkpoint(path, &c);
  if (status == RS_OK) status = rs_h5_tensors_find(&c.f, c.f.id, "/", c.model, &found);
  if (status == RS_OK) status = visit_all(&c, &found, visit, user);
  rs_names_free(&found);
  close_checkpoint(&c);
  return status;
}
