#include "lock.h"

#include "lock_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { HELD, TAKEN, REMOVED };

struct lock {
  char *path;
  lock_owner self;
  lock_options options;
  atomic_int state;
  atomic_ullong tick;
  _Atomic double confirmed; /* when the file was last seen to be ours */
  pthread_t beating;
  pthread_mutex_t mutex; /* of `ending` */
  pthread_cond_t wake;
  bool ending;
};

/* ---- making the file ------------------------------------------------------------------------ */

static rs_status write_line(int fd, const char *path, const lock_owner *owner) {
  char line[LOCK_LINE];
  size_t n = lock_owner_print(owner, line);
  ssize_t written = pwrite(fd, line, n, 0);
  if (written < 0) return rs_fail_errno("%s: cannot write", path);
  return (size_t)written == n ? RS_OK
                              : rs_fail(RS_ERR_IO, "%s: cannot write: the disk is full", path);
}

/* A file of our own beside PATH with OWNER in it; its name is the caller's to free. */
static rs_status write_own(const char *path, const lock_owner *owner, char **out) {
  rs_str name = {0};
  *out = NULL;
  rs_str_addf(&name, "%s.tmp.%ld-%llx", path, owner->pid, owner->token);
  RS_TRY(rs_str_status(&name));
  int fd = open(name.text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  rs_status status =
      fd >= 0 ? write_line(fd, name.text, owner) : rs_fail_errno("%s: cannot create", name.text);
  if (status == RS_OK && fsync(fd) != 0) status = rs_fail_errno("%s: cannot sync", name.text);
  if (fd >= 0) close(fd);
  if (status == RS_OK) {
    *out = name.text;
    return RS_OK;
  }
  unlink(name.text);
  rs_str_free(&name);
  return status;
}

/* Gives OWN the name PATH if nobody has it. Where there are no links, PATH is written in place: for
 * a moment it is empty, which others take for an owner that has yet to beat. */
static rs_status publish(const char *own, const char *path, const lock_owner *owner, bool *won) {
  *won = link(own, path) == 0;
  if (*won || errno == EEXIST) return RS_OK;
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0 && errno == EEXIST) return RS_OK;
  if (fd < 0) return rs_fail_errno("%s: cannot create", path);
  rs_status status = write_line(fd, path, owner);
  close(fd);
  *won = status == RS_OK;
  if (!*won) unlink(path);
  return status;
}

/* ---- whose is it? --------------------------------------------------------------------------- */

static bool same(const lock_owner *a, const lock_owner *b) {
  return a->sound == b->sound && a->token == b->token;
}

static rs_status in_use(const char *path, const lock_owner *owner) {
  return rs_fail(RS_ERR_CONFLICT, "%s: in use by process %ld on %s", path, owner->pid, owner->host);
}

/* Watches an owner that cannot be asked. True: no beat came. Looks are counted, not seconds: a file
 * server that does not answer for a while says nothing of the owner. */
static bool watch(const char *path, const lock_owner *seen, const lock_options *o) {
  enum { LOOKS_A_BEAT = 4 };
  rs_logf(o->log, RS_LOG_WARN, "%s: waiting up to %.0f s to see whether process %ld on %s lives",
          path, o->beat_seconds * o->patience, seen->pid, seen->sound ? seen->host : "?");
  for (int looks = 0; looks < o->patience * LOOKS_A_BEAT; looks++) {
    lock_owner now;
    rs_clock_sleep(o->beat_seconds / LOOKS_A_BEAT);
    if (!lock_read(path, &now) || !same(&now, seen)) return true; /* gone: look again */
    if (now.beat != seen->beat) return false;
  }
  return true;
}

/* Is the lock PATH, as SEEN, without an owner? */
static bool deserted(const char *path, const lock_owner *seen, const lock_options *o) {
  int lives = lock_owner_lives(seen);
  return lives >= 0 ? lives == 0 : watch(path, seen, o);
}

/* ---- taking over ---------------------------------------------------------------------------- */

/* Removes PATH if it is still as SEEN: what was moved away wrongly is put back. */
static void remove_seen(const char *path, const lock_owner *seen, const char *aside) {
  lock_owner moved;
  if (rename(path, aside) != 0) return;
  if (lock_read(aside, &moved) && !same(&moved, seen)) (void)!link(aside, path);
  unlink(aside);
}

/* The turn to break the lock: PATH.break, made from OWN. One that a dead contender left is removed.
 */
static rs_status take_turn(const char *turn, const char *own, const lock_owner *self,
                           const lock_options *o, bool *won) {
  lock_owner other;
  RS_TRY(publish(own, turn, self, won));
  if (*won || !lock_read(turn, &other) || !deserted(turn, &other, o)) return RS_OK;
  rs_str aside = {0};
  rs_str_addf(&aside, "%s.aside", own);
  rs_status status = rs_str_status(&aside);
  if (status == RS_OK) remove_seen(turn, &other, aside.text);
  rs_str_free(&aside);
  return status;
}

/* Replaces the deserted lock of SEEN. *WON stays false when another contender was faster. */
static rs_status break_lock(const char *path, const lock_owner *seen, const char *own,
                            const lock_owner *self, const lock_options *o, bool *won) {
  const double settle_seconds = 0.1;
  rs_str turn = {0};
  lock_owner now;
  *won = false;
  rs_str_addf(&turn, "%s.break", path);
  rs_status status = rs_str_status(&turn);
  if (status == RS_OK) status = take_turn(turn.text, own, self, o, won);
  if (status == RS_OK && *won) {
    *won = lock_read(path, &now) && same(&now, seen) && now.beat == seen->beat &&
           rename(own, path) == 0;
    unlink(turn.text);
    if (*won) {
      rs_clock_sleep(settle_seconds);
      *won = lock_read(path, &now) && same(&now, self);
    }
  }
  rs_str_free(&turn);
  return status;
}

