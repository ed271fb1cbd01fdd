/* Cores, threads on them, and the matrix products that they do. */
#include "launch/cgroup.h"
#include "doctor.h"
#include "launch/world.h"

#include "ranksweep/num.h"

#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* ---- cores ---------------------------------------------------------------------------------- */

static void look_at_cores(const char *directory, doctor_finding *f) {
  int mine = world_cores(), all = world_machine_cores();
  (void)directory;
  doctor_note(f, "%d of the machine's %d", mine, all);
  if (mine >= all || getenv("SLURM_JOB_ID") != NULL) return; /* a job has what it asked for */
  if (getenv("OMP_PROC_BIND") != NULL || getenv("OMP_PLACES") != NULL ||
      getenv("GOMP_CPU_AFFINITY") != NULL)
    doctor_warn(f, "unset OMP_PROC_BIND, OMP_PLACES and GOMP_CPU_AFFINITY: they bind this process "
                   "as well");
  else
    doctor_warn(f, "runs use no more than these: start them without taskset, numactl or a "
                   "launcher's binding (srun --cpu-bind=none), or give the container more cores");
}

static void look_at_quota(const char *directory, doctor_finding *f) {
  double cpus = cgroup_cpus("");
  int cores = world_cores();
  (void)directory;
  if (cpus <= 0) {
    doctor_note(f, "no limit");
    return;
  }
  doctor_note(f, "time of %.3g cores, spread over %d", cpus, cores);
  if (cpus < cores - 0.01)
    doctor_warn(f,
                "threads on all %d cores stop when the time is used up: raise the limit of the "
                "container, or run on fewer cores (taskset)",
                cores);
}

/* ---- environment ---------------------------------------------------------------------------- */

/* Variables that ask for a number of threads. Runs set theirs, for what they do between. */
static void look_at_counts(doctor_finding *f) {
  static const char *const names[] = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
                                      "GOTO_NUM_THREADS"};
  int cores = world_cores();
  for (size_t i = 0; i < RS_COUNT(names); i++) {
    const char *text = getenv(names[i]);
    if (text == NULL) continue;
    long n = strtol(text, NULL, 10);
    doctor_note(f, "%s=%s", names[i], text);
    if (n < 1)
      doctor_warn(f, "unset %s: expected a positive number", names[i]);
    else if (n > cores)
      doctor_warn(f,
                  "unset %s: %ld threads for %d core%s, and that in every rank; runs choose "
                  "their threads themselves (resources.threads_per_rank)",
                  names[i], n, cores, cores == 1 ? "" : "s");
  }
}

static void look_at_limit(doctor_finding *f) {
  const char *text = getenv("OMP_THREAD_LIMIT");
  if (text == NULL) return;
  doctor_note(f, "OMP_THREAD_LIMIT=%s", text);
  if (strtol(text, NULL, 10) < world_cores())
    doctor_warn(f, "unset OMP_THREAD_LIMIT: a rank gets no more threads than that");
}

/* Each rank would bind its threads to the first places of the node, as all others do. */
static void look_at_places(doctor_finding *f) {
  static const char *const names[] = {"OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY"};
  for (size_t i = 0; i < RS_COUNT(names); i++) {
    const char *text = getenv(names[i]);
    if (text == NULL) continue;
    doctor_note(f, "%s=%s", names[i], text);
    if (strcasecmp(text, "false") != 0)
      doctor_warn(f,
                  "unset %s: the threads of several ranks would share the same cores; ranks "
                  "spread over the cores themselves",
                  names[i]);
  }
}

static void look_at_spinning(doctor_finding *f) {
  const char *policy = getenv("OMP_WAIT_POLICY"), *count = getenv("GOMP_SPINCOUNT");
  const double most = 1e6; /* about a millisecond; `run` sets 1e4 */
  if (policy != NULL) {
    doctor_note(f, "OMP_WAIT_POLICY=%s", policy);
    if (strcasecmp(policy, "active") == 0)
      doctor_warn(f, "unset OMP_WAIT_POLICY: threads that wait would keep others from the cores");
  }
  if (count == NULL) return;
  doctor_note(f, "GOMP_SPINCOUNT=%s", count);
  char *unit;
  double n = strtod(count, &unit);
  if (!isfinite(n) || unit == count || n > most || (*unit != '\0' && *unit != ' '))
    doctor_warn(f, "unset GOMP_SPINCOUNT: threads that wait would keep others from the cores");
}

static void look_at_threads(const char *directory, doctor_finding *f) {
  (void)directory;
  look_at_counts(f);
  look_at_limit(f);
  look_at_places(f);
  look_at_spinning(f);
  if (f->found.len == 0) doctor_note(f, "nothing set: runs choose");
}

/* ---- where threads run ---------------------------------------------------------------------- */

enum { MOST_THREADS = 256 };

static int count_distinct(const int *values, int n) {
  int distinct = 0;
  for (int i = 0; i < n; i++) {
    int before = 0;
    while (before < i && values[before] != values[i]) before++;
    distinct += before == i;
  }
  return distinct;
}

/* Cores on which the threads of one team are at work at the same time; *TEAM: their number. */
static int count_cores(double seconds, int *team) {
  int places[MOST_THREADS];
  *team = 1;
#pragma omp parallel
  {
    int thread = rs_num_thread();
#pragma omp barrier
    for (double start = rs_clock_now(); rs_clock_now() - start < seconds;) continue;
    places[thread] = sched_getcpu();
#pragma omp critical
    if (thread + 1 > *team) *team = thread + 1;
  }
  return count_distinct(places, *team);
}

