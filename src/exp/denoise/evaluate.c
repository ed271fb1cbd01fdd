/* How well a model denoises the validation clips. */
#include "denoise.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Clips that go through the network side by side; they are of like length. The number depends on
 * nothing, so that results do not either. */
enum { CHUNK = 8 };

#define ALL SIZE_MAX /* items */

/* What is measured of an item, in the order of rs_denoise_measures; those that come to no number do
 * not count. */
enum { MEASURES = sizeof(rs_denoise_measures) / sizeof(double) };

typedef struct item {
  size_t number, clip, noise, samples, frames;
} item;

/* The signals and spectra of one item of a chunk. */
typedef struct signals {
  float *clean, *noise, *noisy, *result;           /* [samples] */
  rs_cfloat *clean_bins, *noise_bins, *noisy_bins; /* [frames, bins] */
  rs_status status;
  char message[256];
} signals;

typedef struct evaluation {
  const rs_denoise_model *model;
  const rs_speech *speech;
  const rs_denoise_test *test;
  rs_stft *stft;
  size_t n_items, most_samples, most_frames;
  item *items; /* longest first */
  rs_sequence_workspace *ws;
  float *x; /* [T, CHUNK, inputs] */
  signals signals[CHUNK];
  double *values; /* [items, MEASURES], zero but for those of this rank */
} evaluation;

/* ---- items ------------------------------------------------------------------------------- */

static int longest_first(const void *a, const void *b) {
  const item *x = a, *y = b;
  if (x->samples != y->samples) return x->samples < y->samples ? 1 : -1;
  return x->number < y->number ? -1 : 1;
}

static item item_of(const evaluation *e, size_t number) {
  const rs_sound_part *clips = &e->speech->validate;
  size_t clip = number % clips->count, round = number / clips->count;
  size_t samples = clips->start[clip + 1] - clips->start[clip];
  bool every = e->test->noise == RS_EVERY_NOISE;
  return (item){.number = number,
                .clip = clip,
                .noise = every ? (clip + round) % e->speech->noise.count : e->test->noise,
                .samples = samples,
                .frames = rs_stft_frames(e->stft, samples)};
}

/* All of them, or the one of number ONLY. */
static void list_items(evaluation *e, size_t only) {
  for (size_t i = 0; i < e->n_items; i++) e->items[i] = item_of(e, only == ALL ? i : only);
  qsort(e->items, e->n_items, sizeof *e->items, longest_first);
  e->most_samples = e->items[0].samples;
  e->most_frames = e->items[0].frames;
}

/* ---- life -------------------------------------------------------------------------------- */

static rs_status make_signals(const evaluation *e, signals *s) {
  size_t bins = e->most_frames * e->speech->bins;
  RS_TRY(rs_new(&s->clean, 4 * e->most_samples, sizeof *s->clean));
  s->noise = s->clean + e->most_samples;
  s->noisy = s->noise + e->most_samples;
  s->result = s->noisy + e->most_samples;
  RS_TRY(rs_new(&s->clean_bins, 3 * bins, sizeof *s->clean_bins));
  s->noise_bins = s->clean_bins + bins;
  s->noisy_bins = s->noise_bins + bins;
  return RS_OK;
}

static rs_status begin(evaluation *e, size_t only) {
  e->n_items = only == ALL ? e->speech->validate.count * e->test->mixes : 1;
  RS_TRY(rs_stft_create(&e->model->front.stft, &e->stft));
  RS_TRY(rs_new(&e->items, e->n_items, sizeof *e->items));
  list_items(e, only);
  RS_TRY(rs_sequence_workspace_create(e->model->net, e->most_frames, CHUNK, false, &e->ws));
  RS_TRY(rs_new(&e->x, e->most_frames * CHUNK * e->model->front.inputs, sizeof *e->x));
  for (size_t i = 0; i < CHUNK && i < e->n_items; i++) RS_TRY(make_signals(e, &e->signals[i]));
  return rs_new(&e->values, e->n_items * MEASURES, sizeof *e->values);
}

