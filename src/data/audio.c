/* Whole pieces of audio: read, resampled. */
#include "ranksweep/data.h"

#include <stdlib.h>
#include <string.h>

#include "audio_reader.h"

enum { PIECE = 65536 }; /* frames that are asked for at a time */

void rs_audio_free(rs_audio *audio) {
  free(audio->samples);
  *audio = (rs_audio){0};
}

/* ---- reading ------------------------------------------------------------------------------ */

static rs_status check_size(const char *name, size_t frames, unsigned channels) {
  const size_t most = RS_AUDIO_MAX_BYTES / sizeof(float) / channels;
  if (frames <= most) return RS_OK;
  return rs_fail(RS_ERR_DATA, "%s: expected at most %zu frames, found more", name, most);
}

static rs_status read_all(rs_audio_reader *r, const char *name, rs_audio *out) {
  size_t promised, cap = 0, got = PIECE;
  out->channels = rs_audio_reader_channels(r);
  out->rate = rs_audio_reader_rate(r);
  if (rs_audio_reader_promised(r, &promised)) RS_TRY(check_size(name, promised, out->channels));
  while (got == PIECE) {
    RS_TRY(check_size(name, out->frames + PIECE, out->channels));
    RS_TRY(
        rs_grow(&out->samples, &cap, (out->frames + PIECE) * out->channels, sizeof *out->samples));
    RS_TRY(rs_audio_reader_next(r, PIECE, out->samples + out->frames * out->channels, &got));
    out->frames += got;
  }
  return RS_OK;
}

/* Takes READER over. */
static rs_status read_and_close(rs_audio_reader *reader, const char *name, rs_audio *out) {
  rs_status status = read_all(reader, name, out);
  if (status != RS_OK) rs_audio_free(out);
  rs_audio_reader_close(reader);
  return status;
}

rs_status rs_audio_read(const char *path, const rs_audio_spec *spec, rs_audio *out) {
  rs_audio_reader *reader;
  *out = (rs_audio){0};
  RS_TRY(rs_audio_reader_open(path, spec, &reader));
  return read_and_close(reader, path, out);
}

rs_status rs_audio_parse(const char *name, const void *bytes, size_t len, const rs_audio_spec *spec,
                         rs_audio *out) {
  rs_audio_reader *reader;
  *out = (rs_audio){0};
  RS_TRY(rs_audio_reader_wrap(name, bytes, len, spec, &reader));
  return read_and_close(reader, name, out);
}

/* ---- resampling --------------------------------------------------------------------------- */

static rs_status resample_all(rs_resampler *r, const rs_audio *in, rs_audio *out) {
  size_t taken = 0, given = 0;
  while (given < out->frames) {
    size_t used, made;
    RS_TRY(rs_resampler_step(r, in->frames - taken, in->samples + taken * in->channels, true,
                             out->frames - given, out->samples + given * in->channels, &used,
                             &made));
    taken += used;
    given += made;
  }
  return RS_OK;
}

static rs_status copy_audio(const rs_audio *in, rs_audio *out) {
  RS_TRY(rs_new(&out->samples, in->frames, in->channels * sizeof *out->samples));
  memcpy(out->samples, in->samples, in->frames * in->channels * sizeof *out->samples);
  out->frames = in->frames;
  return RS_OK;
}

static rs_status check_rate(unsigned rate) {
  if (rate >= RS_AUDIO_MIN_RATE && rate <= RS_AUDIO_MAX_RATE) return RS_OK;
  return rs_fail(RS_ERR_USAGE, "sample rate: expected %d to %d Hz, found %u", RS_AUDIO_MIN_RATE,
                 RS_AUDIO_MAX_RATE, rate);
}

rs_status rs_audio_resample(const rs_audio *in, unsigned rate, rs_audio *out) {
  rs_resampler *r = NULL;
  rs_status status;
  *out = (rs_audio){.channels = in->channels, .rate = rate};
  RS_TRY_GOTO(status, done, check_rate(in->rate));
  RS_TRY_GOTO(status, done, check_rate(rate));
  if (rate == in->rate) {
    status = copy_audio(in, out);
    goto done;
  }
  RS_TRY_GOTO(status, done, rs_resampled_frames(in->frames, in->rate, rate, &out->frames));
  RS_TRY_GOTO(status, done,
              rs_new(&out->samples, out->frames, in->channels * sizeof *out->samples));
  RS_TRY_GOTO(status, done,
              rs_resampler_create(in->channels, in->rate, rate, RS_RESAMPLE_BEST, &r));
  status = resample_all(r, in, out);
done:
  rs_resampler_destroy(r);
  if (status != RS_OK) rs_audio_free(out);
  return status;
}
