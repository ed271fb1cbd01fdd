/* What `ranksweep doctor` looks at: tables of small checks, a file a topic. */
#ifndef RANKSWEEP_CLI_DOCTOR_H
#define RANKSWEEP_CLI_DOCTOR_H

#include "cli.h"
#include "launch/program.h"

typedef enum doctor_level { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_FAULT } doctor_level;

typedef struct doctor_finding {
  doctor_level level;
  rs_str found;  /* one line; empty: the check does not apply here, and nothing is said */
  rs_str advice; /* how to mend it: lines that end in '\n', none when the level is DOCTOR_OK */
} doctor_finding;

/* DIRECTORY is where results would go. */
typedef struct doctor_check {
  const char *name;
  void (*look)(const char *directory, doctor_finding *f);
} doctor_check;

typedef struct doctor_topic {
  const char *name;
  const doctor_check *checks;
  size_t n;
} doctor_topic;

extern const doctor_topic doctor_mpi, doctor_cpu, doctor_files, doctor_memory, doctor_slurm,
    doctor_user;

/* Add to what was found, "; " between two calls' words. */
void doctor_note(doctor_finding *f, const char *format, ...) RS_PRINTF(2, 3);
/* Raise the level, and add a line that says how to mend it. */
void doctor_warn(doctor_finding *f, const char *format, ...) RS_PRINTF(2, 3);
void doctor_fault(doctor_finding *f, const char *format, ...) RS_PRINTF(2, 3);

/* As program_run; what it said on stderr comes behind what it said on stdout. */
rs_status doctor_run(const char *const *argv, double seconds, void (*prepare)(void),
                     program_end *end) RS_MUST_CHECK;

/* ---- launching ------------------------------------------------------------------------------ */

/* Ranks started as `ranksweep run` starts them, which look whether they form one world. */
void doctor_look_at_launch(const char *directory, doctor_finding *f);
/* What each of them does; its exit status. */
int doctor_ping(void);

#endif
