/* Speech and noise in memory, and the mixtures that are made of their spectra. */
#include "test.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#include "sound/mix.h"

typedef struct fixture {
  rs_job *job;
  rs_data_cache *cache;
  const rs_speech *speech;
} fixture;

static const char standard[] =
    "name: t\nexperiment: speech-denoising\n"
    "data: {source: voices, voices: 5, utterances: 2, seconds: 0.9, validate: 2, window: 256, hop: "
    "128}\n";

static rs_status load(const char *text, fixture *f) {
  *f = (fixture){0};
  RS_TRY(rs_job_parse("t.yaml", text, strlen(text), NULL, 0, rs_experiment_schemas(), &f->job));
  RS_TRY(rs_data_cache_create(&f->cache));
  return rs_exp_load_speech(f->cache, rs_job_base(f->job), &f->speech);
}

static void drop(fixture *f) {
  rs_data_cache_destroy(f->cache);
  rs_job_destroy(f->job);
}

static rs_mix_spec spec_of(double snr, double spread, size_t excerpt) {
  return (rs_mix_spec){
      .snr_db = snr, .spread_db = spread, .excerpt = excerpt, .seed = 3, .stage = "test"};
}

/* ---- what is in memory ------------------------------------------------------------------- */

static void validation_has_speakers_of_its_own(void **state) {
  (void)state;
  fixture f;
  assert_ok(load(standard, &f));
  assert_int_equal(f.speech->train.count, 6);
  assert_int_equal(f.speech->validate.count, 4);
  assert_int_equal(f.speech->noise.count, RS_NOISE_KINDS);
  for (size_t i = 0; i < f.speech->train.count; i++)
    for (size_t k = 0; k < f.speech->validate.count; k++)
      assert_string_not_equal(f.speech->train.name[i], f.speech->validate.name[k]);
  drop(&f);
}

static void limits_take_the_first(void **state) {
  (void)state;
  char text[512];
  fixture f, all;
  assert_ok(load(standard, &all));
  snprintf(text, sizeof text, "%s%s", standard, "data.train: 3\ndata.test: 1\n");
  assert_ok(load(text, &f));
  assert_int_equal(f.speech->train.count, 3);
  assert_int_equal(f.speech->validate.count, 1);
  assert_string_equal(f.speech->train.name[2], all.speech->train.name[2]);
  assert_memory_equal(f.speech->train.samples, all.speech->train.samples,
                      f.speech->train.all_samples * sizeof(float));
  drop(&f);
  drop(&all);
}

/* ---- mixtures ---------------------------------------------------------------------------- */

/* The noise of M as samples: round and round from its frame's centre on. */
static void noise_of(const rs_speech *s, const rs_mixture *m, size_t n, float *out) {
  size_t hops = s->noise.frame[m->noise + 1] - s->noise.frame[m->noise], length = hops * s->hop;
  const float *x = s->noise.samples + s->noise.start[m->noise];
  for (size_t i = 0; i < n; i++) out[i] = m->scale * x[(m->at * s->hop + i) % length];
}

/* Frames that see nothing but the inside of a clip are those of the mixed samples. */
static void mixing_spectra_is_mixing_samples(void **state) {
  (void)state;
  fixture f;
  assert_ok(load(standard, &f));
  const rs_speech *s = f.speech;
  const rs_mix_spec spec = spec_of(-3, 6, 1000);
  const rs_stft_spec transform = {.window = 256, .hop = 128};
  rs_stft *stft;
  assert_ok(rs_stft_create(&transform, &stft));
  for (uint32_t clip = 0; clip < s->train.count; clip++) {
    rs_mixture m = rs_exp_draw(s, &spec, clip, clip, clip, 0);
    size_t n = s->train.start[clip + 1] - s->train.start[clip], frames = rs_stft_frames(stft, n);
    float *x = malloc(n * sizeof *x);
    rs_cfloat *whole = malloc(frames * s->bins * sizeof *whole);
    rs_cfloat *noisy = malloc(s->bins * sizeof *noisy);
    const rs_cfloat *clean, *noise;
    noise_of(s, &m, n, x);
    for (size_t i = 0; i < n; i++) x[i] += s->train.samples[s->train.start[clip] + i];
    assert_ok(rs_stft_forward(stft, n, x, whole));
    assert_int_equal(m.frames, frames);
    for (size_t t = 1; t + 2 < frames; t++) {
      rs_exp_mix_frame(s, &m, t, &clean, &noise, noisy);
      for (size_t k = 0; k < s->bins; k++)
        assert_true(cabsf(noisy[k] - whole[t * s->bins + k]) < 1e-4f);
    }
    free(x);
    free(whole);
    free(noisy);
  }
  rs_stft_destroy(stft);
  drop(&f);
}

static void noise_has_the_wanted_level(void **state) {
  (void)state;
  fixture f;
  assert_ok(load(standard, &f));
  const rs_speech *s = f.speech;
  const rs_mix_spec spec = spec_of(5, 0, 1000);
  for (uint32_t sample = 0; sample < 50; sample++) {
    uint32_t clip = sample % (uint32_t)s->train.count;
    rs_mixture m = rs_exp_draw(s, &spec, 1, sample, clip, 0);
    size_t n = m.frames * s->hop;
    double energy = 0;
    float *x = malloc(n * sizeof *x);
    noise_of(s, &m, n, x);
    for (size_t i = 0; i < n; i++) energy += (double)x[i] * x[i];
    double snr = 10 * log10(s->clean_power[clip] / (energy / (double)n));
    assert_true(fabs(snr - 5) < 1e-3);
    free(x);
  }
  drop(&f);
}

