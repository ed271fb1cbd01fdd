/* Real Fourier transform of one length. */
#ifndef RANKSWEEP_DSP_FFT_H
#define RANKSWEEP_DSP_FFT_H

#include "ranksweep/dsp.h"

typedef struct rs_fft rs_fft;

rs_status rs_fft_create(size_t points, rs_fft **out) RS_MUST_CHECK;
void rs_fft_destroy(rs_fft *fft); /* takes NULL */

/* time [points] to bins [points / 2 + 1] and back, neither scaled: both in turn multiply by
 * `points`. The inverse overwrites its bins. Arrays must be aligned as rs_new aligns; threads may
 * share FFT, not arrays. */
void rs_fft_forward(const rs_fft *fft, float *time, rs_cfloat *bins);
void rs_fft_inverse(const rs_fft *fft, rs_cfloat *bins, float *time);

/* Arrays that one thread transforms in. Zero-initialise; scratch_free takes an empty one. */
typedef struct rs_fft_scratch {
  float *time;
  rs_cfloat *bins;
} rs_fft_scratch;

rs_status rs_fft_scratch_create(size_t points, rs_fft_scratch *out) RS_MUST_CHECK;
void rs_fft_scratch_free(rs_fft_scratch *scratch);

#endif
