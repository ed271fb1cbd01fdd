/* dsp: short-time Fourier transform and its inverse, mixing, masks, and measures of audio.
 *
 * Signals are mono float32 of any scale. Spectra are row-major [frames, bins]. Work is shared among
 * OpenMP threads by frames, and their number changes no bit of a result. */
#ifndef RANKSWEEP_DSP_H
#define RANKSWEEP_DSP_H

#include "ranksweep/base.h"

/* A bin of a spectrum: real part, imaginary part. */
typedef float _Complex rs_cfloat;

/* ---- short-time Fourier transform --------------------------------------------------------- */

/* Samples in a window and between the starts of two; the front end's values are the defaults of
 * job files. */
typedef struct rs_stft_spec {
  size_t window; /* even, 4 to 65,536 */
  size_t hop;    /* 1 to window / 2 */
} rs_stft_spec;

#define RS_STFT_STANDARD ((rs_stft_spec){.window = 1024, .hop = 512})

/* Plan of a transform; constant after its creation, so threads may share it.
 *
 * The window is Hann's, periodic. Frame k is centred on sample k * hop. What a frame covers outside
 * the signal is the signal reflected at its first and its last sample, again and again for a signal
 * that is shorter than the frame; one sample is repeated. Frames go on until the last sample lies
 * between two centres, which is what makes it recoverable: 1 + ceil(samples / hop) frames. The
 * first 1 + floor(samples / hop) are those of torch.stft(center=True). */
typedef struct rs_stft rs_stft;

/* RS_ERR_USAGE when SPEC is out of range. */
rs_status rs_stft_create(const rs_stft_spec *spec, rs_stft **out) RS_MUST_CHECK;
void rs_stft_destroy(rs_stft *stft); /* takes NULL */

size_t rs_stft_bins(const rs_stft *stft); /* window / 2 + 1 */
size_t rs_stft_frames(const rs_stft *stft, size_t samples);

/* x [samples] to spectrum [frames, bins]. Not scaled. No samples are RS_ERR_DATA. */
rs_status rs_stft_forward(const rs_stft *stft, size_t samples, const float *x,
                          rs_cfloat *spectrum) RS_MUST_CHECK;

/* The signal x [samples] whose transform is nearest to spectrum [frames, bins] in the least squares
 * sense: windowed again, overlapped, added and divided by the sum of the squared windows (Griffin
 * and Lim, "Signal estimation from modified short-time Fourier transform", 1984). The inverse of
 * rs_stft_forward to single precision. */
rs_status rs_stft_inverse(const rs_stft *stft, size_t samples, const rs_cfloat *spectrum,
                          float *x) RS_MUST_CHECK;

/* ---- transform, change, transform back, as samples come ----------------------------------- */

/* What happens to the frames and to the samples of a stream; a failure ends the call that met it
 * with that status. */
typedef struct rs_stft_stream_ops {
  /* The next COUNT frames, the first of which is number FIRST: change bins [count, bins] in place.
   */
  rs_status (*frames)(void *user, size_t first, size_t count, rs_cfloat *bins);
  /* The next N samples of the result, 0 < N <= window. */
  rs_status (*write)(void *user, const float *samples, size_t n);
} rs_stft_stream_ops;

/* Gives bit for bit what rs_stft_forward, a change of every frame and rs_stft_inverse give of the
 * whole signal, however the signal is cut into pieces. Samples come out at most window + block *
 * hop later than they went in; memory does not grow with the signal. */
typedef struct rs_stft_stream rs_stft_stream;

/* Frames are changed BLOCK > 0 at once, whatever pieces come: frames 0 to BLOCK - 1, then the next
 * BLOCK, and what is left at the end. STFT, OPS and USER must outlive *OUT. */
rs_status rs_stft_stream_create(const rs_stft *stft, size_t block, const rs_stft_stream_ops *ops,
                                void *user, rs_stft_stream **out) RS_MUST_CHECK;
/* N may be 0. */
rs_status rs_stft_stream_push(rs_stft_stream *stream, const float *x, size_t n) RS_MUST_CHECK;
/* The signal is over: the rest comes out, as many samples in all as went in. RS_ERR_DATA when there
 * were none. Nothing may follow but rs_stft_stream_destroy. */
