/* Starts the ranks of a run, waits for them, passes signals on. */
#include "launch.h"

#include "cli.h"
#include "world.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* child: process id of the launcher or of the one rank; 0: none now */
static volatile sig_atomic_t child, child_is_launcher, launched_any, stops, interrupts;

/* The launcher hands SIGUSR1 on to the ranks, which then stop in good order; SIGTERM cuts them
 * short, as does a second ^C. */
static void pass_on(int signal) {
  bool at_once = signal == SIGINT && ++interrupts > 1;
  if (signal == SIGINT && !launched_any) _exit(EXIT_INTERRUPTED); /* nothing has begun */
  stops++;
  if (child > 0) kill((pid_t)child, !at_once ? SIGUSR1 : child_is_launcher ? SIGTERM : SIGKILL);
}

void launch_watch_signals(void) {
  struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGUSR1, &action, NULL);
  /* nohup, and shells that start in the background, have these ignored */
  static const int at_will[] = {SIGINT, SIGHUP};
  for (size_t i = 0; i < RS_COUNT(at_will); i++) {
    struct sigaction before;
    if (sigaction(at_will[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
      sigaction(at_will[i], &action, NULL);
  }
}

bool launch_stop_asked(void) {
  return stops > 0;
}

/* ---- the child's side ----------------------------------------------------------------------- */

void launch_set_environment(void) {
  char columns[16];
  snprintf(columns, sizeof columns, "%d", world_terminal());
  setenv(WORLD_TERMINAL_VARIABLE, columns, 1);
  /* GNU OpenMP's threads wait for work by spinning for milliseconds; beside any other process that
   * is ruinous. */
  setenv("GOMP_SPINCOUNT", "10000", 0);
  if (geteuid() == 0) {
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 0);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0);
  }
}

static void become(const launcher *l, int argc, char **argv, const char *self, int to_stderr) {
  launcher_numbers numbers;
  const char **args = calloc(LAUNCHER_WORDS + (size_t)argc + 2, sizeof *args);
  if (args == NULL) _exit(127);
  size_t n = launcher_head(l, &numbers, args);
  args[n++] = self;
  for (int i = 0; i < argc; i++) args[n++] = argv[i];
  setpgid(0, 0); /* ^C goes to us alone */
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  launch_set_environment();
  launcher_clean_environment(l);
  if (to_stderr >= 0) dup2(to_stderr, STDERR_FILENO);
  execvp(args[0], (char **)args);
  fprintf(stderr, "ranksweep: cannot start %s: %s\n", args[0], strerror(errno));
  _exit(127);
}

/* ---- is mpirun hung? ------------------------------------------------------------------------ */

/* Is the process of /proc/NAME alive (not a zombie) and a child of PARENT? */
static bool living_child(const char *name, pid_t parent) {
  char path[64], line[512];
  snprintf(path, sizeof path, "/proc/%.20s/stat", name);
  FILE *file = fopen(path, "r");
  if (file == NULL) return false;
  char *got = fgets(line, sizeof line, file);
  fclose(file);
  char state, *close = got != NULL ? strrchr(line, ')') : NULL; /* the name may hold anything */
  int ppid;
  return close != NULL && sscanf(close + 1, " %c %d", &state, &ppid) == 2 && ppid == parent &&
         state != 'Z' && state != 'X';
}

static bool has_living_children(pid_t pid) {
  bool found = false;
  DIR *all = opendir("/proc");
  for (struct dirent *entry; all != NULL && !found && (entry = readdir(all)) != NULL;)
    found = isdigit((unsigned char)entry->d_name[0]) && living_child(entry->d_name, pid);
  if (all != NULL) closedir(all);
  return found;
}

/* ---- waiting -------------------------------------------------------------------------------- */

typedef struct waiting {
  pid_t pid;
  const launcher *by;
  bool launched; /* by a launcher, not alone */
  int from;      /* its stderr, -1: none or at its end */
  relay relay;
  double lonely_since, looked;    /* mpirun was last seen with ranks (0: never); last look */
  double next_nudge, nudge_pause; /* of one that was asked to stop */
} waiting;

static void write_stderr(void *user, const char *bytes, size_t n) {
  (void)user;
  for (ssize_t done; n > 0; bytes += done, n -= (size_t)done)
    if ((done = write(STDERR_FILENO, bytes, n)) < 0 && errno != EINTR)
      return;
    else if (done < 0)
      done = 0;
}

/* Waits up to SECONDS for words, or just so long. */
static void listen_for(waiting *w, double seconds) {
  char block[4096];
  struct pollfd ready = {.fd = w->from, .events = POLLIN};
  if (poll(&ready, 1, (int)(seconds * 1e3)) <= 0) return; /* fd -1: nothing is watched */
  ssize_t n = read(w->from, block, sizeof block);
  if (n > 0) relay_feed(&w->relay, block, (size_t)n);
  if (n > 0 || (n < 0 && errno == EINTR)) return;
  close(w->from);
  w->from = -1;
}

/* Open MPI 4.1 sometimes locks itself up while it ends, after all its ranks have. */
static bool is_locked_up(waiting *w, double now) {
  const double patience = 15;
  if (!w->launched || w->by->kind != LAUNCHER_MPIRUN) return false;
  bool children = has_living_children(w->pid);
  if (children || w->lonely_since == 0) w->lonely_since = children ? now : 0;
  return w->lonely_since > 0 && now - w->lonely_since > patience;
}

