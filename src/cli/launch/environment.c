#include "environment.h"

#include "deadline.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A name that ends in '_' stands for all that begin with it. */
static const char *const wanted[] = {
    "GOMP_",
    "KMP_",
    "MKL_",
    "OMPI_MCA_",
    "OMP_",
    "OPENBLAS_",
    "RANKSWEEP_",
    "SLURM_ARRAY_JOB_ID",
    "SLURM_ARRAY_TASK_ID",
    "SLURM_CLUSTER_NAME",
    "SLURM_CPUS_PER_TASK",
    "SLURM_JOB_ID",
    "SLURM_JOB_NODELIST",
    "SLURM_JOB_NUM_NODES",
    "SLURM_JOB_PARTITION",
    "SLURM_NODELIST",
    "SLURM_NTASKS",
    "SLURM_NTASKS_PER_NODE",
    "SLURM_RESTART_COUNT",
};

/* What Open MPI's launcher tells its ranks in every run, and we ours: addresses, places and numbers
 * of the processes, other ones each time. */
static const char *const left_out[] = {
    "OMPI_MCA_ess",
    "OMPI_MCA_ess_",
    "OMPI_MCA_initial_wdir",
    "OMPI_MCA_mpi_oversubscribe",
    "OMPI_MCA_orte_",
    "OMPI_MCA_pmix",
    "OMPI_MCA_shmem_RUNTIME_QUERY_hint",
    DEADLINE_VARIABLE,
    WORLD_RESTART_VARIABLE,
    WORLD_TERMINAL_VARIABLE,
};

static bool is_listed(const char *const *list, size_t n, const char *variable) {
  size_t name = strcspn(variable, "=");
  for (size_t i = 0; i < n; i++) {
    size_t length = strlen(list[i]);
    bool prefix = list[i][length - 1] == '_';
    if (strncmp(list[i], variable, length) == 0 && (prefix || name == length)) return true;
  }
  return false;
}

static bool matters(const char *variable) {
  return is_listed(wanted, RS_COUNT(wanted), variable) &&
         !is_listed(left_out, RS_COUNT(left_out), variable);
}

static int compare(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

rs_status environment_describe(rs_str *out) {
  const char **chosen;
  size_t all = 0, n = 0;
  while (environ != NULL && environ[all] != NULL) all++;
  RS_TRY(rs_new(&chosen, all, sizeof *chosen));
  for (size_t i = 0; i < all; i++)
    if (matters(environ[i])) chosen[n++] = environ[i];
  qsort(chosen, n, sizeof *chosen, compare);
  for (size_t i = 0; i < n; i++) rs_str_addf(out, "%s%s", i > 0 ? "; " : "", chosen[i]);
  free(chosen);
  if (out->text != NULL) rs_utf8_repair(out->text);
  return rs_str_status(out);
}
