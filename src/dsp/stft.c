#include "stft.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum {
  LEAST_WINDOW = 4,
  MOST_WINDOW = 65536,
  WORTH_THREADS = 8 /* frames; below, starting a team costs more than it saves */
};

/* ---- plan --------------------------------------------------------------------------------- */

static rs_status check_spec(const rs_stft_spec *spec) {
  if (spec->window < LEAST_WINDOW || spec->window > MOST_WINDOW || spec->window % 2 != 0)
    return rs_fail(RS_ERR_USAGE, "STFT window: expected an even number from %d to %d, found %zu",
                   LEAST_WINDOW, MOST_WINDOW, spec->window);
  if (spec->hop < 1 || spec->hop > spec->window / 2)
    return rs_fail(RS_ERR_USAGE, "STFT hop: expected 1 to %zu, half the window, found %zu",
                   spec->window / 2, spec->hop);
  return RS_OK;
}

static void fill_window(rs_stft *s) {
  const double turn = 6.283185307179586 / (double)s->window;
  for (size_t i = 0; i < s->window; i++) {
    s->shape[i] = (float)(0.5 - 0.5 * cos(turn * (double)i));
    s->weight[i] = s->shape[i] * s->shape[i];
  }
}

rs_status rs_stft_create(const rs_stft_spec *spec, rs_stft **out) {
  *out = NULL;
  RS_TRY(check_spec(spec));
  rs_stft *s;
  RS_TRY(rs_new(&s, 1, sizeof *s));
  rs_status status;
  s->window = spec->window;
  s->hop = spec->hop;
  s->bins = spec->window / 2 + 1;
  RS_TRY_GOTO(status, failed, rs_new(&s->shape, s->window, sizeof *s->shape));
  RS_TRY_GOTO(status, failed, rs_new(&s->weight, s->window, sizeof *s->weight));
  RS_TRY_GOTO(status, failed, rs_fft_create(s->window, &s->fft));
  fill_window(s);
  *out = s;
  return RS_OK;
failed:
  rs_stft_destroy(s);
  return status;
}

void rs_stft_destroy(rs_stft *s) {
  if (s == NULL) return;
  rs_fft_destroy(s->fft);
  free(s->weight);
  free(s->shape);
  free(s);
}

size_t rs_stft_bins(const rs_stft *s) {
  return s->bins;
}

size_t rs_stft_frames(const rs_stft *s, size_t samples) {
  return 1 + samples / s->hop + (samples % s->hop != 0);
}

/* ---- one frame ---------------------------------------------------------------------------- */

size_t rs_stft_reflect(ptrdiff_t i, size_t n) {
  if (i >= 0 && (size_t)i < n) return (size_t)i;
  if (n == 1) return 0;
  ptrdiff_t period = 2 * (ptrdiff_t)(n - 1);
  ptrdiff_t at = i % period;
  if (at < 0) at += period;
  return (size_t)(at < (ptrdiff_t)n ? at : period - at);
}

void rs_stft_analyse(const rs_stft *s, const rs_fft_scratch *scratch, rs_cfloat *bins) {
  for (size_t i = 0; i < s->window; i++) scratch->time[i] *= s->shape[i];
  rs_fft_forward(s->fft, scratch->time, scratch->bins);
  memcpy(bins, scratch->bins, s->bins * sizeof *bins);
}

void rs_stft_synthesise(const rs_stft *s, const rs_fft_scratch *scratch, const rs_cfloat *bins,
                        float *out) {
  const float scale = 1.0f / (float)s->window;
  memcpy(scratch->bins, bins, s->bins * sizeof *bins);
  rs_fft_inverse(s->fft, scratch->bins, scratch->time);
  for (size_t i = 0; i < s->window; i++) out[i] = scratch->time[i] * scale * s->shape[i];
}

/* ---- scratch of a team -------------------------------------------------------------------- */

typedef struct team {
  size_t size;
  rs_fft_scratch *scratch; /* [size] */
} team;

