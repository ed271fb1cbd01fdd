/* Keeps a run going: launches it, and again from its journal when ranks die. */
#ifndef RANKSWEEP_CLI_SUPERVISE_H
#define RANKSWEEP_CLI_SUPERVISE_H

#include "launcher.h"

typedef struct supervise_options {
  const char *results;
  int max_barren;       /* crashes in a row without getting any further that are put up with */
  double stall_seconds; /* without a sign of life, after which a run is ended by force; 0: never */
} supervise_options;

/* Launch ARGV, a `run` command, as BY says until it ends by itself, is asked to stop, or no restart
 * helps. Within a SLURM job, what has lost a node goes on with those that are left. The exit status
 * of the run. */
int supervise(launcher_kind by, int ranks, int argc, char **argv, const supervise_options *options);

#endif
