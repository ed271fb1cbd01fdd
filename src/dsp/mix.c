/* What is done with spectra and signals element by element: features, masks, mixing. */
#include "ranksweep/dsp.h"

#include <complex.h>
#include <math.h>

/* ---- features and masks ------------------------------------------------------------------- */

static float power(rs_cfloat x) {
  return crealf(x) * crealf(x) + cimagf(x) * cimagf(x);
}

void rs_spectrum_magnitude(size_t n, const rs_cfloat *spectrum, float *out) {
  for (size_t i = 0; i < n; i++) out[i] = sqrtf(power(spectrum[i]));
}

void rs_spectrum_log_magnitude(size_t n, const rs_cfloat *spectrum, float *out) {
  for (size_t i = 0; i < n; i++) out[i] = log1pf(100.0f * sqrtf(power(spectrum[i])));
}

void rs_mask_ideal(size_t n, const rs_cfloat *speech, const rs_cfloat *noise, float scale,
                   float *mask) {
  float square = scale * scale;
  for (size_t i = 0; i < n; i++)
    mask[i] = power(speech[i]) > square * power(noise[i]) ? 1.0f : 0.0f;
}

void rs_mask_apply(size_t n, const float *mask, rs_cfloat *spectrum) {
  for (size_t i = 0; i < n; i++) spectrum[i] *= mask[i];
}

/* ---- mixing ------------------------------------------------------------------------------- */

static double energy(size_t n, const float *x) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)x[i] * x[i];
  return sum;
}

static rs_status check_energy(const char *what, double sum) {
  if (isfinite(sum) && sum > 0) return RS_OK;
  return rs_fail(RS_ERR_DATA, "mixing: expected %s with a finite energy above 0, found %g", what,
                 sum);
}

rs_status rs_mix_at_snr(size_t n, double snr_db, const float *clean, float *noise, float *noisy) {
  double of_clean = energy(n, clean), of_noise = energy(n, noise);
  RS_TRY(check_energy("speech", of_clean));
  RS_TRY(check_energy("noise", of_noise));
  float gain = (float)sqrt(of_clean / of_noise / pow(10.0, snr_db / 10.0));
  if (!isnormal(gain))
    return rs_fail(RS_ERR_DATA, "mixing at %g dB: expected a gain for the noise, found %g", snr_db,
                   (double)gain);
  for (size_t i = 0; i < n; i++) {
    noise[i] *= gain;
    noisy[i] = clean[i] + noise[i];
  }
  return RS_OK;
}
