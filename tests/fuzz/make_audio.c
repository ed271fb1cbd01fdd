/* Makes the corpus of fuzz_audio: small files of every kind that is read, and each of them cut and
 * with bytes changed. The same files every time.
 *
 * usage: make_audio DIRECTORY */
#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ranksweep/base.h"

enum { FRAMES = 700, VARIANTS = 24, MOST_BYTES = 1 << 20 };

static const struct {
  const char *name;
  int format, channels, rate;
} kinds[] = {
    {"pcm16", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1, 16000},
    {"pcm24", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 2, 44100},
    {"float", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 1, 8000},
    {"ulaw", SF_FORMAT_WAV | SF_FORMAT_ULAW, 1, 8000},
    {"adpcm", SF_FORMAT_WAV | SF_FORMAT_MS_ADPCM, 1, 22050},
    {"wavex", SF_FORMAT_WAVEX | SF_FORMAT_PCM_16, 6, 16000},
    {"rf64", SF_FORMAT_RF64 | SF_FORMAT_PCM_16, 1, 16000},
    {"rifx", SF_FORMAT_WAV | SF_FORMAT_PCM_16 | SF_ENDIAN_BIG, 1, 16000},
    {"flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 2, 16000},
    {"vorbis", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 1, 16000},
    {"opus", SF_FORMAT_OGG | SF_FORMAT_OPUS, 1, 16000},
};

static void require(bool condition, const char *what) {
  if (condition) return;
  fprintf(stderr, "%s: %s\n", what, rs_error_message());
  exit(1);
}

static void write_valid(const char *path, size_t k) {
  float x[FRAMES * 8];
  SF_INFO info = {
      .samplerate = kinds[k].rate, .channels = kinds[k].channels, .format = kinds[k].format};
  SNDFILE *file = sf_open(path, SFM_WRITE, &info);
  require(file != NULL, path);
  sf_command(file, SFC_SET_ADD_PEAK_CHUNK, NULL, SF_FALSE);
  for (int i = 0; i < FRAMES * kinds[k].channels; i++) x[i] = 0.4f * sinf(0.05f * (float)i);
  require(sf_writef_float(file, x, FRAMES) == FRAMES, path);
  sf_close(file);
}

static void write_variants(const char *path, const rs_stream *s) {
  char *bytes, name[4200];
  size_t n;
  require(rs_file_read(path, MOST_BYTES, &bytes, &n) == RS_OK, path);
  char *changed = malloc(n);
  for (size_t v = 0; v < VARIANTS; v++) {
    size_t length = v % 3 == 0 ? rs_stream_below(s, 100 * v, (uint32_t)n) : n;
    memcpy(changed, bytes, n);
    /* Headers are where the claims are. */
    for (size_t i = 0; v % 3 != 0 && i < v; i++) {
      uint32_t reach = v % 2 == 0 && n > 64 ? 64 : (uint32_t)n;
      changed[rs_stream_below(s, 100 * v + 2 * i + 1, reach)] =
          (char)rs_stream_u32(s, 100 * v + 2 * i + 2);
    }
    snprintf(name, sizeof name, "%s.%02zu", path, v);
    require(rs_file_replace(name, changed, length) == RS_OK, name);
  }
  free(changed);
  free(bytes);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  require(rs_file_make_directories(argv[1]) == RS_OK, argv[1]);
  for (size_t k = 0; k < RS_COUNT(kinds); k++) {
    char path[4096];
    rs_stream s = rs_stream_make(1, "fuzz", kinds[k].name, 0);
    snprintf(path, sizeof path, "%s/%s", argv[1], kinds[k].name);
    write_valid(path, k);
    write_variants(path, &s);
  }
  return 0;
}