static void end(evaluation *e) {
  rs_stft_destroy(e->stft);
  free(e->items);
  rs_sequence_workspace_destroy(e->ws);
  free(e->x);
  free(e->values);
  for (size_t i = 0; i < CHUNK; i++) {
    free(e->signals[i].clean);
    free(e->signals[i].clean_bins);
  }
}

/* ---- a chunk ----------------------------------------------------------------------------- */

static rs_status prepare(evaluation *e, const item *it, signals *s) {
  RS_TRY(rs_exp_mix_clip(e->speech, it->clip, it->noise, e->test->snr_db, e->test->seed, it->number,
                         s->clean, s->noise, s->noisy));
  RS_TRY(rs_stft_forward(e->stft, it->samples, s->clean, s->clean_bins));
  RS_TRY(rs_stft_forward(e->stft, it->samples, s->noise, s->noise_bins));
  return rs_stft_forward(e->stft, it->samples, s->noisy, s->noisy_bins);
}

static void fill_row(evaluation *e, const item *it, size_t row, size_t rows, size_t frames) {
  const rs_denoise_model *m = e->model;
  size_t bins = m->front.bins, inputs = m->front.inputs;
  for (size_t t = 0; t < frames; t++) {
    float *x = e->x + (t * rows + row) * inputs;
    if (t < it->frames)
      rs_exp_features(&m->front, e->signals[row].noisy_bins + t * bins, m->mean, m->scale, x);
    else
      memset(x, 0, inputs * sizeof *x);
  }
}

/* Logits of one frame become the mask; what they say of it is added up. */
static void judge_frame(const evaluation *e, const signals *s, size_t t, float *mask, float *ideal,
                        double *loss, double *right) {
  size_t bins = e->speech->bins;
  rs_mask_ideal(bins, s->clean_bins + t * bins, s->noise_bins + t * bins, 1.0f, ideal);
  *loss += rs_sigmoid_cross_entropy(1, bins, mask, ideal, NULL, NULL, 0.0f, NULL);
  for (size_t k = 0; k < bins; k++) *right += (mask[k] > 0.0f) == (ideal[k] > 0.5f);
  rs_sigmoid(bins, mask, mask);
  for (size_t k = 0; e->test->hard && k < bins; k++) mask[k] = mask[k] > 0.5f ? 1.0f : 0.0f;
}

/* RESULT from the noisy spectra under masks; with IDEAL, [bins] of scratch, under the ideal ones.
 */
static rs_status resynthesise(const evaluation *e, const item *it, const signals *s, bool ideal,
                              float *mask, rs_denoise_measures *out) {
  size_t bins = e->speech->bins;
  for (size_t t = 0; ideal && t < it->frames; t++) {
    rs_mask_ideal(bins, s->clean_bins + t * bins, s->noise_bins + t * bins, 1.0f, mask);
    rs_mask_apply(bins, mask, s->noisy_bins + t * bins);
  }
  RS_TRY(rs_stft_inverse(e->stft, it->samples, s->noisy_bins, s->result));
  double snr = rs_measure_snr(it->samples, s->clean, s->result);
  double si_sdr = rs_measure_si_sdr(it->samples, s->clean, s->result);
  *(ideal ? &out->ideal_snr : &out->snr) = snr;
  *(ideal ? &out->ideal_si_sdr : &out->si_sdr) = si_sdr;
  return RS_OK;
}

/* X of RATE Hz as STOI wants it. */
static rs_status resample(unsigned rate, size_t n, float *x, rs_audio *out) {
  rs_audio from = {.frames = n, .channels = 1, .rate = rate, .samples = x};
  return rs_audio_resample(&from, RS_STOI_RATE, out);
}

/* NaN for signals that are too short or silent. */
static rs_status stoi_of(const rs_audio *clean, const rs_audio *processed, double *out) {
  rs_status status = rs_measure_stoi(clean->frames, clean->samples, processed->samples, out);
  if (status != RS_ERR_DATA) return status;
  *out = NAN;
  return RS_OK;
}

