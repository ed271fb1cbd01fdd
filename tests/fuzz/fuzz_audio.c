/* Any bytes as an audio file, in memory and on disk, whole and in pieces, strict and lenient: all
 * ways agree, and what is accepted is finite. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_file.h"
#include "ranksweep/data.h"

enum { PIECE = 1000 };

static void require(bool condition) {
  if (!condition) abort();
}

static void check_whole(const rs_audio *audio) {
  require(audio->frames > 0 && audio->channels >= 1 && audio->channels <= RS_AUDIO_MAX_CHANNELS);
  require(audio->rate >= RS_AUDIO_MIN_RATE && audio->rate <= RS_AUDIO_MAX_RATE);
  for (size_t i = 0; i < audio->frames * audio->channels; i++) require(isfinite(audio->samples[i]));
}

static void check_pieces(const char *path, const rs_audio_spec *spec, const rs_audio *whole) {
  float piece[PIECE * RS_AUDIO_MAX_CHANNELS];
  rs_audio_reader *r;
  size_t at = 0, got = PIECE;
  require(rs_audio_reader_open(path, spec, &r) == RS_OK);
  while (got == PIECE) {
    require(rs_audio_reader_next(r, PIECE, piece, &got) == RS_OK);
    require(at + got <= whole->frames);
    require(memcmp(piece, whole->samples + at * whole->channels,
                   got * whole->channels * sizeof *piece) == 0);
    at += got;
  }
  require(at == whole->frames);
  rs_audio_reader_close(r);
}

static void check_one(const uint8_t *data, size_t size, const char *path,
                      const rs_audio_spec *spec) {
  rs_audio parsed, read;
  rs_status status = rs_audio_parse("fuzz", data, size, spec, &parsed);
  require(rs_audio_read(path, spec, &read) == status);
  require((status == RS_OK) == (parsed.samples != NULL));
  if (status == RS_OK) {
    check_whole(&parsed);
    require(read.frames == parsed.frames && read.channels == parsed.channels);
    require(memcmp(read.samples, parsed.samples, parsed.frames * parsed.channels * sizeof(float)) ==
            0);
    check_pieces(path, spec, &parsed);
  }
  rs_audio_free(&parsed);
  rs_audio_free(&read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const rs_audio_spec specs[] = {
      {.keep_channels = true}, {.allow_truncated = true}, {.rate = 16000}};
  char path[FUZZ_PATH];
  int fd = fuzz_file_open(data, size, path);
  if (fd < 0) return 0;
  for (size_t i = 0; i < RS_COUNT(specs); i++) check_one(data, size, path, &specs[i]);
  close(fd);
  return 0;
}
