#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 65536 };

/* ---- copying ------------------------------------------------------------------------------ */

static rs_status write_all(int fd, const char *name, const char *bytes, size_t n) {
  for (size_t at = 0; at < n;) {
    ssize_t wrote = write(fd, bytes + at, n - at);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return rs_fail_errno("cannot write to %s", name);
    at += (size_t)wrote;
  }
  return RS_OK;
}

static rs_status copy(int from, const char *from_name, int to, const char *to_name) {
  char block[BLOCK];
  for (;;) {
    ssize_t got = read(from, block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return rs_fail_errno("cannot read %s", from_name);
    if (got == 0) return RS_OK;
    RS_TRY(write_all(to, to_name, block, (size_t)got));
  }
}

/* ---- files -------------------------------------------------------------------------------- */

rs_status spool_create(int *fd) {
  const char *folder = getenv("TMPDIR");
  char *path;
  *fd = -1;
  if (folder == NULL || folder[0] == '\0') folder = "/tmp";
  RS_TRY(rs_path_join(folder, "ranksweep-XXXXXX", &path));
  *fd = mkostemp(path, O_CLOEXEC);
  rs_status status = *fd < 0 ? rs_fail_errno("%s: cannot create a temporary file", folder) : RS_OK;
  if (status == RS_OK) unlink(path);
  free(path);
  return status;
}

rs_status spool_stdin(int *fd) {
  struct stat info;
  *fd = -1;
  if (isatty(STDIN_FILENO)) return rs_fail(RS_ERR_USAGE, "stdin: expected audio, found a terminal");
  if (fstat(STDIN_FILENO, &info) != 0) return rs_fail_errno("stdin: cannot look at it");
  if (S_ISREG(info.st_mode)) {
    *fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    return *fd < 0 ? rs_fail_errno("stdin: cannot open it again") : RS_OK;
  }
  RS_TRY(spool_create(fd));
  rs_status status = copy(STDIN_FILENO, "stdin", *fd, "a temporary file");
  if (status == RS_OK) return RS_OK;
  close(*fd);
  *fd = -1;
  return status;
}

rs_status spool_to_stdout(int fd) {
  if (lseek(fd, 0, SEEK_SET) < 0) return rs_fail_errno("a temporary file: cannot go back in it");
  return copy(fd, "a temporary file", STDOUT_FILENO, "stdout");
}
