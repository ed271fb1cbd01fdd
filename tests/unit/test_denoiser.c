/* A denoiser over a stream against the same network over the whole signal. */
#include "test.h"

#include "denoise/denoise.h"
#include "low_rank/low_rank.h"

#include <math.h>

/* ---- models ------------------------------------------------------------------------------- */

static const rs_setting rank_settings[] = {RS_EXP_SVD_RANK("full", "Kept."), {0}};

static const rs_schema schema = {
    .experiment = "masks",
    .summary = "Masks.",
    .settings = (const rs_setting *const[]){rs_exp_front_settings, rs_exp_denoise_model_settings,
                                            rank_settings, NULL},
};

/* Settings, and a model whose parameters are as chance has it. */
typedef struct masker {
  rs_job *job;
  const rs_settings *settings;
  rs_denoise_model model;
  rs_bundle bundle;
} masker;

static void fill_features(masker *m) {
  rs_stream random = rs_stream_make(2, "test", "features", 0);
  for (size_t k = 0; m->model.mean != NULL && k < m->model.front.bins; k++) {
    m->model.mean[k] = rs_stream_uniform(&random, 2 * k);
    m->model.scale[k] = 0.5f + rs_stream_uniform(&random, 2 * k + 1);
  }
}

static void make_masker(const char *more, masker *out) {
  const rs_schema *const schemas[] = {&schema, NULL};
  char text[400];
  int n = snprintf(text, sizeof text,
                   "{name: m, experiment: masks, data: {window: 64, hop: 32, sample_rate: 8000%s",
                   more);
  *out = (masker){0};
  assert_ok(rs_job_parse("test", text, (size_t)n, NULL, 0, schemas, &out->job));
  out->settings = rs_job_base(out->job);
  size_t d = (size_t)rs_settings_int(out->settings, "svd.rank");
  assert_ok(rs_denoise_model_create(out->settings, d, &out->model));
  assert_ok(rs_sequence_init(out->model.net, 4, "test"));
  fill_features(out);
  assert_ok(rs_denoise_model_save(&out->model, &out->bundle));
}

static void free_masker(masker *m) {
  rs_denoise_model_free(&m->model);
  rs_bundle_free(&m->bundle);
  rs_job_destroy(m->job);
}

/* ---- the two ways ------------------------------------------------------------------------- */

static void mask_whole(const masker *m, bool hard, size_t n, const float *x, float *y) {
  const rs_denoise_model *model = &m->model;
  size_t bins = model->front.bins;
  rs_stft *stft;
  rs_sequence_workspace *ws;
  assert_ok(rs_stft_create(&model->front.stft, &stft));
  size_t frames = rs_stft_frames(stft, n);
  assert_ok(rs_sequence_workspace_create(model->net, frames, 1, false, &ws));
  rs_cfloat *spectrum = malloc(frames * bins * sizeof *spectrum);
  float *features = malloc(frames * bins * sizeof *features);
  assert_ok(rs_stft_forward(stft, n, x, spectrum));
  for (size_t t = 0; t < frames; t++)
    rs_exp_features(&model->front, spectrum + t * bins, model->mean, model->scale,
                    features + t * bins);
  rs_sequence_batch batch = {.frames = frames, .rows = 1, .x = features};
  const float *logits = rs_sequence_forward(model->net, ws, &batch);
  for (size_t i = 0; i < frames * bins; i++)
    spectrum[i] *= hard ? (float)(logits[i] > 0) : 1.0f / (1.0f + expf(-logits[i]));
  assert_ok(rs_stft_inverse(stft, n, spectrum, y));
  rs_sequence_workspace_destroy(ws);
  rs_stft_destroy(stft);
  free(spectrum);
  free(features);
}

typedef struct sink {
  float *out;
  size_t n;
} sink;

static rs_status on_write(void *user, const float *samples, size_t n) {
  sink *s = user;
  memcpy(s->out + s->n, samples, n * sizeof *samples);
  s->n += n;
  return RS_OK;
}

static void mask_stream(const masker *m, bool hard, size_t piece, size_t n, const float *x,
                        float *y) {
  sink s = {.out = y};
  rs_denoiser *d;
  assert_ok(rs_denoiser_create(m->settings, &m->bundle, hard, on_write, &s, &d));
  for (size_t at = 0; at < n; at += piece) {
    size_t pushed = n - at < piece ? n : at + piece;
    assert_ok(rs_denoiser_push(d, x + at, pushed - at));
    assert_true(s.n <= pushed && pushed - s.n <= 64 + RS_DENOISER_BLOCK * 32);
  }
  assert_ok(rs_denoiser_end(d));
  assert_int_equal(s.n, n);
  rs_denoiser_destroy(d);
}

static float *noise(size_t n) {
  float *x;
  assert_ok(rs_new(&x, n, sizeof *x));
  rs_stream s = rs_stream_make(1, "test", "signal", n);
  for (size_t i = 0; i < n; i++) x[i] = 0.3f * (float)rs_stream_normal(&s, i);
  return x;
}

