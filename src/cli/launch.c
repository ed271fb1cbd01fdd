/* `ranksweep run` outside MPI: start mpirun, wait, pass signals on. */
#include "cli.h"
#include "world.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t child, early, interrupts; /* child: mpirun's process id, 0: not yet */

/* mpirun hands SIGUSR1 on to the ranks, which then stop in good order; SIGTERM cuts them short, as
 * does a second ^C. */
static void pass_on(int signal) {
  bool at_once = signal == SIGINT && ++interrupts > 1;
  if (child > 0)
    kill((pid_t)child, at_once ? SIGTERM : SIGUSR1);
  else
    early = 1;
}

static void watch_signals(void) {
  struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGUSR1, &action, NULL);
  sigaction(SIGHUP, &action, NULL);
}

static void set_environment(void) {
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

static void become_mpirun(int ranks, int argc, char **argv, const char *self) {
  char n[16];
  /* The coordinator sleeps; only more workers than cores have to give way to each other inside MPI.
   * Yielding otherwise costs milliseconds a message beside any busy process. */
  const char *yield = ranks - 1 > world_cores() ? "1" : "0";
  const char *head[] = {"mpirun",
                        "-q",
                        "-n",
                        n,
                        "--oversubscribe",
                        "--bind-to",
                        "none",
                        "--mca",
                        "mpi_yield_when_idle",
                        yield,
                        self};
  const char **args = calloc(RS_COUNT(head) + (size_t)argc + 1, sizeof *args);
  if (args == NULL) _exit(127);
  snprintf(n, sizeof n, "%d", ranks);
  memcpy(args, head, sizeof head);
  for (int i = 0; i < argc; i++) args[RS_COUNT(head) + (size_t)i] = argv[i];
  setpgid(0, 0); /* ^C goes to us alone */
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  set_environment();
  execvp("mpirun", (char **)args);
  fprintf(stderr, "ranksweep: cannot start mpirun: %s\n", strerror(errno));
  _exit(127);
}

/* The exit status of the run from mpirun's; anything but our own means that ranks died. */
static int explain(int status) {
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (code == EXIT_DONE || code == EXIT_TRIALS_FAILED || code == EXIT_USAGE ||
      code == EXIT_INTERRUPTED)
    return code;
  if (code == 127) return EXIT_USAGE; /* told already */
  fprintf(stderr, "ranksweep: mpirun ended with status %d%s%s; the same command continues\n", code,
          code > 128 ? ": " : "", code > 128 ? strsignal(code - 128) : "");
  return EXIT_TRIALS_FAILED;
}

/* ---- watching mpirun ------------------------------------------------------------------------- */

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

/* Waits for mpirun. Open MPI 4.1 sometimes locks itself up while it ends, after all its ranks have:
 * then it is killed. False: that happened. */
static bool wait_for(pid_t pid, int *status) {
  const double look_seconds = 0.05, patience = 15;
  double lonely_since = rs_clock_now(), last_look = 0;
  for (;;) {
    pid_t ended = waitpid(pid, status, WNOHANG);
    if (ended == pid || (ended < 0 && errno != EINTR)) return true;
    rs_clock_sleep(look_seconds);
    double now = rs_clock_now();
    if (now - last_look < 1) continue;
    last_look = now;
    if (has_living_children(pid)) lonely_since = now;
    if (now - lonely_since < patience) continue;
    kill(pid, SIGKILL);
    waitpid(pid, status, 0);
    return false;
  }
}

int world_launch(int ranks, int argc, char **argv) {
  char self[4096];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length < 0) return cli_fail(rs_fail_errno("cannot find this program's own file"));
  self[length] = '\0';
  watch_signals();
  pid_t pid = fork();
  if (pid < 0) return cli_fail(rs_fail_errno("cannot start a process"));
  if (pid == 0) become_mpirun(ranks, argc, argv, self);
  child = (sig_atomic_t)pid;
  if (early) kill(pid, SIGUSR1);
  int status = 0;
  if (wait_for(pid, &status)) return explain(status);
  fprintf(stderr, "ranksweep: mpirun did not end after its ranks had, and was killed; run the same "
                  "command again to "
                  "see that all is done\n");
  return EXIT_INTERRUPTED;
}
