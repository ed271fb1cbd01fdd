/* What the containers of audio promise, held against what is there. */
#include "audio_source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
  HEAD = 12, /* bytes that tell the kind of a file; chunks of a WAV file begin after them */
  CHUNK = 8, /* tag and length */
  MOST_CHUNKS = 10000, /* before the samples */
  PAGE_HEAD = 27,      /* of an Ogg page, before its table of segments */
  PAGE = PAGE_HEAD + 255 + 255 * 255,
  PAGE_IS_LAST = 4
};

/* ---- kind --------------------------------------------------------------------------------- */

static bool is_wav(const uint8_t head[HEAD]) {
  bool form =
      memcmp(head, "RIFF", 4) == 0 || memcmp(head, "RIFX", 4) == 0 || memcmp(head, "RF64", 4) == 0;
  return form && memcmp(head + 8, "WAVE", 4) == 0;
}

rs_status rs_audio_source_container(rs_audio_source *s, rs_audio_container *out) {
  uint8_t head[HEAD] = {0};
  size_t got = rs_audio_source_read(s, 0, head, HEAD);
  *out = RS_AUDIO_WAV;
  RS_TRY(rs_audio_source_check(s));
  if (got == 0) return rs_fail(RS_ERR_DATA, "%s: expected audio, found an empty file", s->name);
  if (is_wav(head)) return RS_OK;
  *out = RS_AUDIO_FLAC;
  if (memcmp(head, "fLaC", 4) == 0) return RS_OK;
  *out = RS_AUDIO_OGG;
  if (memcmp(head, "OggS", 4) == 0) return RS_OK;
  return rs_fail(RS_ERR_DATA,
                 "%s: byte 0: expected a WAV, FLAC or Ogg file, found %02x %02x %02x %02x", s->name,
                 head[0], head[1], head[2], head[3]);
}

/* ---- WAV ---------------------------------------------------------------------------------- */

static uint64_t number(const uint8_t *bytes, size_t n, bool big_endian) {
  uint64_t value = 0;
  for (size_t i = 0; i < n; i++) value = value << 8 | bytes[big_endian ? i : n - 1 - i];
  return value;
}

/* A length of all ones in a RIFF file means "to the end": what programs write into pipes. In RF64
 * it means that the chunk ds64, which comes first, has the length. */
static uint64_t data_length(rs_audio_source *s, bool rf64, uint64_t said, uint64_t available) {
  uint8_t ds64[CHUNK + 16] = {0};
  if (said != UINT32_MAX) return said;
  if (!rf64) return available;
  size_t got = rs_audio_source_read(s, HEAD, ds64, sizeof ds64);
  return got == sizeof ds64 && memcmp(ds64, "ds64", 4) == 0 ? number(ds64 + CHUNK + 8, 8, false)
                                                            : available;
}

static rs_status check_wav(rs_audio_source *s) {
  uint8_t head[HEAD], chunk[CHUNK];
  if (rs_audio_source_read(s, 0, head, HEAD) < HEAD) return rs_audio_source_check(s);
  const bool big_endian = head[3] == 'X', rf64 = head[1] == 'F';
  uint64_t at = HEAD;
  for (int k = 0; k < MOST_CHUNKS; k++) {
    if (rs_audio_source_read(s, (size_t)at, chunk, CHUNK) < CHUNK) break;
    uint64_t length = number(chunk + 4, 4, big_endian);
    at += CHUNK;
    if (memcmp(chunk, "data", 4) == 0) {
      const uint64_t available = s->length - at;
      length = data_length(s, rf64, length, available);
      if (length <= available) return RS_OK;
      return rs_fail(RS_ERR_DATA,
                     "%s: byte %" PRIu64 ": expected %" PRIu64 " bytes of samples, found %" PRIu64,
                     s->name, at, length, available);
    }
    at += length + length % 2;
  }
  RS_TRY(rs_audio_source_check(s));
  return rs_fail(RS_ERR_DATA, "%s: expected a chunk of samples (\"data\"), found none", s->name);
}

/* ---- Ogg ---------------------------------------------------------------------------------- */

/* Is this a page that is all there and says that it is the last one? */
static bool is_last_page(const uint8_t *page, size_t n) {
  if (n < PAGE_HEAD || page[4] != 0 || (page[5] & PAGE_IS_LAST) == 0) return false;
  size_t segments = page[26], length = PAGE_HEAD + segments;
  for (size_t i = 0; i < segments && PAGE_HEAD + i < n; i++) length += page[PAGE_HEAD + i];
  return length <= n;
}

static rs_status check_ogg(rs_audio_source *s) {
  uint8_t *tail;
  RS_TRY(rs_new(&tail, PAGE, 1));
  size_t start = s->length > PAGE ? s->length - PAGE : 0;
  size_t n = rs_audio_source_read(s, start, tail, PAGE);
  bool whole = false;
  for (size_t i = n; i >= 4 && !whole; i--)
    whole = memcmp(tail + i - 4, "OggS", 4) == 0 && is_last_page(tail + i - 4, n - (i - 4));
  free(tail);
  RS_TRY(rs_audio_source_check(s));
  if (whole) return RS_OK;
  return rs_fail(RS_ERR_DATA,
                 "%s: byte %zu: expected the last page of an Ogg stream, found the end of the file",
                 s->name, s->length);
}

rs_status rs_audio_source_check_whole(rs_audio_source *s, rs_audio_container container) {
  if (container == RS_AUDIO_WAV) return check_wav(s);
  return container == RS_AUDIO_OGG ? check_ogg(s) : RS_OK;
}
