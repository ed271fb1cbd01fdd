/* What the tests of the store share: a directory of their own and files of given bytes. */
#ifndef RANKSWEEP_STORE_FILES_H
#define RANKSWEEP_STORE_FILES_H

#include <dirent.h>
#include <unistd.h>

#include <hdf5.h>

#include "test.h"

/* HDF5 1.10 forgets to release what it had begun to read when a checksum is wrong. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
  return "leak:libhdf5";
}

/* cmocka group state: the directory's name. */
static int make_directory(void **state) {
  char *name = strdup("/tmp/rs-store-XXXXXX");
  *state = mkdtemp(name);
  return *state == NULL;
}

static int remove_directory(void **state) {
  char path[512];
  DIR *directory = opendir(*state);
  for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
    snprintf(path, sizeof path, "%s/%s", (char *)*state, entry->d_name);
    if (entry->d_name[0] != '.') unlink(path);
  }
  if (directory != NULL) closedir(directory);
  rmdir(*state);
  free(*state);
  return 0;
}

/* Path of NAME in the directory; release with free(). */
static inline char *path_in(void **state, const char *name) {
  char *path;
  assert_ok(rs_path_join(*state, name, &path));
  return path;
}

static inline char *file_bytes(const char *path, size_t *len) {
  char *data;
  assert_ok(rs_file_read(path, (size_t)1 << 30, &data, len));
  return data;
}

/* Without the fsync of rs_file_replace(), which thousands of damaged copies would feel. */
static inline void put_bytes(const char *path, const void *data, size_t len) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
}

static herr_t expect_no_time(hid_t object, const char *name, const H5O_info_t *info, void *user) {
  (void)object, (void)name, (void)user;
  assert_true(info->atime == 0 && info->mtime == 0 && info->ctime == 0 && info->btime == 0);
  return 0;
}

/* No object of the HDF5 file records when it was made, which would make equal content differ. */
static inline void expect_no_times(const char *path) {
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  assert_true(file >= 0);
  assert_true(H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_NATIVE, expect_no_time, NULL, H5O_INFO_TIME) >=
              0);
  H5Fclose(file);
}

#endif
