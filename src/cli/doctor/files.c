/* The directory that results go to: whether its file system keeps the promises that journal, lock
 * and results file need. */
#include "doctor.h"
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- a place to try things ------------------------------------------------------------------ */

/* Two files in a directory of their own. Signals wait until it is gone again. */
typedef struct scratch {
  char folder[PATH_MAX], a[PATH_MAX + 4], b[PATH_MAX + 4];
  sigset_t before;
} scratch;

static bool scratch_open(const char *directory, scratch *s) {
  sigset_t asking;
  int n = snprintf(s->folder, sizeof s->folder, "%s/.ranksweep-doctor-XXXXXX", directory);
  if (n >= (int)sizeof s->folder) {
    errno = ENAMETOOLONG;
    return false;
  }
  sigemptyset(&asking);
  sigaddset(&asking, SIGINT);
  sigaddset(&asking, SIGTERM);
  sigaddset(&asking, SIGHUP);
  sigprocmask(SIG_BLOCK, &asking, &s->before);
  if (mkdtemp(s->folder) == NULL) {
    int error = errno;
    sigprocmask(SIG_SETMASK, &s->before, NULL);
    errno = error;
    return false;
  }
  snprintf(s->a, sizeof s->a, "%s/a", s->folder);
  snprintf(s->b, sizeof s->b, "%s/b", s->folder);
  return true;
}

static void scratch_close(scratch *s) {
  unlink(s->a);
  unlink(s->b);
  rmdir(s->folder);
  sigprocmask(SIG_SETMASK, &s->before, NULL);
}

/* A new file PATH with TEXT in it. */
static bool write_new(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) return false;
  ssize_t n = (ssize_t)strlen(text);
  errno = 0;
  bool whole = write(fd, text, (size_t)n) == n;
  int error = whole ? 0 : errno != 0 ? errno : ENOSPC;
  if (close(fd) != 0 && error == 0) error = errno;
  errno = error;
  return error == 0;
}

static bool holds(const char *path, const char *text) {
  char got[16] = "";
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd >= 0 ? read(fd, got, sizeof got - 1) : -1;
  if (fd >= 0) close(fd);
  return n == (ssize_t)strlen(text) && memcmp(got, text, (size_t)n) == 0;
}

/* ---- the directory -------------------------------------------------------------------------- */

/* Nothing is made here: a mistyped name must not become a directory. */
static bool is_directory(const char *directory, doctor_finding *f) {
  struct stat info;
  if (stat(directory, &info) != 0) {
    bool missing = errno == ENOENT;
    doctor_note(f, "%s", strerror(errno));
    doctor_fault(f, missing ? "make it: mkdir -p '%s'" : "choose another, not '%s'", directory);
    return false;
  }
  if (S_ISDIR(info.st_mode)) return true;
  doctor_note(f, "not a directory");
  doctor_fault(f, "name the directory that results go to");
  return false;
}

static void look_at_writing(const char *directory, doctor_finding *f) {
  scratch s;
  doctor_note(f, "%s", directory);
  if (!is_directory(directory, f)) return;
  if (!scratch_open(directory, &s)) {
    doctor_note(f, "cannot be written: %s", strerror(errno));
    doctor_fault(f, "choose another directory for results (run -o), or mend its permissions");
    return;
  }
  if (write_new(s.a, "a")) {
    doctor_note(f, "can be written");
  } else {
    doctor_note(f, "a file cannot be written: %s", strerror(errno));
    doctor_fault(f, "make room: look at df, df -i and quota");
  }
  scratch_close(&s);
}

static void look_at_file_system(const char *directory, doctor_finding *f) {
  disk d;
  if (!disk_of(directory, &d)) return;
  doctor_note(f, "%s", d.kind.name);
  if (d.kind.vanishes)
    doctor_warn(f, "results are gone when this machine or the job ends: choose a directory on a "
                   "disk (run -o)");
  if (d.kind.weak)
    doctor_warn(f, "other machines may see old contents: keep all ranks of a run on this one");
}

static void look_at_space(const char *directory, doctor_finding *f) {
  const double low = 0x1p30, too_low = 64 * 0x1p20;
  char room[32], size[32];
  disk d;
  if (!disk_of(directory, &d) || d.size <= 0) return;
  print_bytes(room, sizeof room, d.room);
  print_bytes(size, sizeof size, d.size);
  doctor_note(f, "%s free of %s", room, size);
  if (d.room < too_low)
    doctor_fault(f, "make room: results, journal and checkpoints would not fit");
  else if (d.room < low)
    doctor_warn(f, "make room: checkpoints of large networks may not fit (checkpoint.keep)");
  if (!isnan(d.names) && d.names < 1000) {
    doctor_note(f, "room for %.0f more files", d.names);
    doctor_warn(f, "remove files: df -i shows where they are used up");
  }
}

