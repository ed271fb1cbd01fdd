/* The journal as its one writer sees it: open, append, sync, close. */
#include "journal_read.h"
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const lock_options lock_defaults = {.beat_seconds = 2, .patience = 10};

double rs_journal_patience(void) {
  return lock_defaults.beat_seconds * lock_defaults.patience;
}

struct rs_journal {
  int fd;
  char *path;
  lock *lock;
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

static rs_status lock_path(const char *journal, char **out) {
  rs_str path = {0};
  rs_str_addf(&path, "%s.lock", journal);
  *out = path.text;
  return rs_str_status(&path);
}

/* Two writers would interleave their records. */
static rs_status take_lock(rs_journal *j, const rs_log *log) {
  char *path;
  lock_options options = lock_defaults;
  options.log = log;
  RS_TRY(lock_path(j->path, &path));
  rs_status status = lock_acquire(path, &options, &j->lock);
  free(path);
  return status;
}

static rs_status open_file(rs_journal *j) {
  bool existed = rs_file_exists(j->path);
  j->fd = open(j->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0644);
  if (j->fd < 0) return rs_fail_errno("%s: cannot open", j->path);
  RS_TRY(rs_journal_check_regular(j->fd, j->path));
  return existed ? RS_OK : rs_file_sync_directory(j->path);
}

static void journal_free(rs_journal *j) {
  if (j == NULL) return;
  if (j->fd >= 0) close(j->fd);
  lock_release(j->lock);
  rs_str_free(&j->line);
  free(j->path);
  free(j);
}

rs_status rs_journal_open(const char *path, const rs_log *log, rs_journal_visit visit, void *user,
                          rs_journal **out, size_t *torn) {
  rs_journal *j;
  size_t rest = 0;
  rs_status status;
  *out = NULL;
  if (torn != NULL) *torn = 0;
  RS_TRY(rs_new(&j, 1, sizeof *j));
  j->fd = -1;
  RS_TRY_GOTO(status, failed, rs_strdup(&j->path, path));
  RS_TRY_GOTO(status, failed, take_lock(j, log));
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
  rs_status status = j->length > 0 ? rs_journal_sync(j) : RS_OK; /* else: it could not be begun */
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

static ssize_t write_once(int fd, const char *bytes, size_t n) {
  ssize_t written;
  do written = write(fd, bytes, n);
  while (written < 0 && errno == EINTR);
  return written;
}

/* When a test wants to see a record cut short: half of it. */
static void write_half(const rs_journal *j) {
  if (!rs_fault_is_next("append", j->path)) return;
  (void)!write_once(j->fd, j->line.text, j->line.len / 2);
}

/* Ours still, and not a file without a name: records in that would be lost. */
static rs_status check_held(const rs_journal *j) {
  struct stat info;
  RS_TRY(lock_check(j->lock));
  if (fstat(j->fd, &info) == 0 && info.st_nlink == 0)
    return rs_fail(RS_ERR_IO, "%s: removed while the run went on, or its directory was", j->path);
  return RS_OK;
}

rs_status rs_journal_append(rs_journal *j, const char *payload) {
  RS_TRY(check_held(j));
  RS_TRY(format_line(j, payload));
  if (j->torn) RS_TRY(cut_back(j));
  write_half(j);
  rs_fault_point("append", j->path);
  ssize_t n = write_once(j->fd, j->line.text, j->line.len);
  rs_fault_point("appended", j->path);
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
  RS_TRY(check_held(j));
  rs_fault_point("journal-sync", j->path);
  if (fdatasync(j->fd) != 0) return rs_fail_errno("%s: cannot sync", j->path);
  j->dirty = false;
  return RS_OK;
}

bool rs_journal_dirty(const rs_journal *j) {
  return j->dirty;
}

void rs_journal_tick(rs_journal *j) {
  lock_tick(j->lock);
}

size_t rs_journal_bytes(const rs_journal *j) {
  return j->length;
}

rs_status rs_journal_owner(const char *path, rs_journal_holder *out) {
  char *name;
  lock_owner owner;
  *out = (rs_journal_holder){0};
  RS_TRY(lock_path(path, &name));
  out->present = lock_read(name, &owner);
  free(name);
  if (!out->present) return RS_OK;
  snprintf(out->host, sizeof out->host, "%s", owner.sound ? owner.host : "?");
  out->pid = owner.pid;
  out->beat = owner.beat;
  out->tick = owner.tick;
  out->lives = lock_owner_lives(&owner);
  return RS_OK;
}

/* ---- writing it anew ---------------------------------------------------------------------- */

static void go_on_with(rs_journal *j, const rs_journal *to) {
  close(j->fd);
  j->fd = to->fd;
  j->length = to->length;
  j->dirty = j->torn = false;
}

/* A rename may have happened although what came after it failed. */
static bool is_named(int fd, const char *path) {
  struct stat opened, named;
  return fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

static rs_status write_new(rs_journal *j, const char *temporary, rs_journal_fill fill, void *user) {
  rs_journal to = {.fd = -1, .path = j->path, .lock = j->lock};
  to.fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
  if (to.fd < 0) return rs_fail_errno("%s: cannot create", temporary);
  rs_status status = fill(user, &to);
  if (status == RS_OK) status = rs_journal_sync(&to);
  if (status == RS_OK) status = rs_file_commit(temporary, j->path);
  rs_str_free(&to.line);
  if (is_named(to.fd, j->path))
    go_on_with(j, &to);
  else
    close(to.fd);
  return status;
}

rs_status rs_journal_rewrite(rs_journal *j, rs_journal_fill fill, void *user) {
  char *temporary;
  RS_TRY(rs_journal_sync(j));
  RS_TRY(rs_file_temporary(j->path, &temporary));
  rs_status status = write_new(j, temporary, fill, user);
  if (status != RS_OK) unlink(temporary);
  free(temporary);
  return status;
}
