/* What starts the ranks of a run: mpirun, or srun within a SLURM job. */
#ifndef RANKSWEEP_CLI_LAUNCHER_H
#define RANKSWEEP_CLI_LAUNCHER_H

#include "ranksweep/base.h"

typedef enum launcher_kind { LAUNCHER_MPIRUN, LAUNCHER_SRUN } launcher_kind;

/* One way to start a run. */
typedef struct launcher {
  launcher_kind kind;
  int ranks;    /* the coordinator included; 1: no launcher at all */
  int nodes;    /* that `hosts` names */
  rs_str hosts; /* "h1:2,h3:2", for srun "h1,h3": only these nodes; "": those that are there */
} launcher;

enum { LAUNCHER_WORDS = 24 };

/* What is left of the launcher's command line before the program's own; NUMBERS keeps what the
 * words point to. Returns their number. */
typedef struct launcher_numbers {
  char ranks[16], nodes[16];
  bool crowded; /* some node has more workers than cores */
} launcher_numbers;
size_t launcher_head(const launcher *l, launcher_numbers *numbers,
                     const char *words[LAUNCHER_WORDS]);

/* What the launcher would misread of the environment goes; in the process that becomes it. */
void launcher_clean_environment(const launcher *l);

/* "mpirun" or "srun" */
const char *launcher_name(const launcher *l);

#endif
