/* `ranksweep run` outside MPI: start mpirun, wait, pass signals on. */
#include "cli.h"
#include "world.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t child; /* process group of mpirun, for the handler */

/* mpirun hands SIGUSR1 on to the ranks, which then stop in good order; its own SIGTERM would cut
 * them short. */
static void pass_on(int signal) {
  (void)signal;
  if (child > 0) kill((pid_t)child, SIGUSR1);
}

static void watch_signals(void) {
  struct sigaction action = {.sa_handler = pass_on};
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
  int status;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return cli_fail(rs_fail_errno("cannot wait for mpirun"));
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  fprintf(stderr, "ranksweep: mpirun was ended by signal %d (%s)\n", WTERMSIG(status),
          strsignal(WTERMSIG(status)));
  return EXIT_TRIALS_FAILED;
}