/* What stands in the way must be a file of ours, or gone by now: nobody can wait for anything else.
 */
static rs_status check_readable(const char *path) {
  struct stat info;
  if (lstat(path, &info) != 0) return errno == ENOENT ? RS_OK : rs_fail_errno("%s", path);
  if (!S_ISREG(info.st_mode))
    return rs_fail(RS_ERR_CONFLICT, "%s: is not a file, expected the lock of a run", path);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && errno != ENOENT)
    return rs_fail(RS_ERR_CONFLICT,
                   "%s: cannot be read (%s), so nobody can tell whether its run lives", path,
                   strerror(errno));
  if (fd >= 0) close(fd);
  return RS_OK;
}

/* One attempt. *DONE: it is ours; otherwise things have changed and the next attempt sees how. */
static rs_status attempt(const char *path, const lock_owner *self, const lock_options *o,
                         bool *done) {
  char *own;
  lock_owner seen;
  RS_TRY(write_own(path, self, &own));
  rs_status status = publish(own, path, self, done);
  if (status == RS_OK && !*done) status = check_readable(path);
  if (status == RS_OK && !*done && lock_read(path, &seen)) {
    if (!deserted(path, &seen, o))
      status = in_use(path, &seen);
    else
      status = break_lock(path, &seen, own, self, o, done);
  }
  unlink(own);
  free(own);
  return status;
}

/* ---- beating -------------------------------------------------------------------------------- */

/* Raises the beat if the file is still ours. What a server does not answer for the moment is not a
 * loss: that is up to the patience of others. */
static void beat(lock *l) {
  lock_owner now;
  int fd = open(l->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    if (errno == ENOENT || errno == ENOTDIR) atomic_store(&l->state, REMOVED);
    return;
  }
  if (lock_owner_load(fd, &now) == 0) {
    if (!same(&now, &l->self)) {
      atomic_store(&l->state, TAKEN);
    } else {
      lock_owner next = l->self;
      next.beat = now.beat + 1;
      next.tick = atomic_load(&l->tick);
      if (write_line(fd, l->path, &next) == RS_OK) atomic_store(&l->confirmed, rs_clock_now());
    }
  }
  close(fd);
}

static void *keep_beating(void *user) {
  lock *l = user;
  pthread_mutex_lock(&l->mutex);
  while (!l->ending && atomic_load(&l->state) == HELD) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    double end = (double)until.tv_sec + 1e-9 * (double)until.tv_nsec + l->options.beat_seconds;
    until.tv_sec = (time_t)end;
    until.tv_nsec = (long)((end - (double)until.tv_sec) * 1e9);
    if (pthread_cond_timedwait(&l->wake, &l->mutex, &until) == ETIMEDOUT && !l->ending) beat(l);
  }
  pthread_mutex_unlock(&l->mutex);
  return NULL;
}

/* The thread takes no signals: they are for the main thread. */
static rs_status start_beating(lock *l) {
  sigset_t all, before;
  pthread_mutex_init(&l->mutex, NULL);
  pthread_cond_init(&l->wake, NULL);
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  int error = pthread_create(&l->beating, NULL, keep_beating, l);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error == 0) return RS_OK;
  errno = error;
  return rs_fail_errno("%s: cannot start a thread", l->path);
}

/* ---- the lock ------------------------------------------------------------------------------- */

rs_status lock_acquire(const char *path, const lock_options *options, lock **out) {
  lock *l;
  bool done = false;
  *out = NULL;
  RS_TRY(rs_new(&l, 1, sizeof *l));
  l->options = *options;
  lock_owner_self(&l->self);
  rs_status status = rs_strdup(&l->path, path);
  while (status == RS_OK && !done) {
    status = attempt(path, &l->self, options, &done);
    if (status == RS_OK && !done) rs_clock_sleep(0.02); /* another contender is at it */
  }
  atomic_store(&l->confirmed, rs_clock_now());
  if (status == RS_OK) status = start_beating(l);
  if (status == RS_OK) {
    *out = l;
    return RS_OK;
  }
  if (done) unlink(path);
  free(l->path);
  free(l);
  return status;
}

void lock_release(lock *l) {
  lock_owner now;
  if (l == NULL) return;
  pthread_mutex_lock(&l->mutex);
  l->ending = true;
  pthread_cond_signal(&l->wake);
  pthread_mutex_unlock(&l->mutex);
  pthread_join(l->beating, NULL);
  pthread_cond_destroy(&l->wake);
  pthread_mutex_destroy(&l->mutex);
  if (lock_read(l->path, &now) && same(&now, &l->self)) unlink(l->path);
  free(l->path);
  free(l);
}

rs_status lock_check(lock *l) {
  const int missed = 3; /* beats: fewer than the patience of others */
  double age = rs_clock_now() - atomic_load(&l->confirmed);
  if (atomic_load(&l->state) == HELD && age > missed * l->options.beat_seconds) {
    pthread_mutex_lock(&l->mutex); /* one beat at a time */
    beat(l);
    pthread_mutex_unlock(&l->mutex);
  }
  switch (atomic_load(&l->state)) {
  case TAKEN:
    return rs_fail(RS_ERR_CONFLICT,
                   "%s: taken over by another run, which took this process for dead: it was "
                   "suspended, or its host did not answer",
                   l->path);
  case REMOVED:
    return rs_fail(RS_ERR_IO, "%s: removed while the run went on, or its directory was", l->path);
  default: return RS_OK;
  }
}

void lock_tick(lock *l) {
  atomic_fetch_add(&l->tick, 1);
}
