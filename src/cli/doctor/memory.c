/* Memory: the machine's, what ranks share, and what earlier ones left in it. */
#include "launch/cgroup.h"
#include "doctor.h"
#include "disk.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SHARED "/dev/shm"

static const double MIB = 0x1p20;

/* ---- limits --------------------------------------------------------------------------------- */

static double limit_of(int resource) {
  struct rlimit limit;
  if (getrlimit(resource, &limit) != 0) return INFINITY;
  return limit.rlim_cur == RLIM_INFINITY ? INFINITY : (double)limit.rlim_cur;
}

static void look_at_memory(const char *directory, doctor_finding *f) {
  const double low = 1024 * MIB;
  char text[32];
  double all = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
  double group = cgroup_memory(""), own = limit_of(RLIMIT_AS);
  (void)directory;
  print_bytes(text, sizeof text, all);
  doctor_note(f, "%s in the machine", text);
  if (group > 0 && group < all) {
    print_bytes(text, sizeof text, group);
    doctor_note(f, "%s for this job or container", text);
    if (group < low)
      doctor_warn(f, "ask for more memory (sbatch --mem, docker run --memory): ranks that want "
                     "more are killed");
  }
  if (isinf(own)) return;
  print_bytes(text, sizeof text, own);
  doctor_note(f, "%s of addresses for a process", text);
  if (own < all)
    doctor_warn(f, "ulimit -v unlimited: libraries and shared memory take far more addresses than "
                   "memory");
}

static void look_at_open_files(const char *directory, doctor_finding *f) {
  const double low = 256;
  double n = limit_of(RLIMIT_NOFILE);
  (void)directory;
  if (isinf(n))
    doctor_note(f, "no limit");
  else
    doctor_note(f, "up to %.0f a process", n);
  if (n < low) doctor_warn(f, "ulimit -n 1024: mpirun needs several for each rank");
}

/* ---- shared memory -------------------------------------------------------------------------- */

static void look_at_shared(const char *directory, doctor_finding *f) {
  const double small = 64 * MIB; /* what containers get when nobody asks for more */
  char room[32], size[32];
  disk d;
  (void)directory;
  if (!disk_of(SHARED, &d) || access(SHARED, W_OK) != 0) {
    doctor_note(f, SHARED " is not there, or cannot be written");
    doctor_warn(f, "mount a tmpfs there: Open MPI keeps shared memory in files of TMPDIR instead");
    return;
  }
  print_bytes(room, sizeof room, d.room);
  print_bytes(size, sizeof size, d.size);
  doctor_note(f, "%s free of %s in " SHARED, room, size);
  if (d.size > 0 && d.size <= small)
    doctor_warn(f, "give the container more (docker run --shm-size=2g, or --ipc=host): ranks of a "
                   "node keep their data there");
  else if (d.size > 0 && d.room < small)
    doctor_warn(f, "remove what is no longer used: ls -l " SHARED);
}

enum { LEFTOVERS_MAX = 256 };

typedef struct leftovers {
  size_t n;
  struct {
    char name[128];
    double bytes;
    bool used;
  } files[LEFTOVERS_MAX];
} leftovers;

static bool is_segment(const char *name) {
  static const char *const begins[] = {"vader_segment.", "sm_segment.", "osc_rdma.", "ompi."};
  for (size_t i = 0; i < RS_COUNT(begins); i++)
    if (strncmp(name, begins[i], strlen(begins[i])) == 0) return true;
  return false;
}

