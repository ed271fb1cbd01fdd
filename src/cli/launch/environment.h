/* What of the environment belongs to the record of a run. */
#ifndef RANKSWEEP_CLI_ENVIRONMENT_H
#define RANKSWEEP_CLI_ENVIRONMENT_H

#include "ranksweep/base.h"

/* Append "A=b; C=d" to OUT, in the order of the names: the variables that steer threads, BLAS, MPI
 * and ranksweep itself, and those by which a SLURM job is found again. */
rs_status environment_describe(rs_str *out) RS_MUST_CHECK;

#endif
