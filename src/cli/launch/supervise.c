/* After a crash: say which rank and trial, write it into the journal, start again on what is left.
 *
 *  1. launch() returns how the run ended. A normal end is ours.
 *  2. rs_crash_note() appends the cause to the journal, which knows what that rank was doing: the
 *     attempt counts for that stage, and for no other.
 *  3. The same command runs again and reads the journal. Options that hold for the first start only
 *     (--fresh, --retry-failed) are switched off by WORLD_RESTART_VARIABLE.
 *  4. Nodes that were lost are left out, within a SLURM job that still has others.
 *  5. A crash that came before anything was finished, trained further or blamed is barren: so many
 *     of those in a row, and the fault is not one of trials. */
#include "supervise.h"

#include "cli.h"
#include "launch.h"
#include "slurm.h"
#include "world.h"

#include "ranksweep/sched.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct supervision {
  const char *results;
  char *journal;
  launcher by;
  slurm_nodes nodes; /* of the SLURM job, once one was lost */
  int max_barren, barren, restarts;
  size_t progress;      /* as of the last crash */
  size_t starts;        /* that the journal knew before this launch */
  double stall_seconds; /* 0: wait for ever */
  bool no_kill;
  uint64_t tick;     /* of the writer's main thread, ... */
  double tick_since; /* ... and since when it has been that */
} supervision;

/* ---- signs of life -------------------------------------------------------------------------- */

/* mpirun hands a stop on to the ranks, but has been seen not to (when a plugin of its keeps threads
 * of its own). One more signal does no harm. */
static void stop_directly(const rs_journal_holder *holder) {
  char host[sizeof holder->host] = "";
  gethostname(host, sizeof host - 1);
  if (launch_stop_asked() && holder->lives == 1 && strcmp(host, holder->host) == 0)
    kill((pid_t)holder->pid, SIGUSR1);
}

/* The coordinator's main thread leaves a tick beside the journal many times a second; alone with
 * its stage, at every message of it. Starting and ending, without the journal, must not take for
 * ever either. */
static bool lives(void *user) {
  supervision *s = user;
  rs_journal_holder holder;
  double now = rs_clock_now();
  bool known = rs_journal_owner(s->journal, &holder) == RS_OK && holder.present;
  if (known) stop_directly(&holder);
  uint64_t tick = known ? holder.tick + 1 : 0;
  if (tick != s->tick) {
    s->tick = tick;
    s->tick_since = now;
  }
  return s->stall_seconds <= 0 || now - s->tick_since < s->stall_seconds;
}

/* ---- after a crash -------------------------------------------------------------------------- */

/* mpirun passes the status on, and mostly, but not always, tells of it too. */
static bool ended_over_a_stall(const launch_end *end) {
  const relay_report *r = &end->report;
  return end->code == RS_EXIT_STALLED &&
         (r->cause == RELAY_NOTHING || (r->cause == RELAY_ABORT && r->number == RS_EXIT_STALLED));
}

static void describe(const supervision *s, const launch_end *end, char *out, size_t size) {
  if (end->given_up)
    snprintf(out, size, "rank 0 gave no sign of life for %.0f s and was ended", s->stall_seconds);
  else if (ended_over_a_stall(end))
    snprintf(out, size, "the run ended itself over a stage that made no headway");
  else if (end->hung)
    snprintf(out, size, "%s did not end after its ranks had, and was killed",
             launcher_name(&s->by));
  else if (end->report.cause != RELAY_NOTHING)
    relay_describe(&end->report, out, size);
  else
    snprintf(out, size, "%s ended with status %d%s, no rank is known to have failed",
             launcher_name(&s->by), end->code, end->code > 128 ? " (a signal)" : "");
}

/* A run that ends itself over a stall has blamed the stage already. Who is alone is all of it. */
static int rank_to_blame(const supervision *s, const launch_end *end) {
  if (end->given_up) return s->by.ranks == 1 ? 0 : -1;
  return end->hung || ended_over_a_stall(end) ? -1 : end->report.rank;
}

/* A rank may outlive mpirun for a moment, and the coordinator holds the journal to its end. */
static rs_status note_when_free(const supervision *s, int rank, const char *cause,
                                rs_crash *crash) {
  const double patience = 30, look_seconds = 0.1;
  double until = rs_clock_now() + patience;
  for (;;) {
    rs_status status = rs_crash_note(s->results, s->starts, rank, cause, crash);
    if (status != RS_ERR_CONFLICT || rs_clock_now() > until) return status;
    rs_clock_sleep(look_seconds);
  }
}

static rs_status note(supervision *s, const launch_end *end) {
  char cause[512];
  rs_crash crash;
  describe(s, end, cause, sizeof cause);
  fprintf(stderr, "ranksweep: %s", cause);
  rs_status status = note_when_free(s, rank_to_blame(s, end), cause, &crash);
  if (status == RS_OK && crash.blamed)
    fprintf(stderr, ", in attempt %d at trial %d, stage %s", crash.attempt, crash.trial,
            crash.stage);
  fprintf(stderr, "\n");
  RS_TRY(status);
  s->barren = crash.progress > s->progress ? 0 : s->barren + 1;
  if (crash.progress > s->progress) s->progress = crash.progress; /* rows may be trained again */
  if (crash.started) setenv(WORLD_RESTART_VARIABLE, "1", 1);      /* --fresh has been done */
  return RS_OK;
}

