/* Audio files in pieces: decoding by libsndfile, then mean of channels, then resampling. */
#include "audio_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio_source.h"

enum { BLOCK = 4096 }; /* frames that are decoded at a time */

static const float LARGEST = 2147483648.0f; /* beyond that it is no sample, whatever the scale */

struct rs_audio_reader {
  rs_audio_spec spec;
  rs_audio_source source;
  SNDFILE *file;
  SF_INFO info;
  unsigned channels; /* of what is read */
  rs_resampler *resampler;

  float *block;    /* [BLOCK, channels of the file] */
  size_t at, have; /* frames of `block` that are used, and that are there */
  size_t decoded;  /* frames so far */
  bool over;       /* the file is */
};

/* ---- opening ------------------------------------------------------------------------------ */

static rs_status check_spec(const rs_audio_spec *spec) {
  if (spec->rate == 0 || (spec->rate >= RS_AUDIO_MIN_RATE && spec->rate <= RS_AUDIO_MAX_RATE))
    return RS_OK;
  return rs_fail(RS_ERR_USAGE, "sample rate: expected %d to %d Hz, found %u", RS_AUDIO_MIN_RATE,
                 RS_AUDIO_MAX_RATE, spec->rate);
}

static rs_status check_info(const char *name, const SF_INFO *info) {
  if (info->samplerate < RS_AUDIO_MIN_RATE || info->samplerate > RS_AUDIO_MAX_RATE)
    return rs_fail(RS_ERR_DATA, "%s: expected a sample rate of %d to %d Hz, found %d", name,
                   RS_AUDIO_MIN_RATE, RS_AUDIO_MAX_RATE, info->samplerate);
  if (info->channels < 1 || info->channels > RS_AUDIO_MAX_CHANNELS)
    return rs_fail(RS_ERR_DATA, "%s: expected 1 to %d channels, found %d", name,
                   RS_AUDIO_MAX_CHANNELS, info->channels);
  if (info->frames <= 0)
    return rs_fail(RS_ERR_DATA, "%s: expected at least one sample, found none", name);
  return RS_OK;
}

/* STATUS, a failure that truncation explains, as it is or as a warning. */
static rs_status truncated(const rs_audio_reader *r, rs_status status) {
  if (status != RS_ERR_DATA || !r->spec.allow_truncated) return status;
  rs_logf(r->spec.log, RS_LOG_WARN, "%s", rs_error_message());
  return RS_OK;
}

static rs_status open_source(rs_audio_reader *r) {
  rs_audio_container container;
  RS_TRY(rs_audio_source_container(&r->source, &container));
  RS_TRY(truncated(r, rs_audio_source_check_whole(&r->source, container)));
  r->file = sf_open_virtual((SF_VIRTUAL_IO *)&rs_audio_source_io, SFM_READ, &r->info, &r->source);
  RS_TRY(rs_audio_source_check(&r->source));
  if (r->file == NULL)
    return rs_fail(RS_ERR_DATA, "%s: expected audio that can be decoded, found: %s", r->source.name,
                   sf_strerror(NULL));
  return check_info(r->source.name, &r->info);
}

static rs_status prepare(rs_audio_reader *r) {
  const unsigned channels = (unsigned)r->info.channels, rate = (unsigned)r->info.samplerate;
  r->channels = r->spec.keep_channels ? channels : 1;
  RS_TRY(rs_new(&r->block, (size_t)BLOCK * channels, sizeof *r->block));
  if (r->spec.rate == 0 || r->spec.rate == rate) return RS_OK;
  return rs_resampler_create(r->channels, rate, r->spec.rate, r->spec.quality, &r->resampler);
}

/* SOURCE belongs to the reader from here on, or is closed. */
static rs_status open_reader(rs_audio_source source, const rs_audio_spec *spec,
                             rs_audio_reader **out) {
  *out = NULL;
  rs_audio_reader *r;
  rs_status status = rs_new(&r, 1, sizeof *r);
  if (status != RS_OK) {
    rs_audio_source_close(&source);
    return status;
  }
  r->spec = *spec;
  r->source = source;
  RS_TRY_GOTO(status, failed, check_spec(spec));
  RS_TRY_GOTO(status, failed, open_source(r));
  RS_TRY_GOTO(status, failed, prepare(r));
  *out = r;
  return RS_OK;
failed:
  rs_audio_reader_close(r);
  return status;
}

rs_status rs_audio_reader_open(const char *path, const rs_audio_spec *spec, rs_audio_reader **out) {
  rs_audio_source source;
  *out = NULL;
  rs_status status = rs_audio_source_open(path, &source);
  if (status == RS_OK) return open_reader(source, spec, out);
  rs_audio_source_close(&source);
  return status;
}

rs_status rs_audio_reader_adopt(int fd, const char *name, const rs_audio_spec *spec,
                                rs_audio_reader **out) {
  rs_audio_source source;
  *out = NULL;
  rs_status status = rs_audio_source_adopt(fd, name, &source);
  if (status == RS_OK) return open_reader(source, spec, out);
  rs_audio_source_close(&source);
  return status;
}

rs_status rs_audio_reader_wrap(const char *name, const void *bytes, size_t len,
                               const rs_audio_spec *spec, rs_audio_reader **out) {
  rs_audio_source source;
  rs_audio_source_wrap(name, bytes, len, &source);
  return open_reader(source, spec, out);
}

