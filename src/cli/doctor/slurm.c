/* The SLURM job that this runs in, or whether there is a SLURM at all. */
#include "launch/deadline.h"
#include "launch/slurm.h"
#include "doctor.h"
#include "launch/world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *first_set(const char *a, const char *b) {
  return getenv(a) != NULL ? getenv(a) : getenv(b);
}

static void note_variable(doctor_finding *f, const char *what, const char *value) {
  if (value != NULL) doctor_note(f, "%s %s", what, value);
}

static void look_at_job(const char *directory, doctor_finding *f) {
  const char *id = first_set("SLURM_JOB_ID", "SLURM_JOBID");
  char path[PATH_MAX];
  (void)directory;
  if (id == NULL) {
    if (program_find("sbatch", path))
      doctor_note(f, "there is sbatch, but this is not a job");
    else
      doctor_note(f, "none here");
    return;
  }
  doctor_note(f, "job %s", id);
  note_variable(f, "nodes", first_set("SLURM_JOB_NUM_NODES", "SLURM_NNODES"));
  note_variable(f, "tasks", first_set("SLURM_NTASKS", "SLURM_NPROCS"));
  note_variable(f, "cpus per task", getenv("SLURM_CPUS_PER_TASK"));
  note_variable(f, "on", first_set("SLURM_JOB_NODELIST", "SLURM_NODELIST"));
  note_variable(f, "SLURM_MPI_TYPE", getenv("SLURM_MPI_TYPE"));
  const char *per_task = getenv("SLURM_CPUS_PER_TASK");
  if (per_task != NULL && atoi(per_task) > world_machine_cores())
    doctor_warn(f, "%s cpus per task, but this node has %d: is this shell in the job?", per_task,
                world_machine_cores());
}

/* Runs stop a little before the job's end. */
static void look_at_time(const char *directory, doctor_finding *f) {
  char left[32], stop[32];
  const double little = 300;
  (void)directory;
  if (first_set("SLURM_JOB_ID", "SLURM_JOBID") == NULL) return;
  double now = (double)time(NULL), end = slurm_end_time();
  if (end == 0) {
    doctor_note(f, "no limit");
    return;
  }
  if (isnan(end)) {
    doctor_note(f, "neither SLURM_JOB_END_TIME nor squeue tells");
    doctor_warn(f, "give `ranksweep run --deadline` the job's time, or send it SIGUSR1 before its "
                   "end (sbatch --signal=B:USR1@120)");
    return;
  }
  print_seconds(left, sizeof left, end - now > 0 ? end - now : 0);
  print_seconds(stop, sizeof stop, deadline_stop_time(end, end - now) - now);
  if (end > now)
    doctor_note(f, "%s left, runs stop after %s", left, stop);
  else
    doctor_note(f, "the job's time was over %.0f s ago", now - end);
  if (end - now < little)
    doctor_warn(f, "little time: what a run reaches is kept, and the same command continues it in "
                   "the next job");
}

/* Steps that are not started by srun have numbers near the end of 32 bits. */
static bool in_srun_step(void) {
  const double first_special = 4294967290.0;
  const char *step = getenv("SLURM_STEP_ID");
  return step != NULL && strtod(step, NULL) < first_special;
}

/* A process of srun that knows nothing of the others, since no PMIx told it. */
static void look_at_step(const char *directory, doctor_finding *f) {
  const char *tasks = getenv("SLURM_STEP_NUM_TASKS");
  (void)directory;
  if (!in_srun_step()) return;
  doctor_note(f, "step %s of %s task%s", getenv("SLURM_STEP_ID"), tasks != NULL ? tasks : "?",
              tasks != NULL && strcmp(tasks, "1") == 0 ? "" : "s");
  if (getenv("PMIX_RANK") != NULL) {
    doctor_note(f, "with PMIx");
  } else if (world_check(1) != RS_OK) {
    doctor_note(f, "without PMIx: each task is an MPI world of its own");
    doctor_fault(f, "start it with `srun --mpi=pmix`, or run `ranksweep run` once, which starts "
                    "mpirun");
  } else {
    doctor_note(f, "without PMIx");
    doctor_warn(f, "mpirun in a shell of srun waits for what the shell itself holds: use salloc or "
                   "sbatch, or srun --overlap");
  }
}

/* The value of "NAME = value" in what `scontrol show config` says; "" when there is none. */
static void find_value(const char *config, const char *name, char *out, size_t size) {
  out[0] = '\0';
  for (const char *line = config; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
    line += *line == '\n';
    size_t length = strlen(name), end = strcspn(line, "\n");
    if (strncmp(line, name, length) != 0 || line[length] != ' ') continue;
    size_t at = strcspn(line, "=") + 1;
    at += strspn(line + at, " ");
    if (at < end) snprintf(out, size, "%.*s", (int)(end - at), line + at);
    return;
  }
}

/* SLURM tells the batch script beforehand only where it is told to. */
static void judge_preemption(const char *config, doctor_finding *f) {
  char mode[128], parameters[1024];
  find_value(config, "PreemptMode", mode, sizeof mode);
  find_value(config, "SlurmctldParameters", parameters, sizeof parameters);
  doctor_note(f, "preempt mode %s", mode[0] != '\0' ? mode : "unknown");
  if (mode[0] == '\0' || strstr(mode, "OFF") != NULL) return;
  if (strstr(mode, "CANCEL") != NULL) doctor_note(f, "preempted jobs do not come back");
  if (strstr(parameters, "preempt_send_user_signal") == NULL)
    doctor_note(f,
                "without preempt_send_user_signal: a job is not told before it is preempted, and "
                "goes on from its last checkpoint (checkpoint.every)");
}

static void look_at_preemption(const char *directory, doctor_finding *f) {
  const double patience = 10;
  static const char *const argv[] = {"scontrol", "show", "config", NULL};
  char path[PATH_MAX];
  program_end end;
  (void)directory;
  if (!program_find("sbatch", path) || !program_find("scontrol", path)) return;
  rs_status status = program_run(argv, patience, NULL, &end);
  if (status == RS_OK && end.status == 0) judge_preemption(end.words.text, f);
  program_free(&end);
}

static const doctor_check checks[] = {{"slurm", look_at_job},
                                      {"slurm time", look_at_time},
                                      {"slurm step", look_at_step},
                                      {"slurm preemption", look_at_preemption}};

const doctor_topic doctor_slurm = {"slurm", checks, RS_COUNT(checks)};
