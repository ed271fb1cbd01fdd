/* Change of sample rate, in pieces, by libsamplerate. */
#include "ranksweep/data.h"

#include <stdlib.h>
#include <string.h>

#include <samplerate.h>

static const size_t MOST_AT_ONCE = (size_t)1
                                   << 24; /* frames; libsamplerate counts in long and int */

struct rs_resampler {
  SRC_STATE *state;
  unsigned channels, from, to;
  size_t taken, given;
};

rs_status rs_resampler_create(unsigned channels, unsigned from, unsigned to,
                              rs_resample_quality quality, rs_resampler **out) {
  const int filter = quality == RS_RESAMPLE_BEST ? SRC_SINC_BEST_QUALITY : SRC_SINC_MEDIUM_QUALITY;
  int error = 0;
  *out = NULL;
  rs_resampler *r;
  RS_TRY(rs_new(&r, 1, sizeof *r));
  *r = (rs_resampler){.channels = channels, .from = from, .to = to};
  r->state = src_new(filter, (int)channels, &error);
  if (r->state == NULL) {
    free(r);
    return rs_fail(RS_ERR_NOMEM, "cannot resample: %s", src_strerror(error));
  }
  *out = r;
  return RS_OK;
}

void rs_resampler_destroy(rs_resampler *r) {
  if (r == NULL) return;
  src_delete(r->state);
  free(r);
}

rs_status rs_resampled_frames(size_t frames, unsigned from, unsigned to, size_t *out) {
  size_t product;
  *out = 0;
  if (__builtin_mul_overflow(frames, (size_t)to, &product))
    return rs_fail(RS_ERR_DATA, "resampling from %u to %u Hz: %zu frames are too many", from, to,
                   frames);
  *out = product / from + (product % from != 0);
  return RS_OK;
}

/* At the end libsamplerate may be a frame short or over; what is missing is silence. */
static rs_status fit_to_end(rs_resampler *r, size_t room, float *out, size_t *made) {
  size_t all;
  RS_TRY(rs_resampled_frames(r->taken, r->from, r->to, &all));
  size_t left = all > r->given ? all - r->given : 0;
  if (left < room) room = left;
  if (*made == 0 && room > 0) memset(out, 0, room * r->channels * sizeof *out);
  if (*made == 0 || *made > room) *made = room;
  return RS_OK;
}

rs_status rs_resampler_step(rs_resampler *r, size_t n, const float *in, bool last, size_t room,
                            float *out, size_t *used, size_t *made) {
  *used = *made = 0;
  if (n > MOST_AT_ONCE) {
    n = MOST_AT_ONCE;
    last = false;
  }
  if (room > MOST_AT_ONCE) room = MOST_AT_ONCE;
  SRC_DATA d = {.data_in = in,
                .data_out = out,
                .input_frames = (long)n,
                .output_frames = (long)room,
                .end_of_input = last,
                .src_ratio = (double)r->to / r->from};
  int error = src_process(r->state, &d);
  if (error != 0)
    return rs_fail(RS_ERR_INTERNAL, "cannot resample from %u to %u Hz: %s", r->from, r->to,
                   src_strerror(error));
  *used = (size_t)d.input_frames_used;
  *made = (size_t)d.output_frames_gen;
  r->taken += *used;
  if (last && *used == n) RS_TRY(fit_to_end(r, room, out, made));
  r->given += *made;
  return RS_OK;
}