void rs_audio_reader_close(rs_audio_reader *r) {
  if (r == NULL) return;
  rs_resampler_destroy(r->resampler);
  if (r->file != NULL) sf_close(r->file);
  rs_audio_source_close(&r->source);
  free(r->block);
  free(r);
}

/* ---- looking ------------------------------------------------------------------------------ */

unsigned rs_audio_reader_channels(const rs_audio_reader *r) {
  return r->channels;
}

unsigned rs_audio_reader_rate(const rs_audio_reader *r) {
  return r->resampler != NULL ? r->spec.rate : rs_audio_reader_file_rate(r);
}

unsigned rs_audio_reader_file_rate(const rs_audio_reader *r) {
  return (unsigned)r->info.samplerate;
}

bool rs_audio_reader_promised(const rs_audio_reader *r, size_t *frames) {
  *frames = SIZE_MAX;
  if (r->info.frames == SF_COUNT_MAX) return false;
  *frames = (size_t)r->info.frames;
  if (r->resampler == NULL) return true;
  return rs_resampled_frames(*frames, rs_audio_reader_file_rate(r), r->spec.rate, frames) == RS_OK;
}

size_t rs_audio_reader_decoded(const rs_audio_reader *r) {
  return r->decoded;
}

rs_wav_encoding rs_audio_reader_encoding(const rs_audio_reader *r) {
  switch (r->info.format & SF_FORMAT_SUBMASK) {
  case SF_FORMAT_PCM_24: return RS_WAV_PCM24;
  case SF_FORMAT_PCM_32:
  case SF_FORMAT_FLOAT:
  case SF_FORMAT_DOUBLE: return RS_WAV_FLOAT;
  default: return RS_WAV_PCM16;
  }
}

/* ---- decoding ----------------------------------------------------------------------------- */

static rs_status check_samples(const rs_audio_reader *r, size_t frames) {
  const size_t channels = (size_t)r->info.channels, n = frames * channels;
  size_t i = 0;
  while (i < n && fabsf(r->block[i]) <= LARGEST) i++;
  if (i == n) return RS_OK;
  return rs_fail(RS_ERR_DATA,
                 "%s: frame %zu, channel %zu: expected a sample within +-2^31, found %g",
                 r->source.name, r->decoded + i / channels, i % channels, (double)r->block[i]);
}

/* The decoder lost its way in the block that it has just given: audio ends before that. */
static rs_status stop_at_damage(rs_audio_reader *r, size_t *frames) {
  rs_status status =
      truncated(r, rs_fail(RS_ERR_DATA, "%s: frame %zu: expected more audio, found: %s",
                           r->source.name, r->decoded, sf_strerror(r->file)));
  *frames = 0;
  r->over = true;
  return status;
}

static rs_status check_end(const rs_audio_reader *r) {
  const char *name = r->source.name;
  if (r->decoded == 0)
    return rs_fail(RS_ERR_DATA, "%s: expected at least one sample, found none", name);
  if (r->over || r->info.frames == SF_COUNT_MAX || r->decoded >= (size_t)r->info.frames)
    return RS_OK;
  return truncated(r, rs_fail(RS_ERR_DATA, "%s: expected %lld frames as its header says, found %zu",
                              name, (long long)r->info.frames, r->decoded));
}

static void average_channels(float *block, size_t frames, size_t channels) {
  for (size_t i = 0; i < frames; i++) {
    float sum = 0;
    for (size_t c = 0; c < channels; c++) sum += block[i * channels + c];
    block[i] = sum / (float)channels;
  }
}

static rs_status refill(rs_audio_reader *r) {
  sf_count_t got = sf_readf_float(r->file, r->block, BLOCK);
  size_t frames = got > 0 ? (size_t)got : 0;
  RS_TRY(rs_audio_source_check(&r->source));
  if (sf_error(r->file) != SF_ERR_NO_ERROR) RS_TRY(stop_at_damage(r, &frames));
  RS_TRY(check_samples(r, frames));
  r->decoded += frames;
  if (frames < BLOCK) {
    RS_TRY(check_end(r));
    r->over = true;
  }
  if (r->channels == 1 && r->info.channels > 1)
    average_channels(r->block, frames, (size_t)r->info.channels);
  r->at = 0;
  r->have = frames;
  return RS_OK;
}

/* ---- reading ------------------------------------------------------------------------------ */

static rs_status give(rs_audio_reader *r, size_t room, float *out, size_t *made) {
  const float *in = r->block + r->at * r->channels;
  size_t left = r->have - r->at, used = left < room ? left : room;
  if (r->resampler != NULL) {
    RS_TRY(rs_resampler_step(r->resampler, left, in, r->over, room, out, &used, made));
  } else {
    memcpy(out, in, used * r->channels * sizeof *out);
    *made = used;
  }
  r->at += used;
  return RS_OK;
}

rs_status rs_audio_reader_next(rs_audio_reader *r, size_t n, float *samples, size_t *got) {
  *got = 0;
  while (*got < n) {
    size_t made;
    if (r->at == r->have && !r->over) RS_TRY(refill(r));
    RS_TRY(give(r, n - *got, samples + *got * r->channels, &made));
    *got += made;
    if (made == 0 && r->over && r->at == r->have) break;
  }
  return RS_OK;
}