/* By force: the launcher ends its ranks, suspended ones as well, when it is asked to end itself. */
static void end_by_force(waiting *w, int *status) {
  const double grace = 10;
  kill(w->pid, w->launched ? SIGTERM : SIGKILL);
  for (double until = rs_clock_now() + grace; rs_clock_now() < until;) {
    if (waitpid(w->pid, status, WNOHANG) == w->pid) return;
    listen_for(w, 0.05);
  }
  kill(w->pid, SIGKILL);
  waitpid(w->pid, status, 0);
}

/* The first signal may have come before there were ranks, and one more does no harm; but mpirun
 * talks about each. */
static void nudge(waiting *w, double now) {
  if (now < w->next_nudge) return;
  w->nudge_pause = w->nudge_pause > 0 ? 2 * w->nudge_pause : 2;
  w->next_nudge = now + w->nudge_pause;
  kill(w->pid, SIGUSR1);
}

static void look_after(waiting *w, const launch_watch *watch, launch_end *end, int *status) {
  double now = rs_clock_now();
  if (now - w->looked < 1) return;
  w->looked = now;
  if (launch_stop_asked()) nudge(w, now);
  end->hung = is_locked_up(w, now);
  end->given_up = !end->hung && !watch->lives(watch->user);
  if (end->hung || end->given_up) end_by_force(w, status);
}

static void wait_for_end(waiting *w, const launch_watch *watch, launch_end *end, int *status) {
  const double look_seconds = 0.05;
  for (;;) {
    listen_for(w, look_seconds);
    pid_t ended = waitpid(w->pid, status, WNOHANG);
    if (ended == w->pid || (ended < 0 && errno != EINTR)) return;
    look_after(w, watch, end, status);
    if (end->hung || end->given_up) return;
  }
}

/* Only what is in the pipe already: a rank that outlived its launcher may hold it open. */
static void listen_to_the_last(waiting *w) {
  for (int rounds = 0; rounds < 64 && w->from >= 0; rounds++) {
    struct pollfd ready = {.fd = w->from, .events = POLLIN};
    if (poll(&ready, 1, 0) <= 0) break;
    listen_for(w, 0);
  }
  if (w->from >= 0) close(w->from);
  relay_close(&w->relay);
}

static bool is_our_status(int code) {
  return code == EXIT_DONE || code == EXIT_TRIALS_FAILED || code == EXIT_USAGE ||
         code == EXIT_INTERRUPTED;
}

static bool coordinator_left(const relay_report *r) {
  return r->cause == RELAY_EXIT && r->rank == 0 && is_our_status(r->number);
}

/* Exit statuses of our own, from ranks that nothing happened to, are the normal end. */
static void judge(const waiting *w, int status, launch_end *end) {
  bool by_signal = WIFSIGNALED(status);
  end->code = by_signal ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  end->report = w->relay.report;
  if (!w->launched && by_signal)
    end->report = (relay_report){.cause = RELAY_SIGNAL, .rank = 0, .number = WTERMSIG(status)};
  if (w->launched && w->by->kind == LAUNCHER_SRUN && coordinator_left(&end->report))
    end->code = end->report.number; /* srun ends what is left, and may return that */
  bool ours = !by_signal && is_our_status(end->code);
  /* 0 coordinates; a worker that leaves by itself (a library's exit(1), say) leaves in mid-run. Bad
   * usage alone is found by all of them. */
  const relay_report *r = &end->report;
  bool told = r->cause == RELAY_EXIT && r->number == end->code && ours &&
              (r->rank == 0 || r->number == EXIT_USAGE);
  bool accident = r->cause != RELAY_NOTHING && !told;
  end->normal = ours && !accident && !end->hung && !end->given_up;
}

rs_status launch(const launcher *by, int argc, char **argv, const launch_watch *watch,
                 launch_end *end) {
  char self[4096];
  int pipe_ends[2] = {-1, -1}, status = 0;
  *end = (launch_end){0};
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length < 0) return rs_fail_errno("cannot find this program's own file");
  self[length] = '\0';
  bool launched = by->ranks > 1;
  if (launched && pipe2(pipe_ends, O_CLOEXEC) != 0) return rs_fail_errno("cannot make a pipe");
  pid_t pid = fork();
  if (pid == 0) become(by, argc, argv, self, pipe_ends[1]);
  if (pipe_ends[1] >= 0) close(pipe_ends[1]);
  waiting w = {.pid = pid, .by = by, .launched = launched, .from = pipe_ends[0]};
  relay_open(&w.relay, write_stderr, NULL);
  w.relay.tasks_are_ranks = by->kind == LAUNCHER_SRUN;
  if (pid < 0) {
    listen_to_the_last(&w);
    return rs_fail_errno("cannot start a process");
  }
  child_is_launcher = launched;
  child = (sig_atomic_t)pid;
  launched_any = true;
  if (launch_stop_asked()) kill(pid, SIGUSR1); /* it came before there was a child */
  wait_for_end(&w, watch, end, &status);
  child = 0;
  listen_to_the_last(&w);
  judge(&w, status, end);
  return RS_OK;
}
