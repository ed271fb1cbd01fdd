/* sched: who runs what, when. A pure state machine, and the coordinator, workers and transports
 * around it. */
#ifndef RANKSWEEP_SCHED_H
#define RANKSWEEP_SCHED_H

#include "ranksweep/base.h"
#include "ranksweep/exp.h"
#include "ranksweep/plan.h"

/* ---- the state machine ---------------------------------------------------------------------- */

/* Events in, commands out: no clock, no MPI, no files, no allocation but its own tables. The same
 * calls in the same order give the same commands. Stages are numbered as they are added, parents
 * first; trials too. Workers are MPI ranks 1..N (0 for the coordinator's own process when it works
 * alone).
 *
 * What starts is decided when rs_sched_next is called, not when an event comes: hand over all
 * events at hand (all joins at the beginning, the end of a stage together with its root's
 * RS_EVENT_WORKER_IDLE) before taking commands.
 *
 * Rules:
 *  - A stage becomes ready when its parent is done. It runs on a group of `ranks` idle workers; the
 *    group's first member is the root. A stage that wants more ranks than there are living workers
 *    gets those.
 *  - Ready stages start in order of priority: fewer attempts used, then most expensive remaining
 *    path (the stage's cost plus that of the costliest chain below it, chains added later
 *    included), then lower index. The root is the worker that holds the parent's result in memory
 *    (the root of the group that ran the parent in this run), when that worker is idle; the stage
 *    does not wait for it. All other members are the lowest idle workers.
 *  - A big group is not starved by small stages. When the first ready stage wants W workers and
 *    only I < W are idle, those are held free for it; a later one (in order of priority) may start
 *    on B of them only when that cannot delay the first: when no choice among the running groups
 *    has sizes that add up to W - I, ..., or W - I + B - 1. Whichever groups end, and in whichever
 *    order, the first stage then starts at the same end as it would have without the later one. (A
 *    worker that has yet to report idle counts as a group of its own.) So the first ready stage
 *    waits at most for the groups that ran when it became the first, or when the last worker was
 *    lost.
 *  - A stage that fails is tried again up to `max_attempts` times in all, after other ready stages;
 *    then it has failed and so has every trial whose chain holds it. Its descendants are never
 *    started: they stay RS_PENDING and do not end.
 *  - Losing a worker while a stage runs on it ends the attempt of that stage only. The stage is
 *    ready again at once, for other workers, while attempts remain; the group's other members
 *    become idle when they report (RS_EVENT_WORKER_IDLE). What the group still reports about that
 *    attempt is stale and ignored.
 *  - A trial is done when the last stage of its chain is done: exactly one RS_COMMAND_TRIAL a
 *    trial, exactly one RS_COMMAND_STAGE_END a stage that ended (done, failed or stopped).
 *  - A stopped stage gives its attempt back, is not started again and leaves its trials pending.
 *  - After RS_EVENT_STOP nothing starts; running stages are asked to stop (RS_COMMAND_STOP, once
 *    each); when none runs, RS_COMMAND_FINISHED.
 *  - RS_COMMAND_FINISHED comes once and last, when nothing runs and nothing can start any more and
 *    no trial will be added (RS_EVENT_NO_MORE_TRIALS has come), or after a stop, or when no worker
 *    is left of those that joined. */
typedef enum rs_event_kind {
  RS_EVENT_WORKER_JOINED, /* worker: new, or back after it was lost; idle from now on */
  RS_EVENT_WORKER_IDLE,   /* worker: left its group, a root after its stage's end; can take work */
  RS_EVENT_WORKER_LOST,   /* worker */
  RS_EVENT_STAGE_DONE,    /* stage, attempt: reported by its root */
  RS_EVENT_STAGE_FAILED,  /* stage, attempt */
  RS_EVENT_STAGE_FATAL,   /* stage, attempt: failed for good (bad data), a second try is in vain */
  RS_EVENT_STAGE_STOPPED, /* stage, attempt: checkpointed and left on request */
  RS_EVENT_NO_MORE_TRIALS,
  RS_EVENT_STOP
} rs_event_kind;

