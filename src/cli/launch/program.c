#include "program.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- its output ----------------------------------------------------------------------------- */

enum { STREAMS = 2, MOST_BYTES = 1 << 20 }; /* stdout and stderr; kept of each */

typedef struct stream {
  int from, into; /* ends of a pipe, -1: closed */
  rs_str *text;
} stream;

static void close_end(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static rs_status open_stream(stream *s) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return rs_fail_errno("cannot make a pipe");
  s->from = ends[0];
  s->into = ends[1];
  return RS_OK;
}

static void close_streams(stream *s) {
  for (int i = 0; i < STREAMS; i++) {
    close_end(&s[i].from);
    close_end(&s[i].into);
  }
}

/* What is beyond the bound is read and forgotten: the program must not wait for us. */
static void take(stream *s) {
  char block[4096];
  ssize_t n = read(s->from, block, sizeof block);
  if (n < 0 && errno == EINTR) return;
  if (n <= 0) close_end(&s->from);
  if (n > 0 && s->text->len + (size_t)n <= MOST_BYTES) rs_str_addn(s->text, block, (size_t)n);
}

/* Waits up to SECONDS for words; false: there were none. */
static bool listen_for(stream *s, double seconds) {
  struct pollfd ready[STREAMS];
  for (int i = 0; i < STREAMS; i++) ready[i] = (struct pollfd){.fd = s[i].from, .events = POLLIN};
  if (poll(ready, STREAMS, (int)(seconds * 1e3)) <= 0) return false;
  for (int i = 0; i < STREAMS; i++)
    if (s[i].from >= 0 && ready[i].revents != 0) take(&s[i]);
  return true;
}

/* Only what is in the pipes already: a process that outlived its parent may hold them open. */
static void listen_to_the_last(stream *s) {
  for (int rounds = 0; rounds < 1024 && (s[0].from >= 0 || s[1].from >= 0); rounds++)
    if (!listen_for(s, 0)) break;
}

/* ---- the process ---------------------------------------------------------------------------- */

/* A process group of its own: what it starts can be ended with it. */
static void become(const char *const *argv, void (*prepare)(void), const stream *s) {
  setpgid(0, 0);
  signal(SIGPIPE, SIG_DFL);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  int nothing = open("/dev/null", O_RDONLY);
  if (nothing >= 0) dup2(nothing, STDIN_FILENO);
  dup2(s[0].into, STDOUT_FILENO);
  dup2(s[1].into, STDERR_FILENO);
  if (prepare != NULL) prepare();
  execvp(argv[0], (char *const *)argv);
  dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
  _exit(127);
}

/* Has it ended? Its words, which may have ended before, are caught meanwhile. */
static bool ends_by(pid_t pid, double until, stream *s, int *status) {
  const double look_seconds = 0.02;
  for (;;) {
    listen_for(s, look_seconds);
    pid_t ended = waitpid(pid, status, WNOHANG);
    if (ended == pid || (ended < 0 && errno != EINTR)) return true;
    if (rs_clock_now() > until) return false;
    if (s[0].from < 0 && s[1].from < 0) rs_clock_sleep(look_seconds);
  }
}

/* mpirun ends its ranks when it is asked to end itself; what is left is killed. */
static void end_by_force(pid_t pid, stream *s, int *status) {
  const double grace = 3;
  kill(pid, SIGTERM);
  bool ended = ends_by(pid, rs_clock_now() + grace, s, status);
  kill(-pid, SIGKILL);
  if (!ended) waitpid(pid, status, 0);
}

static rs_status attend(pid_t pid, double start, double seconds, stream *s, program_end *end) {
  int status = 0;
  setpgid(pid, pid); /* on both sides: whichever comes first */
  end->late = !ends_by(pid, start + seconds, s, &status);
  if (end->late) end_by_force(pid, s, &status);
  listen_to_the_last(s);
  end->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  end->seconds = rs_clock_now() - start;
  rs_str_add(&end->words, "");
  rs_str_add(&end->moan, "");
  RS_TRY(rs_str_status(&end->words));
  return rs_str_status(&end->moan);
}

rs_status program_run(const char *const *argv, double seconds, void (*prepare)(void),
                      program_end *end) {
  stream s[STREAMS] = {{-1, -1, &end->words}, {-1, -1, &end->moan}};
  double start = rs_clock_now();
  *end = (program_end){0};
  rs_status status = open_stream(&s[0]);
  if (status == RS_OK) status = open_stream(&s[1]);
  fflush(NULL);
  pid_t pid = status == RS_OK ? fork() : -1;
  if (pid == 0) become(argv, prepare, s);
  if (status == RS_OK && pid < 0) status = rs_fail_errno("cannot start a process");
  close_end(&s[0].into);
  close_end(&s[1].into);
  if (status == RS_OK) status = attend(pid, start, seconds, s, end);
  close_streams(s);
  return status;
}

void program_free(program_end *end) {
  rs_str_free(&end->words);
  rs_str_free(&end->moan);
}

rs_status program_join(program_end *end) {
  rs_str_add(&end->words, end->moan.text);
  return rs_str_status(&end->words);
}

/* ---- words and places ----------------------------------------------------------------------- */

const char *program_first_line(const char *text, char *out, size_t size) {
  out[0] = '\0';
  while (text != NULL && *text != '\0') {
    size_t length = strcspn(text, "\n"), letter = 0;
    while (letter < length && !isalnum((unsigned char)text[letter])) letter++;
    if (letter < length) {
      snprintf(out, size, "%.*s", length > 200 ? 200 : (int)length, text);
      break;
    }
    text += length + (text[length] == '\n');
  }
  return out;
}

bool program_find(const char *name, char out[PATH_MAX]) {
  const char *at = getenv("PATH");
  if (at == NULL) at = "/bin:/usr/bin"; /* as execvp has it */
  for (;; at++) {
    int length = (int)strcspn(at, ":");
    struct stat info;
    int n = snprintf(out, PATH_MAX, "%.*s%s%s", length, at, length > 0 ? "/" : "", name);
    if (n < PATH_MAX && stat(out, &info) == 0 && S_ISREG(info.st_mode) && access(out, X_OK) == 0)
      return true;
    at += length;
    if (*at == '\0') return false;
  }
}
