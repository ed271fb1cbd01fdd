/* dsp: transform against a slow one and back, streams, mixing, masks, measures. */
#include "test.h"

#include <complex.h>
#include <math.h>
#include <omp.h>

#include "ranksweep/dsp.h"

/* Noise and a tone, of full scale. */
static float *make_signal(size_t n, uint64_t index) {
  float *x = malloc((n + 1) * sizeof *x);
  rs_stream s = rs_stream_make(1, "test", "signal", index);
  for (size_t i = 0; i < n; i++)
    x[i] = 0.7f * (2 * rs_stream_uniform(&s, i) - 1) + 0.3f * sinf(0.05f * (float)i);
  return x;
}

static rs_stft *make_stft(size_t window, size_t hop) {
  rs_stft *stft;
  rs_stft_spec spec = {window, hop};
  assert_ok(rs_stft_create(&spec, &stft));
  return stft;
}

static rs_cfloat *make_spectrum(const rs_stft *stft, size_t n) {
  return calloc(rs_stft_frames(stft, n) * rs_stft_bins(stft), sizeof(rs_cfloat));
}

/* ---- transform --------------------------------------------------------------------------- */

static void windows_and_hops_out_of_range_are_refused(void **state) {
  (void)state;
  rs_stft *stft = (rs_stft *)1;
  const rs_stft_spec bad[] = {{0, 1}, {2, 1}, {1023, 512}, {131072, 512}, {1024, 0}, {1024, 513}};
  for (size_t i = 0; i < RS_COUNT(bad); i++) {
    assert_fails(RS_ERR_USAGE, "STFT", rs_stft_create(&bad[i], &stft));
    assert_null(stft);
  }
  stft = make_stft(1024, 512);
  assert_int_equal(rs_stft_bins(stft), 513);
  assert_int_equal(rs_stft_frames(stft, 16000), 33);
  assert_int_equal(rs_stft_frames(stft, 1024), 3);
  rs_stft_destroy(stft);
}

/* Sample I of x reflected at both ends, one step at a time. */
static float reflected(const float *x, ptrdiff_t n, ptrdiff_t i) {
  while (n > 1 && (i < 0 || i >= n)) i = i < 0 ? -i : 2 * (n - 1) - i;
  return x[n > 1 ? i : 0];
}

static double complex slow_bin(const float *x, size_t n, size_t window, ptrdiff_t first,
                               size_t bin) {
  double complex sum = 0;
  for (size_t i = 0; i < window; i++) {
    double shape = 0.5 - 0.5 * cos(2 * M_PI * (double)i / (double)window);
    sum += shape * (double)reflected(x, (ptrdiff_t)n, first + (ptrdiff_t)i) *
           cexp(-2 * I * M_PI * (double)(bin * i % window) / (double)window);
  }
  return sum;
}

static void agrees_with_a_slow_transform(void **state) {
  (void)state;
  const size_t lengths[] = {1, 2, 3, 17, 63, 64, 65, 200, 331}, window = 64;
  for (size_t hop = 32; hop >= 20; hop -= 12) {
    rs_stft *stft = make_stft(window, hop);
    for (size_t l = 0; l < RS_COUNT(lengths); l++) {
      size_t n = lengths[l], frames = rs_stft_frames(stft, n), bins = rs_stft_bins(stft);
      float *x = make_signal(n, l);
      rs_cfloat *spectrum = make_spectrum(stft, n);
      assert_ok(rs_stft_forward(stft, n, x, spectrum));
      for (size_t k = 0; k < frames; k++)
        for (size_t b = 0; b < bins; b++) {
          ptrdiff_t first = (ptrdiff_t)(k * hop) - (ptrdiff_t)window / 2;
          double complex want = slow_bin(x, n, window, first, b);
          assert_true(cabs(want - (double complex)spectrum[k * bins + b]) < 2e-5);
        }
      free(spectrum);
      free(x);
    }
    rs_stft_destroy(stft);
  }
}

