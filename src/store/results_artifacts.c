/* /artifacts: files that stages left for people, beside the results file or packed into it. */
#include "results.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const rs_column rs_artifact_columns[RS_ARTIFACT_COLUMNS] = {
    {"stage", RS_COLUMN_INT, NULL, "The stage that left it"},
    {"name", RS_COLUMN_TEXT, NULL, "Its name"},
    {"file", RS_COLUMN_TEXT, NULL, "Where it is; empty: in this file, /files/<stage>-<name>"},
    {"bytes", RS_COLUMN_INT, "B", "Its size"},
    {"checksum", RS_COLUMN_TEXT, NULL, "XXH3-64 of its bytes"},
    {"long_name", RS_COLUMN_TEXT, NULL, "What it is"},
};

/* "3-1034-denoised.wav" in /files. */
static rs_status name_inside(const rs_table *t, size_t row, rs_str *out) {
  rs_str_addf(out, "%" PRId64 "-%s", rs_table_int(t, row, RS_ARTIFACT_STAGE),
              rs_table_text(t, row, RS_ARTIFACT_NAME));
  return rs_str_status(out);
}

/* ---- reading ------------------------------------------------------------------------------ */

/* Is it as many bytes as it is said to be, and can the file hold them? */
static bool size_is_true(const rs_h5_file *f, hid_t dataset, size_t bytes) {
  hsize_t length = 0;
  hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
  bool ok = space >= 0 && type >= 0 && H5Sget_simple_extent_ndims(space) == 1 &&
            H5Sget_simple_extent_dims(space, &length, NULL) == 1 &&
            H5Tequal(type, H5T_STD_U8LE) > 0;
  rs_h5_close(type);
  rs_h5_close(space);
  return ok && length == bytes && bytes <= f->bytes && H5Dget_storage_size(dataset) == bytes;
}

static rs_status read_dataset(const rs_h5_file *f, hid_t dataset, const char *name, size_t bytes,
                              char **data) {
  if (dataset < 0) return rs_h5_fail(RS_ERR_DATA, f->path, name);
  if (!size_is_true(f, dataset, bytes))
    return rs_fail(RS_ERR_DATA, "%s: files/%s: expected %zu bytes", f->path, name, bytes);
  RS_TRY(rs_new(data, bytes, 1));
  if (H5Dread(dataset, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, *data) >= 0) return RS_OK;
  return rs_h5_fail(RS_ERR_DATA, f->path, name);
}

static rs_status read_inside(const char *path, const rs_table *t, size_t row, size_t bytes,
                             char **data) {
  rs_h5_file f;
  rs_str name = {0};
  hid_t files = H5I_INVALID_HID, dataset = H5I_INVALID_HID;
  rs_status status = rs_h5_open(path, &f);
  if (status == RS_OK) status = name_inside(t, row, &name);
  if (status == RS_OK) {
    files = H5Gopen2(f.id, "files", H5P_DEFAULT);
    if (files >= 0) dataset = H5Dopen2(files, name.text, H5P_DEFAULT);
    status = read_dataset(&f, dataset, name.text, bytes, data);
  }
  rs_h5_close(dataset);
  rs_h5_close(files);
  rs_h5_file_close(&f);
  rs_str_free(&name);
  return status;
}

/* One that is missing is damage to the results. */
static rs_status read_beside(const char *path, const char *linked, size_t bytes, char **data) {
  char *file;
  size_t got;
  RS_TRY(rs_results_linked_path(path, linked, &file));
  rs_status status = rs_file_read(file, bytes, data, &got);
  if (status == RS_OK && got != bytes)
    status = rs_fail(RS_ERR_DATA, "%s: expected %zu bytes, got %zu", file, bytes, got);
  free(file);
  return status == RS_ERR_IO ? RS_ERR_DATA : status;
}

