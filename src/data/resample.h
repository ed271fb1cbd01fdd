/* Change of sample rate, in pieces. */
#ifndef RANKSWEEP_DATA_RESAMPLE_H
#define RANKSWEEP_DATA_RESAMPLE_H

#include "ranksweep/base.h"

typedef struct rs_resampler rs_resampler;

rs_status rs_resampler_create(unsigned channels, unsigned from, unsigned to,
                              rs_resampler **out) RS_MUST_CHECK;

/* Takes up to N frames of IN and gives up to ROOM frames of OUT, interleaved; how many of each in
 * *USED and *MADE. With LAST no frames follow IN. Over all calls it gives ceil(frames * to / from)
 * frames. */
rs_status rs_resampler_step(rs_resampler *r, size_t n, const float *in, bool last, size_t room,
                            float *out, size_t *used, size_t *made) RS_MUST_CHECK;
void rs_resampler_destroy(rs_resampler *r); /* takes NULL */

/* ceil(frames * to / from); RS_ERR_DATA when it cannot be represented. */
rs_status rs_resampled_frames(size_t frames, unsigned from, unsigned to, size_t *out) RS_MUST_CHECK;

#endif
