#include "front.h"

#include <math.h>
#include <string.h>

const rs_setting rs_exp_front_settings[] = {
    {.path = "data.sample_rate",
     .type = RS_INT,
     .initial = "16000",
     .min = RS_AUDIO_MIN_RATE,
     .max = 192000,
     .unit = "Hz",
     .help = "Rate that all audio is resampled to."},
    {.path = "data.window",
     .type = RS_INT,
     .initial = "1024",
     .min = 4,
     .max = 65536,
     .unit = "samples",
     .help = "Length of the (Hann) window of the Fourier transform; even."},
    {.path = "data.hop",
     .type = RS_INT,
     .initial = "512",
     .min = 1,
     .max = 32768,
     .unit = "samples",
     .help = "Distance from one frame to the next, at most half a window."},
    {.path = "data.features",
     .type = RS_TEXT,
     .initial = "magnitude",
     .choices = "magnitude|root|log",
     .help = "What the network sees of a bin: |X|, its square root, or log(1 + 100 |X|)."},
    {.path = "data.normalize",
     .type = RS_BOOL,
     .initial = "false",
     .help =
         "Shift and scale each bin's feature to mean 0 and deviation 1 over the training data."},
    {0},
};

static rs_features features_of(const char *name) {
  if (strcmp(name, "log") == 0) return RS_FEATURES_LOG;
  return strcmp(name, "root") == 0 ? RS_FEATURES_ROOT : RS_FEATURES_MAGNITUDE;
}

rs_front rs_exp_front(const rs_settings *s) {
  size_t window = (size_t)rs_settings_int(s, "data.window");
  return (rs_front){.rate = (unsigned)rs_settings_int(s, "data.sample_rate"),
                    .stft = {.window = window, .hop = (size_t)rs_settings_int(s, "data.hop")},
                    .bins = window / 2 + 1,
                    .features = features_of(rs_settings_text(s, "data.features")),
                    .normalize = rs_settings_bool(s, "data.normalize")};
}

void rs_exp_check_front(const rs_settings *s, rs_problems *problems) {
  rs_front f = rs_exp_front(s);
  if (f.stft.window % 2 != 0)
    rs_problem_add(problems, rs_settings_place(s, "data.window"),
                   "data.window: expected an even number, got %zu", f.stft.window);
  if (2 * f.stft.hop > f.stft.window)
    rs_problem_add(problems, rs_settings_place(s, "data.hop"),
                   "data.hop: expected at most half of data.window, %zu, got %zu",
                   f.stft.window / 2, f.stft.hop);
}

void rs_exp_features(const rs_front *f, const rs_cfloat *spectrum, const float *mean,
                     const float *scale, float *x) {
  if (f->features == RS_FEATURES_LOG)
    rs_spectrum_log_magnitude(f->bins, spectrum, x);
  else
    rs_spectrum_magnitude(f->bins, spectrum, x);
  if (f->features == RS_FEATURES_ROOT)
    for (size_t k = 0; k < f->bins; k++) x[k] = sqrtf(x[k]);
  if (mean == NULL) return;
#pragma omp simd
  for (size_t k = 0; k < f->bins; k++) x[k] = (x[k] - mean[k]) * scale[k];
}
