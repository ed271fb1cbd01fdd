/* Audio files: reading good and bad ones, resampling, writing. */
#include "test.h"

#include <math.h>
#include <sndfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ranksweep/data.h"

/* libsndfile 1.2 forgets to release the Vorbis state of an Ogg file whose first pages are damaged.
 */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
  return "leak:libvorbis";
}

static char folder[64];
static const rs_audio_spec as_it_is = {.keep_channels = true};
static const rs_audio_spec mono = {0};

static const char *in_folder(const char *name) {
  static char path[256];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static int make_folder(void **state) {
  (void)state;
  strcpy(folder, "/tmp/rs-audio-XXXXXX");
  return mkdtemp(folder) != NULL ? 0 : -1;
}

static int drop_folder(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

/* Tones of HZ * (1 + channel), half of full scale. */
static float *make_tones(size_t frames, unsigned channels, unsigned rate, float hz) {
  float *x = malloc(frames * channels * sizeof *x + 1);
  for (size_t i = 0; i < frames; i++)
    for (unsigned c = 0; c < channels; c++)
      x[i * channels + c] =
          0.5f * (float)sin(2 * M_PI * (double)hz * (c + 1) * (double)i / (double)rate);
  return x;
}

static void write_any(const char *name, int format, unsigned channels, unsigned rate, size_t frames,
                      const float *x) {
  SF_INFO info = {.samplerate = (int)rate, .channels = (int)channels, .format = format};
  SNDFILE *file = sf_open(in_folder(name), SFM_WRITE, &info);
  assert_non_null(file);
  assert_int_equal(sf_writef_float(file, x, (sf_count_t)frames), (sf_count_t)frames);
  sf_close(file);
}

static void write_bytes(const char *name, const void *bytes, size_t n) {
  assert_ok(rs_file_replace(in_folder(name), bytes, n));
}

static void expect_bad(const char *name, const char *text) {
  rs_audio audio;
  char *bytes;
  size_t n;
  assert_fails(RS_ERR_DATA, text, rs_audio_read(in_folder(name), &mono, &audio));
  assert_non_null(strstr(rs_error_message(), name));
  assert_null(audio.samples);
  if (rs_file_read(in_folder(name), 1 << 20, &bytes, &n) != RS_OK) return;
  assert_fails(RS_ERR_DATA, text, rs_audio_parse(name, bytes, n, &mono, &audio));
  free(bytes);
}

/* ---- good files -------------------------------------------------------------------------- */

static const struct {
  const char *name;
  int format;
  float tolerance;
} kinds[] = {
    {"a16.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 4e-5f},
    {"a8.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 1e-2f},
    {"a24.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 3e-7f},
    {"afloat.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 0},
    {"adouble.wav", SF_FORMAT_WAV | SF_FORMAT_DOUBLE, 0},
    {"abig.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16 | SF_ENDIAN_BIG, 4e-5f},
    {"ax.wav", SF_FORMAT_WAVEX | SF_FORMAT_PCM_16, 4e-5f},
    {"a64.wav", SF_FORMAT_RF64 | SF_FORMAT_PCM_16, 4e-5f},
    {"a16.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 4e-5f},
    {"a24.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 3e-7f},
    {"a.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 0.2f},
};

static void every_kind_is_read_from_file_and_memory(void **state) {
  (void)state;
  const size_t n = 10000;
  float *x = make_tones(n, 2, 44100, 440);
  for (size_t k = 0; k < RS_COUNT(kinds); k++) {
    rs_audio read, parsed;
    char *bytes;
    size_t length;
    write_any(kinds[k].name, kinds[k].format, 2, 44100, n, x);
    assert_ok(rs_audio_read(in_folder(kinds[k].name), &as_it_is, &read));
    assert_int_equal(read.frames, n);
    assert_int_equal(read.channels, 2);
    assert_int_equal(read.rate, 44100);
    for (size_t i = 0; i < 2 * n; i++)
      assert_true(fabsf(read.samples[i] - x[i]) <= kinds[k].tolerance);
    assert_ok(rs_file_read(in_folder(kinds[k].name), 1 << 20, &bytes, &length));
    assert_ok(rs_audio_parse("memory", bytes, length, &as_it_is, &parsed));
    assert_int_equal(parsed.frames, n);
    assert_memory_equal(parsed.samples, read.samples, 2 * n * sizeof *x);
    free(bytes);
    rs_audio_free(&read);
    rs_audio_free(&parsed);
  }
  free(x);
}

static void channels_are_averaged(void **state) {
  (void)state;
  const size_t n = 5000;
  float *x = make_tones(n, 3, 16000, 300);
  rs_audio audio;
  write_any("three.wav", SF_FORMAT_WAVEX | SF_FORMAT_FLOAT, 3, 16000, n, x);
  assert_ok(rs_audio_read(in_folder("three.wav"), &mono, &audio));
  assert_int_equal(audio.channels, 1);
  assert_int_equal(audio.frames, n);
  for (size_t i = 0; i < n; i++)
    assert_true(fabsf(audio.samples[i] - (x[3 * i] + x[3 * i + 1] + x[3 * i + 2]) / 3) < 1e-6f);
  rs_audio_free(&audio);
  free(x);
}

static void other_rates_are_resampled(void **state) {
  (void)state;
  const unsigned rates[] = {8000, 11025, 22050, 44100, 48000, 96000};
  for (size_t k = 0; k < RS_COUNT(rates); k++) {
    const size_t n = rates[k] / 2 + 7;
    float *x = make_tones(n, 1, rates[k], 500);
    rs_audio audio;
    write_any("rate.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 1, rates[k], n, x);
    assert_ok(rs_audio_read(in_folder("rate.wav"), &(rs_audio_spec){.rate = 16000}, &audio));
    assert_int_equal(audio.rate, 16000);
    assert_int_equal(audio.frames, (n * 16000 + rates[k] - 1) / rates[k]);
    for (size_t i = 1000; i + 1000 < audio.frames; i++)
      assert_true(fabs(audio.samples[i] - 0.5 * sin(2 * M_PI * 500 * (double)i / 16000)) < 1e-4);
    rs_audio_free(&audio);
    free(x);
  }
  rs_audio audio;
  assert_fails(RS_ERR_USAGE, "sample rate: expected 2000 to 384000 Hz, found 1",
               rs_audio_read(in_folder("rate.wav"), &(rs_audio_spec){.rate = 1}, &audio));
}

static void pieces_and_the_whole_are_the_same(void **state) {
  (void)state;
  const size_t pieces[] = {1, 100, 4096, 5000};
  float *x = make_tones(30011, 2, 44100, 700), *got = malloc(sizeof *got * 2 * 40000);
  const rs_audio_spec specs[] = {
      {0}, {.keep_channels = true}, {.rate = 16000}, {.rate = 48000, .keep_channels = true}};
  write_any("long.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 2, 44100, 30011, x);
  for (size_t s = 0; s < RS_COUNT(specs); s++)
    for (size_t p = 0; p < RS_COUNT(pieces); p++) {
      rs_audio whole;
      rs_audio_reader *r;
      size_t n = 0, step = pieces[p];
      assert_ok(rs_audio_read(in_folder("long.flac"), &specs[s], &whole));
      assert_ok(rs_audio_reader_open(in_folder("long.flac"), &specs[s], &r));
      assert_int_equal(rs_audio_reader_rate(r), whole.rate);
      assert_int_equal(rs_audio_reader_file_rate(r), 44100);
      assert_int_equal(rs_audio_reader_channels(r), whole.channels);
      while (step == pieces[p]) {
        assert_ok(rs_audio_reader_next(r, pieces[p], got + n * whole.channels, &step));
        n += step;
      }
      rs_audio_reader_close(r);
      assert_int_equal(n, whole.frames);
      assert_memory_equal(got, whole.samples, n * whole.channels * sizeof *got);
      rs_audio_free(&whole);
    }
  free(got);
  free(x);
}

static void resampling_there_and_back_keeps_the_length(void **state) {
  (void)state;
  const unsigned rates[] = {8000, 16000, 44100, 48000};
  for (size_t k = 0; k < RS_COUNT(rates); k++)
    for (size_t n = 1; n < 3000; n = n * 3 + 1) {
      rs_audio in = {n, 2, 22050, make_tones(n, 2, 22050, 200)}, there, back;
      assert_ok(rs_audio_resample(&in, rates[k], &there));
      assert_int_equal(there.frames, (n * rates[k] + 22049) / 22050);
      assert_ok(rs_audio_resample(&there, 22050, &back));
      assert_true(back.frames >= n);
      rs_audio_free(&in);
      rs_audio_free(&there);
      rs_audio_free(&back);
    }
  rs_audio in = {1, 1, 16000, (float[]){1}}, out;
  assert_fails(RS_ERR_USAGE, "sample rate", rs_audio_resample(&in, 100, &out));
  assert_fails(RS_ERR_USAGE, "sample rate", rs_audio_resample(&in, 1000000, &out));
}

/* ---- bad files --------------------------------------------------------------------------- */

static void what_is_no_audio_is_refused(void **state) {
  (void)state;
  uint8_t noise[1000];
  for (size_t i = 0; i < sizeof noise; i++) noise[i] = (uint8_t)(i * 7);
  expect_bad("missing.wav", "cannot open");
  assert_int_equal(mkdir(in_folder("directory.wav"), 0777), 0);
  expect_bad("directory.wav", "found a directory");
  assert_int_equal(mkfifo(in_folder("pipe.wav"), 0666), 0);
  rs_audio audio;
  assert_fails(RS_ERR_DATA, "regular file", rs_audio_read(in_folder("pipe.wav"), &mono, &audio));
  write_bytes("empty.wav", "", 0);
  expect_bad("empty.wav", "found an empty file");
  write_bytes("noise.wav", noise, sizeof noise);
  expect_bad("noise.wav", "expected a WAV, FLAC or Ogg file, found 00 07 0e 15");
  write_bytes("text.flac", "hello", 5);
  expect_bad("text.flac", "expected a WAV, FLAC or Ogg file");
  const char *const magic[] = {"RIFF\xff\xff\xff\xffWAVE", "fLaC", "OggS"};
  for (size_t k = 0; k < RS_COUNT(magic); k++) {
    memcpy(noise, magic[k], k == 0 ? 12 : 4);
    write_bytes("magic.wav", noise, sizeof noise);
    expect_bad("magic.wav", "expected");
  }
  write_any("other.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 1, 16000, 2, (float[]){0, 1});
  expect_bad("other.aiff", "expected a WAV, FLAC or Ogg file");
}

/* All cuts of a file, coarse inside. */
static void expect_cuts_bad(const char *name, size_t frames) {
  char *bytes;
  size_t n;
  assert_ok(rs_file_read(in_folder(name), 1 << 20, &bytes, &n));
  for (size_t cut = 0; cut < n; cut += cut < 100 || cut + 100 > n ? 1 : 97) {
    rs_audio audio;
    rs_status status = rs_audio_parse(name, bytes, cut, &mono, &audio);
    assert_int_equal(status, RS_ERR_DATA);
    assert_non_null(strstr(rs_error_message(), name));
    status = rs_audio_parse(name, bytes, cut, &(rs_audio_spec){.allow_truncated = true}, &audio);
    assert_true(status == RS_ERR_DATA || (audio.frames > 0 && audio.frames <= frames));
    rs_audio_free(&audio);
  }
  free(bytes);
}

static void truncation_is_an_error_or_a_warning(void **state) {
  (void)state;
  const size_t n = 6000;
  float *x = make_tones(n, 1, 16000, 300);
  write_any("cut.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1, 16000, n, x);
  write_any("cut64.wav", SF_FORMAT_RF64 | SF_FORMAT_PCM_16, 1, 16000, n, x);
  write_any("cut.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 1, 16000, n, x);
  write_any("cut.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 1, 16000, n, x);
  expect_cuts_bad("cut.wav", n);
  expect_cuts_bad("cut64.wav", n);
  expect_cuts_bad("cut.flac", n);
  expect_cuts_bad("cut.ogg", n);
  free(x);
}

static void count_warnings(void *user, rs_log_level level, const char *line) {
  assert_int_equal(level, RS_LOG_WARN);
  assert_non_null(strstr(line, "short.wav: byte 44: expected 2000 bytes of samples, found 1900"));
  ++*(int *)user;
}

static void a_truncated_file_can_be_allowed(void **state) {
  (void)state;
  int warnings = 0;
  const rs_log log = {count_warnings, &warnings, RS_LOG_DEBUG};
  float *x = make_tones(1000, 1, 16000, 300);
  rs_audio audio;
  write_any("short.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1, 16000, 1000, x);
  assert_int_equal(truncate(in_folder("short.wav"), 44 + 1900), 0);
  expect_bad("short.wav", "expected 2000 bytes of samples, found 1900");
  const rs_audio_spec spec = {.allow_truncated = true, .log = &log};
  assert_ok(rs_audio_read(in_folder("short.wav"), &spec, &audio));
  assert_int_equal(audio.frames, 950);
  assert_int_equal(warnings, 1);
  rs_audio_free(&audio);
  free(x);
}

/* A WAV header of 44 bytes for float samples, and the samples. */
static size_t make_wav(uint8_t *out, uint32_t rate, uint16_t channels, uint32_t claim,
                       const float *x, size_t n) {
  uint32_t size = claim + 36, width = 4u * channels, per_second = rate * width, sixteen = 16;
  uint16_t kind = 3, align = (uint16_t)width, bits = 32;
  memcpy(out, "RIFF    WAVEfmt                             data", 48);
  memcpy(out + 4, &size, 4);
  memcpy(out + 16, &sixteen, 4);
  memcpy(out + 20, &kind, 2);
  memcpy(out + 22, &channels, 2);
  memcpy(out + 24, &rate, 4);
  memcpy(out + 28, &per_second, 4);
  memcpy(out + 32, &align, 2);
  memcpy(out + 34, &bits, 2);
  memcpy(out + 36, "data", 4);
  memcpy(out + 40, &claim, 4);
  memcpy(out + 44, x, n * sizeof *x);
  return 44 + n * sizeof *x;
}

static void expect_bad_wav(uint32_t rate, uint16_t channels, uint32_t claim, const float *x,
                           size_t n, const char *text) {
  uint8_t bytes[512];
  write_bytes("made.wav", bytes, make_wav(bytes, rate, channels, claim, x, n));
  expect_bad("made.wav", text);
}

static void absurd_claims_are_refused(void **state) {
  (void)state;
  const float x[64] = {0};
  expect_bad_wav(0, 1, 256, x, 64, "expected");
  expect_bad_wav(1, 1, 256, x, 64, "sample rate of 2000 to 384000 Hz, found 1");
  expect_bad_wav(2000000000, 1, 256, x, 64, "sample rate of 2000 to 384000 Hz, found 2000000000");
  expect_bad_wav(16000, 0, 256, x, 64, "expected");
  expect_bad_wav(16000, 64, 256, x, 64, "1 to 32 channels, found 64");
  expect_bad_wav(16000, 40000, 256, x, 64, "expected");
  expect_bad_wav(16000, 1, 0, x, 0, "at least one sample, found none");
  expect_bad_wav(16000, 1, 0, x, 64, "at least one sample, found none");
  expect_bad_wav(16000, 1, 3, x, 64, "at least one sample, found none");
  expect_bad_wav(16000, 1, 0xfffffff0u, x, 64, "expected 4294967280 bytes of samples, found 256");
  uint8_t flac[42] = "fLaC\x80\0\0\x22\x10\0\x10\0";
  memcpy(flac + 18, "\x03\xe8\x00\xff\xff\xff\xff\xff", 8); /* 16 kHz, mono, 2^36 frames */
  write_bytes("claims.flac", flac, sizeof flac);
  expect_bad("claims.flac", "expected");
}

static void samples_must_be_numbers_of_some_size(void **state) {
  (void)state;
  float x[8] = {0};
  const float bad[] = {NAN, INFINITY, -INFINITY, 1e20f};
  const char *const text[] = {"found nan", "found inf", "found -inf", "found 1e+20"};
  for (size_t k = 0; k < RS_COUNT(bad); k++) {
    x[5] = bad[k];
    expect_bad_wav(16000, 2, 32, x, 8, text[k]);
    expect_bad_wav(16000, 2, 32, x, 8, "made.wav: frame 2, channel 1: expected a sample");
  }
}

static void a_wav_file_from_a_pipe_has_no_length(void **state) {
  (void)state;
  uint8_t bytes[512];
  const float x[4] = {0.5f, 0.25f, -1, 1};
  rs_audio audio;
  size_t n = make_wav(bytes, 16000, 1, UINT32_MAX, x, 4);
  assert_ok(rs_audio_parse("pipe", bytes, n, &mono, &audio));
  assert_int_equal(audio.frames, 4);
  assert_memory_equal(audio.samples, x, sizeof x);
  rs_audio_free(&audio);
}

static void damage_inside_a_flac_file_is_found(void **state) {
  (void)state;
  float *x = make_tones(20000, 1, 16000, 300);
  char *bytes;
  size_t n;
  rs_audio audio;
  write_any("hurt.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 1, 16000, 20000, x);
  assert_ok(rs_file_read(in_folder("hurt.flac"), 1 << 20, &bytes, &n));
  bytes[n / 2] ^= 0x10;
  assert_fails(RS_ERR_DATA, "hurt.flac: frame",
               rs_audio_parse("hurt.flac", bytes, n, &mono, &audio));
  free(bytes);
  free(x);
}

/* ---- writing ----------------------------------------------------------------------------- */

static void written_files_read_back(void **state) {
  (void)state;
  const float tolerance[] = {0.5f / 32768, 0.5f / 8388608, 0};
  const unsigned channels[] = {1, 2, 5};
  for (size_t k = 0; k < RS_COUNT(channels); k++)
    for (int e = RS_WAV_PCM16; e <= RS_WAV_FLOAT; e++) {
      const size_t n = 7001;
      rs_audio in = {n, channels[k], 22050, make_tones(n, channels[k], 22050, 100)}, out;
      assert_ok(rs_audio_write(in_folder("out.wav"), &in, (rs_wav_encoding)e));
      assert_ok(rs_audio_read(in_folder("out.wav"), &as_it_is, &out));
      assert_int_equal(out.frames, n);
      assert_int_equal(out.channels, channels[k]);
      assert_int_equal(out.rate, 22050);
      for (size_t i = 0; i < n * channels[k]; i++)
        assert_true(fabsf(in.samples[i] - out.samples[i]) <= tolerance[e]);
      rs_audio_free(&in);
      rs_audio_free(&out);
    }
}

static void pcm_samples_are_written_back_bit_for_bit(void **state) {
  (void)state;
  float *x = malloc(65536 * sizeof *x);
  for (int i = 0; i < 65536; i++) x[i] = (float)(i - 32768) / 32768;
  rs_audio in = {65536, 1, 16000, x}, out;
  char *bytes[2];
  size_t n[2];
  assert_ok(rs_audio_write(in_folder("all.wav"), &in, RS_WAV_PCM16));
  assert_ok(rs_file_read(in_folder("all.wav"), 1 << 20, &bytes[0], &n[0]));
  assert_ok(rs_audio_read(in_folder("all.wav"), &mono, &out));
  assert_memory_equal(out.samples, x, 65536 * sizeof *x);
  assert_ok(rs_audio_write(in_folder("all.wav"), &out, RS_WAV_PCM16));
  assert_ok(rs_file_read(in_folder("all.wav"), 1 << 20, &bytes[1], &n[1]));
  assert_int_equal(n[0], n[1]);
  assert_memory_equal(bytes[0], bytes[1], n[0]);
  free(bytes[0]);
  free(bytes[1]);
  rs_audio_free(&out);
  free(x);
}

static void a_failed_write_leaves_what_was_there(void **state) {
  (void)state;
  float x[3] = {2, -2, 0};
  rs_audio in = {3, 1, 16000, x}, out;
  assert_ok(rs_audio_write(in_folder("kept.wav"), &in, RS_WAV_PCM16)); /* clipped */
  x[2] = NAN;
  assert_fails(RS_ERR_NUMERIC, "kept.wav: frame 2: expected a finite sample",
               rs_audio_write(in_folder("kept.wav"), &in, RS_WAV_PCM16));
  const rs_wav_spec as_float = {.channels = 1, .rate = 16000, .encoding = RS_WAV_FLOAT};
  rs_audio_writer *w;
  assert_ok(rs_audio_writer_create(in_folder("kept.wav"), &as_float, &w));
  assert_ok(rs_audio_writer_append(w, 2, x));
  rs_audio_writer_destroy(w);
  assert_ok(rs_audio_read(in_folder("kept.wav"), &mono, &out));
  assert_true(out.frames == 3 && out.samples[0] == 32767.0f / 32768 && out.samples[1] == -1);
  rs_audio_free(&out);
  char *temporary;
  assert_ok(rs_file_temporary(in_folder("kept.wav"), &temporary));
  assert_false(rs_file_exists(temporary));
  free(temporary);
  in.channels = 33;
  assert_fails(RS_ERR_USAGE, "1 to 32 channels",
               rs_audio_write(in_folder("kept.wav"), &in, RS_WAV_PCM16));
  assert_fails(RS_ERR_IO, "cannot create",
               rs_audio_writer_create(in_folder("no/such"), &as_float, &w));
  assert_null(w);
}

static void open_files_are_written_and_read(void **state) {
  (void)state;
  float *x = make_tones(5000, 2, 16000, 300), *back = malloc(5000 * 2 * sizeof *back);
  for (int rf64 = 0; rf64 < 2; rf64++) {
    const rs_wav_spec spec = {2, 16000, RS_WAV_FLOAT, rf64};
    FILE *file = tmpfile();
    rs_audio_writer *w;
    rs_audio_reader *r;
    size_t got;
    assert_ok(rs_audio_writer_borrow(fileno(file), "nameless", &spec, &w));
    assert_ok(rs_audio_writer_append(w, 5000, x));
    assert_ok(rs_audio_writer_commit(w));
    rs_audio_writer_destroy(w);
    assert_ok(rs_audio_reader_adopt(dup(fileno(file)), "nameless", &as_it_is, &r));
    assert_ok(rs_audio_reader_next(r, 6000, back, &got));
    assert_int_equal(got, 5000);
    assert_int_equal(rs_audio_reader_decoded(r), 5000);
    assert_memory_equal(x, back, 5000 * 2 * sizeof *x);
    rs_audio_reader_close(r);
    fclose(file);
  }
  int ends[2];
  rs_audio_reader *r;
  assert_int_equal(pipe(ends), 0);
  assert_fails(RS_ERR_DATA, "a pipe: expected a regular file",
               rs_audio_reader_adopt(ends[0], "a pipe", &as_it_is, &r));
  assert_null(r);
  close(ends[1]);
  free(x);
  free(back);
}

static void encodings_are_told(void **state) {
  (void)state;
  const struct {
    int format;
    rs_wav_encoding encoding;
  } cases[] = {{SF_FORMAT_WAV | SF_FORMAT_PCM_U8, RS_WAV_PCM16},
               {SF_FORMAT_WAV | SF_FORMAT_PCM_16, RS_WAV_PCM16},
               {SF_FORMAT_FLAC | SF_FORMAT_PCM_16, RS_WAV_PCM16},
               {SF_FORMAT_FLAC | SF_FORMAT_PCM_24, RS_WAV_PCM24},
               {SF_FORMAT_WAV | SF_FORMAT_PCM_32, RS_WAV_FLOAT},
               {SF_FORMAT_WAV | SF_FORMAT_FLOAT, RS_WAV_FLOAT},
               {SF_FORMAT_OGG | SF_FORMAT_VORBIS, RS_WAV_PCM16}};
  float *x = make_tones(2000, 1, 16000, 300);
  for (size_t i = 0; i < RS_COUNT(cases); i++) {
    rs_audio_reader *r;
    write_any("encoded", cases[i].format, 1, 16000, 2000, x);
    assert_ok(rs_audio_reader_open(in_folder("encoded"), &as_it_is, &r));
    assert_int_equal(rs_audio_reader_encoding(r), cases[i].encoding);
    rs_audio_reader_close(r);
  }
  free(x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kind_is_read_from_file_and_memory),
      cmocka_unit_test(channels_are_averaged),
      cmocka_unit_test(other_rates_are_resampled),
      cmocka_unit_test(pieces_and_the_whole_are_the_same),
      cmocka_unit_test(resampling_there_and_back_keeps_the_length),
      cmocka_unit_test(what_is_no_audio_is_refused),
      cmocka_unit_test(truncation_is_an_error_or_a_warning),
      cmocka_unit_test(a_truncated_file_can_be_allowed),
      cmocka_unit_test(absurd_claims_are_refused),
      cmocka_unit_test(samples_must_be_numbers_of_some_size),
      cmocka_unit_test(a_wav_file_from_a_pipe_has_no_length),
      cmocka_unit_test(damage_inside_a_flac_file_is_found),
      cmocka_unit_test(written_files_read_back),
      cmocka_unit_test(pcm_samples_are_written_back_bit_for_bit),
      cmocka_unit_test(a_failed_write_leaves_what_was_there),
      cmocka_unit_test(open_files_are_written_and_read),
      cmocka_unit_test(encodings_are_told),
  };
  return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