static void any_length_comes_back_to_a_millionth(void **state) {
  (void)state;
  const size_t lengths[] = {1, 2, 100, 511, 512, 513, 1023, 1024, 1025, 16000, 16001, 40959};
  const size_t hops[] = {512, 256, 300};
  for (size_t h = 0; h < RS_COUNT(hops); h++) {
    rs_stft *stft = make_stft(1024, hops[h]);
    for (size_t l = 0; l < RS_COUNT(lengths); l++) {
      size_t n = lengths[l];
      float *x = make_signal(n, l), *y = malloc(n * sizeof *y);
      rs_cfloat *spectrum = make_spectrum(stft, n);
      assert_ok(rs_stft_forward(stft, n, x, spectrum));
      assert_ok(rs_stft_inverse(stft, n, spectrum, y));
      for (size_t i = 0; i < n; i++) assert_true(fabsf(x[i] - y[i]) < 1e-6f);
      free(spectrum);
      free(x);
      free(y);
    }
    rs_stft_destroy(stft);
  }
}

static void no_samples_are_an_error(void **state) {
  (void)state;
  rs_stft *stft = make_stft(1024, 512);
  rs_cfloat bins[1];
  float x[1];
  assert_fails(RS_ERR_DATA, "at least one sample", rs_stft_forward(stft, 0, x, bins));
  assert_fails(RS_ERR_DATA, "at least one sample", rs_stft_inverse(stft, 0, bins, x));
  rs_stft_destroy(stft);
}

static void threads_change_no_bit(void **state) {
  (void)state;
  const size_t n = 50000;
  rs_stft *stft = make_stft(1024, 512);
  const size_t size = rs_stft_frames(stft, n) * rs_stft_bins(stft) * sizeof(rs_cfloat);
  float *x = make_signal(n, 0), *y[2] = {malloc(n * 4), malloc(n * 4)};
  rs_cfloat *s[2] = {make_spectrum(stft, n), make_spectrum(stft, n)};
  const int before = omp_get_max_threads();
  for (int k = 0; k < 2; k++) {
    omp_set_num_threads(k == 0 ? 1 : 3);
    assert_ok(rs_stft_forward(stft, n, x, s[k]));
    assert_ok(rs_stft_inverse(stft, n, s[k], y[k]));
  }
  omp_set_num_threads(before);
  assert_memory_equal(s[0], s[1], size);
  assert_memory_equal(y[0], y[1], n * sizeof *x);
  for (int k = 0; k < 2; k++) {
    free(s[k]);
    free(y[k]);
  }
  free(x);
  rs_stft_destroy(stft);
}

/* ---- streams ----------------------------------------------------------------------------- */

typedef struct sink {
  const rs_stft *stft;
  float *out;
  size_t n, frames, most; /* most: samples at once */
  size_t block, blocks;
} sink;

/* Some change that depends on the frame and the bin. */
static void change(size_t frame, size_t bins, rs_cfloat *x) {
  for (size_t b = 0; b < bins; b++) x[b] *= (float)((frame + b) % 7) / 6.0f;
}

static rs_status on_frames(void *user, size_t first, size_t count, rs_cfloat *bins) {
  sink *s = user;
  if (first != s->frames || first != s->blocks * s->block || count > s->block)
    return rs_fail(RS_ERR_INTERNAL, "frames out of order");
  for (size_t i = 0; i < count; i++)
    change(first + i, rs_stft_bins(s->stft), bins + i * rs_stft_bins(s->stft));
  s->frames += count;
  s->blocks++;
  return RS_OK;
}

static rs_status on_write(void *user, const float *samples, size_t n) {
  sink *s = user;
  memcpy(s->out + s->n, samples, n * sizeof *samples);
  s->n += n;
  if (n > s->most) s->most = n;
  return RS_OK;
}

static const rs_stft_stream_ops ops = {on_frames, on_write};

static void whole_signal(const rs_stft *stft, size_t n, const float *x, float *y) {
  rs_cfloat *spectrum = make_spectrum(stft, n);
  assert_ok(rs_stft_forward(stft, n, x, spectrum));
  for (size_t k = 0; k < rs_stft_frames(stft, n); k++)
    change(k, rs_stft_bins(stft), spectrum + k * rs_stft_bins(stft));
  assert_ok(rs_stft_inverse(stft, n, spectrum, y));
  free(spectrum);
}

