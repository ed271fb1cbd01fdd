/* HDF5 with the store's habits: quiet, checked, in memory when written. */
#include "hdf5_util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void rs_store_library(char *out, size_t size) {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  snprintf(out, size, "HDF5 %u.%u.%u", major, minor, release);
}

/* ---- failures and ids --------------------------------------------------------------------- */

/* Walking upward starts at the innermost, most specific entry. */
static herr_t take_innermost(unsigned n, const H5E_error2_t *error, void *user) {
  if (n == 0) *(const char **)user = error->desc;
  return 0;
}

rs_status rs_h5_fail(rs_status code, const char *path, const char *object) {
  const char *reason = NULL;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_innermost, &reason);
  if (reason == NULL || reason[0] == '\0') reason = "HDF5 gives no reason";
  return rs_fail(code, "%s: %s: %s", path, object, reason);
}

void rs_h5_close(hid_t id) {
  if (id < 0) return;
  if (H5Eget_num(H5E_DEFAULT) <= 0) {
    H5Idec_ref(id);
    return;
  }
  hid_t errors = H5Eget_current_stack();
  H5Idec_ref(id);
  H5Eset_current_stack(errors);
}

/* ---- reading a file ----------------------------------------------------------------------- */

/* What HDF5 would report at length, in plain words. */
static rs_status check_file(const char *path, size_t *bytes) {
  struct stat info;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return rs_fail_errno("%s: cannot open", path);
  rs_status status = fstat(fd, &info) == 0 ? RS_OK : rs_fail_errno("%s: cannot stat", path);
  close(fd);
  RS_TRY(status);
  if (!S_ISREG(info.st_mode)) return rs_fail(RS_ERR_DATA, "%s: not a regular file", path);
  *bytes = (size_t)info.st_size;
  if (H5Fis_hdf5(path) <= 0) return rs_fail(RS_ERR_DATA, "%s: not an HDF5 file", path);
  return RS_OK;
}

rs_status rs_h5_open(const char *path, rs_h5_file *f) {
  *f = (rs_h5_file){.path = path, .id = H5I_INVALID_HID};
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  RS_TRY(check_file(path, &f->bytes));
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  /* Files are replaced, never changed in place, so a reader needs no lock. */
  if (access >= 0 && H5Pset_file_locking(access, false, true) >= 0)
    f->id = H5Fopen(path, H5F_ACC_RDONLY, access);
  rs_status status = f->id >= 0 ? RS_OK : rs_h5_fail(RS_ERR_DATA, path, "cannot open as HDF5");
  rs_h5_close(access);
  return status;
}

void rs_h5_file_close(rs_h5_file *f) {
  rs_h5_close(f->id);
  f->id = H5I_INVALID_HID;
}

/* ---- writing a file ----------------------------------------------------------------------- */

hid_t rs_h5_creation(hid_t cls) {
  hid_t id = H5Pcreate(cls);
  if (id >= 0 && H5Pset_obj_track_times(id, false) < 0) {
    rs_h5_close(id);
    return H5I_INVALID_HID;
  }
  return id;
}

static bool use_memory(hid_t access, size_t expected) {
  enum { SLACK = 1 << 20 }; /* metadata, and the step of growth beyond what was expected */
  return access >= 0 && H5Pset_fapl_core(access, expected + SLACK, false) >= 0 &&
         H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18) >= 0;
}

rs_status rs_h5_image_create(const char *path, size_t expected, hid_t *file) {
  *file = H5I_INVALID_HID;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  char *label; /* HDF5 wants a name that no file has */
  RS_TRY(rs_file_temporary(path, &label));
  hid_t creation = rs_h5_creation(H5P_FILE_CREATE), access = H5Pcreate(H5P_FILE_ACCESS);
  if (creation >= 0 && use_memory(access, expected))
    *file = H5Fcreate(label, H5F_ACC_TRUNC, creation, access);
  rs_status status = *file >= 0 ? RS_OK : rs_h5_fail(RS_ERR_IO, path, "cannot create in memory");
  rs_h5_close(access);
  rs_h5_close(creation);
  free(label);
  return status;
}

rs_status rs_h5_image_commit(hid_t file, const char *path) {
  void **memory = NULL;
  ssize_t bytes = -1;
  if (H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0 &&
      H5Fget_vfd_handle(file, H5P_DEFAULT, (void **)&memory) >= 0)
    bytes = H5Fget_file_image(file, NULL, 0);
  if (bytes < 0) return rs_h5_fail(RS_ERR_IO, path, "cannot finish in memory");
  return rs_file_replace(path, *memory, (size_t)bytes);
}

/* ---- objects ------------------------------------------------------------------------------ */

hid_t rs_h5_group_create(hid_t parent, const char *name) {
  hid_t creation = rs_h5_creation(H5P_GROUP_CREATE), group = H5I_INVALID_HID;
  if (creation >= 0) group = H5Gcreate2(parent, name, H5P_DEFAULT, creation, H5P_DEFAULT);
  rs_h5_close(creation);
  return group;
}

bool rs_h5_group_enter(hid_t *group, const char *name) {
  htri_t exists = H5Lexists(*group, name, H5P_DEFAULT);
  hid_t next = H5I_INVALID_HID;
  if (exists > 0) next = H5Gopen2(*group, name, H5P_DEFAULT);
  if (exists == 0) next = rs_h5_group_create(*group, name);
  rs_h5_close(*group);
  *group = next;
  return next >= 0;
}

hid_t rs_h5_text_type(size_t width) {
  hid_t type = H5Tcopy(H5T_C_S1);
  bool ok = type >= 0 && H5Tset_size(type, width) >= 0 && H5Tset_cset(type, H5T_CSET_UTF8) >= 0;
  if (ok && width != H5T_VARIABLE) ok = H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0;
  if (ok) return type;
  rs_h5_close(type);
  return H5I_INVALID_HID;
}

bool rs_h5_text_write(hid_t group, const char *name, const char *text) {
  char empty = '\0';
  size_t length = strlen(text);
  uint64_t checksum = rs_checksum(text, length);
  hid_t type = rs_h5_text_type(length > 0 ? length : 1), space = H5Screate(H5S_SCALAR);
  hid_t creation = rs_h5_creation(H5P_DATASET_CREATE), dataset = H5I_INVALID_HID;
  if (type >= 0 && space >= 0 && creation >= 0)
    dataset = H5Dcreate2(group, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  bool ok =
      dataset >= 0 &&
      H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, length > 0 ? text : &empty) >= 0 &&
      rs_h5_set_number(dataset, "checksum", H5T_NATIVE_UINT64, &checksum);
  rs_h5_close(dataset);
  rs_h5_close(creation);
  rs_h5_close(space);
  rs_h5_close(type);
  return ok;
}