/* Segments of this user's MPI programs. One that was made just now may not be mapped yet. */
static void list_segments(leftovers *l) {
  const double young_seconds = 60;
  DIR *folder = opendir(SHARED);
  for (struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;) {
    struct stat info;
    if (l->n == LEFTOVERS_MAX || !is_segment(e->d_name)) continue;
    if (fstatat(dirfd(folder), e->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    bool own = info.st_uid == geteuid() && S_ISREG(info.st_mode);
    if (!own || difftime(time(NULL), info.st_mtime) < young_seconds) continue;
    l->files[l->n].bytes = 512.0 * (double)info.st_blocks;
    snprintf(l->files[l->n++].name, sizeof l->files[0].name, "%.127s", e->d_name);
  }
  if (folder != NULL) closedir(folder);
}

/* Marks the files that the process of /proc/ID has mapped. */
static void mark_used(const char *id, leftovers *l) {
  char line[PATH_MAX + 128];
  snprintf(line, sizeof line, "/proc/%.20s/maps", id);
  FILE *file = fopen(line, "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    const char *at = strstr(line, SHARED "/");
    for (size_t i = 0; at != NULL && i < l->n; i++)
      if (strncmp(at + sizeof SHARED, l->files[i].name, strlen(l->files[i].name)) == 0)
        l->files[i].used = true;
  }
  if (file != NULL) fclose(file);
}

static void look_at_leftovers(const char *directory, doctor_finding *f) {
  leftovers l = {0};
  size_t unused = 0;
  double bytes = 0;
  char text[32];
  (void)directory;
  list_segments(&l);
  DIR *all = l.n > 0 ? opendir("/proc") : NULL;
  for (struct dirent *e; all != NULL && (e = readdir(all)) != NULL;)
    if (isdigit((unsigned char)e->d_name[0])) mark_used(e->d_name, &l);
  if (all != NULL) closedir(all);
  for (size_t i = 0; i < l.n; i++) {
    unused += !l.files[i].used;
    bytes += l.files[i].used ? 0 : l.files[i].bytes;
  }
  print_bytes(text, sizeof text, bytes);
  if (unused == 0) {
    doctor_note(f, "nothing of ended MPI programs in " SHARED);
    return;
  }
  doctor_note(f, "%s%zu segments of ended MPI programs in " SHARED ", %s",
              l.n == LEFTOVERS_MAX ? "at least " : "", unused, text);
  doctor_warn(f, "when none of yours runs here: rm " SHARED "/vader_segment.* and the like");
}

/* ---- session directory ---------------------------------------------------------------------- */

static const char *session_base(void) {
  static const char *const names[] = {"OMPI_MCA_orte_tmpdir_base", "TMPDIR", "TEMP", "TMP"};
  for (size_t i = 0; i < RS_COUNT(names); i++)
    if (getenv(names[i]) != NULL) return getenv(names[i]);
  return "/tmp";
}

/* mpirun puts sockets and files there; the name of a socket has 107 characters, and "ompi.<host>.
 * <user>/pid.<number>/..." takes about 40 of them. */
static void look_at_session(const char *directory, doctor_finding *f) {
  const size_t long_path = 60;
  const double low = 64 * MIB;
  const char *path = session_base();
  char room[32];
  disk d;
  (void)directory;
  doctor_note(f, "%s", path);
  if (!disk_of(path, &d) || access(path, W_OK | X_OK) != 0) {
    doctor_note(f, "cannot be written");
    doctor_fault(f, "TMPDIR=/tmp, or another local directory that can be written");
    return;
  }
  print_bytes(room, sizeof room, d.room);
  doctor_note(f, "%s, %s free", d.kind.name, room);
  if (strlen(path) > long_path)
    doctor_warn(f, "TMPDIR=/tmp: names of sockets in a path of %zu characters get too long",
                strlen(path));
  if (d.kind.network)
    doctor_warn(f, "TMPDIR=/tmp: it should be on this machine, not on a file server");
  if (d.size > 0 && d.room < low) doctor_warn(f, "make room, or choose another TMPDIR");
}

static const doctor_check checks[] = {
    {"memory", look_at_memory},
    {"open files", look_at_open_files},
    {"shared memory", look_at_shared},
    {"shared leftovers", look_at_leftovers},
    {"session directory", look_at_session},
};

const doctor_topic doctor_memory = {"memory", checks, RS_COUNT(checks)};
