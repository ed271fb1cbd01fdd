/* Two ranks, started as `ranksweep run` starts its own: do they form one world? */
#include "doctor.h"
#include "launch/launch.h"
#include "launch/world.h"

#include "ranksweep/comm.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RANKS = 2, HOST_MAX = 256 };

static const double PATIENCE_SECONDS = 30;

/* ---- a rank --------------------------------------------------------------------------------- */

/* Large enough to take the way of gradients, copied from process to process, not that of short
 * messages: containers may forbid the one and not the other. */
static rs_status add_up(int rank, int size, bool *right) {
  enum { NUMBERS = 1 << 18, RANKS_MAX = 64 };
  int all[RANKS_MAX];
  float *numbers;
  rs_comm *comm;
  *right = false;
  if (size > RANKS_MAX) return rs_fail(RS_ERR_USAGE, "at most %d ranks", RANKS_MAX);
  for (int i = 0; i < size; i++) all[i] = i;
  RS_TRY(rs_comm_create_group(all, size, 0, &comm));
  rs_status status = rs_new(&numbers, NUMBERS, sizeof *numbers);
  for (size_t i = 0; status == RS_OK && i < NUMBERS; i++) numbers[i] = (float)(rank + 1);
  if (status == RS_OK) status = rs_comm_sum_floats(comm, numbers, NUMBERS);
  *right = status == RS_OK && numbers[0] == (float)(size * (size + 1)) / 2 &&
           numbers[NUMBERS - 1] == numbers[0];
  free(numbers);
  rs_comm_destroy(comm);
  return status;
}

int doctor_ping(void) {
  int rank, size;
  bool right;
  char host[HOST_MAX] = "?";
  rs_status status = rs_comm_start(NULL, NULL, &rank, &size);
  if (status != RS_OK) return cli_fail(status);
  gethostname(host, sizeof host - 1);
  status = add_up(rank, size, &right);
  if (status == RS_OK) {
    printf("ranksweep-ping %d %d %s %d %d\n", rank, size, host, world_cores(), right);
    status = cli_flush();
  }
  if (status == RS_OK) rs_comm_finish();
  return status == RS_OK ? EXIT_DONE : cli_fail(status);
}

/* ---- what the ranks say --------------------------------------------------------------------- */

typedef struct echo {
  int lines, size, cores; /* ranks heard; the smallest world, the fewest cores that one has */
  bool right;
  char host[HOST_MAX], other[256]; /* of one of them; the first line that no rank wrote */
} echo;

static void hear_line(echo *e, const char *line) {
  int rank, size, cores, right;
  char host[HOST_MAX];
  if (sscanf(line, "ranksweep-ping %d %d %255s %d %d", &rank, &size, host, &cores, &right) != 5) {
    if (e->other[0] == '\0') program_first_line(line, e->other, sizeof e->other);
    return;
  }
  if (e->lines == 0 || size < e->size) e->size = size;
  if (e->lines == 0 || cores < e->cores) e->cores = cores;
  e->right = right && (e->lines == 0 || e->right);
  memcpy(e->host, host, sizeof host);
  e->lines++;
}

static echo hear(char *text) {
  echo e = {0};
  char *rest;
  for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
    hear_line(&e, line);
  return e;
}

/* ---- judgement ------------------------------------------------------------------------------ */

static void judge_failure(const program_end *o, const echo *e, doctor_finding *f) {
  if (o->late)
    doctor_note(f, "%d ranks did not come to an end in %.0f s", RANKS, PATIENCE_SECONDS);
  else
    doctor_note(f, "mpirun ended with status %d", o->status);
  if (e->other[0] != '\0') doctor_note(f, "it says: %s", e->other);
  doctor_fault(f,
               "see what `mpirun -n %d --oversubscribe --bind-to none ranksweep doctor --ping` "
               "prints; `ranksweep run -n 1` needs no mpirun",
               RANKS);
}

static void judge_world(const program_end *o, const echo *e, doctor_finding *f) {
  char took[32];
  print_seconds(took, sizeof took, o->seconds);
  doctor_note(f, "%d ranks in one world on %s in %s, %d of %d cores each", RANKS, e->host, took,
              e->cores, world_machine_cores());
  if (!e->right)
    doctor_fault(f, "their sums are wrong: try OMPI_MCA_btl_vader_single_copy_mechanism=none");
  if (e->cores < world_cores())
    doctor_warn(f, "mpirun binds the ranks, which share out the cores themselves: look for a "
                   "binding policy in OMPI_MCA_* and openmpi-mca-params.conf");
  if (o->seconds > 10)
    doctor_warn(f, "slow: look at the resolution of host names, and at TMPDIR on a file server");
  if (e->other[0] == '\0') return;
  doctor_note(f, "it says: %s", e->other);
  doctor_warn(f, "mpirun or the ranks complain of something: run with OMPI_MCA_* as it says");
}

static void judge(const program_end *o, const echo *e, doctor_finding *f) {
  if (e->lines == RANKS && e->size == 1) {
    doctor_note(f, "%d processes, each in an MPI world of its own", RANKS);
    doctor_fault(f, "put the mpirun of the Open MPI that ranksweep is linked to first in PATH");
  } else if (o->late || o->status != 0 || e->lines != RANKS || e->size != RANKS) {
    judge_failure(o, e, f);
  } else {
    judge_world(o, e, f);
  }
}

static void prepare_launch(void) {
  const launcher by = {.kind = LAUNCHER_MPIRUN, .ranks = RANKS};
  launch_set_environment();
  launcher_clean_environment(&by);
}

static void launch_pings(const char *self, doctor_finding *f) {
  const char *args[LAUNCHER_WORDS + 4];
  const launcher by = {.kind = LAUNCHER_MPIRUN, .ranks = RANKS};
  launcher_numbers numbers;
  size_t n = launcher_head(&by, &numbers, args);
  args[n++] = self;
  args[n++] = "doctor";
  args[n++] = "--ping";
  args[n] = NULL;
  program_end output;
  if (doctor_run(args, PATIENCE_SECONDS, prepare_launch, &output) != RS_OK) {
    doctor_note(f, "%s", rs_error_message());
    doctor_fault(f, "look at the limits of processes and open files (ulimit -u, ulimit -n)");
  } else {
    echo e = hear(output.words.text);
    judge(&output, &e, f);
  }
  program_free(&output);
}

void doctor_look_at_launch(const char *directory, doctor_finding *f) {
  char self[PATH_MAX], mpirun[PATH_MAX];
  (void)directory;
  if (!program_find("mpirun", mpirun)) return; /* said already */
  if (world_launched()) {
    doctor_note(f, "not tried: this process is itself a rank of a launcher");
    doctor_warn(f, "run the doctor without mpirun or srun to see whether ranks can be started");
    return;
  }
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  self[length > 0 ? length : 0] = '\0';
  if (length > 0)
    launch_pings(self, f);
  else
    doctor_note(f, "not tried: /proc/self/exe cannot be read");
}
