/* run: one stage on one group. Gives the experiment kind its context, keeps what stages leave,
 * times and reports. */
#ifndef RANKSWEEP_RUN_H
#define RANKSWEEP_RUN_H

#include "ranksweep/exp.h"

/* What to run. Borrowed for the time of rs_runner_run. */
typedef struct rs_stage_task {
  int stage, attempt; /* the coordinator's numbers */
  const rs_experiment *kind;
  int step; /* which of the kind's stages */
  const rs_settings *settings;
  rs_id identity, parent; /* parent: where there is one */
  bool has_parent;
  int threads; /* OpenMP threads of each rank */
} rs_stage_task;

enum { RS_MAX_FINALS = 32, RS_MESSAGE_BYTES = 1024 };
enum { RS_MAX_ARTIFACT_NAME = 64, RS_MAX_ARTIFACT_LONG_NAME = 256 }; /* most bytes of these texts */

/* A file that the stage left for people, as it was when it was written. */
typedef struct rs_artifact_note {
  char name[RS_MAX_ARTIFACT_NAME + 1], long_name[RS_MAX_ARTIFACT_LONG_NAME + 1];
  size_t bytes;
  uint64_t checksum; /* XXH3-64 */
} rs_artifact_note;

/* How it ended. Names of finals are the kind's own constants. */
typedef struct rs_stage_report {
  rs_status status;
  char message[RS_MESSAGE_BYTES];
  double seconds;
  size_t n_finals;
  rs_metric_value finals[RS_MAX_FINALS];
  size_t n_artifacts; /* on the root */
  rs_artifact_note artifacts[RS_MAX_ARTIFACTS];
  int damaged_checkpoints;   /* passed over when it looked for one to continue from */
  double wait_seconds;       /* of `seconds`, spent on collectives and nothing else */
  double checkpoint_seconds; /* of `seconds`, spent on saving checkpoints */
  bool has_output;           /* a checkpoint named by the identity was written */
  /* It failed over a file of the run itself, not over its work: its output or an artifact could not
   * be written, or what it continues from not be read. */
  bool files_failed;
} rs_stage_report;

/* What the group's root tells while it runs. */
typedef struct rs_run_events {
  void *user;
  rs_status (*metrics)(void *user, const rs_stage_task *task, size_t epoch, uint64_t step,
                       double seconds, const rs_metric_value *values, size_t n);
  rs_status (*progress)(void *user, const rs_stage_task *task, const rs_stage_progress *progress);
  bool (*stop)(void *user); /* on every rank: has this stage been asked to stop? */
  /* On every rank, about once a second: it has been waiting for others of the group for SECONDS. */
  void (*waiting)(void *user, const rs_stage_task *task, double seconds);
  /* Something went wrong that the stage can do without. */
  rs_status (*warning)(void *user, const rs_stage_task *task, const char *text);
} rs_run_events;

typedef struct rs_runner rs_runner;

/* DIRECTORY: where stages leave their output, "RESULTS.ckpt". */
rs_status rs_runner_create(const char *directory, rs_runner **out) RS_MUST_CHECK;
void rs_runner_destroy(rs_runner *r); /* collective over the node after rs_runner_share */

/* Load the data that stages of KIND with SETTINGS read, one copy for all ranks of NODE. What cannot
 * be shared is loaded by each process when it needs it. Collective. */
void rs_runner_share(rs_runner *r, const rs_experiment *kind, const rs_settings *settings,
                     rs_comm *node);

/* Run TASK on the group COMM. Failures are in the report, the same on every rank. The stage's
 * checkpoints stay, also when it has ended well: they may go when that is on record. Collective. */
void rs_runner_run(rs_runner *r, const rs_stage_task *task, rs_comm *comm,
                   const rs_run_events *events, rs_stage_report *report);

/* ---- files -------------------------------------------------------------------------------- */

/* What stages leave in DIRECTORY, named by their identity. */
typedef enum rs_stage_file_kind {
  RS_FILE_OUTPUT,  /* <identity>.h5: what a stage left when it was done */
  RS_FILE_RESUME,  /* <identity>.a.h5, .b.h5: its two newest checkpoints, to continue from */
  RS_FILE_STEP,    /* <identity>.step<N>.h5: its checkpoint of step N, for people to look at */
  RS_FILE_ARTIFACT /* <identity>.<name>: a file of another format that it left for people */
} rs_stage_file_kind;

typedef struct rs_stage_file {
  rs_id identity;
  rs_stage_file_kind kind;
  uint64_t step; /* RS_FILE_STEP */
  int writer;    /* of "<name>.tmp.<pid>", which was being written: that process; 0: it is whole */
} rs_stage_file;

/* Paths of these into *OUT; release with free(). WHICH of the two is 0 or 1. */
rs_status rs_stage_path(const char *directory, rs_id identity, char **out) RS_MUST_CHECK;
rs_status rs_stage_resume_path(const char *directory, rs_id identity, int which,
                               char **out) RS_MUST_CHECK;
rs_status rs_stage_step_path(const char *directory, rs_id identity, uint64_t step,
                             char **out) RS_MUST_CHECK;
/* NAME: up to RS_MAX_ARTIFACT_NAME characters A-Z a-z 0-9 . _ -, the first no dot; not what other
 * files of stages may be called: nothing that begins with "h5" or "step", ends with ".h5" or holds
 * ".tmp.". Any other is RS_ERR_INTERNAL. */
rs_status rs_stage_artifact_path(const char *directory, rs_id identity, const char *name,
                                 char **out) RS_MUST_CHECK;

/* Read a file's name; false: it is none that we give. */
bool rs_stage_file_parse(const char *name, rs_stage_file *out);

/* Visit all files in DIRECTORY that have such a name, in no order; VISIT may remove them. Another
 * status than RS_OK ends it. No directory, no files. */
typedef rs_status (*rs_stage_file_visit)(void *user, const char *path, const rs_stage_file *file);
rs_status rs_stage_files(const char *directory, rs_stage_file_visit visit,
                         void *user) RS_MUST_CHECK;

#endif
