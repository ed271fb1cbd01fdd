/* Speech denoising by a mask that recurrent layers estimate: the network, its settings, its stages.
 */
#ifndef RANKSWEEP_EXP_DENOISE_H
#define RANKSWEEP_EXP_DENOISE_H

#include "sound/mix.h"
#include "ranksweep/nn.h"

extern const rs_setting rs_exp_denoise_model_settings[]; /* model.gru, model.dropout */

enum { RS_DENOISE_MAX_GRUS = 8, RS_DENOISE_MAX_LAYERS = 2 * RS_DENOISE_MAX_GRUS };

typedef struct rs_denoise_shape {
  size_t n;
  rs_sequence_spec layers[RS_DENOISE_MAX_LAYERS];
} rs_denoise_shape;

/* features [inputs] -> GRU, dropout, ..., GRU -> logits of the mask [bins]. SVD_RANK > 0 factors
 * every kernel. */
rs_denoise_shape rs_exp_denoise_shape(const rs_settings *s, size_t svd_rank);
/* Adds a problem when model.gru is empty or too long, or svd.rank more than a layer has. */
void rs_exp_check_denoise_shape(const rs_settings *s, rs_problems *problems);

/* A model: its network, and how it sees spectra. */
typedef struct rs_denoise_model {
  rs_front front;
  rs_sequence_net *net;
  float *mean, *scale; /* [inputs] of the features; NULL without data.normalize */
} rs_denoise_model;

/* With parameters zero. */
rs_status rs_denoise_model_create(const rs_settings *s, size_t svd_rank,
                                  rs_denoise_model *out) RS_MUST_CHECK;
void rs_denoise_model_free(rs_denoise_model *m); /* takes an empty one */
rs_status rs_denoise_model_load(rs_denoise_model *m, const rs_bundle *from) RS_MUST_CHECK;
rs_status rs_denoise_model_save(const rs_denoise_model *m, rs_bundle *into) RS_MUST_CHECK;

/* ---- training ------------------------------------------------------------------------------ */

/* MODEL on mixtures of SPEECH, by the cross-entropy of the mask with the ideal binary mask, a bin
 * weighted with its magnitude to the power EMPHASIS, so that their mean over an excerpt is 1; all
 * outlive it. */
rs_status rs_denoise_learner_create(rs_denoise_model *model, const rs_speech *speech,
                                    const rs_mix_spec *mix, double emphasis,
                                    rs_learner *out) RS_MUST_CHECK;

/* ---- evaluation ---------------------------------------------------------------------------- */

typedef struct rs_denoise_test {
  double snr_db;
  size_t noise; /* kind; RS_EVERY_NOISE: clip i of round m has kind (i + m) mod kinds */
  size_t mixes; /* rounds over the validation clips */
  bool hard;    /* the mask is 1 where it is above one half, else 0 */
  bool more;    /* also the ideal mask and segmental SNR */
  bool stoi;    /* and STOI, which takes longest */
  uint64_t seed;
} rs_denoise_test;
#define RS_EVERY_NOISE SIZE_MAX

/* Means over clips, dB but for loss (nat a bin), accuracy and stoi (shares). */
typedef struct rs_denoise_measures {
  double loss, accuracy; /* of the mask */
  double snr_in, snr, si_sdr_in, si_sdr;
  double ideal_snr, ideal_si_sdr; /* from here on: `more`, else 0 */
  double segmental_in, segmental;
  double stoi_in, stoi; /* NaN without `stoi` */
} rs_denoise_measures;

/* Clips are shared out over the group; the same bits on any number of ranks. Collective. */
rs_status rs_denoise_evaluate(const rs_denoise_model *model, const rs_speech *speech,
                              const rs_denoise_test *test, rs_comm *comm,
                              rs_denoise_measures *out) RS_MUST_CHECK;

/* One item of that evaluation, for people to look at and listen to. */
typedef struct rs_denoise_clip {
  const char *speaker, *noise;
  size_t samples, frames, bins;
  const float *clean, *noisy, *denoised;                    /* [samples] */
  const float *mask;                                        /* [frames, bins] */
  const rs_cfloat *clean_bins, *noise_bins, *denoised_bins; /* [frames, bins] */
} rs_denoise_clip;

/* Item NUMBER on this rank; CLIP is good until the close. */
typedef struct rs_denoise_example rs_denoise_example;
rs_status rs_denoise_example_open(const rs_denoise_model *model, const rs_speech *speech,
                                  const rs_denoise_test *test, size_t number,
                                  rs_denoise_example **out, rs_denoise_clip *clip) RS_MUST_CHECK;
void rs_denoise_example_close(rs_denoise_example *example); /* takes NULL */

/* Leaves the first N items as sounds, and pictures of the first in the output. Collective. */
rs_status rs_denoise_leave_examples(rs_stage_context *c, const rs_denoise_model *model,
                                    const rs_speech *speech, const rs_denoise_test *test,
                                    size_t n) RS_MUST_CHECK;
extern const rs_stage_images rs_denoise_images[]; /* those pictures */

/* ---- stages -------------------------------------------------------------------------------- */

extern const rs_setting rs_exp_denoise_train_settings[]; /* what training adds to train.* */
extern const rs_metric rs_exp_denoise_metrics[];         /* each epoch */
extern const rs_stage_op rs_denoise_train;               /* leaves a model */
extern const rs_stage_op rs_denoise_svd;                 /* leaves kernels, and u, s, vt of each */
extern const rs_stage_op rs_denoise_compress;            /* leaves a model at svd.rank */

#endif
