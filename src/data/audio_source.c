#include "audio_source.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"

/* ---- opening ------------------------------------------------------------------------------ */

rs_status rs_audio_source_open(const char *path, rs_audio_source *out) {
  *out = (rs_audio_source){.name = path, .fd = -1};
  return rs_bytes_open_regular(path, &out->fd, &out->length);
}

rs_status rs_audio_source_adopt(int fd, const char *name, rs_audio_source *out) {
  *out = (rs_audio_source){.name = name, .fd = fd};
  return rs_bytes_check_regular(fd, name, &out->length);
}

void rs_audio_source_wrap(const char *name, const void *data, size_t length, rs_audio_source *out) {
  *out = (rs_audio_source){.name = name, .fd = -1, .data = data, .length = length};
}

void rs_audio_source_close(rs_audio_source *s) {
  if (s->fd >= 0) close(s->fd);
  s->fd = -1;
}

/* ---- reading ------------------------------------------------------------------------------ */

static size_t read_file(rs_audio_source *s, size_t offset, uint8_t *into, size_t n) {
  size_t got = 0;
  while (got < n) {
    ssize_t step = pread(s->fd, into + got, n - got, (off_t)(offset + got));
    if (step < 0 && errno == EINTR) continue;
    if (step < 0 && s->error == 0) s->error = errno;
    if (step <= 0) break;
    got += (size_t)step;
  }
  return got;
}

size_t rs_audio_source_read(rs_audio_source *s, size_t offset, void *into, size_t n) {
  if (offset >= s->length) return 0;
  if (n > s->length - offset) n = s->length - offset;
  if (s->fd >= 0) return read_file(s, offset, into, n);
  memcpy(into, s->data + offset, n);
  return n;
}

rs_status rs_audio_source_check(const rs_audio_source *s) {
  if (s->error == 0) return RS_OK;
  errno = s->error;
  return rs_fail_errno("%s: cannot read", s->name);
}

/* ---- libsndfile's view -------------------------------------------------------------------- */

static sf_count_t io_length(void *user) {
  const rs_audio_source *s = user;
  return (sf_count_t)s->length;
}

static sf_count_t io_tell(void *user) {
  const rs_audio_source *s = user;
  return (sf_count_t)s->at;
}

static sf_count_t io_seek(sf_count_t offset, int whence, void *user) {
  rs_audio_source *s = user;
  sf_count_t from = whence == SEEK_SET   ? 0
                    : whence == SEEK_CUR ? (sf_count_t)s->at
                                         : (sf_count_t)s->length;
  sf_count_t to;
  if (__builtin_add_overflow(from, offset, &to) || to < 0) return -1;
  s->at = (size_t)to;
  return to;
}

static sf_count_t io_read(void *into, sf_count_t n, void *user) {
  rs_audio_source *s = user;
  if (n <= 0) return 0;
  size_t got = rs_audio_source_read(s, s->at, into, (size_t)n);
  s->at += got;
  return (sf_count_t)got;
}

const SF_VIRTUAL_IO rs_audio_source_io = {
    .get_filelen = io_length, .seek = io_seek, .read = io_read, .tell = io_tell};