static rs_status measure_stoi(const evaluation *e, const item *it, const signals *s,
                              rs_denoise_measures *out) {
  unsigned rate = e->model->front.rate;
  rs_audio clean = {0}, noisy = {0}, result = {0};
  rs_status status = resample(rate, it->samples, s->clean, &clean);
  if (status == RS_OK) status = resample(rate, it->samples, s->noisy, &noisy);
  if (status == RS_OK) status = resample(rate, it->samples, s->result, &result);
  if (status == RS_OK) status = stoi_of(&clean, &noisy, &out->stoi_in);
  if (status == RS_OK) status = stoi_of(&clean, &result, &out->stoi);
  rs_audio_free(&clean);
  rs_audio_free(&noisy);
  rs_audio_free(&result);
  return status;
}

static rs_status measure_more(const evaluation *e, const item *it, const signals *s, float *scratch,
                              rs_denoise_measures *out) {
  size_t n = it->samples, frame = e->model->front.rate / 50; /* 20 ms */
  out->segmental_in = rs_measure_segmental_snr(n, frame, s->clean, s->noisy);
  out->segmental = rs_measure_segmental_snr(n, frame, s->clean, s->result);
  out->stoi = out->stoi_in = NAN;
  if (e->test->stoi) RS_TRY(measure_stoi(e, it, s, out));
  RS_TRY(rs_stft_forward(e->stft, n, s->noisy, s->noisy_bins));
  return resynthesise(e, it, s, true, scratch, out);
}

/* LOGITS of this item's frames, T apart by STRIDE; they become its mask. */
static rs_status measure(const evaluation *e, const item *it, const signals *s, float *logits,
                         size_t stride, double *values) {
  size_t bins = e->speech->bins, n = it->samples;
  rs_denoise_measures m = {0};
  float *ideal;
  RS_TRY(rs_new(&ideal, bins, sizeof *ideal));
  for (size_t t = 0; t < it->frames; t++) {
    judge_frame(e, s, t, logits + t * stride, ideal, &m.loss, &m.accuracy);
    rs_mask_apply(bins, logits + t * stride, s->noisy_bins + t * bins);
  }
  m.loss /= (double)(it->frames * bins);
  m.accuracy /= (double)(it->frames * bins);
  m.snr_in = rs_measure_snr(n, s->clean, s->noisy);
  m.si_sdr_in = rs_measure_si_sdr(n, s->clean, s->noisy);
  rs_status status = resynthesise(e, it, s, false, NULL, &m);
  if (status == RS_OK && e->test->more) status = measure_more(e, it, s, ideal, &m);
  memcpy(values, &m, sizeof m);
  free(ideal);
  return status;
}

/* Where its values go. */
static size_t place_of(const evaluation *e, const item *it) {
  return e->n_items > 1 ? it->number : 0;
}

static rs_status first_failure(const signals *s, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (s[i].status != RS_OK) return rs_fail(s[i].status, "%s", s[i].message);
  return RS_OK;
}

static void note(signals *s, rs_status status) {
  s->status = status;
  if (status != RS_OK) snprintf(s->message, sizeof s->message, "%s", rs_error_message());
}

/* MASKS may be NULL. */
static rs_status evaluate_chunk(evaluation *e, size_t chunk, const float **masks) {
  const item *items = e->items + chunk * CHUNK;
  size_t left = e->n_items - chunk * CHUNK, rows = left < CHUNK ? left : CHUNK;
  size_t frames = items[0].frames, bins = e->speech->bins;
  uint32_t lengths[CHUNK];
#pragma omp parallel for schedule(dynamic, 1)
  for (size_t i = 0; i < rows; i++) {
    lengths[i] = (uint32_t)items[i].frames;
    note(&e->signals[i], prepare(e, &items[i], &e->signals[i]));
    if (e->signals[i].status == RS_OK) fill_row(e, &items[i], i, rows, frames);
  }
  RS_TRY(first_failure(e->signals, rows));
  rs_sequence_batch batch = {.frames = frames, .rows = rows, .x = e->x, .lengths = lengths};
  float *logits = (float *)rs_sequence_forward(e->model->net, e->ws, &batch);
#pragma omp parallel for schedule(dynamic, 1)
  for (size_t i = 0; i < rows; i++)
    note(&e->signals[i], measure(e, &items[i], &e->signals[i], logits + i * bins, rows * bins,
                                 e->values + place_of(e, &items[i]) * MEASURES));
  if (masks != NULL) *masks = logits;
  return first_failure(e->signals, rows);
}