typedef struct rs_event {
  rs_event_kind kind;
  int worker; /* where it applies */
  int stage;
  int attempt; /* of the stage, as in its RS_COMMAND_START: tells stale reports from others */
} rs_event;

typedef enum rs_command_kind {
  RS_COMMAND_START,     /* stage, workers[n_workers], attempt: run it on this group */
  RS_COMMAND_STOP,      /* stage, workers: ask the group to checkpoint and leave */
  RS_COMMAND_STAGE_END, /* stage, attempt, outcome */
  RS_COMMAND_TRIAL,     /* trial, outcome; stage: the one that decided it */
  RS_COMMAND_FINISHED
} rs_command_kind;

typedef enum rs_outcome { RS_PENDING, RS_RUNNING, RS_DONE, RS_FAILED, RS_STOPPED } rs_outcome;

typedef struct rs_command {
  rs_command_kind kind;
  int stage, trial; /* -1 where it does not apply */
  int attempt;      /* counts from 1, and on when the stage is redone */
  rs_outcome outcome;
  const int *workers; /* valid until the next call on the scheduler */
  int n_workers;
} rs_command;

typedef struct rs_sched rs_sched;

rs_status rs_sched_create(int max_attempts, rs_sched **out) RS_MUST_CHECK;
void rs_sched_destroy(rs_sched *s);

/* Add a stage: PARENT is its index or -1, RANKS the group's size wanted (>= 1), COST any finite
 * number >= 0 proportional to its time, STATE RS_PENDING, or RS_DONE/RS_FAILED when the journal
 * says so (it then gives no RS_COMMAND_STAGE_END), ATTEMPTS already used. A pending one that has
 * used all attempts fails at once. A done one does not depend on its parent's state. Its index in
 * *OUT. Time: O(log stages + length of its chain). Wrong arguments, or a call after
 * RS_EVENT_NO_MORE_TRIALS or RS_COMMAND_FINISHED, are RS_ERR_INTERNAL. */
rs_status rs_sched_add_stage(rs_sched *s, int parent, int ranks, double cost, rs_outcome state,
                             int attempts, int *out) RS_MUST_CHECK;

/* Add a trial that ends with stage LAST. One whose outcome is known already (its last stage is
 * done, or one of its chain failed) gives its RS_COMMAND_TRIAL at the next rs_sched_next. Errors as
 * for rs_sched_add_stage. */
rs_status rs_sched_add_trial(rs_sched *s, int last, int *out) RS_MUST_CHECK;

/* A done stage has to run again, because what it left is gone and something needs it: it becomes
 * pending, with all its attempts before it again. Children that have not started wait for it; those
 * that run, go on. Trials that are decided stay as they are and give no further RS_COMMAND_TRIAL.
 * When it ends, it gives another RS_COMMAND_STAGE_END. Below a failed stage it will not start, and
 * trials that wait for it fail. Time: O(log stages + number of its children + length of its chain).
 * A stage that is not done, or a call after RS_COMMAND_FINISHED, is RS_ERR_INTERNAL. */
rs_status rs_sched_redo_stage(rs_sched *s, int stage) RS_MUST_CHECK;

/* Hand over an event. One that does not fit the state (a stage that is not running reports done, an
 * unknown worker) is RS_ERR_INTERNAL and changes nothing. Ignored are: reports on an attempt that a
 * lost worker ended, RS_EVENT_WORKER_IDLE and RS_EVENT_WORKER_LOST of a lost worker, a second
 * RS_EVENT_STOP or RS_EVENT_NO_MORE_TRIALS. */
rs_status rs_sched_event(rs_sched *s, const rs_event *event) RS_MUST_CHECK;

/* The next command, false when there is none until the next event or addition. */
bool rs_sched_next(rs_sched *s, rs_command *out);

/* For displays: numbers of stages and trials in each outcome, workers idle and living. A trial
 * counts as running while the last stage of its chain runs. */