/* ---- what it promises ----------------------------------------------------------------------- */

static void look_at_rename(const char *directory, doctor_finding *f) {
  scratch s;
  if (!scratch_open(directory, &s)) return;
  bool written = write_new(s.a, "old") && write_new(s.b, "new");
  if (written) {
    errno = 0;
    if (rename(s.b, s.a) == 0 && holds(s.a, "new") && access(s.b, F_OK) != 0) {
      doctor_note(f, "replaces a file in one step");
    } else {
      doctor_note(f, "does not replace a file%s%s", errno != 0 ? ": " : "",
                  errno != 0 ? strerror(errno) : "");
      doctor_fault(f, "choose another file system: the results file is replaced by rename");
    }
  }
  scratch_close(&s);
}

/* As the journal's lock is made: a file of one's own gets a second name; where there are no links,
 * the name is created, which must fail for all but one. */
static void judge_exclusion(const scratch *s, doctor_finding *f) {
  bool again = write_new(s->a, "two");
  if (again || errno != EEXIST) {
    doctor_note(f, "O_EXCL does not keep a second owner out");
    doctor_fault(f, "choose another file system: two runs could write the same results");
    return;
  }
  doctor_note(f, "O_EXCL works");
  if (link(s->a, s->b) != 0) {
    doctor_note(f, "no hard links (%s), the lock does without", strerror(errno));
  } else if (link(s->a, s->b) == 0 || errno != EEXIST) {
    doctor_note(f, "link does not keep a second owner out");
    doctor_fault(f, "choose another file system: two runs could write the same results");
  } else {
    doctor_note(f, "link works");
  }
}

static void look_at_exclusion(const char *directory, doctor_finding *f) {
  scratch s;
  if (!scratch_open(directory, &s)) return;
  if (write_new(s.a, "one")) judge_exclusion(&s, f);
  scratch_close(&s);
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Median seconds of writing a short record and having it on the disk; NaN with errno. */
static double time_sync(const char *path) {
  enum { TIMES = 11, RECORD = 512 };
  static const char record[RECORD] = {0};
  double times[TIMES];
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) return NAN;
  bool good = true;
  for (int i = 0; i < TIMES && good; i++) {
    double start = rs_clock_now();
    good = write(fd, record, RECORD) == RECORD && fsync(fd) == 0;
    times[i] = rs_clock_now() - start;
  }
  close(fd);
  if (!good) return NAN;
  qsort(times, TIMES, sizeof *times, compare);
  return times[TIMES / 2];
}

static void look_at_sync(const char *directory, doctor_finding *f) {
  const double slow = 0.1;
  scratch s;
  if (!scratch_open(directory, &s)) return;
  double took = time_sync(s.a);
  if (isnan(took)) {
    doctor_note(f, "fails: %s", strerror(errno));
    doctor_fault(f, "make room, or choose another file system: the journal must reach the disk");
  } else {
    doctor_note(f, "%.2g ms for a short record", 1e3 * took);
    if (took > slow)
      doctor_warn(f, "every finished stage waits for it several times: choose a faster disk");
  }
  scratch_close(&s);
}

/* HDF5 puts the variable above what the program asks for, which is no locking: results are replaced
 * and never changed. */
static void look_at_hdf5(const char *directory, doctor_finding *f) {
  const char *text = getenv("HDF5_USE_FILE_LOCKING");
  disk d;
  if (text == NULL) return;
  doctor_note(f, "HDF5_USE_FILE_LOCKING=%s", text);
  bool forced = strcmp(text, "TRUE") == 0 || strcmp(text, "1") == 0;
  if (forced && disk_of(directory, &d) && d.kind.network)
    doctor_warn(f, "unset it, or set BEST_EFFORT: where %s has no locks, results cannot be opened",
                d.kind.name);
}

static const doctor_check checks[] = {
    {"directory", look_at_writing},
    {"file system", look_at_file_system},
    {"free space", look_at_space},
    {"rename", look_at_rename},
    {"exclusive creation", look_at_exclusion},
    {"fsync", look_at_sync},
    {"hdf5 locking", look_at_hdf5},
};

const doctor_topic doctor_files = {"files", checks, RS_COUNT(checks)};