/* ---- all of it --------------------------------------------------------------------------- */

static void average(const evaluation *e, rs_denoise_measures *out) {
  double means[MEASURES];
  for (size_t m = 0; m < MEASURES; m++) {
    double sum = 0, count = 0;
    for (size_t i = 0; i < e->n_items; i++) {
      double value = e->values[i * MEASURES + m];
      if (!isfinite(value)) continue;
      sum += value;
      count++;
    }
    means[m] = count > 0 ? sum / count : NAN;
  }
  memcpy(out, means, sizeof *out);
}

rs_status rs_denoise_evaluate(const rs_denoise_model *model, const rs_speech *speech,
                              const rs_denoise_test *test, rs_comm *comm,
                              rs_denoise_measures *out) {
  evaluation e = {.model = model, .speech = speech, .test = test};
  size_t rank = (size_t)rs_comm_rank(comm), ranks = (size_t)rs_comm_size(comm);
  rs_status status = begin(&e, ALL);
  size_t chunks = (e.n_items + CHUNK - 1) / CHUNK;
  for (size_t i = rank; status == RS_OK && i < chunks; i += ranks)
    status = evaluate_chunk(&e, i, NULL);
  status = rs_comm_agree(comm, status);
  if (status == RS_OK) status = rs_comm_sum_doubles(comm, e.values, e.n_items * MEASURES);
  if (status == RS_OK) average(&e, out);
  end(&e);
  return status;
}

/* ---- one item ---------------------------------------------------------------------------- */

struct rs_denoise_example {
  rs_denoise_test test;
  evaluation evaluation;
};

static void describe(const evaluation *e, const float *mask, rs_denoise_clip *out) {
  const item *it = &e->items[0];
  const signals *s = &e->signals[0];
  *out = (rs_denoise_clip){.speaker = e->speech->validate.name[it->clip],
                           .noise = e->speech->noise.name[it->noise],
                           .samples = it->samples,
                           .frames = it->frames,
                           .bins = e->speech->bins,
                           .clean = s->clean,
                           .noisy = s->noisy,
                           .denoised = s->result,
                           .mask = mask,
                           .clean_bins = s->clean_bins,
                           .noise_bins = s->noise_bins,
                           .denoised_bins = s->noisy_bins};
}

rs_status rs_denoise_example_open(const rs_denoise_model *model, const rs_speech *speech,
                                  const rs_denoise_test *test, size_t number,
                                  rs_denoise_example **out, rs_denoise_clip *clip) {
  rs_denoise_example *x;
  const float *mask = NULL;
  *out = NULL;
  RS_TRY(rs_new(&x, 1, sizeof *x));
  x->test = *test;
  x->test.more = x->test.stoi = false; /* they would change its spectra */
  x->evaluation = (evaluation){.model = model, .speech = speech, .test = &x->test};
  rs_status status = begin(&x->evaluation, number);
  if (status == RS_OK) status = evaluate_chunk(&x->evaluation, 0, &mask);
  if (status != RS_OK) {
    rs_denoise_example_close(x);
    return status;
  }
  describe(&x->evaluation, mask, clip);
  *out = x;
  return RS_OK;
}

void rs_denoise_example_close(rs_denoise_example *x) {
  if (x == NULL) return;
  end(&x->evaluation);
  free(x);
}
