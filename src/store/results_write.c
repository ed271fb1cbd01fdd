/* The snapshot of everything into a results file. */
#include "hdf5_util.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *text_or_empty(const char *text) {
  return text != NULL ? text : "";
}

static rs_status write_root(hid_t file, const char *path, const rs_results *r) {
  int version = RS_RESULTS_VERSION;
  bool ok = rs_h5_set_text(file, "format", "ranksweep", true) &&
            rs_h5_set_int(file, "format_version", H5T_NATIVE_INT, &version) &&
            rs_h5_set_text(file, "state", text_or_empty(r->state), true) &&
            rs_h5_set_text(file, "job_name", text_or_empty(r->job_name), true) &&
            rs_h5_set_text(file, "experiment", text_or_empty(r->experiment), true) &&
            rs_h5_set_text(file, "tool_version", text_or_empty(r->tool_version), true) &&
            rs_h5_set_text(file, "created", text_or_empty(r->created), true) &&
            rs_h5_set_text(file, "updated", text_or_empty(r->updated), true);
  return ok ? RS_OK : rs_h5_fail(RS_ERR_IO, path, "root attributes");
}

static rs_status write_tables(hid_t file, const char *path, const rs_results *r) {
  RS_TRY(rs_h5_table_write(file, path, "trials", r->trials));
  RS_TRY(rs_h5_table_write(file, path, "stages", r->stages));
  RS_TRY(rs_h5_table_write(file, path, "metrics", r->metrics));
  return rs_h5_table_write(file, path, "provenance", r->provenance);
}

/* ---- /job --------------------------------------------------------------------------------- */

/* A scalar text of fixed length, which h5py and h5dump show as it is. */
static bool write_text(hid_t group, const char *name, const char *text) {
  char empty = '\0';
  size_t length = strlen(text);
  hid_t type = rs_h5_text_type(length > 0 ? length : 1), space = H5Screate(H5S_SCALAR);
  hid_t creation = rs_h5_creation(H5P_DATASET_CREATE), dataset = H5I_INVALID_HID;
  if (type >= 0 && space >= 0 && creation >= 0)
    dataset = H5Dcreate2(group, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  bool ok = dataset >= 0 &&
            H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, length > 0 ? text : &empty) >= 0;
  rs_h5_close(dataset);
  rs_h5_close(creation);
  rs_h5_close(space);
  rs_h5_close(type);
  return ok;
}

static rs_status write_job(hid_t file, const char *path, const rs_results *r) {
  hid_t group = rs_h5_group_create(file, "job");
  bool ok = group >= 0 && write_text(group, "yaml", text_or_empty(r->job_yaml)) &&
            write_text(group, "resolved", text_or_empty(r->job_resolved));
  rs_status status = ok ? RS_OK : rs_h5_fail(RS_ERR_IO, path, "job");
  rs_h5_close(group);
  return status;
}

/* ---- /models ------------------------------------------------------------------------------ */

static bool link_models(hid_t group, const rs_results *r) {
  char name[32];
  for (size_t i = 0; i < r->n_models; i++) {
    snprintf(name, sizeof name, "%" PRId64, r->models[i].trial);
    if (H5Lcreate_external(r->models[i].file, "/model", group, name, H5P_DEFAULT, H5P_DEFAULT) < 0)
      return false;
  }
  return true;
}

static rs_status write_models(hid_t file, const char *path, const rs_results *r) {
  hid_t group = rs_h5_group_create(file, "models");
  rs_status status =
      group >= 0 && link_models(group, r) ? RS_OK : rs_h5_fail(RS_ERR_IO, path, "models");
  rs_h5_close(group);
  return status;
}

rs_status rs_results_write(const char *path, const rs_results *r) {
  enum { EXPECTED = 4 * 1024 * 1024 };
  hid_t file;
  rs_status status;
  RS_ASSERT(r->trials != NULL && r->stages != NULL && r->metrics != NULL && r->provenance != NULL);
  RS_TRY(rs_h5_image_create(path, EXPECTED, &file));
  RS_TRY_GOTO(status, done, write_root(file, path, r));
  RS_TRY_GOTO(status, done, write_tables(file, path, r));
  RS_TRY_GOTO(status, done, write_job(file, path, r));
  RS_TRY_GOTO(status, done, write_models(file, path, r));
  status = rs_h5_image_commit(file, path);
done:
  rs_h5_close(file);
  return status;
}
