/* Short-time objective intelligibility (Taal, Hendriks, Heusdens and Jensen, IEEE Transactions on
 * Audio, Speech, and Language Processing 19(7), 2011), with the framing of the authors' program:
 * the last frame that would just fit is left out. */
#include "fft.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>

enum {
  FRAME = 256,
  HOP = FRAME / 2,
  POINTS = 512, /* of the Fourier transform */
  BANDS = 15,
  SEGMENT = 30 /* frames that are compared at a time: 384 ms */
};

static const double LOWEST_BAND = 150;   /* Hz, centre */
static const double RANGE = 40;          /* dB below the loudest frame: silence from there on */
static const double LEAST_DISTORT = -15; /* dB: lower signal-to-distortion ratios are clipped */

typedef struct work {
  double window[FRAME];
  bool *loud;           /* [frames of the input] */
  float *joined[2];     /* clean, processed */
  double *amplitude[2]; /* [frames of the joined signals, BANDS] */
  rs_fft *fft;
  rs_fft_scratch scratch;
} work;

/* Hann's window without its two zeros. */
static void fill_window(double window[FRAME]) {
  for (size_t i = 0; i < FRAME; i++)
    window[i] = 0.5 - 0.5 * cos(6.283185307179586 * (double)(i + 1) / (FRAME + 1));
}

static size_t frame_count(size_t n) {
  return n > FRAME ? (n - FRAME + HOP - 1) / HOP : 0;
}

/* ---- silence ------------------------------------------------------------------------------ */

static double frame_energy(const double *window, const float *x) {
  double sum = 0;
  for (size_t i = 0; i < FRAME; i++) {
    double v = window[i] * x[i];
    sum += v * v;
  }
  return sum;
}

static void find_speech(const double *window, size_t frames, const float *clean, bool *loud,
                        size_t *count) {
  double most = 0;
  for (size_t k = 0; k < frames; k++) most = fmax(most, frame_energy(window, clean + k * HOP));
  const double least = most * pow(10, -RANGE / 10);
  *count = 0;
  for (size_t k = 0; k < frames; k++) {
    loud[k] = frame_energy(window, clean + k * HOP) > least;
    *count += loud[k];
  }
}

/* Frames that are LOUD, windowed and overlapped again without the gaps between them. */
static void join(const double *window, size_t frames, const bool *loud, const float *x,
                 float *out) {
  size_t at = 0;
  for (size_t k = 0; k < frames; k++) {
    if (!loud[k]) continue;
    for (size_t i = 0; i < FRAME; i++) out[at + i] += (float)window[i] * x[k * HOP + i];
    at += HOP;
  }
}

/* ---- bands -------------------------------------------------------------------------------- */

/* First bin of band B; a band ends where the next one begins. Edges lie a sixth of an octave below
 * the centre. */
static size_t band_start(size_t b) {
  double edge = LOWEST_BAND * exp2((2 * (double)b - 1) / 6);
  return (size_t)lround(edge * POINTS / RS_STOI_RATE);
}

/* Amplitudes [frames, BANDS] of x. */
static void band_amplitudes(const work *w, size_t frames, const float *x, double *out) {
  const rs_fft_scratch *s = &w->scratch;
  for (size_t k = 0; k < frames; k++) {
    for (size_t i = 0; i < POINTS; i++)
      s->time[i] = i < FRAME ? (float)w->window[i] * x[k * HOP + i] : 0;
    rs_fft_forward(w->fft, s->time, s->bins);
    for (size_t b = 0; b < BANDS; b++) {
      double sum = 0;
      for (size_t i = band_start(b); i < band_start(b + 1); i++) {
        double re = crealf(s->bins[i]), im = cimagf(s->bins[i]);
        sum += re * re + im * im;
      }
      out[k * BANDS + b] = sqrt(sum);
    }
  }
}

/* ---- comparison --------------------------------------------------------------------------- */

