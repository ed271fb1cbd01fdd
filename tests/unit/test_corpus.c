/* Corpora: which files, whose they are, bad ones among them, fingerprints; clips. */
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "ranksweep/data.h"

static char folder[64];

static const char *in_folder(const char *name) {
  static char path[512];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

/* A WAV file of N samples of VALUE. */
static void put_audio(const char *name, size_t n, float value) {
  float x[64];
  char *parent;
  for (size_t i = 0; i < n; i++) x[i] = value;
  assert_ok(rs_path_directory(in_folder(name), &parent));
  assert_ok(rs_file_make_directories(parent));
  free(parent);
  assert_ok(rs_audio_write(in_folder(name), &(rs_audio){n, 1, 16000, x}, RS_WAV_FLOAT));
}

/* Names only matter here: any bytes will do. */
static void put_name(const char *name) {
  char *parent;
  assert_ok(rs_path_directory(in_folder(name), &parent));
  assert_ok(rs_file_make_directories(parent));
  free(parent);
  assert_ok(rs_file_replace(in_folder(name), "x", 1));
}

static int make_folder(void **state) {
  (void)state;
  strcpy(folder, "/tmp/rs-corpus-XXXXXX");
  if (mkdtemp(folder) == NULL) return -1;
  const char *const names[] = {"speakers/asc02/one_01.flac",
                               "speakers/asc01/two_06.WAV",
                               "speakers/asc01/one_01.flac",
                               "speakers/asc01/notes.txt",
                               "speakers/asc01/.hidden.flac",
                               "speakers/ls533/533-1-0000.flac",
                               "single/1034-121119-00.flac",
                               "single/84-1-00.ogg",
                               "fsdd/0_george_0.flac",
                               "fsdd/0_jackson_12.flac",
                               "fsdd/9_george_3.flac",
                               "noise/running-tap.flac",
                               "noise/birds.flac",
                               "books/a/one/1.flac",
                               "books/a/two/1.flac",
                               "books/b/one/1.flac",
                               "empty/readme.txt"};
  for (size_t i = 0; i < RS_COUNT(names); i++) put_name(names[i]);
  return 0;
}

static int drop_folder(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

/* ---- listing ----------------------------------------------------------------------------- */

/* What PATTERN comes to, as "path=label path=label ...". */
static void expect_list(const char *pattern, rs_corpus_label label, const char *want) {
  const rs_corpus_spec spec = {folder, 1, &pattern, label};
  rs_corpus corpus;
  rs_str got = {0};
  assert_ok(rs_corpus_list(&spec, &corpus));
  for (size_t i = 0; i < corpus.count; i++)
    rs_str_addf(&got, "%s%s=%s", i > 0 ? " " : "", corpus.files[i].path + strlen(folder) + 1,
                corpus.files[i].label);
  assert_string_equal(got.text, want);
  rs_str_free(&got);
  rs_corpus_free(&corpus);
}

static void patterns_find_files_and_speakers(void **state) {
  (void)state;
  const char *const asc = "speakers/asc01/one_01.flac=asc01 speakers/asc01/two_06.WAV=asc01 "
                          "speakers/asc02/one_01.flac=asc02";
  expect_list("speakers/asc*", RS_LABEL_SPEAKER, asc);
  expect_list("speakers//asc*/", RS_LABEL_SPEAKER, asc);
  expect_list("speakers/asc*/*", RS_LABEL_SPEAKER, asc);
  expect_list("speakers/[a]sc0?/*.flac", RS_LABEL_SPEAKER,
              "speakers/asc01/one_01.flac=asc01 speakers/asc02/one_01.flac=asc02");
  expect_list("speakers/ls*", RS_LABEL_SPEAKER, "speakers/ls533/533-1-0000.flac=ls533");
  expect_list("single", RS_LABEL_SPEAKER, "single/1034-121119-00.flac=1034 single/84-1-00.ogg=84");
  expect_list("fsdd/?_{speaker}_*.flac", RS_LABEL_SPEAKER,
              "fsdd/0_george_0.flac=george fsdd/0_jackson_12.flac=jackson "
              "fsdd/9_george_3.flac=george");
  expect_list("noise", RS_LABEL_FILE, "noise/birds.flac=birds noise/running-tap.flac=running-tap");
  expect_list("noise/b*.flac", RS_LABEL_FILE, "noise/birds.flac=birds");
  expect_list("noise/birds.flac", RS_LABEL_FILE, "noise/birds.flac=birds");
  expect_list("books", RS_LABEL_SPEAKER,
              "books/a/one/1.flac=a books/a/two/1.flac=a books/b/one/1.flac=b");
  expect_list("books/*/{speaker}", RS_LABEL_SPEAKER,
              "books/a/one/1.flac=one books/a/two/1.flac=two books/b/one/1.flac=one");
}

static void patterns_may_overlap(void **state) {
  (void)state;
  const char *const patterns[] = {"speakers/ls*", "speakers", "speakers/asc01/*"};
  const rs_corpus_spec spec = {folder, 3, patterns, RS_LABEL_SPEAKER};
  rs_corpus corpus;
  assert_ok(rs_corpus_list(&spec, &corpus));
  assert_int_equal(corpus.count, 4);
  rs_corpus_free(&corpus);
  assert_ok(rs_corpus_list(&(rs_corpus_spec){.path = folder}, &corpus));
  assert_int_equal(corpus.count, 14);
  rs_corpus_free(&corpus);
}

static void expect_no_list(const char *root, const char *pattern, rs_status code,
                           const char *text) {
  const rs_corpus_spec spec = {root, 1, &pattern, RS_LABEL_SPEAKER};
  rs_corpus corpus;
  assert_fails(code, text, rs_corpus_list(&spec, &corpus));
  assert_null(corpus.files);
}

static void what_leads_nowhere_is_an_error(void **state) {
  (void)state;
  char nowhere[128], file[128];
  snprintf(nowhere, sizeof nowhere, "%s/nowhere", folder);
  snprintf(file, sizeof file, "%s/noise/birds.flac", folder);
  expect_no_list(nowhere, "x", RS_ERR_DATA, "expected a folder");
  expect_no_list(file, "x", RS_ERR_DATA, "found a file");
  expect_no_list(NULL, "x", RS_ERR_USAGE, "no path");
  expect_no_list(folder, "nothing", RS_ERR_DATA, "for \"nothing\", found none");
  expect_no_list(folder, "empty", RS_ERR_DATA, "found none");
  expect_no_list(folder, "speakers/x*", RS_ERR_DATA, "found none");
  expect_no_list(folder, "noise/birds.flac/x", RS_ERR_DATA, "found none");
  assert_int_equal(symlink("..", in_folder("empty/loop")), 0);
  expect_no_list(folder, "empty", RS_ERR_DATA, "folders below each other");
  assert_int_equal(unlink(in_folder("empty/loop")), 0);
}

/* ---- clips ------------------------------------------------------------------------------- */

static const char *const talk[] = {"talk"};

static void make_talk(void) {
  put_audio("talk/zoe/1.wav", 3, 0.3f);
  put_audio("talk/bob/2.wav", 2, 0.2f);
  put_audio("talk/bob/1.wav", 1, 0.1f);
}

static void files_become_clips(void **state) {
  (void)state;
  const rs_corpus_spec spec = {folder, 1, talk, RS_LABEL_SPEAKER};
  const float want[] = {0.1f, 0.2f, 0.2f, 0.3f, 0.3f, 0.3f};
  rs_corpus corpus;
  rs_clips clips;
  make_talk();
  assert_ok(rs_corpus_list(&spec, &corpus));
  assert_ok(rs_clips_load(&corpus, &(rs_clips_spec){.rate = 16000}, &clips));
  assert_int_equal(clips.count, 3);
  assert_int_equal(clips.label_count, 2);
  assert_string_equal(clips.names[0], "bob");
  assert_string_equal(clips.names[1], "zoe");
  assert_int_equal(clips.label[1], 0);
  assert_int_equal(clips.label[2], 1);
  assert_int_equal(clips.start[3], 6);
  assert_memory_equal(clips.samples, want, sizeof want);
  rs_clips_free(&clips);
  assert_ok(rs_clips_load(&corpus, &(rs_clips_spec){.rate = 8000}, &clips));
  assert_int_equal(clips.start[3], 1 + 1 + 2);
  rs_clips_free(&clips);
  rs_corpus_free(&corpus);
}

typedef struct heard {
  int lines;
  char last[512];
} heard;

static void hear(void *user, rs_log_level level, const char *line) {
  heard *h = user;
  assert_int_equal(level, RS_LOG_WARN);
  h->lines++;
  snprintf(h->last, sizeof h->last, "%s", line);
}

static void a_bad_file_stops_or_is_left_out(void **state) {
  (void)state;
  const rs_corpus_spec spec = {folder, 1, talk, RS_LABEL_SPEAKER};
  heard h = {0};
  const rs_log log = {hear, &h, RS_LOG_DEBUG};
  const rs_clips_spec skip = {.rate = 16000, .skip_bad = true, .log = &log};
  rs_corpus corpus;
  rs_clips clips;
  make_talk();
  put_name("talk/al/0.flac");
  assert_ok(rs_corpus_list(&spec, &corpus));
  assert_int_equal(corpus.count, 4);
  assert_fails(RS_ERR_DATA, "talk/al/0.flac: byte 0: expected a WAV",
               rs_clips_load(&corpus, &(rs_clips_spec){.rate = 16000}, &clips));
  assert_null(clips.samples);
  assert_ok(rs_clips_load(&corpus, &skip, &clips));
  assert_int_equal(clips.count, 3);
  assert_int_equal(clips.skipped, 1);
  assert_int_equal(clips.label_count, 2);
  assert_string_equal(clips.names[0], "bob");
  assert_int_equal(h.lines, 1);
  assert_non_null(strstr(h.last, "talk/al/0.flac"));
  rs_clips_free(&clips);
  rs_corpus_free(&corpus);
  assert_ok(rs_corpus_list(&(rs_corpus_spec){folder, 1, (const char *[]){"single"}, 0}, &corpus));
  assert_fails(RS_ERR_DATA, "found 2 bad ones", rs_clips_load(&corpus, &skip, &clips));
  rs_corpus_free(&corpus);
  assert_int_equal(unlink(in_folder("talk/al/0.flac")), 0);
}

static void cuts_lie_in_the_clip_or_go_round(void **state) {
  (void)state;
  float samples[] = {9, 1, 2, 3, 4}, out[12];
  size_t start[] = {0, 1, 5};
  const rs_clips clips = {.count = 2, .samples = samples, .start = start};
  const rs_stream s = rs_stream_make(1, "test", "cut", 0);
  bool seen[5] = {false};
  for (uint64_t at = 0; at < 64; at++) {
    rs_clips_cut(&clips, 1, &s, at, 3, out);
    assert_true(out[0] <= 2 && out[1] == out[0] + 1 && out[2] == out[0] + 2);
    seen[(int)out[0]] = true;
    rs_clips_cut(&clips, 1, &s, at, 12, out);
    for (int i = 1; i < 12; i++) assert_true(out[i] == (out[i - 1] == 4 ? 1 : out[i - 1] + 1));
  }
  assert_true(seen[1] && seen[2]);
  rs_clips_cut(&clips, 0, &s, 0, 2, out);
  assert_true(out[0] == 9 && out[1] == 9);
}

/* ---- fingerprints ------------------------------------------------------------------------ */

static void fingerprint(const char *pattern, rs_str *out) {
  const rs_corpus_spec spec = {folder, 1, &pattern, RS_LABEL_SPEAKER};
  rs_str_clear(out);
  assert_ok(rs_corpus_fingerprint(&spec, out));
}

static void fingerprints_see_names_and_bytes(void **state) {
  (void)state;
  rs_str a = {0}, b = {0};
  make_talk();
  fingerprint("talk", &a);
  fingerprint("talk", &b);
  assert_string_equal(a.text, b.text);
  assert_true(strncmp(a.text, "talk=", 5) == 0);
  assert_string_equal(a.text + 21, " (3 files)");
  put_audio("talk/bob/1.wav", 1, 0.11f);
  fingerprint("talk", &b);
  assert_string_not_equal(a.text, b.text);
  put_audio("talk/bob/1.wav", 1, 0.1f);
  fingerprint("talk", &b);
  assert_string_equal(a.text, b.text);
  char from[512];
  snprintf(from, sizeof from, "%s", in_folder("talk/zoe/1.wav"));
  assert_int_equal(rename(from, in_folder("talk/zoe/3.wav")), 0);
  fingerprint("talk", &b);
  assert_string_not_equal(a.text, b.text);
  const char *const two[] = {"noise", "single"};
  rs_str_clear(&a);
  assert_ok(rs_corpus_fingerprint(&(rs_corpus_spec){folder, 2, two, RS_LABEL_FILE}, &a));
  assert_non_null(strstr(a.text, " (2 files); single="));
  rs_str_free(&a);
  rs_str_free(&b);
}

/* ---- real data --------------------------------------------------------------------------- */

static void expect_real(const char *root, const char *pattern, rs_corpus_label label, size_t files,
                        size_t labels) {
  const rs_corpus_spec spec = {root, 1, &pattern, label};
  rs_corpus corpus;
  assert_ok(rs_corpus_list(&spec, &corpus));
  assert_int_equal(corpus.count, files);
  size_t different = 0;
  for (size_t i = 0; i < corpus.count; i++) {
    size_t k = 0;
    while (k < i && strcmp(corpus.files[k].label, corpus.files[i].label) != 0) k++;
    different += k == i;
  }
  assert_int_equal(different, labels);
  rs_corpus_free(&corpus);
}

static void real_corpora_are_understood(void **state) {
  (void)state;
  const char *root = getenv("RS_TEST_DATA");
  if (root == NULL) skip();
  expect_real(root, "speakers/asc*", RS_LABEL_SPEAKER, 660, 22);
  expect_real(root, "speakers/ls*", RS_LABEL_SPEAKER, 70, 7);
  expect_real(root, "speakers", RS_LABEL_SPEAKER, 730, 29);
  expect_real(root, "speakers_single", RS_LABEL_SPEAKER, 189, 189);
  expect_real(root, "fsdd/*_{speaker}_*", RS_LABEL_SPEAKER, 2500, 5);
  expect_real(root, "noise", RS_LABEL_FILE, 11, 11);
  const char *one[] = {"speakers/ls367", "fsdd/0_george_0.flac", "noise/wind.flac"};
  rs_corpus corpus;
  rs_clips clips;
  assert_ok(rs_corpus_list(&(rs_corpus_spec){root, 3, one, RS_LABEL_SPEAKER}, &corpus));
  assert_ok(rs_clips_load(&corpus, &(rs_clips_spec){.rate = 16000}, &clips));
  assert_int_equal(clips.count, corpus.count);
  rs_clips_free(&clips);
  rs_corpus_free(&corpus);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(patterns_find_files_and_speakers),
      cmocka_unit_test(patterns_may_overlap),
      cmocka_unit_test(what_leads_nowhere_is_an_error),
      cmocka_unit_test(files_become_clips),
      cmocka_unit_test(a_bad_file_stops_or_is_left_out),
      cmocka_unit_test(cuts_lie_in_the_clip_or_go_round),
      cmocka_unit_test(fingerprints_see_names_and_bytes),
      cmocka_unit_test(real_corpora_are_understood),
  };
  return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
