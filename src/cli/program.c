#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_BYTES = 1 << 20 }; /* kept of either stream */

typedef struct ends {
  int read, write;
} ends;

static rs_status open_pipe(ends *p) {
  int both[2];
  *p = (ends){-1, -1};
  if (pipe2(both, O_CLOEXEC) != 0) return rs_fail_errno("cannot make a pipe");
  *p = (ends){both[0], both[1]};
  return RS_OK;
}

static void close_end(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static rs_status spawn(const char *const *argv, const ends *out, const ends *err, pid_t *pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out->write, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err->write, STDERR_FILENO);
  int failed = posix_spawnp(pid, argv[0], &actions, NULL, (char *const *)argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  return failed == 0 ? RS_OK : rs_fail(RS_ERR_IO, "cannot start %s: %s", argv[0], strerror(failed));
}

/* One read of *FD into TEXT; at its end *FD is closed. */
static void take(int *fd, rs_str *text) {
  char block[4096];
  ssize_t n = read(*fd, block, sizeof block);
  if (n < 0 && errno == EINTR) return;
  if (n <= 0) close_end(fd);
  if (n > 0 && text->len < MOST_BYTES) rs_str_addn(text, block, (size_t)n);
}

/* False: the time is over. */
static bool listen_to_the_end(ends *out, ends *err, double until, program_end *end) {
  while (out->read >= 0 || err->read >= 0) {
    double left = until - rs_clock_now();
    struct pollfd ready[2] = {{.fd = out->read, .events = POLLIN},
                              {.fd = err->read, .events = POLLIN}};
    if (left <= 0) return false;
    if (poll(ready, 2, (int)(left * 1e3) + 1) <= 0) continue;
    if (ready[0].revents != 0) take(&out->read, &end->words);
    if (ready[1].revents != 0) take(&err->read, &end->moan);
  }
  return true;
}

static rs_status attend(const char *name, pid_t pid, ends *out, ends *err, double seconds,
                        program_end *end) {
  int status = 0;
  bool ended = listen_to_the_end(out, err, rs_clock_now() + seconds, end);
  if (!ended) kill(pid, SIGKILL);
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  if (!ended) return rs_fail(RS_ERR_IO, "%s did not end within %.0f s", name, seconds);
  end->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  RS_TRY(rs_str_status(&end->words));
  return rs_str_status(&end->moan);
}

rs_status program_run(const char *const *argv, double seconds, program_end *end) {
  ends out, err = {-1, -1};
  pid_t pid = 0;
  *end = (program_end){0};
  rs_status status = open_pipe(&out);
  if (status == RS_OK) status = open_pipe(&err);
  if (status == RS_OK) status = spawn(argv, &out, &err, &pid);
  close_end(&out.write);
  close_end(&err.write);
  if (status == RS_OK) status = attend(argv[0], pid, &out, &err, seconds, end);
  close_end(&out.read);
  close_end(&err.read);
  return status;
}

void program_free(program_end *end) {
  rs_str_free(&end->words);
  rs_str_free(&end->moan);
}

const char *program_first_line(const rs_str *text, char *line, size_t size) {
  const char *from = text->text != NULL ? text->text : "";
  size_t length = strcspn(from, "\n");
  snprintf(line, size, "%.*s", (int)(length < size ? length : size - 1), from);
  return line;
}
