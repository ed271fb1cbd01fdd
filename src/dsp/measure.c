/* Measures of a signal against its reference, sample by sample. Sums are in double. */
#include "ranksweep/dsp.h"

#include <math.h>

/* Limits of a frame's share in the segmental SNR, dB. */
static const double SEGMENT_LEAST = -10, SEGMENT_MOST = 35;

/* Energies of SCALE * reference and of what ESTIMATE has beside it. */
static double ratio_db(size_t n, const float *reference, const float *estimate, double scale) {
  double signal = 0, error = 0;
  for (size_t i = 0; i < n; i++) {
    double wanted = scale * reference[i], wrong = wanted - estimate[i];
    signal += wanted * wanted;
    error += wrong * wrong;
  }
  return 10 * log10(signal / error);
}

double rs_measure_snr(size_t n, const float *reference, const float *estimate) {
  double signal = 0;
  for (size_t i = 0; i < n; i++) signal += (double)reference[i] * reference[i];
  return signal > 0 ? ratio_db(n, reference, estimate, 1) : NAN;
}

double rs_measure_si_sdr(size_t n, const float *reference, const float *estimate) {
  double cross = 0, signal = 0;
  for (size_t i = 0; i < n; i++) {
    cross += (double)reference[i] * estimate[i];
    signal += (double)reference[i] * reference[i];
  }
  if (!(signal > 0)) return NAN;
  return cross == 0 ? -INFINITY : ratio_db(n, reference, estimate, cross / signal);
}

double rs_measure_segmental_snr(size_t n, size_t frame, const float *reference,
                                const float *estimate) {
  RS_ASSERT(frame > 0);
  if (n < frame) frame = n;
  double sum = 0;
  size_t count = 0;
  for (size_t at = 0; frame > 0 && at + frame <= n; at += frame) {
    double db = rs_measure_snr(frame, reference + at, estimate + at);
    if (isnan(db)) continue;
    sum += fmin(fmax(db, SEGMENT_LEAST), SEGMENT_MOST);
    count++;
  }
  return count > 0 ? sum / (double)count : NAN;
}