static void compare_stream(const rs_stft *stft, size_t hop, size_t block, size_t n, size_t piece) {
  float *x = make_signal(n, n), *want = malloc(n * 4), *got = malloc(n * 4);
  sink s = {.stft = stft, .out = got, .block = block};
  rs_stft_stream *stream;
  whole_signal(stft, n, x, want);
  assert_ok(rs_stft_stream_create(stft, s.block, &ops, &s, &stream));
  for (size_t at = 0; at < n; at += piece) {
    assert_ok(rs_stft_stream_push(stream, x + at, n - at < piece ? n - at : piece));
    size_t pushed = n - at < piece ? n : at + piece;
    assert_true(s.n <= pushed && pushed - s.n <= 1024 + block * hop);
  }
  assert_ok(rs_stft_stream_end(stream));
  rs_stft_stream_destroy(stream);
  assert_int_equal(s.n, n);
  assert_int_equal(s.frames, rs_stft_frames(stft, n));
  assert_true(s.most <= 1024);
  assert_memory_equal(want, got, n * sizeof *x);
  free(x);
  free(want);
  free(got);
}

static void a_stream_gives_the_bits_of_the_whole(void **state) {
  (void)state;
  const size_t lengths[] = {1, 2, 511, 512, 513, 600, 1024, 1025, 1500, 2049, 9999};
  const size_t pieces[] = {1, 160, 513, 4096, 100000}, hops[] = {512, 256, 300};
  const size_t blocks[] = {1, 3, 32};
  for (size_t h = 0; h < RS_COUNT(hops); h++) {
    rs_stft *stft = make_stft(1024, hops[h]);
    for (size_t l = 0; l < RS_COUNT(lengths); l++)
      for (size_t p = 0; p < RS_COUNT(pieces); p++)
        compare_stream(stft, hops[h], blocks[(l + p) % RS_COUNT(blocks)], lengths[l], pieces[p]);
    rs_stft_destroy(stft);
  }
}

static rs_status failing_write(void *user, const float *samples, size_t n) {
  (void)user;
  (void)samples;
  (void)n;
  return rs_fail(RS_ERR_IO, "disk full");
}

static void a_stream_hands_failures_on(void **state) {
  (void)state;
  rs_stft *stft = make_stft(1024, 512);
  sink s = {.stft = stft, .block = 1};
  const rs_stft_stream_ops failing = {on_frames, failing_write};
  float *x = make_signal(4096, 0);
  rs_stft_stream *stream;
  assert_ok(rs_stft_stream_create(stft, s.block, &failing, &s, &stream));
  assert_fails(RS_ERR_IO, "disk full", rs_stft_stream_push(stream, x, 4096));
  rs_stft_stream_destroy(stream);
  assert_ok(rs_stft_stream_create(stft, s.block, &ops, &s, &stream));
  assert_fails(RS_ERR_DATA, "at least one sample", rs_stft_stream_end(stream));
  rs_stft_stream_destroy(stream);
  rs_stft_stream_destroy(NULL);
  rs_stft_destroy(stft);
  free(x);
}

/* ---- features, masks, mixing ------------------------------------------------------------- */

static void masks_and_features_follow_their_definitions(void **state) {
  (void)state;
  const rs_cfloat speech[] = {3 + 4 * I, 1, 0, -2 * I}, noise[] = {4.9f, -1, 0, 1 + 2 * I};
  rs_cfloat x[] = {1 + I, 2, 3, 4};
  float mask[4], magnitude[4], logs[4];
  rs_mask_ideal(4, speech, noise, 1.0f, mask);
  assert_true(mask[0] == 1 && mask[1] == 0 && mask[2] == 0 && mask[3] == 0);
  rs_mask_apply(4, (const float[]){0.5f, 1, 0, 0.25f}, x);
  assert_true(x[0] == 0.5f + 0.5f * I && x[1] == 2 && x[2] == 0 && x[3] == 1);
  rs_spectrum_magnitude(4, speech, magnitude);
  rs_spectrum_log_magnitude(4, speech, logs);
  assert_true(fabsf(magnitude[0] - 5) < 1e-6f && fabsf(logs[0] - logf(501)) < 1e-6f);
  assert_true(magnitude[2] == 0 && logs[2] == 0);
}

