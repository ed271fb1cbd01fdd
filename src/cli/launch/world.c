#include "world.h"

#include "slurm.h"

#include <omp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int number_in(const char *variable) {
  const char *text = getenv(variable);
  return text != NULL ? atoi(text) : 0;
}

bool world_launched(void) {
  return getenv("OMPI_COMM_WORLD_SIZE") != NULL || getenv("PMIX_RANK") != NULL;
}

bool world_may_coordinate(void) {
  return number_in("OMPI_COMM_WORLD_RANK") == 0 && number_in("PMIX_RANK") == 0;
}

bool world_supervised(void) {
  return getenv(WORLD_TERMINAL_VARIABLE) != NULL;
}

rs_status world_check(int mpi_size) {
  static const struct {
    const char *variable, *launcher, *advice;
  } signs[] = {
      {"SLURM_STEP_NUM_TASKS", "srun",
       "start it with `srun --mpi=pmix`, or let `ranksweep run` start mpirun"},
      {"PMI_SIZE", "mpiexec of another MPI library", "use the mpirun of Open MPI"},
      {"OMPI_COMM_WORLD_SIZE", "mpirun",
       "use the mpirun of the Open MPI that ranksweep was built with"},
  };
  for (size_t i = 0; i < RS_COUNT(signs) && mpi_size == 1; i++) {
    int tasks = number_in(signs[i].variable);
    if (tasks > 1)
      return rs_fail(
          RS_ERR_USAGE,
          "%s started %d processes, but each sees an MPI world of its own: %d copies of the job "
          "would write the same results. %s",
          signs[i].launcher, tasks, tasks, signs[i].advice);
  }
  return RS_OK;
}

/* ---- cores ---------------------------------------------------------------------------------- */

int world_cores(void) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  return sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
}

int world_machine_cores(void) {
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n > 0 ? (int)n : 1;
}

uint64_t world_core_mask(void) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  sched_getaffinity(0, sizeof cores, &cores);
  return rs_checksum(&cores, sizeof cores);
}

/* The cores of all of OpenMP's places: those that were there before it bound anything. */
static void cores_of_places(cpu_set_t *cores) {
  int ids[CPU_SETSIZE];
  CPU_ZERO(cores);
  for (int place = 0; place < omp_get_num_places(); place++) {
    int n = omp_get_place_num_procs(place);
    if (n > CPU_SETSIZE) continue;
    omp_get_place_proc_ids(place, ids);
    for (int i = 0; i < n; i++)
      if (ids[i] >= 0 && ids[i] < CPU_SETSIZE) CPU_SET(ids[i], cores);
  }
}

void world_release_threads(char **argv) {
  static const char *const names[] = {"OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY"};
  cpu_set_t cores;
  bool set = false;
  for (size_t i = 0; i < RS_COUNT(names); i++) {
    set = set || getenv(names[i]) != NULL;
    unsetenv(names[i]);
  }
  if (!set) return;
  cores_of_places(&cores);
  if (CPU_COUNT(&cores) > 0) sched_setaffinity(0, sizeof cores, &cores);
  execv("/proc/self/exe", argv);
}

/* Open MPI hands an option --bind-to on in this variable. */
bool world_unbind(void) {
  cpu_set_t all;
  int before = world_cores();
  if (!world_launched() || world_supervised() || getenv("OMPI_COMM_WORLD_SIZE") == NULL ||
      getenv("OMPI_MCA_hwloc_base_binding_policy") != NULL)
    return false;
  memset(&all, 0xff, sizeof all); /* the kernel leaves out what this process may not have */
  return sched_setaffinity(0, sizeof all, &all) == 0 && world_cores() > before;
}

/* Of THERE cores, those that SLURM gave to the job on this node. Where it does not keep jobs to
 * theirs, nobody knows which ones: jobs one after the other take different ones. */
static int granted_cores(int there) {
  int granted = slurm_present() ? number_in("SLURM_CPUS_ON_NODE") : 0;
  return granted > 0 && granted < there ? granted : there;
}

void world_bind(int index, int count, bool alike, const rs_log *log) {
  cpu_set_t all, mine;
  CPU_ZERO(&all);
  CPU_ZERO(&mine);
  if (sched_getaffinity(0, sizeof all, &all) != 0) return;
  int there = CPU_COUNT(&all), cores = granted_cores(there), seen = 0;
  bool one_granted = slurm_present() && number_in("SLURM_CPUS_ON_NODE") == 1;
  if (!alike || (count == 1 && there == 1 && world_machine_cores() > 1 && !one_granted)) {
    rs_logf(
        log, RS_LOG_WARN,
        "the launcher bound this rank to %d of %d cores; mpirun --bind-to none leaves the sharing "
        "to ranksweep",
        there, world_machine_cores());
    return;
  }
  int first = index * cores / count, last = (index + 1) * cores / count;
  if (last == first) last = first + 1; /* more workers than cores */
  int skipped = cores < there ? (int)((long)number_in("SLURM_JOB_ID") * cores % there) : 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &all)) continue;
    int place = (seen++ + there - skipped) % there;
    if (place >= first && place < last) CPU_SET(cpu, &mine);
  }
  sched_setaffinity(0, sizeof mine, &mine);
}

int world_terminal(void) {
  if (getenv(WORLD_TERMINAL_VARIABLE) != NULL) return number_in(WORLD_TERMINAL_VARIABLE);
  struct winsize size;
  if (!isatty(STDERR_FILENO)) return 0;
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}
