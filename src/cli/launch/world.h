/* How this process was started: alone, by us under mpirun, or by somebody's launcher. */
#ifndef RANKSWEEP_CLI_WORLD_H
#define RANKSWEEP_CLI_WORLD_H

#include "ranksweep/base.h"

/* Set for the ranks that `ranksweep run` starts itself; the value is the width of the user's
 * terminal, 0: none. */
#define WORLD_TERMINAL_VARIABLE "RANKSWEEP_TERMINAL"
/* Set as well when it starts them again after a crash: they continue, whatever else they were told.
 */
#define WORLD_RESTART_VARIABLE "RANKSWEEP_RESTART"

/* Has a launcher that this MPI library understands started us? */
bool world_launched(void);
/* May this be rank 0? Ranks of a launch that are known to be others may not. */
bool world_may_coordinate(void);
/* Has `ranksweep run` started us, under a launcher or as its one rank? */
bool world_supervised(void);

/* A launcher started TASKS processes (0: none is known to have), but MPI sees only one: they do not
 * know of each other. RS_ERR_USAGE with an explanation when that is so. */
rs_status world_check(int mpi_size) RS_MUST_CHECK;

/* Cores that this process may run on, and that the machine has. */
int world_cores(void);
int world_machine_cores(void);

/* Which cores this process may use, as a number to compare with other ranks' of the node. */
uint64_t world_core_mask(void);

/* OMP_PROC_BIND and the like make OpenMP bind this very thread when the program is loaded: one core
 * would be all that is left to share out. Where they are set, the cores are taken back and the
 * program starts again without them, with ARGV; else, and when that fails, nothing happens. */
void world_release_threads(char **argv);

/* mpirun binds each rank to one core where it was not told anything else, and all threads of a rank
 * would share that core. Take such a binding back; true: there was one. */
bool world_unbind(void);

/* Spread the COUNT workers of a node over its cores: keep to the INDEX-th share when all were given
 * the same cores (ALIKE). Otherwise a launcher has bound each, and it stays so. */
void world_bind(int index, int count, bool alike, const rs_log *log);

/* Columns of the user's terminal behind stderr; 0: not a terminal. */
int world_terminal(void);

#endif