rs_status rs_stft_stream_end(rs_stft_stream *stream) RS_MUST_CHECK;
void rs_stft_stream_destroy(rs_stft_stream *stream); /* takes NULL */

/* ---- features and masks ------------------------------------------------------------------- */

/* |spectrum|, and log(1 + 100 |spectrum|), of n bins each. */
void rs_spectrum_magnitude(size_t n, const rs_cfloat *spectrum, float *out);
void rs_spectrum_log_magnitude(size_t n, const rs_cfloat *spectrum, float *out);

/* Ideal binary mask: 1 where |speech| > SCALE * |noise|, else 0. */
void rs_mask_ideal(size_t n, const rs_cfloat *speech, const rs_cfloat *noise, float scale,
                   float *mask);

/* spectrum = mask * spectrum. */
void rs_mask_apply(size_t n, const float *mask, rs_cfloat *spectrum);

/* ---- mel bands ---------------------------------------------------------------------------- */

/* Triangular bands, evenly spaced on the mel scale from 0 to RATE / 2 Hz, over spectra of BINS;
 * each begins and ends at the peaks of its neighbours. */
typedef struct rs_mel rs_mel;

/* CEPSTRA: how many rs_mel_cepstra gives, at most BANDS; fewer bands than bins; else RS_ERR_USAGE.
 */
rs_status rs_mel_create(double rate, size_t bins, size_t bands, size_t cepstra,
                        rs_mel **out) RS_MUST_CHECK;
void rs_mel_destroy(rs_mel *mel); /* takes NULL */

/* log(1e-4 + energy) [bands] of a spectrum [bins]; and the first orthonormal DCT-II coefficients
 * [cepstra] of those (Davis and Mermelstein, "Comparison of parametric representations for
 * monosyllabic word recognition", 1980). */
void rs_mel_log_energies(const rs_mel *mel, const rs_cfloat *spectrum, float *out);
void rs_mel_cepstra(const rs_mel *mel, const float *log_energies, float *out);

/* ---- mixing ------------------------------------------------------------------------------- */

/* Scale noise [n] so that the energy of clean [n] is SNR_DB decibels above it, and add the two into
 * noisy [n]. When the energy of either is zero or not finite, or the scale cannot be represented:
 * RS_ERR_DATA, and nothing is changed. */
rs_status rs_mix_at_snr(size_t n, double snr_db, const float *clean, float *noise,
                        float *noisy) RS_MUST_CHECK;

/* ---- measures ----------------------------------------------------------------------------- */

/* All in decibels, higher is better; +infinity for an estimate without error, NaN for a reference
 * of zeros. */

/* 10 log10(|reference|^2 / |reference - estimate|^2). */
double rs_measure_snr(size_t n, const float *reference, const float *estimate);

/* Scale-invariant signal-to-distortion ratio: the SNR of the best scaled reference (Le Roux et al.,
 * "SDR - half-baked or well done?", 2019). Means are not removed. -infinity when the estimate has
 * no share of the reference. */
double rs_measure_si_sdr(size_t n, const float *reference, const float *estimate);

/* Mean over frames of FRAME samples that do not overlap, of the SNR of each held between -10 and 35
 * dB (Hansen and Pellom, "An effective quality evaluation protocol for speech enhancement
 * algorithms", 1998). Frames whose reference is all zero do not count; an incomplete last frame
 * does not either, unless it is the only one. */
double rs_measure_segmental_snr(size_t n, size_t frame, const float *reference,
                                const float *estimate);

enum { RS_STOI_RATE = 10000 }; /* Hz */

/* Short-time objective intelligibility, at most 1 (Taal et al., "An algorithm for intelligibility
 * prediction of time-frequency weighted noisy speech", 2011). Both signals at RS_STOI_RATE. Fewer
 * than 30 frames (0.4 s) that are not silent: RS_ERR_DATA. */
rs_status rs_measure_stoi(size_t n, const float *clean, const float *processed,
                          double *out) RS_MUST_CHECK;

#endif
