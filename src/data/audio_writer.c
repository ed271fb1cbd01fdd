/* WAV files that appear whole or not at all. */
#include "ranksweep/data.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sndfile.h>

enum { BLOCK = 4096 }; /* samples that are converted at a time */

static const uint64_t MOST_BYTES = UINT32_MAX - 4096; /* lengths in a WAV file have 32 bits */
static const uint64_t MOST_RF64_BYTES = INT64_MAX - 4096;

struct rs_audio_writer {
  char *path, *temporary; /* the latter NULL: the file is the caller's */
  SNDFILE *file;
  rs_wav_spec spec;
  uint64_t samples; /* written so far */
};

/* Of each rs_wav_encoding. */
static const struct {
  int format;
  unsigned bytes; /* a sample */
} encodings[] = {[RS_WAV_PCM16] = {SF_FORMAT_PCM_16, 2},
                 [RS_WAV_PCM24] = {SF_FORMAT_PCM_24, 3},
                 [RS_WAV_FLOAT] = {SF_FORMAT_FLOAT, 4}};

/* ---- opening ------------------------------------------------------------------------------ */

static rs_status check_shape(const char *path, unsigned channels, unsigned rate) {
  if (channels < 1 || channels > RS_AUDIO_MAX_CHANNELS)
    return rs_fail(RS_ERR_USAGE, "%s: expected 1 to %d channels to write, found %u", path,
                   RS_AUDIO_MAX_CHANNELS, channels);
  if (rate < RS_AUDIO_MIN_RATE || rate > RS_AUDIO_MAX_RATE)
    return rs_fail(RS_ERR_USAGE, "%s: expected a sample rate of %d to %d Hz to write, found %u",
                   path, RS_AUDIO_MIN_RATE, RS_AUDIO_MAX_RATE, rate);
  return RS_OK;
}

static const char *name_of(const rs_audio_writer *w) {
  return w->temporary != NULL ? w->temporary : w->path;
}

static int container_of(const rs_wav_spec *spec) {
  if (spec->rf64) return SF_FORMAT_RF64;
  return spec->channels > 2 ? SF_FORMAT_WAVEX : SF_FORMAT_WAV;
}

/* OWNED: FD is closed with the file. */
static rs_status begin_file(rs_audio_writer *w, int fd, bool owned) {
  SF_INFO info = {.samplerate = (int)w->spec.rate,
                  .channels = (int)w->spec.channels,
                  .format = container_of(&w->spec) | encodings[w->spec.encoding].format};
  w->file = sf_open_fd(fd, SFM_WRITE, &info, owned ? SF_TRUE : SF_FALSE);
  if (w->file == NULL)
    return rs_fail(RS_ERR_IO, "%s: cannot begin a WAV file: %s", name_of(w), sf_strerror(NULL));
  /* The chunk of peaks has the time of writing in it. */
  sf_command(w->file, SFC_SET_ADD_PEAK_CHUNK, NULL, SF_FALSE);
  return RS_OK;
}