/* Two bins of unit power in 4 bands of 0 to 4,000 Hz, against the triangles written out. */
static void mel_bands_are_triangles(void **state) {
  (void)state;
  enum { BINS = 65, BANDS = 4 };
  rs_mel *mel;
  rs_cfloat x[BINS] = {0};
  float got[BANDS], cepstra[BANDS];
  double peak[BANDS + 2], top = 2595 * log10(1 + 4000.0 / 700);
  for (int b = 0; b < BANDS + 2; b++) peak[b] = top * b / (BANDS + 1);
  assert_ok(rs_mel_create(8000, BINS, BANDS, BANDS, &mel));
  for (int k = 1; k < BINS; k++) {
    x[k] = 3 + 4 * I;
    rs_mel_log_energies(mel, x, got);
    double at = 2595 * log10(1 + 4000.0 * k / (BINS - 1) / 700);
    for (int b = 0; b < BANDS; b++) {
      double up = (at - peak[b]) / (peak[b + 1] - peak[b]);
      double down = (peak[b + 2] - at) / (peak[b + 2] - peak[b + 1]);
      double weight = fmax(0, fmin(up, down));
      assert_true(fabs(got[b] - log(1e-4 + 25 * weight)) < 1e-2 || 25 * weight < 1e-3);
    }
    x[k] = 0;
  }
  const float ones[BANDS] = {1, 1, 1, 1}, ramp[BANDS] = {1, 2, 3, 4};
  double energy = 0;
  rs_mel_cepstra(mel, ones, cepstra);
  assert_true(fabsf(cepstra[0] - 2) < 1e-6f && fabsf(cepstra[1]) < 1e-6f);
  rs_mel_cepstra(mel, ramp, cepstra);
  for (int c = 0; c < BANDS; c++) energy += (double)cepstra[c] * cepstra[c];
  assert_true(fabs(energy - 30) < 1e-4);
  rs_mel_destroy(mel);
  assert_fails(RS_ERR_USAGE, "fewer bands", rs_mel_create(8000, 65, 65, 0, &mel));
  assert_fails(RS_ERR_USAGE, "cepstra", rs_mel_create(8000, 65, 20, 21, &mel));
  rs_mel_destroy(NULL);
}

static void mixing_meets_the_wanted_ratio(void **state) {
  (void)state;
  const size_t n = 8000;
  for (double db = -20; db <= 40; db += 10) {
    float *clean = make_signal(n, 1), *noise = make_signal(n, 2), *noisy = malloc(n * 4);
    for (size_t i = 0; i < n; i++) noise[i] *= 0.01f;
    assert_ok(rs_mix_at_snr(n, db, clean, noise, noisy));
    double of_clean = 0, of_noise = 0;
    for (size_t i = 0; i < n; i++) {
      of_clean += (double)clean[i] * clean[i];
      of_noise += (double)noise[i] * noise[i];
      assert_true(noisy[i] == clean[i] + noise[i]);
    }
    assert_true(fabs(10 * log10(of_clean / of_noise) - db) < 1e-5);
    assert_true(fabs(rs_measure_snr(n, clean, noisy) - db) < 1e-3);
    free(clean);
    free(noise);
    free(noisy);
  }
}

static void silence_cannot_be_mixed(void **state) {
  (void)state;
  float tone[2] = {1, -1}, zero[2] = {0}, broken[2] = {NAN, 1}, noisy[2];
  assert_fails(RS_ERR_DATA, "noise with a finite energy", rs_mix_at_snr(2, 0, tone, zero, noisy));
  assert_fails(RS_ERR_DATA, "speech with a finite energy", rs_mix_at_snr(2, 0, zero, tone, noisy));
  assert_fails(RS_ERR_DATA, "noise with a finite energy", rs_mix_at_snr(2, 0, tone, broken, noisy));
  assert_fails(RS_ERR_DATA, "a gain", rs_mix_at_snr(2, 1e4, tone, tone, noisy));
  assert_fails(RS_ERR_DATA, "a gain", rs_mix_at_snr(2, NAN, tone, tone, noisy));
  assert_true(tone[0] == 1 && tone[1] == -1);
}