typedef struct rs_sched_counts {
  int stages[5], trials[5]; /* by rs_outcome */
  int workers, idle;
} rs_sched_counts;
void rs_sched_count(const rs_sched *s, rs_sched_counts *out);
rs_outcome rs_sched_stage_state(const rs_sched *s, int stage);
/* Used up (since it was last redone), the one that runs included. */
int rs_sched_stage_attempts(const rs_sched *s, int stage);

/* Sum of the costs of stages neither done nor failed and not below a failed one, stopped ones
 * included. */
double rs_sched_cost_left(const rs_sched *s);

/* ---- transports -------------------------------------------------------------------------------
 */

/* Carries texts between the coordinator and workers. Both ends poll; nobody burns a core while
 * idle. */
typedef struct rs_transport rs_transport;
typedef void (*rs_receive)(void *user, int from, const char *text);

/* One process is both ends: a message to worker 0 is handled, the whole stage included, inside the
 * coordinator's rs_transport_poll; what the worker sends arrives at once. */
rs_status rs_transport_create_local(rs_transport **out) RS_MUST_CHECK;
/* MPI: rank 0 coordinates, ranks 1..size-1 work. After rs_comm_start. Collective over the world. */
rs_status rs_transport_create_mpi(rs_transport **out) RS_MUST_CHECK;
void rs_transport_destroy(rs_transport *t);

int rs_transport_rank(const rs_transport *t);
int rs_transport_size(const rs_transport *t);
/* Ranks FIRST .. FIRST+COUNT-1 are the workers. */
void rs_transport_workers(const rs_transport *t, int *first, int *count);
/* Where RANK runs: name of its host, and model of the processor there ("unknown" where the system
 * does not tell). Every rank knows all of them. */
const char *rs_transport_host(const rs_transport *t, int rank);
const char *rs_transport_processor(const rs_transport *t, int rank);
rs_status rs_transport_send(rs_transport *t, int to, const char *text) RS_MUST_CHECK;
/* Hand over what has arrived; waits up to SECONDS for something to do. */
rs_status rs_transport_poll(rs_transport *t, double seconds, rs_receive receive,
                            void *user) RS_MUST_CHECK;

/* ---- the worker ----------------------------------------------------------------------------- */

/* Serve as a worker until the coordinator says that all is over. NODE: the workers of this node,
 * which share data. STOP, which may be NULL, is asked
 * now and then why the run has to stop (NULL: it has not); the coordinator is told. */
rs_status rs_work(rs_transport *t, rs_comm *node, const char *(*stop)(void *user),
                  void *user) RS_MUST_CHECK;

/* ---- the coordinator ------------------------------------------------------------------------ */

/* A running stage, for displays. */
typedef struct rs_running_view {
  int stage, root;
  int ranks;        /* of its group */
  const char *name; /* of the stage */
  double seconds;   /* since this attempt began */
  double fraction;  /* 0..1; NaN: unknown */
  size_t epoch, epochs;
  double loss; /* NaN: none */
} rs_running_view;

typedef struct rs_run_view {
  size_t trials_total, trials_done, trials_failed; /* total 0: not known */
  size_t stages_total, stages_done;
  double fraction;        /* of the whole work, 0..1 */
  double elapsed, eta;    /* seconds; eta NaN: unknown */
  double trials_per_hour; /* finished by this run; NaN: none yet */
  size_t n_running;
  const rs_running_view *running;
  int workers, idle;
} rs_run_view;