static rs_status open_file(rs_audio_writer *w) {
  RS_TRY(rs_file_temporary(w->path, &w->temporary));
  int fd = open(w->temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return rs_fail_errno("%s: cannot create", w->temporary);
  return begin_file(w, fd, true);
}

/* FD -1: a file that gets the name PATH in the end. */
static rs_status create(int fd, const char *path, const rs_wav_spec *spec, rs_audio_writer **out) {
  *out = NULL;
  RS_TRY(check_shape(path, spec->channels, spec->rate));
  rs_audio_writer *w;
  RS_TRY(rs_new(&w, 1, sizeof *w));
  w->spec = *spec;
  rs_status status = rs_strdup(&w->path, path);
  if (status == RS_OK) status = fd < 0 ? open_file(w) : begin_file(w, fd, false);
  if (status == RS_OK)
    *out = w;
  else
    rs_audio_writer_destroy(w);
  return status;
}

rs_status rs_audio_writer_create(const char *path, const rs_wav_spec *spec, rs_audio_writer **out) {
  return create(-1, path, spec, out);
}

rs_status rs_audio_writer_borrow(int fd, const char *name, const rs_wav_spec *spec,
                                 rs_audio_writer **out) {
  return create(fd, name, spec, out);
}

size_t rs_wav_bytes(rs_wav_encoding encoding) {
  return encodings[encoding].bytes;
}

/* ---- samples ------------------------------------------------------------------------------ */

static rs_status written(const rs_audio_writer *w, sf_count_t wrote, size_t n) {
  if (wrote == (sf_count_t)n) return RS_OK;
  return rs_fail(RS_ERR_IO, "%s: cannot write: %s", name_of(w), sf_strerror(w->file));
}

/* Rounded here and not by libsndfile, whose scales for reading and writing differ. */
static rs_status write_integers(rs_audio_writer *w, size_t n, const float *x) {
  int block[BLOCK];
  const int shift = w->spec.encoding == RS_WAV_PCM16 ? 16 : 8;
  const float scale = w->spec.encoding == RS_WAV_PCM16 ? 32768.0f : 8388608.0f;
  for (size_t i = 0; i < n; i++) {
    float value = fminf(fmaxf(rintf(x[i] * scale), -scale), scale - 1);
    block[i] = (int)value * (1 << shift);
  }
  return written(w, sf_write_int(w->file, block, (sf_count_t)n), n);
}

static rs_status write_block(rs_audio_writer *w, size_t n, const float *x) {
  for (size_t i = 0; i < n; i++)
    if (!isfinite(x[i]))
      return rs_fail(RS_ERR_NUMERIC, "%s: frame %llu: expected a finite sample to write, found %g",
                     w->path, (unsigned long long)(w->samples + i) / w->spec.channels,
                     (double)x[i]);
  RS_TRY(w->spec.encoding == RS_WAV_FLOAT ? written(w, sf_write_float(w->file, x, (sf_count_t)n), n)
                                          : write_integers(w, n, x));
  w->samples += n;
  return RS_OK;
}

rs_status rs_audio_writer_append(rs_audio_writer *w, size_t frames, const float *samples) {
  const size_t most =
      (size_t)((w->spec.rf64 ? MOST_RF64_BYTES : MOST_BYTES) / encodings[w->spec.encoding].bytes -
               w->samples);
  const size_t step = BLOCK / w->spec.channels * w->spec.channels;
  if (frames > most / w->spec.channels)
    return rs_fail(RS_ERR_USAGE, "%s: expected at most the 4 GiB of a WAV file, found more",
                   w->path);
  const size_t n = frames * w->spec.channels;
  for (size_t at = 0; at < n; at += step)
    RS_TRY(write_block(w, n - at < step ? n - at : step, samples + at));
  return RS_OK;
}

/* ---- the end ------------------------------------------------------------------------------ */

rs_status rs_audio_writer_commit(rs_audio_writer *w) {
  int error = sf_close(w->file);
  w->file = NULL;
  if (error != 0)
    return rs_fail(RS_ERR_IO, "%s: cannot close: %s", name_of(w), sf_error_number(error));
  if (w->temporary == NULL) return RS_OK;
  rs_status status = rs_file_commit(w->temporary, w->path);
  free(w->temporary);
  w->temporary = NULL;
  return status;
}

void rs_audio_writer_destroy(rs_audio_writer *w) {
  if (w == NULL) return;
  if (w->file != NULL) sf_close(w->file);
  if (w->temporary != NULL) unlink(w->temporary);
  free(w->temporary);
  free(w->path);
  free(w);
}

rs_status rs_audio_write(const char *path, const rs_audio *audio, rs_wav_encoding encoding) {
  const rs_wav_spec spec = {.channels = audio->channels, .rate = audio->rate, .encoding = encoding};
  rs_audio_writer *w;
  RS_TRY(rs_audio_writer_create(path, &spec, &w));
  rs_status status = rs_audio_writer_append(w, audio->frames, audio->samples);
  if (status == RS_OK) status = rs_audio_writer_commit(w);
  rs_audio_writer_destroy(w);
  return status;
}