/* ---- measures ---------------------------------------------------------------------------- */

static void ratios_have_known_values(void **state) {
  (void)state;
  const float reference[] = {1, 0, -1, 0}, estimate[] = {1, 0.1f, -1, 0.1f};
  const float loud[] = {5, 0.5f, -5, 0.5f}, beside[] = {0, 1, 0, 1}, zero[4] = {0};
  assert_true(fabs(rs_measure_snr(4, reference, estimate) - 20) < 1e-5);
  assert_true(fabs(rs_measure_si_sdr(4, reference, estimate) - 20) < 1e-5);
  assert_true(fabs(rs_measure_si_sdr(4, reference, loud) - 20) < 1e-5);
  assert_true(rs_measure_snr(4, reference, reference) == INFINITY);
  assert_true(rs_measure_si_sdr(4, reference, beside) == -INFINITY);
  assert_true(isnan(rs_measure_snr(4, zero, estimate)));
  assert_true(isnan(rs_measure_si_sdr(4, zero, estimate)));
}

static void segments_are_limited_and_averaged(void **state) {
  (void)state;
  const float reference[] = {1, 1, 1, 1, 0, 0, 1, 1, 1};
  const float estimate[] = {1, 1, 0.9f, 0.9f, 5, 5, 100, 100, 1};
  /* Frames of 35 (limited), 20, none (silent), -10 (limited); the ninth sample is left over. */
  assert_true(fabs(rs_measure_segmental_snr(9, 2, reference, estimate) - 15) < 1e-4);
  assert_true(fabs(rs_measure_segmental_snr(2, 320, reference + 2, estimate + 2) - 20) < 1e-4);
  assert_true(isnan(rs_measure_segmental_snr(2, 2, reference + 4, estimate + 4)));
  assert_true(isnan(rs_measure_segmental_snr(0, 2, reference, estimate)));
}

static void intelligibility_falls_with_noise(void **state) {
  (void)state;
  const size_t n = 20000;
  float *clean = make_signal(n, 1), *noise = make_signal(n, 2), *noisy = malloc(n * 4);
  double last = 0.999, now;
  for (size_t i = 0; i < n; i++) clean[i] *= 1 + 0.9f * sinf(0.003f * (float)i);
  assert_ok(rs_measure_stoi(n, clean, clean, &now));
  assert_true(now > 0.9999 && now < 1.0001);
  for (double db = 20; db >= -20; db -= 10) {
    assert_ok(rs_mix_at_snr(n, db, clean, noise, noisy));
    assert_ok(rs_measure_stoi(n, clean, noisy, &now));
    assert_true(now < last);
    last = now;
  }
  assert_fails(RS_ERR_DATA, "at least 30 frames", rs_measure_stoi(3000, clean, noisy, &now));
  assert_fails(RS_ERR_DATA, "at least 30 frames", rs_measure_stoi(10, clean, noisy, &now));
  memset(clean, 0, n * sizeof *clean);
  assert_fails(RS_ERR_DATA, "found 0", rs_measure_stoi(n, clean, noisy, &now));
  assert_true(isnan(now));
  free(clean);
  free(noise);
  free(noisy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(windows_and_hops_out_of_range_are_refused),
      cmocka_unit_test(agrees_with_a_slow_transform),
      cmocka_unit_test(any_length_comes_back_to_a_millionth),
      cmocka_unit_test(no_samples_are_an_error),
      cmocka_unit_test(threads_change_no_bit),
      cmocka_unit_test(a_stream_gives_the_bits_of_the_whole),
      cmocka_unit_test(a_stream_hands_failures_on),
      cmocka_unit_test(masks_and_features_follow_their_definitions),
      cmocka_unit_test(mel_bands_are_triangles),
      cmocka_unit_test(mixing_meets_the_wanted_ratio),
      cmocka_unit_test(silence_cannot_be_mixed),
      cmocka_unit_test(ratios_have_known_values),
      cmocka_unit_test(segments_are_limited_and_averaged),
      cmocka_unit_test(intelligibility_falls_with_noise),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
