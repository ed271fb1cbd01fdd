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

struct rs_audio_writer {
  char *path, *temporary;
  SNDFILE *file;
  unsigned channels;
  rs_wav_encoding encoding;
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

static rs_status open_file(rs_audio_writer *w, unsigned rate) {
  int fd = open(w->temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return rs_fail_errno("%s: cannot create", w->temporary);
  SF_INFO info = {.samplerate = (int)rate,
                  .channels = (int)w->channels,
                  .format = (w->channels > 2 ? SF_FORMAT_WAVEX : SF_FORMAT_WAV) |
                            encodings[w->encoding].format};
  w->file = sf_open_fd(fd, SFM_WRITE, &info, SF_TRUE);
  if (w->file == NULL)
    return rs_fail(RS_ERR_IO, "%s: cannot begin a WAV file: %s", w->temporary, sf_strerror(NULL));
  /* The chunk of peaks has the time of writing in it. */
  sf_command(w->file, SFC_SET_ADD_PEAK_CHUNK, NULL, SF_FALSE);
  return RS_OK;
}

rs_status rs_audio_writer_create(const char *path, unsigned channels, unsigned rate,
                                 rs_wav_encoding encoding, rs_audio_writer **out) {
  *out = NULL;
  RS_TRY(check_shape(path, channels, rate));
  rs_audio_writer *w;
  RS_TRY(rs_new(&w, 1, sizeof *w));
  rs_status status;
  w->channels = channels;
  w->encoding = encoding;
  RS_TRY_GOTO(status, failed, rs_strdup(&w->path, path));
  RS_TRY_GOTO(status, failed, rs_file_temporary(path, &w->temporary));
  RS_TRY_GOTO(status, failed, open_file(w, rate));
  *out = w;
  return RS_OK;
failed:
  rs_audio_writer_destroy(w);
  return status;
}

/* ---- samples ------------------------------------------------------------------------------ */

static rs_status written(const rs_audio_writer *w, sf_count_t wrote, size_t n) {
  if (wrote == (sf_count_t)n) return RS_OK;
  return rs_fail(RS_ERR_IO, "%s: cannot write: %s", w->temporary, sf_strerror(w->file));
}

/* Rounded here and not by libsndfile, whose scales for reading and writing differ. */
static rs_status write_integers(rs_audio_writer *w, size_t n, const float *x) {
  int block[BLOCK];
  const int shift = w->encoding == RS_WAV_PCM16 ? 16 : 8;
  const float scale = w->encoding == RS_WAV_PCM16 ? 32768.0f : 8388608.0f;
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
                     w->path, (unsigned long long)(w->samples + i) / w->channels, (double)x[i]);
  RS_TRY(w->encoding == RS_WAV_FLOAT ? written(w, sf_write_float(w->file, x, (sf_count_t)n), n)
                                     : write_integers(w, n, x));
  w->samples += n;
  return RS_OK;
}

rs_status rs_audio_writer_append(rs_audio_writer *w, size_t frames, const float *samples) {
  const size_t most = (size_t)(MOST_BYTES / encodings[w->encoding].bytes - w->samples);
  const size_t step = BLOCK / w->channels * w->channels;
  if (frames > most / w->channels)
    return rs_fail(RS_ERR_USAGE, "%s: expected at most the 4 GiB of a WAV file, found more",
                   w->path);
  const size_t n = frames * w->channels;
  for (size_t at = 0; at < n; at += step)
    RS_TRY(write_block(w, n - at < step ? n - at : step, samples + at));
  return RS_OK;
}

/* ---- the end ------------------------------------------------------------------------------ */

rs_status rs_audio_writer_commit(rs_audio_writer *w) {
  int error = sf_close(w->file);
  w->file = NULL;
  if (error != 0)
    return rs_fail(RS_ERR_IO, "%s: cannot close: %s", w->temporary, sf_error_number(error));
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
  rs_audio_writer *w;
  RS_TRY(rs_audio_writer_create(path, audio->channels, audio->rate, encoding, &w));
  rs_status status = rs_audio_writer_append(w, audio->frames, audio->samples);
  if (status == RS_OK) status = rs_audio_writer_commit(w);
  rs_audio_writer_destroy(w);
  return status;
}
