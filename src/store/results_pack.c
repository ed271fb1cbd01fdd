/* A results file and all that it links to in one file.
 *
 * Models may be larger than memory, so this file is written to disk as it grows, under a temporary
 * name. Room for it is taken before: HDF5 does not cope well with a disk that is full. */
#include "results.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- how large it will be ----------------------------------------------------------------- */

static size_t file_bytes(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 ? (size_t)info.st_size : 0;
}

/* Files that the texts of COLUMN name. */
static rs_status linked_bytes(const char *from, const rs_table *t, size_t column, size_t *bytes) {
  for (size_t row = 0; t != NULL && row < rs_table_rows(t); row++) {
    char *path;
    RS_TRY(rs_results_linked_path(from, rs_table_text(t, row, column), &path));
    *bytes += file_bytes(path);
    free(path);
  }
  return RS_OK;
}

/* Of the images, the larger part of what is plotted. */
static size_t image_bytes(const rs_table *v) {
  double elements = 0;
  for (size_t row = 0; v != NULL && row < rs_table_rows(v); row++)
    elements += (double)rs_table_int(v, row, RS_VECTOR_LENGTH) *
                (double)rs_table_int(v, row, RS_VECTOR_Y_LENGTH);
  return elements > 0 && elements < 1e12 ? (size_t)elements * sizeof(float) : 0;
}

/* At most: models that several trials share count each time. */
static rs_status expected_bytes(const char *from, const rs_results *r, size_t *bytes) {
  char *directory;
  *bytes = file_bytes(from) + image_bytes(r->vectors);
  RS_TRY(linked_bytes(from, r->artifacts, RS_ARTIFACT_FILE, bytes));
  RS_TRY(rs_path_directory(from, &directory));
  rs_status status = RS_OK;
  for (size_t i = 0; status == RS_OK && i < r->n_models; i++) {
    char *path;
    if (i > 0 && strcmp(r->models[i].file, r->models[i - 1].file) == 0) continue;
    status = rs_path_join(directory, r->models[i].file, &path);
    if (status != RS_OK) break;
    *bytes += file_bytes(path);
    free(path);
  }
  free(directory);
  return status;
}

/* File systems that cannot do this are written to as they are. */
static rs_status take_room(hid_t file, const char *path, size_t bytes) {
  int *fd;
  if (H5Fget_vfd_handle(file, H5P_DEFAULT, (void **)&fd) < 0)
    return rs_h5_fail(RS_ERR_IO, path, "cannot write");
  if (fallocate(*fd, 0, 0, (off_t)bytes) == 0 || (errno != ENOSPC && errno != EDQUOT)) return RS_OK;
  return rs_fail_errno("%s: cannot take %zu bytes", path, bytes);
}

/* ---- the file ----------------------------------------------------------------------------- */

static hid_t create_file(const char *path) {
  hid_t creation = rs_h5_creation(H5P_FILE_CREATE), access = H5Pcreate(H5P_FILE_ACCESS);
  hid_t file = H5I_INVALID_HID;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  if (creation >= 0 && access >= 0 &&
      H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18) >= 0 &&
      H5Pset_file_locking(access, false, true) >= 0)
    file = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
  rs_h5_close(access);
  rs_h5_close(creation);
  return file;
}

/* Close FILE and give back the room that was taken and not needed. */
static rs_status finish(hid_t file, const char *path, size_t *bytes) {
  hsize_t size = 0;
  bool ok = H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0 && H5Fget_filesize(file, &size) >= 0;
  *bytes = (size_t)size;
  if (!ok) {
    rs_status status = rs_h5_fail(RS_ERR_IO, path, "cannot finish");
    H5Fclose(file);
    return status;
  }
  if (H5Fclose(file) < 0) return rs_h5_fail(RS_ERR_IO, path, "cannot close");
  return truncate(path, (off_t)size) == 0 ? RS_OK : rs_fail_errno("%s: cannot cut", path);
}

static rs_status write_packed(const char *temporary, const char *from, const rs_results *r,
                              const char *to, size_t *bytes) {
  size_t expected;
  RS_TRY(expected_bytes(from, r, &expected));
  hid_t file = create_file(temporary);
  if (file < 0) return rs_fail_errno("%s: cannot create", to);
  rs_status status = take_room(file, to, expected);
  if (status == RS_OK) status = rs_h5_results_fill(file, to, r, from);
  if (status == RS_OK) return finish(file, temporary, bytes);
  H5Fclose(file);
  return status;
}

rs_status rs_results_pack(const char *from, const rs_results *r, const char *to, size_t *bytes) {
  char *temporary;
  size_t size = 0;
  if (bytes != NULL) *bytes = 0;
  if (r->packed) return rs_fail(RS_ERR_CONFLICT, "%s: is packed already", from);
  RS_TRY(rs_file_temporary(to, &temporary));
  rs_status status = write_packed(temporary, from, r, to, &size);
  if (status == RS_OK)
    status = rs_file_commit(temporary, to);
  else
    unlink(temporary);
  if (status == RS_OK && bytes != NULL) *bytes = size;
  free(temporary);
  return status;
}
