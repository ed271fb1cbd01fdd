/* Keeps a run going: launches it, and again from its journal when ranks die. */
#ifndef RANKSWEEP_CLI_SUPERVISE_H
#define RANKSWEEP_CLI_SUPERVISE_H

/* Launch ARGV, a `run` command that writes RESULTS, with RANKS ranks until it ends by itself, is
 * asked to stop, or has crashed more than MAX_BARREN times in a row without getting any further.
 * The exit status of the run. */
int supervise(int ranks, int argc, char **argv, const char *results, int max_barren);

#endif