typedef struct rs_coordinate_options {
  const rs_job *job;
  const rs_experiment *kind;
  const char *results;          /* path of RESULTS.h5; the journal and checkpoints lie beside it */
  rs_share share;               /* of the job; count 0: all of it */
  const char *const *overrides; /* texts of --set that the job was read with; for shares */
  size_t n_overrides;
  bool fresh;               /* move earlier results aside */
  bool retry_failed;        /* when continuing, trials that failed before are tried again */
  int threads;              /* per rank; 0: share the cores of each node out */
  const char *command_line; /* for the provenance */
  const char *environment;  /* the same: "A=b; C=d", the variables that matter; NULL: none */
  const char *fingerprint;  /* of the data, see rs_experiment; NULL: none. Results of other data are
                               RS_ERR_CONFLICT */
  const rs_log *log;
  void (*show)(void *user, const rs_run_view *view); /* may be NULL; called a few times a second */
  /* Why the run has to stop, e.g. "got signal 15"; NULL: it has not. */
  const char *(*stop)(void *user);
  /* Seconds until it will have to, INFINITY: never. Stages that would not get as far as to their
   * next checkpoint are not started. May be NULL: never. */
  double (*time_left)(void *user);
  void *user;
} rs_coordinate_options;

typedef struct rs_run_summary {
  size_t trials, done, failed;
  bool stopped; /* early: run again to continue */
  double seconds;
  size_t stages_run, stages_reused;
  double record_seconds;     /* in the journal and snapshots */
  double checkpoint_seconds; /* that stages spent on saving checkpoints */
  double group_seconds;      /* of stages on several ranks, ... */
  double wait_seconds;       /* ... and what of it was spent on collectives alone */
} rs_run_summary;

/* Run the job to its end over T and keep its results. Tells the workers to end, also when it fails.
 */
rs_status rs_coordinate(const rs_coordinate_options *options, rs_transport *t,
                        rs_run_summary *out) RS_MUST_CHECK;

/* Tell every worker to end, when there is nothing to coordinate (a bad job file). */
void rs_dismiss(rs_transport *t);

/* ---- joining shares ---------------------------------------------------------------------- */

typedef struct rs_merge_options {
  const char *results;       /* to be made, with its journal and checkpoints */
  const char *const *shares; /* paths of results files, N of them */
  size_t n;
  bool force; /* move earlier results of that name aside */
  const rs_log *log;
} rs_merge_options;

typedef struct rs_merge_summary {
  int shares, missing; /* of the job; and how many of them were not there */
  rs_str absent;       /* numbers of those: "2, 5"; release with rs_str_free() */
  size_t trials, done, failed;
  size_t stages; /* known */
  size_t again;  /* times that a share has done what one before it has as well */
} rs_merge_summary;

/* Join results of shares of one job into what one run of the job would have left: journal, results
 * file and checkpoints (hard links where the file system can, else copies; checksums are verified).
 * The results file comes last, and until then nothing can be taken for it. Shares stay as they are.
 * Not results of a share, of different jobs, settings (but for resources.*), sweeps or data, of the
 * same share twice, of runs under way, or a RESULTS that exists: RS_ERR_CONFLICT. Damaged ones:
 * RS_ERR_DATA. */
rs_status rs_merge(const rs_merge_options *options, rs_merge_summary *out) RS_MUST_CHECK;

/* ---- after a crash --------------------------------------------------------------------------- */

/* Exit status of a run that ended itself because a stage made no headway. */
enum { RS_EXIT_STALLED = 70 };

/* What the journal of a crashed run knows. */
typedef struct rs_crash {
  bool blamed; /* a stage ran on the rank that failed; the following are about it */
  int trial;   /* the first that needs the stage */
  int attempt;
  char stage[64];
  size_t progress; /* grows with all that was finished, trained or blamed so far */
  bool started;    /* the run had come as far as to put itself on record */
} rs_crash;

/* Starts that the journal of RESULTS knows; 0 when there is none or it cannot be read. */
size_t rs_crash_starts(const char *results);

/* Write into the journal of RESULTS that world rank RANK (-1: nobody is known) brought the run
 * down, MESSAGE saying how. The attempt that it was making counts as used; attempts that others
 * were making do not; and when the journal knows no more than STARTS starts, as before the launch,
 * what is open in it is of an earlier run, and nobody is to blame. Nothing happens when there is no
 * journal yet. Errors as for rs_journal_open. */
rs_status rs_crash_note(const char *results, size_t starts, int rank, const char *message,
                        rs_crash *out) RS_MUST_CHECK;

#endif
