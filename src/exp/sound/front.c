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
     .choices = "magnitude|root|log|mel|cepstra",
     .help = "What the network sees of a frame: |X| of each bin, its square root, or log(1 + 100 "
             "|X|); log energies of mel bands, or cepstra of those."},
    {.path = "data.bands",
     .type = RS_INT,
     .initial = "64",
     .min = 2,
     .max = 4096,
     .help = "mel, cepstra: number of mel bands."},
    {.path = "data.cepstra",
     .type = RS_INT,
     .initial = "24",
     .min = 1,
     .max = 4096,
     .help = "cepstra: how many, the first ones."},
    {.path = "data.normalize",
     .type = RS_BOOL,
     .initial = "false",
     .help = "Shift and scale each feature to mean 0 and deviation 1 over the training data."},
    {0},
};

static rs_features features_of(const char *name) {
  if (strcmp(name, "root") == 0) return RS_FEATURES_ROOT;
  if (strcmp(name, "log") == 0) return RS_FEATURES_LOG;
  if (strcmp(name, "mel") == 0) return RS_FEATURES_MEL;
  return strcmp(name, "cepstra") == 0 ? RS_FEATURES_CEPSTRA : RS_FEATURES_MAGNITUDE;
}

rs_front rs_exp_front(const rs_settings *s) {
  size_t window = (size_t)rs_settings_int(s, "data.window");
  rs_front f = {.rate = (unsigned)rs_settings_int(s, "data.sample_rate"),
                .stft = {.window = window, .hop = (size_t)rs_settings_int(s, "data.hop")},
                .bins = window / 2 + 1,
                .features = features_of(rs_settings_text(s, "data.features")),
                .bands = (size_t)rs_settings_int(s, "data.bands"),
                .normalize = rs_settings_bool(s, "data.normalize")};
  f.inputs = f.bins;
  if (f.features == RS_FEATURES_MEL) f.inputs = f.bands;
  if (f.features == RS_FEATURES_CEPSTRA) f.inputs = (size_t)rs_settings_int(s, "data.cepstra");
  return f;
}

rs_status rs_exp_front_open(const rs_settings *s, rs_front *out) {
  *out = rs_exp_front(s);
  if (out->features < RS_FEATURES_MEL) return RS_OK;
  size_t cepstra = out->features == RS_FEATURES_CEPSTRA ? out->inputs : 0;
  return rs_mel_create(out->rate, out->bins, out->bands, cepstra, &out->mel);
}

void rs_exp_front_close(rs_front *f) {
  rs_mel_destroy(f->mel);
  f->mel = NULL;
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
  if (f.features >= RS_FEATURES_MEL && f.bands >= f.bins)
    rs_problem_add(problems, rs_settings_place(s, "data.bands"),
                   "data.bands: expected fewer than the %zu bins of a frame, got %zu", f.bins,
                   f.bands);
  if (f.features == RS_FEATURES_CEPSTRA && f.inputs > f.bands)
    rs_problem_add(problems, rs_settings_place(s, "data.cepstra"),
                   "data.cepstra: expected at most data.bands, %zu, got %zu", f.bands, f.inputs);
}

/* ---- features ---------------------------------------------------------------------------- */

enum { MOST_BANDS = 4096 };

static void cepstra_of(const rs_front *f, const rs_cfloat *spectrum, float *x) {
  float energies[MOST_BANDS];
  rs_mel_log_energies(f->mel, spectrum, energies);
  rs_mel_cepstra(f->mel, energies, x);
}

void rs_exp_features(const rs_front *f, const rs_cfloat *spectrum, const float *mean,
                     const float *scale, float *x) {
  switch (f->features) {
  case RS_FEATURES_ROOT:
    rs_spectrum_magnitude(f->bins, spectrum, x);
    for (size_t k = 0; k < f->bins; k++) x[k] = sqrtf(x[k]);
    break;
  case RS_FEATURES_LOG: rs_spectrum_log_magnitude(f->bins, spectrum, x); break;
  case RS_FEATURES_MEL: rs_mel_log_energies(f->mel, spectrum, x); break;
  case RS_FEATURES_CEPSTRA: cepstra_of(f, spectrum, x); break;
  case RS_FEATURES_MAGNITUDE: rs_spectrum_magnitude(f->bins, spectrum, x); break;
  }
  if (mean == NULL) return;
#pragma omp simd
  for (size_t k = 0; k < f->inputs; k++) x[k] = (x[k] - mean[k]) * scale[k];
}

/* ---- normalisation ----------------------------------------------------------------------- */

static const char MEAN[] = "features/mean", SCALE[] = "features/scale";

static rs_status load_vector(const rs_bundle *from, const char *name, size_t n, float *out) {
  const float *data;
  RS_TRY(rs_bundle_get(from, name, n, 0, &data));
  memcpy(out, data, n * sizeof *out);
  return RS_OK;
}

rs_status rs_exp_load_statistics(const rs_bundle *from, size_t inputs, float *mean, float *scale) {
  if (mean == NULL) return RS_OK;
  RS_TRY(load_vector(from, MEAN, inputs, mean));
  return load_vector(from, SCALE, inputs, scale);
}

static rs_status save_vector(rs_bundle *into, const char *name, size_t n, const float *from) {
  float *data;
  RS_TRY(rs_bundle_add(into, name, 1, &n, &data));
  memcpy(data, from, n * sizeof *data);
  return RS_OK;
}

rs_status rs_exp_copy_statistics(const rs_bundle *from, rs_bundle *into) {
  const rs_tensor *mean = rs_bundle_find(from, MEAN), *scale = rs_bundle_find(from, SCALE);
  if (mean == NULL || scale == NULL) return RS_OK;
  RS_TRY(save_vector(into, MEAN, mean->dims[0], mean->data));
  return save_vector(into, SCALE, scale->dims[0], scale->data);
}

rs_status rs_exp_save_statistics(rs_bundle *into, size_t inputs, const float *mean,
                                 const float *scale) {
  if (mean == NULL) return RS_OK;
  RS_TRY(save_vector(into, MEAN, inputs, mean));
  return save_vector(into, SCALE, inputs, scale);
}
