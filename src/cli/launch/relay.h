/* What comes out of a launcher's stderr: the ranks' own lines, which go on to ours; mpirun's
 * reports between two rules of dashes and srun's lines, which tell how the run ended. */
#ifndef RANKSWEEP_CLI_RELAY_H
#define RANKSWEEP_CLI_RELAY_H

#include "ranksweep/base.h"

/* How a launch ended badly, as far as the launcher said. */
typedef enum relay_cause {
  RELAY_NOTHING,
  RELAY_SIGNAL,   /* a rank was ended by signal `number` */
  RELAY_EXIT,     /* a rank left with exit status `number`, without leave of the others */
  RELAY_ABORT,    /* a rank called MPI_Abort with error code `number` */
  RELAY_HOST_LOST /* a node does not answer any more */
} relay_cause;

typedef struct relay_report {
  relay_cause cause;
  int rank;       /* world rank, -1: not known */
  int number;     /* signal, exit status or error code */
  char host[256]; /* "": not known */
  char lost[256]; /* a node that does not answer any more, whatever was told first; "": none */
} relay_report;

typedef struct relay {
  void (*write)(void *user, const char *bytes, size_t n); /* where the ranks' lines go */
  void *user;
  rs_str held;     /* the line that may be a rule, or the report so far */
  bool line_start; /* what comes next begins a line */
  bool in_report;
  bool tasks_are_ranks; /* srun starts the ranks itself, not mpirun's daemons */
  char line[256];       /* the line so far, as much as is looked at */
  size_t line_length;
  relay_report report; /* of the first report that tells something */
} relay;

void relay_open(relay *r, void (*write)(void *user, const char *bytes, size_t n), void *user);
/* Everything but reports is written at once, even in the middle of a line: a progress bar has no
 * line ends. */
void relay_feed(relay *r, const char *bytes, size_t n);
/* What was held back is written: a report that never ended is not one. */
void relay_close(relay *r);

/* "rank 2 on n1 was killed by signal 9 (Killed)" */
void relay_describe(const relay_report *report, char *out, size_t size);

#endif