/* The system moves threads apart within milliseconds, unless something holds them together. */
static void look_at_team(const char *directory, doctor_finding *f) {
  const double look_seconds = 0.005, patience = 0.5;
  int wanted = world_cores() < MOST_THREADS ? world_cores() : MOST_THREADS, most = 0, team = 0;
  (void)directory;
  rs_num_set_threads(wanted);
  for (double start = rs_clock_now(); most < wanted && rs_clock_now() - start < patience;) {
    int now = count_cores(look_seconds, &team);
    if (now > most) most = now;
  }
  doctor_note(f, "%d thread%s on %d core%s", team, team == 1 ? "" : "s", most,
              most == 1 ? "" : "s");
  if (team < wanted)
    doctor_warn(f, "OpenMP gives %d of %d threads: unset OMP_THREAD_LIMIT, raise ulimit -u", team,
                wanted);
  if (most < team)
    doctor_warn(f, "threads share cores: something binds them (OMP_PROC_BIND, OMP_PLACES, "
                   "GOMP_CPU_AFFINITY), or other programs keep the cores busy");
}

/* ---- BLAS ----------------------------------------------------------------------------------- */

static bool cpu_has_avx2(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2");
#else
  return false;
#endif
}

static bool core_uses_avx2(const char *core) {
  static const char *const cores[] = {"Haswell",  "Zen",        "Excavator",
                                      "SkylakeX", "Cooperlake", "Sapphirerapids"};
  for (size_t i = 0; i < RS_COUNT(cores); i++)
    if (strcasecmp(core, cores[i]) == 0) return true;
  return false;
}

static void look_at_blas(const char *directory, doctor_finding *f) {
  static const char *const kinds[] = {[RS_BLAS_SEQUENTIAL] = "sequential build",
                                      [RS_BLAS_PTHREADS] = "pthreads build",
                                      [RS_BLAS_OPENMP] = "OpenMP build"};
  const char *core = rs_num_blas_core(), *chosen = getenv("OPENBLAS_CORETYPE");
  char version[64];
  (void)directory;
  snprintf(version, sizeof version, "%s", rs_num_blas_config());
  char *end = strpbrk(version, " "); /* "OpenBLAS 0.3.21 NO_LAPACKE ..." */
  if (end != NULL) end[1 + strcspn(end + 1, " ")] = '\0';
  doctor_note(f, "%s, %s, kernels for %s", version, kinds[rs_num_blas_threading()], core);
  if (rs_num_blas_threading() == RS_BLAS_PTHREADS)
    doctor_warn(f, "its threads fight OpenMP's for the cores: install libopenblas0-openmp, and "
                   "take other builds out of LD_LIBRARY_PATH");
  if (!cpu_has_avx2() || core_uses_avx2(core)) return;
  if (chosen != NULL)
    doctor_warn(f,
                "unset OPENBLAS_CORETYPE (%s): this processor has AVX2, those kernels do not "
                "use it",
                chosen);
  else
    doctor_warn(f, "this processor has AVX2, these kernels do not use it: try "
                   "OPENBLAS_CORETYPE=Haswell, or a newer OpenBLAS");
}

enum { PRODUCT = 512 };

/* FLOP/s of the fastest of many products, over SECONDS. */
static rs_status measure_speed(double seconds, double *out) {
  const size_t n = PRODUCT;
  float *blocks;
  double best = INFINITY;
  RS_TRY(rs_new(&blocks, 3 * n * n, sizeof *blocks));
  for (size_t i = 0; i < 2 * n * n; i++) blocks[i] = 0.5f;
  for (double start = rs_clock_now(); rs_clock_now() - start < seconds;) {
    double before = rs_clock_now();
    rs_gemm(RS_GEMM_NN, n, n, n, blocks, blocks + n * n, blocks + 2 * n * n, NULL);
    double took = rs_clock_now() - before;
    if (took < best) best = took;
  }
  free(blocks);
  *out = 2.0 * (double)n * (double)n * (double)n / best;
  return RS_OK;
}

static void look_at_speed(const char *directory, doctor_finding *f) {
  const double seconds = 0.2, low = 4e9; /* FLOP/s a core: less than SSE does at 1 GHz */
  int cores = world_cores();
  double speed = 0;
  (void)directory;
  rs_num_set_threads(cores);
  if (measure_speed(seconds, &speed) != RS_OK) {
    doctor_note(f, "%s", rs_error_message());
    doctor_fault(f, "free some memory, or raise its limit");
    return;
  }
  doctor_note(f, "%.3g GFLOP/s on %d core%s (products of 512 x 512)", speed * 1e-9, cores,
              cores == 1 ? "" : "s");
  if (speed < low * cores)
    doctor_warn(f, "slow: are other programs at work (top), or time of the cores limited?");
}

static const doctor_check checks[] = {
    {"cores", look_at_cores},        {"cpu quota", look_at_quota}, {"threads", look_at_threads},
    {"thread places", look_at_team}, {"blas", look_at_blas},       {"blas speed", look_at_speed},
};

const doctor_topic doctor_cpu = {"cpu", checks, RS_COUNT(checks)};
