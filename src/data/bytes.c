#include "bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

enum {
  BLOCK = 65536,
  GZIP_WINDOW = 15 + 16, /* the largest window; + 16: gzip wrapper only */
};

static const size_t MOST_AT_ONCE = (size_t)1 << 30; /* zlib counts in 32 bits */

struct rs_bytes {
  const char *name;
  int fd;        /* -1: memory */
  size_t length; /* of the input, zipped or not */

  const uint8_t *next; /* input that is at hand and not used yet */
  size_t left;
  size_t offset; /* of `next` in the input */

  bool zipped, ended; /* ended: the last gzip member is done */
  z_stream z;
  uint8_t block[BLOCK];
};

/* ---- input -------------------------------------------------------------------------------- */

/* Have some input at hand; none afterwards means the end. Memory is at hand from the start. */
static rs_status fill(rs_bytes *b) {
  if (b->left > 0 || b->fd < 0) return RS_OK;
  ssize_t n;
  do n = read(b->fd, b->block, BLOCK);
  while (n < 0 && errno == EINTR);
  if (n < 0) return rs_fail_errno("%s: byte %zu: cannot read", b->name, b->offset);
  b->next = b->block;
  b->left = (size_t)n;
  return RS_OK;
}

static void use(rs_bytes *b, size_t n) {
  b->next += n;
  b->left -= n;
  b->offset += n;
}

/* ---- opening ------------------------------------------------------------------------------ */

/* A path that is wrong is the user's to mend; a system out of descriptors is not. */
static rs_status cannot_open(const char *path) {
  int code = errno;
  rs_status status = rs_fail_errno("%s: cannot open", path);
  bool wrong_path = code == ENOENT || code == ENOTDIR || code == EACCES || code == ELOOP ||
                    code == ENAMETOOLONG || code == ENXIO;
  return wrong_path ? RS_ERR_DATA : status;
}

rs_status rs_bytes_open_regular(const char *path, int *fd, size_t *length) {
  *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO would wait for its writer */
  if (*fd < 0) return cannot_open(path);
  return rs_bytes_check_regular(*fd, path, length);
}

rs_status rs_bytes_check_regular(int fd, const char *path, size_t *length) {
  struct stat info;
  if (fstat(fd, &info) != 0) return rs_fail_errno("%s: cannot look at it", path);
  if (!S_ISREG(info.st_mode))
    return rs_fail(RS_ERR_DATA, "%s: expected a regular file, found %s", path,
                   S_ISDIR(info.st_mode) ? "a directory" : "a device, pipe or socket");
  *length = (size_t)info.st_size;
  return RS_OK;
}

static rs_status begin_unzip(rs_bytes *b) {
  if (b->left < 2 || b->next[0] != 0x1f || b->next[1] != 0x8b) return RS_OK;
  if (inflateInit2(&b->z, GZIP_WINDOW) != Z_OK)
    return rs_fail(RS_ERR_NOMEM, "%s: out of memory to unzip it", b->name);
  b->zipped = true;
  return RS_OK;
}

static rs_status create(const char *name, rs_bytes **out) {
  RS_TRY(rs_new(out, 1, sizeof **out));
  (*out)->name = name;
  (*out)->fd = -1;
  return RS_OK;
}

rs_status rs_bytes_open_stored(const char *path, rs_bytes **out) {
  *out = NULL;
  rs_bytes *b;
  RS_TRY(create(path, &b));
  rs_status status;
  RS_TRY_GOTO(status, failed, rs_bytes_open_regular(path, &b->fd, &b->length));
  RS_TRY_GOTO(status, failed, fill(b));
  *out = b;
  return RS_OK;
failed:
  rs_bytes_close(b);
  return status;
}

rs_status rs_bytes_open(const char *path, rs_bytes **out) {
  RS_TRY(rs_bytes_open_stored(path, out));
  rs_status status = begin_unzip(*out);
  if (status == RS_OK) return RS_OK;
  rs_bytes_close(*out);
  *out = NULL;
  return status;
}

rs_status rs_bytes_wrap(const char *name, const void *data, size_t len, rs_bytes **out) {
  *out = NULL;
  rs_bytes *b;
  RS_TRY(create(name, &b));
  b->next = data;
  b->left = b->length = len;
  rs_status status = begin_unzip(b);
  if (status == RS_OK)
    *out = b;
  else
    rs_bytes_close(b);
  return status;
}

void rs_bytes_close(rs_bytes *b) {
  if (b == NULL) return;
  if (b->zipped) inflateEnd(&b->z);
  if (b->fd >= 0) close(b->fd);
  free(b);
}

/* ---- reading ------------------------------------------------------------------------------ */

static rs_status read_plain(rs_bytes *b, uint8_t *into, size_t n, size_t *got) {
  while (*got < n) {
    RS_TRY(fill(b));
    if (b->left == 0) return RS_OK;
    size_t take = n - *got < b->left ? n - *got : b->left;
    memcpy(into + *got, b->next, take);
    use(b, take);
    *got += take;
  }
  return RS_OK;
}

/* One step of inflate from the input at hand to at most N bytes at INTO. */
static rs_status unzip_step(rs_bytes *b, uint8_t *into, size_t n, size_t *got, bool *member_end) {
  size_t give = b->left < MOST_AT_ONCE ? b->left : MOST_AT_ONCE;
  size_t room = n < MOST_AT_ONCE ? n : MOST_AT_ONCE;
  b->z.next_in = (Bytef *)b->next;
  b->z.avail_in = (uInt)give;
  b->z.next_out = into;
  b->z.avail_out = (uInt)room;
  int result = inflate(&b->z, Z_NO_FLUSH);
  use(b, give - b->z.avail_in);
  *got += room - b->z.avail_out;
  *member_end = result == Z_STREAM_END;
  if (result == Z_OK || result == Z_STREAM_END) return RS_OK;
  if (result == Z_MEM_ERROR) return rs_fail(RS_ERR_NOMEM, "%s: out of memory to unzip it", b->name);
  return rs_fail(RS_ERR_DATA, "%s: byte %zu: expected gzip data or the end of the file, found %s",
                 b->name, b->offset, b->z.msg != NULL ? b->z.msg : "damage");
}

/* After a member comes another one or the end. */
static rs_status next_member(rs_bytes *b) {
  RS_TRY(fill(b));
  if (b->left == 0)
    b->ended = true;
  else
    inflateReset(&b->z);
  return RS_OK;
}

static rs_status read_zipped(rs_bytes *b, uint8_t *into, size_t n, size_t *got) {
  bool member_end;
  while (*got < n && !b->ended) {
    RS_TRY(fill(b));
    if (b->left == 0)
      return rs_fail(RS_ERR_DATA,
                     "%s: byte %zu: expected more gzip data, found the end of the file", b->name,
                     b->offset);
    RS_TRY(unzip_step(b, into + *got, n - *got, got, &member_end));
    if (member_end) RS_TRY(next_member(b));
  }
  return RS_OK;
}

rs_status rs_bytes_read(rs_bytes *b, void *into, size_t n, size_t *got) {
  *got = 0;
  return b->zipped ? read_zipped(b, into, n, got) : read_plain(b, into, n, got);
}

/* ---- looking ------------------------------------------------------------------------------ */

bool rs_bytes_length(const rs_bytes *b, size_t *length) {
  *length = b->length;
  return !b->zipped;
}

const char *rs_bytes_name(const rs_bytes *b) {
  return b->name;
}

const char *rs_bytes_offset_note(const rs_bytes *b) {
  return b->zipped ? " (unzipped)" : "";
}
