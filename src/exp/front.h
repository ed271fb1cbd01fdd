/* The audio front end of the speech experiments: its settings, and what a network sees of a
 * spectrum. */
#ifndef RANKSWEEP_EXP_FRONT_H
#define RANKSWEEP_EXP_FRONT_H

#include "ranksweep/dsp.h"
#include "ranksweep/exp.h"

/* data.sample_rate, data.window, data.hop, data.features, data.normalize */
extern const rs_setting rs_exp_front_settings[];

typedef enum rs_features { RS_FEATURES_MAGNITUDE, RS_FEATURES_ROOT, RS_FEATURES_LOG } rs_features;

typedef struct rs_front {
  unsigned rate; /* Hz */
  rs_stft_spec stft;
  size_t bins;
  rs_features features;
  bool normalize; /* each bin to mean 0 and deviation 1 over the training data */
} rs_front;

rs_front rs_exp_front(const rs_settings *s);
/* Adds a problem for a window or hop that no transform has. */
void rs_exp_check_front(const rs_settings *s, rs_problems *problems);

/* x [bins] = (feature of spectrum [bins] - mean [bins]) * scale [bins]. MEAN NULL: the feature as
 * it is. */
void rs_exp_features(const rs_front *f, const rs_cfloat *spectrum, const float *mean,
                     const float *scale, float *x);

#endif
