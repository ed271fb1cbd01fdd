/* The journal as its one writer sees it: open, append, sync, close. */
#include "journal_read.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct rs_journal {
  int fd;
  char *path;
  size_t length; /* bytes of all complete records */
  bool dirty;    /* something is not yet on stable storage */
  bool torn;     /* a failed append left bytes behind LENGTH that could not be cut off */
  rs_str line;   /* reused by every append */
};

/* ---- open and close ----------------------------------------------------------------------- */

/* Make LENGTH the end of the file again. */
static rs_status cut_back(rs_journal *j) {
  while (ftruncate(j->fd, (off_t)j->length) != 0) {
    if (errno == EINTR) continue;
    j->torn = true;
    return rs_fail_errno("%s: cannot cut off a torn record", j->path);
  }
  j->torn = false;
  j->dirty = true;
  return RS_OK;
}

/* Two writers would interleave their records. File systems without locks are let be. */
static rs_status lock(const rs_journal *j) {
  if (flock(j->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return RS_OK;
  return rs_fail(RS_ERR_CONFLICT, "%s: in use by another process", j->path);
}

static rs_status open_file(rs_journal *j) {
  bool existed = rs_file_exists(j->path);
  j->fd = open(j->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0644);
  if (j->fd < 0) return rs_fail_errno("%s: cannot open", j->path);
  RS_TRY(rs_journal_check_regular(j->fd, j->path));
  RS_TRY(lock(j));
  return existed ? RS_OK : rs_file_sync_directory(j->path);
}

static void journal_free(rs_journal *j) {
  if (j == NULL) return;
  if (j->fd >= 0) close(j->fd);
  rs_str_free(&j->line);
  free(j->path);
  free(j);
}

rs_status rs_journal_open(const char *path, rs_journal_visit visit, void *user, rs_journal **out,
                          size_t *torn) {
  rs_journal *j;
  size_t rest = 0;
  rs_status status;
  *out = NULL;
  if (torn != NULL) *torn = 0;
  RS_TRY(rs_new(&j, 1, sizeof *j));
  j->fd = -1;
  RS_TRY_GOTO(status, failed, rs_strdup(&j->path, path));
  RS_TRY_GOTO(status, failed, open_file(j));
  RS_TRY_GOTO(status, failed, rs_journal_scan(j->fd, path, visit, user, &j->length, &rest));
  if (rest > 0) RS_TRY_GOTO(status, failed, cut_back(j));
  if (torn != NULL) *torn = rest;
  *out = j;
  return RS_OK;
failed:
  journal_free(j);
  return status;
}

rs_status rs_journal_close(rs_journal *j) {
  if (j == NULL) return RS_OK;
  rs_status status = rs_journal_sync(j);
  if (close(j->fd) != 0 && status == RS_OK) status = rs_fail_errno("%s: cannot close", j->path);
  j->fd = -1;
  journal_free(j);
  return status;
}

/* ---- append and sync ---------------------------------------------------------------------- */

static rs_status format_line(rs_journal *j, const char *payload) {
  size_t length = strlen(payload);
  RS_ASSERT(memchr(payload, '\n', length) == NULL);
  if (length > RS_JOURNAL_MAX)
    return rs_fail(RS_ERR_INTERNAL, "%s: a record of %zu bytes, at most %d are allowed", j->path,
                   length, RS_JOURNAL_MAX);
  rs_str_clear(&j->line);
  rs_str_addf(&j->line, "%0*" PRIx64 " ", RS_JOURNAL_DIGITS, rs_checksum(payload, length));
  rs_str_addn(&j->line, payload, length);
  rs_str_addn(&j->line, "\n", 1);
  return rs_str_status(&j->line);
}

rs_status rs_journal_append(rs_journal *j, const char *payload) {
  RS_TRY(format_line(j, payload));
  if (j->torn) RS_TRY(cut_back(j));
  ssize_t n;
  do n = write(j->fd, j->line.text, j->line.len);
  while (n < 0 && errno == EINTR);
  if (n == (ssize_t)j->line.len) {
    j->length += j->line.len;
    j->dirty = true;
    return RS_OK;
  }
  rs_status status =
      n < 0 ? rs_fail_errno("%s: cannot write", j->path)
            : rs_fail(RS_ERR_IO, "%s: only %zd of %zu bytes written: is the disk full?", j->path, n,
                      j->line.len);
  rs_status cut = cut_back(j); /* when this fails too, the next append begins with it */
  return cut != RS_OK ? cut : status;
}

rs_status rs_journal_sync(rs_journal *j) {
  if (!j->dirty) return RS_OK;
  if (fdatasync(j->fd) != 0) return rs_fail_errno("%s: cannot sync", j->path);
  j->dirty = false;
  return RS_OK;
}

bool rs_journal_dirty(const rs_journal *j) {
  return j->dirty;
}