static void excerpts_cover_a_clip_once(void **state) {
  (void)state;
  enum { EXCERPT = 20 };
  fixture f;
  assert_ok(load(standard, &f));
  const rs_speech *s = f.speech;
  const rs_mix_spec spec = spec_of(0, 0, EXCERPT);
  size_t n = rs_exp_count_excerpts(s, EXCERPT);
  uint32_t clip[1000], part[1000];
  assert_in_range(n, s->train.count, 1000);
  rs_exp_list_excerpts(s, EXCERPT, clip, part);
  for (uint64_t epoch = 0; epoch < 20; epoch++) {
    for (uint32_t i = 0; i < n; i++) {
      rs_mixture m = rs_exp_draw(s, &spec, epoch, i, clip[i], part[i]);
      size_t frames = s->train.frame[clip[i] + 1] - s->train.frame[clip[i]];
      assert_int_equal(m.frames, EXCERPT);
      assert_true(m.first >= part[i] * EXCERPT && m.first + m.frames <= frames);
    }
  }
  /* a clip shorter than an excerpt is one sample, whole */
  const rs_mix_spec longer = spec_of(0, 0, 100000);
  assert_int_equal(rs_exp_count_excerpts(s, 100000), s->train.count);
  rs_mixture m = rs_exp_draw(s, &longer, 0, 0, 0, 0);
  assert_int_equal(m.frames, s->train.frame[1] - s->train.frame[0]);
  drop(&f);
}

static void draws_depend_on_epoch_and_sample(void **state) {
  (void)state;
  fixture f;
  assert_ok(load(standard, &f));
  const rs_mix_spec spec = spec_of(0, 5, 20);
  rs_mixture a = rs_exp_draw(f.speech, &spec, 4, 7, 2, 1), b, c;
  b = rs_exp_draw(f.speech, &spec, 4, 7, 2, 1);
  c = rs_exp_draw(f.speech, &spec, 5, 7, 2, 1);
  assert_memory_equal(&a, &b, sizeof a);
  assert_memory_not_equal(&a, &c, sizeof a);
  drop(&f);
}

static void validation_mixes_stay(void **state) {
  (void)state;
  fixture f;
  assert_ok(load(standard, &f));
  const rs_speech *s = f.speech;
  size_t n = s->validate.start[1] - s->validate.start[0];
  float *x[2][3];
  for (int k = 0; k < 2; k++) {
    for (int i = 0; i < 3; i++) x[k][i] = malloc(n * sizeof(float));
    assert_ok(rs_exp_mix_clip(s, 0, 2, -5, 1, 9, x[k][0], x[k][1], x[k][2]));
  }
  assert_memory_equal(x[0][2], x[1][2], n * sizeof(float));
  assert_true(fabs(rs_measure_snr(n, x[0][0], x[0][2]) + 5) < 1e-3);
  for (size_t i = 0; i < n; i++) assert_true(x[0][2][i] == x[0][0][i] + x[0][1][i]);
  for (int k = 0; k < 2; k++)
    for (int i = 0; i < 3; i++) free(x[k][i]);
  drop(&f);
}

/* ---- features ---------------------------------------------------------------------------- */

static void statistics_normalise(void **state) {
  (void)state;
  fixture f;
  assert_ok(load(standard, &f));
  rs_front front = rs_exp_front(rs_job_base(f.job));
  float mean[129], scale[129], x[129], other[129];
  const rs_mix_spec spec = spec_of(0, 0, 20);
  front.features = RS_FEATURES_LOG;
  assert_int_equal(f.speech->bins, 129);
  assert_ok(rs_exp_feature_statistics(f.speech, &front, &spec, mean, scale));
  for (size_t k = 0; k < 129; k++) assert_true(mean[k] > 0 && scale[k] > 0 && isfinite(scale[k]));
  const rs_cfloat *frame = f.speech->train.spectrum + 10 * 129;
  rs_exp_features(&front, frame, NULL, NULL, x);
  rs_exp_features(&front, frame, mean, scale, other);
  for (size_t k = 0; k < 129; k++) {
    assert_true(fabsf(x[k] - logf(1 + 100 * cabsf(frame[k]))) < 1e-4f);
    assert_true(fabsf(other[k] - (x[k] - mean[k]) * scale[k]) < 1e-5f);
  }
  front.features = RS_FEATURES_ROOT;
  rs_exp_features(&front, frame, NULL, NULL, x);
  assert_true(fabsf(x[5] * x[5] - cabsf(frame[5])) < 1e-5f);
  drop(&f);
}

/* ---- bad input --------------------------------------------------------------------------- */

static void too_few_speakers_are_an_error(void **state) {
  (void)state;
  fixture f;
  assert_fails(RS_ERR_USAGE, "fewer than the 2 speakers",
               load("name: t\nexperiment: speech-denoising\ndata: {voices: 2, validate: 2}\n", &f));
  drop(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(validation_has_speakers_of_its_own),
      cmocka_unit_test(limits_take_the_first),
      cmocka_unit_test(mixing_spectra_is_mixing_samples),
      cmocka_unit_test(noise_has_the_wanted_level),
      cmocka_unit_test(excerpts_cover_a_clip_once),
      cmocka_unit_test(draws_depend_on_epoch_and_sample),
      cmocka_unit_test(validation_mixes_stay),
      cmocka_unit_test(statistics_normalise),
      cmocka_unit_test(too_few_speakers_are_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
