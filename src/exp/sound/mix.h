/* Mixtures of speech and noise: those of a training, drawn anew for each sample of each epoch, and
 * those of a validation, which stay. */
#ifndef RANKSWEEP_EXP_MIX_H
#define RANKSWEEP_EXP_MIX_H

#include "speech.h"

/* ---- of spectra, for training -------------------------------------------------------------- */

/* An excerpt of a training clip with noise at some scale; both go by frames of spectra. */
typedef struct rs_mixture {
  size_t clip, first, frames; /* frames [first, first + frames) of the clip */
  size_t noise, at;           /* kind; its frame at the clip's frame 0, before it goes round */
  float scale;                /* of the noise */
} rs_mixture;

typedef struct rs_mix_spec {
  double snr_db, spread_db; /* uniform in snr_db +- spread_db */
  size_t excerpt;           /* frames of a sample, at most */
  uint64_t seed;
  const char *stage; /* names the random streams */
} rs_mix_spec;

/* Samples of an epoch: each training clip gives as many whole excerpts as it has, one at least. */
size_t rs_exp_count_excerpts(const rs_speech *speech, size_t excerpt);
/* Which clip and which of its excerpts each sample is; both [rs_exp_count_excerpts]. */
void rs_exp_list_excerpts(const rs_speech *speech, size_t excerpt, uint32_t *clip, uint32_t *part);

/* Draws place, noise and level of sample SAMPLE, which is excerpt PART of CLIP, in EPOCH. A
 * function of its arguments. */
rs_mixture rs_exp_draw(const rs_speech *speech, const rs_mix_spec *spec, uint64_t epoch,
                       uint32_t sample, uint32_t clip, uint32_t part);

/* Frame T of M: speech and scaled noise, [bins] each, and their sum. */
void rs_exp_mix_frame(const rs_speech *speech, const rs_mixture *m, size_t t,
                      const rs_cfloat **clean, const rs_cfloat **noise, rs_cfloat *noisy);

/* Mean and 1 / deviation [inputs] of FRONT's features over one mixture of every training clip. */
rs_status rs_exp_feature_statistics(const rs_speech *speech, const rs_front *front,
                                    const rs_mix_spec *spec, float *mean,
                                    float *scale) RS_MUST_CHECK;

/* ---- of samples, for validation ------------------------------------------------------------ */

/* Validation clip CLIP with noise KIND at SNR_DB into clean, noise and noisy [the clip's length].
 * Number NUMBER names the piece of noise. */
rs_status rs_exp_mix_clip(const rs_speech *speech, size_t clip, size_t kind, double snr_db,
                          uint64_t seed, uint64_t number, float *clean, float *noise,
                          float *noisy) RS_MUST_CHECK;

#endif