/* ---- tests -------------------------------------------------------------------------------- */

static void compare(const masker *m, bool hard, size_t n) {
  const size_t pieces[] = {1, 77, 2048, SIZE_MAX};
  float *x = noise(n), *want = noise(n), *first = noise(n), *got = noise(n);
  mask_whole(m, hard, n, x, want);
  mask_stream(m, hard, SIZE_MAX / 2, n, x, first);
  for (size_t i = 0; i < n; i++) assert_float_equal(first[i], want[i], 1e-5f);
  for (size_t p = 0; p + 1 < RS_COUNT(pieces); p++) {
    mask_stream(m, hard, pieces[p], n, x, got);
    assert_memory_equal(first, got, n * sizeof *got);
  }
  free(x);
  free(want);
  free(first);
  free(got);
}

/* 64 frames of 32 samples are a block. */
static const size_t lengths[] = {1, 2, 31, 63, 64, 65, 2015, 2016, 2048, 2080, 2081, 9001};

static void compare_lengths(const char *settings, bool hard) {
  masker m;
  make_masker(settings, &m);
  for (size_t i = 0; i < RS_COUNT(lengths); i++) compare(&m, hard, lengths[i]);
  free_masker(&m);
}

static void a_stream_is_masked_as_the_whole(void **state) {
  (void)state;
  compare_lengths("}, model: {gru: [24, 19]}}", false);
}

static void a_hard_mask_keeps_or_drops(void **state) {
  (void)state;
  compare_lengths("}, model: {gru: [24, 19]}}", true);
}

static void features_are_normalised(void **state) {
  (void)state;
  compare_lengths(", features: log, normalize: true}, model: {gru: [13]}}", false);
}

static void factored_layers_work(void **state) {
  (void)state;
  compare_lengths("}, model: {gru: [24, 19], dropout: 0}, svd: {rank: 7}}", false);
}

static void threads_change_no_bit(void **state) {
  (void)state;
  enum { N = 700 };
  masker m;
  float *x = noise(N), *one = noise(N), *two = noise(N);
  make_masker("}, model: {gru: [200]}}", &m);
  rs_num_set_threads(1);
  mask_stream(&m, false, N, N, x, one);
  rs_num_set_threads(2);
  mask_stream(&m, false, N, N, x, two);
  rs_num_set_threads(1);
  assert_memory_equal(one, two, N * sizeof *one);
  free_masker(&m);
  free(x);
  free(one);
  free(two);
}

static void wrong_models_are_refused(void **state) {
  (void)state;
  masker m, other, deep;
  sink s = {0};
  rs_denoiser *d;
  make_masker("}, model: {gru: [24]}}", &m);
  make_masker(", normalize: true}, model: {gru: [24]}}", &other);
  make_masker("}, model: {gru: [24]}, svd: {rank: 20}}", &deep);
  assert_fails(RS_ERR_DATA, "features/mean",
               rs_denoiser_create(other.settings, &m.bundle, false, on_write, &s, &d));
  assert_null(d);
  assert_fails(RS_ERR_DATA, "gru1/u",
               rs_denoiser_create(deep.settings, &m.bundle, false, on_write, &s, &d));
  m.bundle.tensors[0].data[5] = NAN;
  assert_ok(rs_denoiser_create(m.settings, &m.bundle, false, on_write, &s, &d));
  float x[64] = {1};
  assert_ok(rs_denoiser_push(d, x, 64));
  assert_fails(RS_ERR_NUMERIC, "gru1", rs_denoiser_end(d));
  rs_denoiser_destroy(d);
  free_masker(&m);
  free_masker(&other);
  free_masker(&deep);
}

static void silence_and_nothing(void **state) {
  (void)state;
  masker m;
  float x[1000] = {0}, y[1000];
  sink s = {.out = y};
  rs_denoiser *d;
  make_masker("}, model: {gru: [24]}}", &m);
  mask_stream(&m, false, 10, 1000, x, y);
  for (size_t i = 0; i < 1000; i++) assert_true(y[i] == 0);
  assert_ok(rs_denoiser_create(m.settings, &m.bundle, false, on_write, &s, &d));
  assert_fails(RS_ERR_DATA, "at least one sample", rs_denoiser_end(d));
  rs_denoiser_destroy(d);
  rs_denoiser_destroy(NULL);
  free_masker(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_stream_is_masked_as_the_whole),
      cmocka_unit_test(a_hard_mask_keeps_or_drops),
      cmocka_unit_test(features_are_normalised),
      cmocka_unit_test(factored_layers_work),
      cmocka_unit_test(threads_change_no_bit),
      cmocka_unit_test(wrong_models_are_refused),
      cmocka_unit_test(silence_and_nothing),
  };
  rs_num_set_threads(1); /* a machine that is in use makes many threads wait for each other */
  return cmocka_run_group_tests(tests, NULL, NULL);
}
