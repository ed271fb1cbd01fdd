/* Built-in voices and noises: the same whoever makes them, and fit to learn from. */
#include "test.h"

#include <math.h>
#include <omp.h>

#include "ranksweep/data.h"
#include "ranksweep/dsp.h"

enum { RATE = RS_VOICES_RATE, CEPSTRA = 20, BANDS = 40 };

/* ---- the same ---------------------------------------------------------------------------- */

static void utterances_depend_on_seed_speaker_and_number_alone(void **state) {
  (void)state;
  const rs_voices_spec all = {
      .seed = 5, .first = 3, .speakers = 4, .utterances = 3, .samples = 4000};
  rs_clips one, three;
  float again[4000];
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  assert_ok(rs_voices_clips(&all, &one));
  omp_set_num_threads(3);
  assert_ok(rs_voices_clips(&all, &three));
  omp_set_num_threads(before);
  assert_int_equal(one.count, 12);
  assert_int_equal(one.label_count, 4);
  assert_string_equal(one.names[1], "voice00004");
  assert_memory_equal(one.samples, three.samples, 12 * sizeof again);
  rs_voices_speak(5, 4, 2, 4000, again);
  assert_memory_equal(one.samples + one.start[5], again, sizeof again);
  assert_int_equal(one.label[5], 1);
  rs_voices_speak(6, 4, 2, 4000, again);
  assert_memory_not_equal(one.samples + one.start[5], again, sizeof again);
  assert_memory_not_equal(one.samples, one.samples + 4000, sizeof again);
  rs_clips_free(&one);
  rs_clips_free(&three);
}

static void empty_sets_are_refused(void **state) {
  (void)state;
  rs_clips clips;
  assert_fails(RS_ERR_USAGE, "at least one speaker",
               rs_voices_clips(&(rs_voices_spec){.speakers = 1, .utterances = 1}, &clips));
  assert_fails(RS_ERR_USAGE, "below number 2^32",
               rs_voices_clips(&(rs_voices_spec){1, UINT32_MAX, 2, 1, 1}, &clips));
  assert_fails(RS_ERR_USAGE, "at least one sample", rs_voices_noise_clips(1, 0, &clips));
}

static double deviation(size_t n, const float *x) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)x[i] * x[i];
  return sqrt(sum / (double)n);
}

static void levels_are_even(void **state) {
  (void)state;
  const size_t n = RATE;
  float *x = malloc(n * sizeof *x);
  for (uint32_t k = 0; k < 20; k++) {
    rs_voices_speak(1, k, 0, n, x);
    for (size_t i = 0; i < n; i++) assert_true(fabsf(x[i]) <= 0.951f);
    assert_true(deviation(n, x) > 0.02 && deviation(n, x) < 0.13);
  }
  for (int k = 0; k < RS_NOISE_KINDS; k++) {
    assert_ok(rs_voices_noise(1, (rs_noise_kind)k, 7, n, x));
    assert_true(fabs(deviation(n, x) - 0.1) < 1e-4);
  }
  rs_voices_speak(1, 0, 0, 1, x);
  assert_true(isfinite(x[0]));
  free(x);
}

static void noises_are_clips_by_name(void **state) {
  (void)state;
  rs_clips clips;
  float x[1000];
  assert_ok(rs_voices_noise_clips(3, 1000, &clips));
  assert_int_equal(clips.count, RS_NOISE_KINDS);
  for (int k = 0; k < RS_NOISE_KINDS; k++)
    assert_string_equal(clips.names[clips.label[k]], rs_noise_name((rs_noise_kind)k));
  assert_ok(rs_voices_noise(3, RS_NOISE_HUM, 0, 1000, x));
  assert_memory_equal(clips.samples + clips.start[RS_NOISE_HUM], x, sizeof x);
  rs_clips_free(&clips);
}

/* ---- fit to learn from ------------------------------------------------------------------- */

typedef struct spectra {
  rs_stft *stft;
  size_t n, size; /* samples; frames times bins */
} spectra;

static spectra make_spectra(size_t n) {
  spectra s = {.n = n};
  assert_ok(rs_stft_create(&RS_STFT_STANDARD, &s.stft));
  s.size = rs_stft_frames(s.stft, n) * rs_stft_bins(s.stft);
  return s;
}

/* The SNR that the ideal mask gains on speech mixed with a noise at 0 dB. */
static double ideal_gain(const spectra *s, const float *clean, float *noise) {
  float *noisy = malloc(s->n * 4), *mask = malloc(s->size * 4), *out = malloc(s->n * 4);
  rs_cfloat *a = malloc(s->size * sizeof *a), *b = malloc(s->size * sizeof *b);
  assert_ok(rs_mix_at_snr(s->n, 0, clean, noise, noisy));
  assert_ok(rs_stft_forward(s->stft, s->n, clean, a));
  assert_ok(rs_stft_forward(s->stft, s->n, noise, b));
  rs_mask_ideal(s->size, a, b, 1.0f, mask);
  assert_ok(rs_stft_forward(s->stft, s->n, noisy, a));
  rs_mask_apply(s->size, mask, a);
  assert_ok(rs_stft_inverse(s->stft, s->n, a, out));
  double gain = rs_measure_snr(s->n, clean, out);
  free(noisy);
  free(mask);
  free(out);
  free(a);
  free(b);
  return gain;
}

