/* The batch script of a job: slurm/batch.sh with its blanks filled in. */
#ifndef RANKSWEEP_CLI_BATCH_H
#define RANKSWEEP_CLI_BATCH_H

#include "ranksweep/job.h"

typedef struct batch_request {
  const char *job;              /* path of the job file */
  const char *results;          /* path of the results file */
  int group;                    /* ranks that one trial wants: the least number of tasks */
  const char *const *overrides; /* of the job file, --set */
  size_t n_overrides;
  const char *const *options; /* of sbatch, beside those of the job file */
  size_t n_options;
} batch_request;

/* Shares that slurm.array asks for, 0: no array; LIMIT, if not NULL, gets what follows them ("%2",
 * ""). The setting has been checked. */
int batch_shares(const rs_settings *s, const char **limit);

/* What the script says; release *OUT with free(). RS_ERR_USAGE for a path or option that cannot
 * stand in one. */
rs_status batch_script(const rs_settings *s, const batch_request *request,
                       char **out) RS_MUST_CHECK;

/* Where it is kept: RESULTS without ".h5" and with ".sbatch". Release with free(). */
rs_status batch_path(const char *results, char **out) RS_MUST_CHECK;
/* The log of JOB beside it, of all its tasks when it is an array; as an option of sbatch when JOB
 * is NULL. Release with free(). */
rs_status batch_log(const rs_settings *s, const char *results, const char *job,
                    char **out) RS_MUST_CHECK;

#endif
