/* Files that appear whole or not at all, and paths. */
#include "ranksweep/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- reading ------------------------------------------------------------------------------ */

static rs_status read_stream(int fd, const char *path, size_t max, rs_str *into) {
  char block[65536];
  for (;;) {
    ssize_t n = read(fd, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return rs_fail_errno("%s: cannot read", path);
    if (n == 0) return RS_OK;
    if ((size_t)n > max - into->len)
      return rs_fail(RS_ERR_DATA, "%s: larger than the %zu bytes allowed", path, max);
    rs_str_addn(into, block, (size_t)n);
    RS_TRY(rs_str_status(into));
  }
}

rs_status rs_file_read(const char *path, size_t max, char **data, size_t *len) {
  *data = NULL;
  *len = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return rs_fail_errno("%s: cannot open", path);
  rs_str text = {0};
  rs_str_addn(&text, "", 0);
  rs_status status = read_stream(fd, path, max, &text);
  close(fd);
  if (status != RS_OK) {
    rs_str_free(&text);
    return status;
  }
  *data = text.text;
  *len = text.len;
  return RS_OK;
}

bool rs_file_exists(const char *path) {
  return access(path, F_OK) == 0;
}

/* ---- writing ------------------------------------------------------------------------------ */

rs_status rs_file_temporary(const char *path, char **out) {
  rs_str name = {0};
  rs_str_addf(&name, "%s.tmp.%ld", path, (long)getpid());
  *out = name.text;
  return rs_str_status(&name);
}

rs_status rs_file_sync_directory(const char *path) {
  char *directory;
  RS_TRY(rs_path_directory(path, &directory));
  int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  rs_status status = RS_OK;
  if (fd < 0)
    status = rs_fail_errno("%s: cannot open directory", directory);
  else if (fsync(fd) != 0 && errno != EINVAL && errno != EROFS) /* some file systems cannot */
    status = rs_fail_errno("%s: cannot sync directory", directory);
  if (fd >= 0) close(fd);
  free(directory);
  return status;
}

static rs_status sync_file(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return rs_fail_errno("%s: cannot open", path);
  rs_status status = fsync(fd) == 0 ? RS_OK : rs_fail_errno("%s: cannot sync", path);
  close(fd);
  return status;
}

rs_status rs_file_commit(const char *temporary, const char *path) {
  rs_fault_point("sync", path);
  rs_status status = sync_file(temporary);
  rs_fault_point("rename", path);
  if (status == RS_OK && rename(temporary, path) != 0)
    status = rs_fail_errno("%s: cannot rename to %s", temporary, path);
  if (status != RS_OK) {
    unlink(temporary);
    return status;
  }
  rs_fault_point("renamed", path);
  return rs_file_sync_directory(path);
}

static rs_status write_all(int fd, const char *path, const char *data, size_t len) {
  while (len > 0) {
    ssize_t n = write(fd, data, len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return rs_fail_errno("%s: cannot write", path);
    data += n;
    len -= (size_t)n;
  }
  return RS_OK;
}

static rs_status write_new(const char *path, const void *data, size_t len) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return rs_fail_errno("%s: cannot create", path);
  rs_status status = write_all(fd, path, data, len);
  if (close(fd) != 0 && status == RS_OK) status = rs_fail_errno("%s: cannot close", path);
  return status;
}

rs_status rs_file_replace(const char *path, const void *data, size_t len) {
  char *temporary;
  RS_TRY(rs_file_temporary(path, &temporary));
  rs_status status = write_new(temporary, data, len);
  if (status == RS_OK)
    status = rs_file_commit(temporary, path);
  else
    unlink(temporary);
  free(temporary);
  return status;
}

/* ---- paths -------------------------------------------------------------------------------- */

rs_status rs_file_make_directories(const char *path) {
  char *copy;
  RS_TRY(rs_strdup(&copy, path));
  rs_status status = RS_OK;
  for (char *p = copy + 1; status == RS_OK; p++) {
    if (*p != '/' && *p != '\0') continue;
    char end = *p;
    *p = '\0';
    if (mkdir(copy, 0777) != 0 && errno != EEXIST)
      status = rs_fail_errno("%s: cannot create directory", copy);
    *p = end;
    if (end == '\0') break;
  }
  free(copy);
  return status;
}

rs_status rs_file_make_directory(const char *path) {
  if (mkdir(path, 0777) == 0 || errno == EEXIST) return RS_OK;
  return rs_fail_errno("%s: cannot create directory", path);
}

rs_status rs_path_join(const char *dir, const char *name, char **out) {
  rs_str path = {0};
  if (dir != NULL && dir[0] != '\0' && name[0] != '/') {
    rs_str_add(&path, dir);
    if (path.text != NULL && path.text[path.len - 1] != '/') rs_str_add(&path, "/");
  }
  rs_str_add(&path, name);
  *out = path.text;
  return rs_str_status(&path);
}

rs_status rs_path_directory(const char *path, char **out) {
  const char *slash = strrchr(path, '/');
  if (slash == NULL) return rs_strdup(out, ".");
  size_t n = slash == path ? 1 : (size_t)(slash - path);
  *out = strndup(path, n);
  return *out != NULL ? RS_OK : rs_fail(RS_ERR_NOMEM, "out of memory: a path");
}
