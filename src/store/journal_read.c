/* Reading a journal: lines in, sound records out, a torn end found.
 *
 * A line that fails its check is only an error once something follows it; at the end of the file it
 * is what a crash in the middle of an append leaves behind. */
#include "journal_read.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PREFIX = RS_JOURNAL_DIGITS + 1, LINE_MAX_BYTES = PREFIX + RS_JOURNAL_MAX };

typedef struct scanner {
  const char *path;
  rs_journal_visit visit;
  void *user;
  rs_str text;        /* the present line, kept up to LINE_MAX_BYTES + 1 bytes */
  size_t bytes;       /* of the present line so far, the newline included */
  size_t line;        /* number of the present line, from 1 */
  size_t good;        /* bytes of all sound records */
  size_t suspect;     /* bytes of a complete line that failed its check; 0: none */
  const char *defect; /* of that line */
} scanner;

/* ---- one line ----------------------------------------------------------------------------- */

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/* NULL when the line is sound, else what is wrong with it. */
static const char *line_defect(const rs_str *line) {
  if (line->len > LINE_MAX_BYTES) return "record is longer than the 16 MiB allowed";
  if (line->len < PREFIX || line->text[RS_JOURNAL_DIGITS] != ' ')
    return "expected 16 hex digits, a space and a record";
  uint64_t expected = 0;
  for (int i = 0; i < RS_JOURNAL_DIGITS; i++) {
    int digit = hex_digit(line->text[i]);
    if (digit < 0) return "expected 16 hex digits, a space and a record";
    expected = expected << 4 | (uint64_t)digit;
  }
  size_t length = line->len - PREFIX;
  if (rs_checksum(line->text + PREFIX, length) != expected)
    return "wrong checksum: the record is damaged";
  if (memchr(line->text + PREFIX, '\0', length) != NULL) return "a NUL byte inside the record";
  return NULL;
}

/* Could LINE be the beginning of a record? Guards foreign files against being taken for a torn
 * journal. */
static bool starts_like_a_record(const rs_str *line) {
  size_t n = line->len < RS_JOURNAL_DIGITS ? line->len : RS_JOURNAL_DIGITS;
  for (size_t i = 0; i < n; i++)
    if (hex_digit(line->text[i]) < 0) return false;
  return line->len <= RS_JOURNAL_DIGITS || line->text[RS_JOURNAL_DIGITS] == ' ';
}

static rs_status not_a_journal(const scanner *s) {
  return rs_fail(RS_ERR_DATA, "%s:1: not a journal: expected 16 hex digits, a space and a record",
                 s->path);
}

static rs_status line_end(scanner *s) {
  s->defect = line_defect(&s->text);
  if (s->defect != NULL) {
    if (s->line == 1 && !starts_like_a_record(&s->text)) return not_a_journal(s);
    s->suspect = s->bytes;
  } else {
    RS_TRY(rs_error_context(s->visit(s->user, s->text.text + PREFIX, s->line), "%s:%zu", s->path,
                            s->line));
    s->good += s->bytes;
  }
  rs_str_clear(&s->text);
  s->bytes = 0;
  s->line++;
  return RS_OK;
}

/* ---- the stream --------------------------------------------------------------------------- */

/* Add N bytes to the present line; of an overlong one only the length is of interest. */
static rs_status line_add(scanner *s, const char *bytes, size_t n) {
  s->bytes += n;
  size_t room = LINE_MAX_BYTES + 1 - s->text.len;
  rs_str_addn(&s->text, bytes, n < room ? n : room);
  return rs_str_status(&s->text);
}

static rs_status feed(scanner *s, const char *block, size_t n) {
  while (n > 0) {
    if (s->suspect > 0) return rs_fail(RS_ERR_DATA, "%s:%zu: %s", s->path, s->line - 1, s->defect);
    const char *newline = memchr(block, '\n', n);
    size_t take = newline != NULL ? (size_t)(newline - block) : n;
    RS_TRY(line_add(s, block, take));
    if (newline == NULL) return RS_OK;
    s->bytes++;
    RS_TRY(line_end(s));
    block += take + 1;
    n -= take + 1;
  }
  return RS_OK;
}

static rs_status read_all(scanner *s, int fd) {
  char block[65536];
  for (;;) {
    ssize_t n = read(fd, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return rs_fail_errno("%s: cannot read", s->path);
    if (n == 0) break;
    RS_TRY(feed(s, block, (size_t)n));
  }
  bool only_line = s->line == 1 && s->bytes > 0;
  return only_line && !starts_like_a_record(&s->text) ? not_a_journal(s) : RS_OK;
}

rs_status rs_journal_scan(int fd, const char *path, rs_journal_visit visit, void *user,
                          size_t *good, size_t *torn) {
  scanner s = {.path = path, .visit = visit, .user = user, .line = 1};
  rs_status status = read_all(&s, fd);
  rs_str_free(&s.text);
  *good = s.good;
  *torn = s.suspect + s.bytes;
  return status;
}

rs_status rs_journal_check_regular(int fd, const char *path) {
  struct stat info;
  if (fstat(fd, &info) != 0) return rs_fail_errno("%s: cannot stat", path);
  if (!S_ISREG(info.st_mode)) return rs_fail(RS_ERR_DATA, "%s: not a regular file", path);
  return RS_OK;
}

rs_status rs_journal_read(const char *path, rs_journal_visit visit, void *user, size_t *torn) {
  size_t good, rest = 0;
  if (torn != NULL) *torn = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not make us wait */
  if (fd < 0) return rs_fail_errno("%s: cannot open", path);
  rs_status status = rs_journal_check_regular(fd, path);
  if (status == RS_OK) status = rs_journal_scan(fd, path, visit, user, &good, &rest);
  close(fd);
  if (status == RS_OK && torn != NULL) *torn = rest;
  return status;
}