static int count_left(const slurm_nodes *nodes) {
  int left = 0;
  for (size_t i = 0; i < nodes->count; i++) left += !nodes->items[i].lost;
  return left;
}

static void start_on_those_left(supervision *s, int left) {
  int slots = slurm_nodes_slots(&s->nodes);
  rs_str_clear(&s->by.hosts);
  slurm_nodes_list(&s->nodes, s->by.kind == LAUNCHER_MPIRUN, &s->by.hosts);
  s->by.nodes = left;
  if (s->by.ranks > slots + 1) s->by.ranks = slots + 1;
  fprintf(stderr, "ranksweep: going on with %d of %zu nodes and %d workers\n", left, s->nodes.count,
          s->by.ranks - 1);
}

/* A job without no_kill ends, and is requeued, when SLURM has noticed as well, after minutes
 * perhaps. Until then it would be started on the lost node again. */
static void wait_for_slurm(const supervision *s) {
  const double patience = 1800, look_seconds = 0.2;
  fprintf(stderr,
          "ranksweep: waiting for SLURM to notice, and to end the job and requeue it where that is "
          "allowed (slurm.no_kill goes on with the %d of %zu nodes that are left)\n",
          count_left(&s->nodes), s->nodes.count);
  for (double end = rs_clock_now() + patience; rs_clock_now() < end && !launch_stop_asked();)
    rs_clock_sleep(look_seconds);
}

/* Within a SLURM job: only nodes that are there are started on, and none where SLURM is going to
 * end the job over the lost one. False: the run ends. */
static bool leave_out_lost_nodes(supervision *s, const relay_report *report) {
  bool known = s->nodes.count > 0 || slurm_nodes_read(&s->nodes) == RS_OK;
  if (!known) return true; /* no SLURM, or one that does not answer: as before */
  slurm_nodes_lose(&s->nodes, report->lost);
  int left = count_left(&s->nodes);
  if (left == (int)s->nodes.count) return true;
  if (s->no_kill && left > 0) {
    start_on_those_left(s, left);
    return true;
  }
  if (left == 0)
    fprintf(stderr, "ranksweep: no node of the job is left; the same command continues\n");
  else
    wait_for_slurm(s);
  return false;
}

/* A moment for what made trouble to pass; longer each time. False: asked to stop. */
static bool pause_before_restart(const supervision *s) {
  const double look_seconds = 0.1, longest = 30;
  double wait = s->barren < 5 ? (double)(1 << s->barren) - 1 : longest;
  for (double end = rs_clock_now() + wait; rs_clock_now() < end && !launch_stop_asked();)
    rs_clock_sleep(look_seconds);
  return !launch_stop_asked();
}

/* After a crash. True: start again; otherwise the exit status in *CODE. */
static bool go_on(supervision *s, const launch_end *end, int *code) {
  rs_status status = note(s, end);
  *code = EXIT_INTERRUPTED;
  if (launch_stop_asked()) return false;
  *code = EXIT_TRIALS_FAILED;
  if (status != RS_OK) {
    *code = cli_fail(status);
    return false;
  }
  if (s->max_barren == 0) {
    fprintf(stderr, "ranksweep: not started again; the same command continues\n");
    return false;
  }
  if (s->barren > s->max_barren) {
    fprintf(stderr,
            "ranksweep: %d crashes in a row without getting any further: gave up; the same command "
            "continues\n",
            s->barren);
    return false;
  }
  if (!pause_before_restart(s)) {
    *code = EXIT_INTERRUPTED;
    return false;
  }
  *code = EXIT_INTERRUPTED;
  if (!leave_out_lost_nodes(s, &end->report)) return false;
  fprintf(stderr, "ranksweep: starting again from the journal (restart %d)\n", ++s->restarts);
  return true;
}

static int keep_going(supervision *s, int argc, char **argv) {
  const launch_watch watch = {lives, s};
  int code;
  for (;;) {
    launch_end end;
    s->tick_since = rs_clock_now();
    s->starts = rs_crash_starts(s->results);
    rs_status status = launch(&s->by, argc, argv, &watch, &end);
    if (status != RS_OK) return cli_fail(status);
    if (end.normal) return end.code;
    if (end.code == 127) return EXIT_USAGE; /* no such launcher: told already */
    if (!go_on(s, &end, &code)) return code;
  }
}

int supervise(launcher_kind by, int ranks, int argc, char **argv, const supervise_options *o) {
  const double least = 10; /* s: the tick is written with the lock's beat, every other second */
  supervision s = {.results = o->results,
                   .by = {.kind = by, .ranks = ranks},
                   .max_barren = o->max_barren,
                   .no_kill = o->no_kill,
                   .stall_seconds = o->stall_seconds > 0 ? fmax(o->stall_seconds, least) : 0};
  rs_status status = rs_results_beside(o->results, ".journal", &s.journal);
  int code = status == RS_OK ? keep_going(&s, argc, argv) : cli_fail(status);
  free(s.journal);
  slurm_nodes_free(&s.nodes);
  rs_str_free(&s.by.hosts);
  return code;
}
