/* Who owns a lock: reading and writing the line, and telling whether that process lives. */
#include "lock_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static const char layout[] =
    "{\"host\":\"%s\",\"boot\":\"%s\",\"space\":\"%s\",\"pid\":%ld,\"started\":%llu,"
    "\"token\":\"%016llx\",\"beat\":%20llu,\"tick\":%20llu}\n";

/* ---- this process --------------------------------------------------------------------------- */

static void first_word(const char *path, char *out, size_t size) {
  FILE *file = fopen(path, "r");
  out[0] = '\0';
  if (file != NULL && fgets(out, (int)size, file) != NULL) out[strcspn(out, "\n")] = '\0';
  if (file != NULL) fclose(file);
}

/* Start of process PID in clock ticks since boot, field 22 of its stat; 0: no such process, or a
 * zombie. */
static unsigned long long start_of(long pid) {
  char path[64], line[1024], state;
  unsigned long long started;
  snprintf(path, sizeof path, "/proc/%ld/stat", pid);
  first_word(path, line, sizeof line);
  const char *close = strrchr(line, ')'); /* the name may hold anything */
  if (close == NULL ||
      sscanf(close + 1,
             " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
             &state, &started) != 2)
    return 0;
  return state == 'Z' || state == 'X' ? 0 : started;
}

static void set_text(char *out, size_t size, const char *text) {
  snprintf(out, size, "%s", text[0] != '\0' ? text : "?"); /* an empty one could not be read back */
  for (char *c = out; *c != '\0'; c++)
    if (*c == '"' || *c == '\\') *c = '_';
}

void lock_owner_self(lock_owner *out) {
  char word[LOCK_HOST] = "";
  *out = (lock_owner){.pid = (long)getpid(), .sound = true};
  gethostname(word, sizeof word - 1);
  set_text(out->host, sizeof out->host, word);
  first_word("/proc/sys/kernel/random/boot_id", word, LOCK_WORD);
  set_text(out->boot, sizeof out->boot, word);
  ssize_t n = readlink("/proc/self/ns/pid", word, LOCK_WORD - 1);
  word[n > 0 ? n : 0] = '\0';
  set_text(out->space, sizeof out->space, word);
  out->started = start_of(out->pid);
  if (getrandom(&out->token, sizeof out->token, 0) != (ssize_t)sizeof out->token)
    out->token = (unsigned long long)(rs_clock_now() * 1e9) ^ (unsigned long long)out->pid << 40;
}

int lock_owner_lives(const lock_owner *owner) {
  lock_owner self;
  lock_owner_self(&self);
  if (!owner->sound || strcmp(owner->boot, self.boot) != 0 ||
      strcmp(owner->space, self.space) != 0 || strcmp(owner->boot, "?") == 0)
    return -1;
  return start_of(owner->pid) == owner->started && owner->started != 0;
}

/* ---- the line ------------------------------------------------------------------------------- */

size_t lock_owner_print(const lock_owner *owner, char out[LOCK_LINE]) {
  int n = snprintf(out, LOCK_LINE, layout, owner->host, owner->boot, owner->space, owner->pid,
                   owner->started, owner->token, owner->beat, owner->tick);
  return (size_t)n;
}

void lock_owner_parse(const char *line, lock_owner *out) {
  int end = 0;
  *out = (lock_owner){0};
  int n = sscanf(line,
                 "{\"host\":\"%255[^\"]\",\"boot\":\"%63[^\"]\",\"space\":\"%63[^\"]\",\"pid\":%ld,"
                 "\"started\":%llu,\"token\":\"%16llx\",\"beat\":%llu,\"tick\":%llu}%n",
                 out->host, out->boot, out->space, &out->pid, &out->started, &out->token,
                 &out->beat, &out->tick, &end);
  out->sound = n == 8 && end > 0;
}

int lock_owner_load(int fd, lock_owner *out) {
  char line[LOCK_LINE];
  ssize_t n;
  do n = pread(fd, line, sizeof line - 1, 0);
  while (n < 0 && errno == EINTR);
  if (n < 0) return -1;
  line[n] = '\0';
  lock_owner_parse(line, out);
  return 0;
}

bool lock_read(const char *path, lock_owner *out) {
  *out = (lock_owner){0};
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  (void)!lock_owner_load(fd, out); /* unreadable is as good as unsound */
  close(fd);
  return true;
}
