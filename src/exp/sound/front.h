/* The audio front end of the speech experiments: its settings, and what a network sees of a
 * spectrum. */
#ifndef RANKSWEEP_EXP_FRONT_H
#define RANKSWEEP_EXP_FRONT_H

#include "ranksweep/dsp.h"
#include "ranksweep/exp.h"

/* data.sample_rate, data.window, data.hop, data.features, data.bands, data.cepstra, data.normalize
 */
extern const rs_setting rs_exp_front_settings[];

typedef enum rs_features {
  RS_FEATURES_MAGNITUDE,
  RS_FEATURES_ROOT,
  RS_FEATURES_LOG,
  RS_FEATURES_MEL,
  RS_FEATURES_CEPSTRA
} rs_features;

typedef struct rs_front {
  unsigned rate; /* Hz */
  rs_stft_spec stft;
  size_t bins;
  rs_features features;
  size_t bands, inputs; /* numbers of a frame: bins, bands or cepstra */
  bool normalize;       /* each to mean 0 and deviation 1 over the training data */
  rs_mel *mel;          /* for bands and cepstra, once it is open */
} rs_front;

/* What the settings say; not open. */
rs_front rs_exp_front(const rs_settings *s);
rs_status rs_exp_front_open(const rs_settings *s, rs_front *out) RS_MUST_CHECK;
void rs_exp_front_close(rs_front *f); /* takes a closed one */
/* Adds a problem for a window, hop or number of bands that there cannot be. */
void rs_exp_check_front(const rs_settings *s, rs_problems *problems);

/* x [inputs] = (features of spectrum [bins] - mean [inputs]) * scale [inputs]. MEAN NULL: the
 * features as they are. */
void rs_exp_features(const rs_front *f, const rs_cfloat *spectrum, const float *mean,
                     const float *scale, float *x);

/* The normalisation of features, which belongs to a model: tensors features/mean and features/scale
 * [inputs]. MEAN NULL: there is none. */
rs_status rs_exp_load_statistics(const rs_bundle *from, size_t inputs, float *mean,
                                 float *scale) RS_MUST_CHECK;
rs_status rs_exp_save_statistics(rs_bundle *into, size_t inputs, const float *mean,
                                 const float *scale) RS_MUST_CHECK;
/* From one model to another; none where there is none. */
rs_status rs_exp_copy_statistics(const rs_bundle *from, rs_bundle *into) RS_MUST_CHECK;

#endif