static rs_status check_sum(const char *path, const rs_table *t, size_t row, const char *data,
                           size_t bytes) {
  char got[17];
  const char *expected = rs_table_text(t, row, RS_ARTIFACT_CHECKSUM);
  snprintf(got, sizeof got, "%016" PRIx64, rs_checksum(data, bytes));
  if (strcmp(got, expected) == 0) return RS_OK;
  return rs_fail(RS_ERR_DATA,
                 "%s: artifact %s of stage %" PRId64
                 ": expected checksum %s, got %s: the file is damaged",
                 path, rs_table_text(t, row, RS_ARTIFACT_NAME),
                 rs_table_int(t, row, RS_ARTIFACT_STAGE), expected, got);
}

rs_status rs_results_read_artifact(const char *path, const rs_results *r, size_t row, char **data,
                                   size_t *len) {
  const rs_table *t = r->artifacts;
  const char *linked = rs_table_text(t, row, RS_ARTIFACT_FILE);
  int64_t bytes = rs_table_int(t, row, RS_ARTIFACT_BYTES);
  *data = NULL;
  *len = 0;
  if (bytes < 0 || bytes > RS_MAX_ARTIFACT_BYTES)
    return rs_fail(RS_ERR_DATA, "%s: artifacts, row %zu: expected 0 to %d bytes, got %" PRId64,
                   path, row, RS_MAX_ARTIFACT_BYTES, bytes);
  rs_status status = linked[0] != '\0' ? read_beside(path, linked, (size_t)bytes, data)
                                       : read_inside(path, t, row, (size_t)bytes, data);
  if (status == RS_OK) status = check_sum(path, t, row, *data, (size_t)bytes);
  if (status == RS_OK) {
    *len = (size_t)bytes;
    return RS_OK;
  }
  free(*data);
  *data = NULL;
  return status;
}

/* ---- writing ------------------------------------------------------------------------------ */

static bool write_bytes(hid_t files, const char *name, const char *data, size_t len) {
  hsize_t dims = len;
  hid_t space = H5Screate_simple(1, &dims, NULL), creation = rs_h5_creation(H5P_DATASET_CREATE);
  hid_t dataset = H5I_INVALID_HID;
  if (space >= 0 && creation >= 0)
    dataset = H5Dcreate2(files, name, H5T_STD_U8LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  bool ok =
      dataset >= 0 && H5Dwrite(dataset, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
  rs_h5_close(dataset);
  rs_h5_close(creation);
  rs_h5_close(space);
  return ok;
}

static rs_status embed(hid_t files, const char *path, const rs_results *r, size_t row,
                       const char *from) {
  char *data;
  size_t len;
  rs_str name = {0};
  RS_TRY(rs_results_read_artifact(from, r, row, &data, &len));
  rs_status status = name_inside(r->artifacts, row, &name);
  if (status == RS_OK && !write_bytes(files, name.text, data, len))
    status = rs_h5_fail(RS_ERR_IO, path, name.text);
  rs_str_free(&name);
  free(data);
  return status;
}

static rs_status embed_all(hid_t file, const char *path, const rs_results *r, const char *from) {
  hid_t files = rs_h5_group_create(file, "files");
  rs_status status = files >= 0 ? RS_OK : rs_h5_fail(RS_ERR_IO, path, "files");
  for (size_t row = 0; status == RS_OK && row < rs_table_rows(r->artifacts); row++)
    status = embed(files, path, r, row, from);
  rs_h5_close(files);
  return status;
}

rs_status rs_h5_artifacts_write(hid_t file, const char *path, const rs_results *r,
                                const char *from) {
  static const char name[] = "artifacts";
  const rs_table *t = r->artifacts;
  if (t == NULL) return RS_OK;
  if (from == NULL) return rs_h5_table_write(file, path, name, t);
  RS_TRY(rs_h5_table_write_without(file, path, name, t, RS_ARTIFACT_FILE));
  return embed_all(file, path, r, from);
}
