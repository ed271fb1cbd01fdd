/* How many ranks and threads suit a job on this machine. */
#ifndef RANKSWEEP_CLI_SIZE_H
#define RANKSWEEP_CLI_SIZE_H

#include "ranksweep/exp.h"
#include "ranksweep/plan.h"

/* Every trial of SHARE that the job's strategy proposes at once, as a plan. */
rs_status size_make_plan(const rs_job *job, rs_share share, rs_plan **out) RS_MUST_CHECK;

typedef struct size_layout {
  int cores, workers, threads; /* of the machine; workers of this many threads each */
  int group;                   /* ranks of the largest group that is asked for */
  double parallel; /* whole work over its longest chain: how many could be busy on average */
} size_layout;
void size_layout_of(const rs_plan *plan, size_layout *out);

/* MPI ranks for SHARE of JOB, the coordinator included. */
rs_status size_choose_ranks(const rs_job *job, rs_share share, int *out) RS_MUST_CHECK;

#endif