static void masks_can_separate_voices_from_noises(void **state) {
  (void)state;
  spectra s = make_spectra(2 * RATE);
  float *clean = malloc(s.n * 4), *noise = malloc(s.n * 4);
  for (int k = 0; k < RS_NOISE_KINDS; k++) {
    double sum = 0;
    for (uint32_t i = 0; i < 3; i++) {
      rs_voices_speak(1, i, 0, s.n, clean);
      assert_ok(rs_voices_noise(1, (rs_noise_kind)k, i, s.n, noise));
      sum += ideal_gain(&s, clean, noise) / 3;
    }
    print_message("ideal mask on %s: %.1f dB\n", rs_noise_name((rs_noise_kind)k), sum);
    assert_true(sum > 6 && sum < 40);
  }
  free(clean);
  free(noise);
  rs_stft_destroy(s.stft);
}

/* Mean and deviation over frames of the first cepstra of log band energies. */
static void voice_print(const spectra *s, const float *x, double out[2 * CEPSTRA]) {
  const size_t bins = rs_stft_bins(s->stft), frames = s->size / bins, width = bins / BANDS;
  rs_cfloat *spectrum = malloc(s->size * sizeof *spectrum);
  float *magnitude = malloc(s->size * sizeof *magnitude);
  memset(out, 0, 2 * CEPSTRA * sizeof *out);
  assert_ok(rs_stft_forward(s->stft, s->n, x, spectrum));
  rs_spectrum_magnitude(s->size, spectrum, magnitude);
  for (size_t k = 0; k < frames; k++) {
    double bands[BANDS] = {0};
    for (size_t b = 0; b < BANDS * width; b++) bands[b / width] += (double)magnitude[k * bins + b];
    for (int c = 1; c <= CEPSTRA; c++) {
      double sum = 0;
      for (int b = 0; b < BANDS; b++)
        sum += log(bands[b] + 0.1) * cos(M_PI * c * (b + 0.5) / BANDS) / BANDS;
      out[c - 1] += sum / (double)frames;
      out[CEPSTRA + c - 1] += sum * sum / (double)frames;
    }
  }
  for (int c = 0; c < CEPSTRA; c++)
    out[CEPSTRA + c] = sqrt(fmax(out[CEPSTRA + c] - out[c] * out[c], 0));
  free(spectrum);
  free(magnitude);
}

static double distance(const double *a, const double *b) {
  double sum = 0;
  for (int i = 0; i < 2 * CEPSTRA; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

/* One utterance is known of each speaker; others are given to the nearest. */
static void speakers_can_be_told_apart_but_not_at_a_glance(void **state) {
  (void)state;
  enum { SPEAKERS = 20, TRIALS = 5 };
  spectra s = make_spectra(2 * RATE);
  float *x = malloc(s.n * 4);
  double known[SPEAKERS][2 * CEPSTRA], heard[2 * CEPSTRA];
  int right = 0;
  for (uint32_t k = 0; k < SPEAKERS; k++) {
    rs_voices_speak(9, k, 0, s.n, x);
    voice_print(&s, x, known[k]);
  }
  for (uint32_t k = 0; k < SPEAKERS; k++)
    for (uint32_t i = 1; i <= TRIALS; i++) {
      size_t best = 0;
      rs_voices_speak(9, k, i, s.n, x);
      voice_print(&s, x, heard);
      for (size_t j = 1; j < SPEAKERS; j++)
        if (distance(heard, known[j]) < distance(heard, known[best])) best = j;
      right += best == k;
    }
  print_message("nearest of %d speakers: %d of %d\n", SPEAKERS, right, SPEAKERS * TRIALS);
  assert_in_range(right, 30, 95);
  free(x);
  rs_stft_destroy(s.stft);
}

static void speech_is_made_faster_than_it_is_heard(void **state) {
  (void)state;
  const size_t n = 20 * RATE;
  float *x = malloc(n * 4);
  double best = INFINITY;
  for (uint32_t k = 0; k < 3; k++) {
    double start = rs_clock_now();
    rs_voices_speak(1, k, 0, n, x);
    best = fmin(best, rs_clock_now() - start);
  }
  print_message("one core: %.0f times real time\n", 20 / best);
  assert_true(20 / best > 10); /* far below what is usual: machines and sanitizers are slow */
  free(x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(utterances_depend_on_seed_speaker_and_number_alone),
      cmocka_unit_test(empty_sets_are_refused),
      cmocka_unit_test(levels_are_even),
      cmocka_unit_test(noises_are_clips_by_name),
      cmocka_unit_test(masks_can_separate_voices_from_noises),
      cmocka_unit_test(speakers_can_be_told_apart_but_not_at_a_glance),
      cmocka_unit_test(speech_is_made_faster_than_it_is_heard),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