/* Y at the level of X, and no further from it than LEAST_DISTORT allows. */
static void level_and_clip(const double x[SEGMENT], double y[SEGMENT]) {
  double xx = 0, yy = 0;
  for (size_t i = 0; i < SEGMENT; i++) {
    xx += x[i] * x[i];
    yy += y[i] * y[i];
  }
  const double level = yy > 0 ? sqrt(xx / yy) : 0, most = 1 + pow(10, -LEAST_DISTORT / 20);
  for (size_t i = 0; i < SEGMENT; i++) y[i] = fmin(level * y[i], most * x[i]);
}

static double correlation(const double x[SEGMENT], const double y[SEGMENT]) {
  double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
  for (size_t i = 0; i < SEGMENT; i++) {
    mx += x[i] / SEGMENT;
    my += y[i] / SEGMENT;
  }
  for (size_t i = 0; i < SEGMENT; i++) {
    xx += (x[i] - mx) * (x[i] - mx);
    yy += (y[i] - my) * (y[i] - my);
    xy += (x[i] - mx) * (y[i] - my);
  }
  return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

/* Mean correlation over all segments and bands of amplitudes x, y [frames, BANDS]. */
static double mean_correlation(size_t frames, const double *x, const double *y) {
  double sum = 0;
  const size_t segments = frames - SEGMENT + 1;
  for (size_t m = 0; m < segments; m++)
    for (size_t b = 0; b < BANDS; b++) {
      double of_x[SEGMENT], of_y[SEGMENT];
      for (size_t i = 0; i < SEGMENT; i++) {
        of_x[i] = x[(m + i) * BANDS + b];
        of_y[i] = y[(m + i) * BANDS + b];
      }
      level_and_clip(of_x, of_y);
      sum += correlation(of_x, of_y);
    }
  return sum / (double)(segments * BANDS);
}

/* ---- the whole ---------------------------------------------------------------------------- */

static void free_work(work *w) {
  for (int k = 0; k < 2; k++) {
    free(w->joined[k]);
    free(w->amplitude[k]);
  }
  free(w->loud);
  rs_fft_scratch_free(&w->scratch);
  rs_fft_destroy(w->fft);
}

/* Joined signals and their number of frames. */
static rs_status drop_silence(work *w, size_t n, const float *const signals[2], size_t *frames) {
  const size_t all = frame_count(n);
  size_t loud;
  RS_TRY(rs_new(&w->loud, all, sizeof *w->loud));
  find_speech(w->window, all, signals[0], w->loud, &loud);
  const size_t length = loud > 0 ? (loud - 1) * HOP + FRAME : 0;
  *frames = frame_count(length);
  if (*frames < SEGMENT)
    return rs_fail(RS_ERR_DATA, "STOI: expected at least %d frames of speech at %d Hz, found %zu",
                   SEGMENT, RS_STOI_RATE, *frames);
  for (int k = 0; k < 2; k++) {
    RS_TRY(rs_new(&w->joined[k], length, sizeof *w->joined[k]));
    join(w->window, all, w->loud, signals[k], w->joined[k]);
  }
  return RS_OK;
}

static rs_status measure(work *w, size_t n, const float *const signals[2], double *out) {
  size_t frames;
  RS_TRY(drop_silence(w, n, signals, &frames));
  RS_TRY(rs_fft_create(POINTS, &w->fft));
  RS_TRY(rs_fft_scratch_create(POINTS, &w->scratch));
  for (int k = 0; k < 2; k++) {
    RS_TRY(rs_new(&w->amplitude[k], frames, BANDS * sizeof *w->amplitude[k]));
    band_amplitudes(w, frames, w->joined[k], w->amplitude[k]);
  }
  *out = mean_correlation(frames, w->amplitude[0], w->amplitude[1]);
  return RS_OK;
}

rs_status rs_measure_stoi(size_t n, const float *clean, const float *processed, double *out) {
  const float *const signals[2] = {clean, processed};
  work w = {0};
  *out = NAN;
  fill_window(w.window);
  rs_status status = measure(&w, n, signals, out);
  free_work(&w);
  return status;
}
