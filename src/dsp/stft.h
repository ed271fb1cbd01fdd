/* One frame of a short-time Fourier transform, there and back: the part that whole signals and
 * streams share, so that they agree bit for bit. */
#ifndef RANKSWEEP_DSP_STFT_H
#define RANKSWEEP_DSP_STFT_H

#include "fft.h"

struct rs_stft {
  size_t window, hop, bins;
  float *shape;  /* the window [window] */
  float *weight; /* its square [window] */
  rs_fft *fft;
};

/* Where sample I of a signal of N > 0 samples, reflected at both ends, comes from. */
size_t rs_stft_reflect(ptrdiff_t i, size_t n);

/* scratch->time [window] to bins [bins]; scratch->time is overwritten. */
void rs_stft_analyse(const rs_stft *stft, const rs_fft_scratch *scratch, rs_cfloat *bins);

/* bins [bins] to the frame's windowed share of the signal, out [window]. */
void rs_stft_synthesise(const rs_stft *stft, const rs_fft_scratch *scratch, const rs_cfloat *bins,
                        float *out);

#endif