static void free_team(team *t) {
  for (size_t i = 0; i < t->size; i++) rs_fft_scratch_free(&t->scratch[i]);
  free(t->scratch);
}

static rs_status create_team(size_t window, size_t frames, team *t) {
  *t = (team){0};
  size_t size = frames >= WORTH_THREADS ? (size_t)omp_get_max_threads() : 1;
  RS_TRY(rs_new(&t->scratch, size, sizeof *t->scratch));
  t->size = size;
  rs_status status = RS_OK;
  for (size_t i = 0; status == RS_OK && i < size; i++)
    status = rs_fft_scratch_create(window, &t->scratch[i]);
  if (status != RS_OK) free_team(t);
  return status;
}

/* ---- whole signals ------------------------------------------------------------------------ */

static void cut_frame(const rs_stft *s, size_t samples, const float *x, size_t k, float *out) {
  ptrdiff_t first = (ptrdiff_t)(k * s->hop) - (ptrdiff_t)(s->window / 2);
  if (first >= 0 && (size_t)first + s->window <= samples)
    memcpy(out, x + first, s->window * sizeof *out);
  else
    for (size_t i = 0; i < s->window; i++)
      out[i] = x[rs_stft_reflect(first + (ptrdiff_t)i, samples)];
}

static rs_status check_samples(size_t samples) {
  if (samples > 0) return RS_OK;
  return rs_fail(RS_ERR_DATA, "STFT: expected at least one sample, found none");
}

rs_status rs_stft_forward(const rs_stft *s, size_t samples, const float *x, rs_cfloat *spectrum) {
  const size_t frames = rs_stft_frames(s, samples);
  team t;
  RS_TRY(check_samples(samples));
  RS_TRY(create_team(s->window, frames, &t));
#pragma omp parallel for schedule(static) num_threads((int)t.size)
  for (size_t k = 0; k < frames; k++) {
    const rs_fft_scratch *scratch = &t.scratch[omp_get_thread_num()];
    cut_frame(s, samples, x, k, scratch->time);
    rs_stft_analyse(s, scratch, spectrum + k * s->bins);
  }
  free_team(&t);
  return RS_OK;
}

static rs_status synthesise_all(const rs_stft *s, size_t frames, const rs_cfloat *spectrum,
                                float *pieces) {
  team t;
  RS_TRY(create_team(s->window, frames, &t));
#pragma omp parallel for schedule(static) num_threads((int)t.size)
  for (size_t k = 0; k < frames; k++)
    rs_stft_synthesise(s, &t.scratch[omp_get_thread_num()], spectrum + k * s->bins,
                       pieces + k * s->window);
  free_team(&t);
  return RS_OK;
}

/* Sample at P, counted from the start of frame 0: sum of the frames that cover it, the earliest
 * first, over the sum of their weights. */
static float overlap(const rs_stft *s, size_t frames, const float *pieces, size_t p) {
  size_t k = p < s->window ? 0 : (p - s->window) / s->hop + 1;
  float sum = 0, weight = 0;
  for (; k < frames && k * s->hop <= p; k++) {
    sum += pieces[k * s->window + p - k * s->hop];
    weight += s->weight[p - k * s->hop];
  }
  return sum / weight;
}

rs_status rs_stft_inverse(const rs_stft *s, size_t samples, const rs_cfloat *spectrum, float *x) {
  const size_t frames = rs_stft_frames(s, samples);
  float *pieces;
  RS_TRY(check_samples(samples));
  RS_TRY(rs_new(&pieces, frames, s->window * sizeof *pieces));
  rs_status status = synthesise_all(s, frames, spectrum, pieces);
  if (status == RS_OK) {
#pragma omp parallel for schedule(static) if (frames >= WORTH_THREADS)
    for (size_t i = 0; i < samples; i++) x[i] = overlap(s, frames, pieces, i + s->window / 2);
  }
  free(pieces);
  return status;
}
