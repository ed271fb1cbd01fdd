/* run: names of the files that stages leave. */
#include "test.h"

#include "ranksweep/run.h"

static const char id[] = "0123456789abcdef0123456789abcdef";

static bool parse(const char *suffix, rs_stage_file *file) {
  char name[128];
  snprintf(name, sizeof name, "%s%s", id, suffix);
  return rs_stage_file_parse(name, file);
}

static void names_are_read_back(void **state) {
  (void)state;
  rs_stage_file f;
  rs_id identity;
  char *path;
  assert_true(rs_id_parse(id, &identity));
  assert_ok(rs_stage_path("", identity, &path));
  assert_true(rs_stage_file_parse(path, &f) && f.kind == RS_FILE_OUTPUT && f.writer == 0);
  assert_true(rs_id_equal(f.identity, identity));
  free(path);
  for (int i = 0; i < 2; i++) {
    assert_ok(rs_stage_resume_path("", identity, i, &path));
    assert_true(rs_stage_file_parse(path, &f) && f.kind == RS_FILE_RESUME);
    free(path);
  }
  assert_ok(rs_stage_step_path("", identity, 1200, &path));
  assert_true(rs_stage_file_parse(path, &f) && f.kind == RS_FILE_STEP && f.step == 1200);
  free(path);
  assert_true(parse(".a.h5.tmp.77", &f) && f.kind == RS_FILE_RESUME && f.writer == 77);
  assert_true(parse(".step0.h5.tmp.1", &f) && f.kind == RS_FILE_STEP && f.writer == 1);
}

static void artifacts_are_read_back(void **state) {
  (void)state;
  static const char *const names[] = {"1034-denoised.wav", "a", "h", "H5", "b.c_d-e..png", "x.tmp"};
  rs_stage_file f;
  rs_id identity;
  assert_true(rs_id_parse(id, &identity));
  for (size_t i = 0; i < RS_COUNT(names); i++) {
    char *path, temporary[128];
    assert_ok(rs_stage_artifact_path("", identity, names[i], &path));
    assert_true(rs_stage_file_parse(path, &f) && f.kind == RS_FILE_ARTIFACT && f.writer == 0);
    assert_true(rs_id_equal(f.identity, identity));
    snprintf(temporary, sizeof temporary, "%s.tmp.77", path);
    assert_true(rs_stage_file_parse(temporary, &f) && f.kind == RS_FILE_ARTIFACT);
    assert_int_equal(f.writer, 77);
    free(path);
  }
}

static void artifacts_cannot_have_names_of_others(void **state) {
  (void)state;
  static const char *const names[] = {
      "",     ".",    "..",   ".x",   "a/b",  "../x",     "a b",       "caf\xc3\xa9", "h5",
      "h5.x", "a.h5", "b.h5", "c.h5", "step", "step1.h5", "steps.csv", "x.tmp.7",     "x\n"};
  char *path, longest[RS_MAX_ARTIFACT_NAME + 2];
  for (size_t i = 0; i < RS_COUNT(names); i++) {
    assert_fails(RS_ERR_INTERNAL, names[i][0] == '.' ? names[i] : "name of an artifact",
                 rs_stage_artifact_path("d", (rs_id){0}, names[i], &path));
    assert_null(path);
  }
  memset(longest, 'x', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  assert_fails(RS_ERR_INTERNAL, "up to 64",
               rs_stage_artifact_path("d", (rs_id){0}, longest, &path));
  longest[RS_MAX_ARTIFACT_NAME] = '\0';
  assert_ok(rs_stage_artifact_path("d", (rs_id){0}, longest, &path));
  free(path);
}

static void other_names_are_not_ours(void **state) {
  (void)state;
  static const char *const suffixes[] = {"",
                                         ".h5x",
                                         ".c.h5",
                                         ".a.b.h5",
                                         ".step.h5",
                                         ".step01.h5",
                                         ".step1.h6",
                                         ".h5.tmp",
                                         ".h5.tmp.",
                                         ".h5.tmp.0",
                                         "0.h5",
                                         " .h5",
                                         ".step-1.h5",
                                         ".h5.bak",
                                         ".h5.tmp.7.x",
                                         ".h5.tmp.007",
                                         ".h5.tmp.1e3",
                                         "/x.h5",
                                         "..h5",
                                         ".A.h5",
                                         ".h5.tmp.99999999999999999",
                                         ".x.wav.tmp.007",
                                         ".x y.wav",
                                         ".steps.csv",
                                         ".x.tmp.7.y",
                                         ".tmp.5",
                                         "..x.wav"};
  rs_stage_file f;
  for (size_t i = 0; i < RS_COUNT(suffixes); i++) assert_false(parse(suffixes[i], &f));
  assert_false(rs_stage_file_parse("", &f));
  assert_false(rs_stage_file_parse("notes.h5", &f));
  assert_false(rs_stage_file_parse("0123456789abcdef0123456789abcde.h5", &f));
  assert_false(rs_stage_file_parse("0123456789ABCDEF0123456789ABCDEF.h5", &f));
  assert_false(rs_stage_file_parse("0123456789abcdef0123456789abcdeg.h5", &f));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_read_back),
      cmocka_unit_test(artifacts_are_read_back),
      cmocka_unit_test(artifacts_cannot_have_names_of_others),
      cmocka_unit_test(other_names_are_not_ours),
  };
  return cmocka_run_group_tests_name("run_files", tests, NULL, NULL);
}
