/* Keeps a run going: launches it, and again from its journal when ranks die. */
#ifndef RANKSWEEP_CLI_SUPERVISE_H
#define RANKSWEEP_CLI_SUPERVISE_H

#include "launcher.h"

typedef struct supervise_options {
  const char *results;
  int max_barren;       /* crashes in a row without getting any further that are put up with */
  double stall_seconds; /* without a sign of life, after which a run is ended by force; 0: never */
  bool no_kill;         /* a SLURM job outlives its nodes: go on with those that are left */
} supervise_options;

/* Launch ARGV, a `run` command, as BY says until it ends by itself, is asked to stop, or no restart
 * helps. Within a SLURM job that has lost a node it goes on with those that are left, or stops for
 * the job to be requeued. Signals are watched already. The exit status of the run. */
int supervise(launcher_kind by, int ranks, int argc, char **argv, const supervise_options *options);

#endif
