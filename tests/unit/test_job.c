/* job: what the cases of job.test cannot show: files, places, derived settings, records. */
#include "job_cases.h"
#include "job_schema.h"
#include "test.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static const char small[] = "name: first\nexperiment: bake\ndata: {path: x}\n";

static rs_job *parse(const char *text) {
  rs_job *job;
  assert_ok(rs_job_parse("job.yaml", text, strlen(text), NULL, 0, test_schemas, &job));
  return job;
}

static rs_status parse_status(const char *text, size_t len) {
  rs_job *job;
  rs_status status = rs_job_parse("job.yaml", text, len, NULL, 0, test_schemas, &job);
  rs_job_destroy(job);
  return status;
}

/* ---- files ---------------------------------------------------------------------------------- */

static void files_that_cannot_be_read_are_usage_errors(void **state) {
  (void)state;
  rs_job *job;
  char directory[] = "/tmp/rs-job-XXXXXX", path[64];
  assert_non_null(mkdtemp(directory));
  snprintf(path, sizeof path, "%s/job.yaml", directory);
  assert_fails(RS_ERR_USAGE, "job.yaml: cannot open: No such file",
               rs_job_load(path, NULL, 0, test_schemas, &job));
  assert_null(job);
  assert_fails(RS_ERR_USAGE, "directory", rs_job_load(directory, NULL, 0, test_schemas, &job));
  char *large = malloc(1 << 21);
  memset(large, '#', 1 << 21);
  assert_ok(rs_file_replace(path, large, 1 << 21));
  assert_fails(RS_ERR_USAGE, "larger than the 1048576",
               rs_job_load(path, NULL, 0, test_schemas, &job));
  free(large);
  assert_ok(rs_file_replace(path, small, strlen(small)));
  assert_ok(rs_job_load(path, NULL, 0, test_schemas, &job));
  assert_string_equal(rs_job_name(job), "first");
  assert_string_equal(rs_job_yaml(job), small);
  assert_ptr_equal(rs_job_schema(job), &bake_schema);
  assert_string_equal(rs_job_strategy(job), "grid");
  rs_job_destroy(job);
  unlink(path);
  rmdir(directory);
}

static void bytes_that_are_no_text_are_refused(void **state) {
  (void)state;
  assert_fails(RS_ERR_USAGE, "job.yaml:2:3: not a text file: it holds a NUL byte",
               parse_status("name: a\nab\0c", 12));
  assert_fails(RS_ERR_USAGE, "job.yaml:1:7: not valid YAML: invalid leading UTF-8 octet",
               parse_status("name: \xff\n", 8));
  assert_fails(RS_ERR_USAGE, "job.yaml: the job file is empty", parse_status("", 0));
}

static void byte_order_mark_and_windows_line_ends_are_no_content(void **state) {
  (void)state;
  rs_job *job = parse("\xef\xbb\xbfname: first\r\nexperiment: bake\r\ndata:\r\n  path: x y\r\n");
  assert_string_equal(rs_job_name(job), "first");
  assert_string_equal(rs_settings_text(rs_job_base(job), "data.path"), "x y");
  assert_string_equal(rs_settings_place(rs_job_base(job), "name"), "job.yaml:1:7");
  rs_job_destroy(job);
}

static void limits_hold(void **state) {
  (void)state;
  rs_str text = {0};
  for (int i = 0; i < 100; i++) rs_str_add(&text, "[");
  assert_fails(RS_ERR_USAGE, "nested more than 32 levels", parse_status(text.text, text.len));
  rs_str_clear(&text);
  rs_str_add(&text, "[");
  for (int i = 0; i < 250000; i++) rs_str_add(&text, "1,");
  rs_str_add(&text, "]");
  assert_fails(RS_ERR_USAGE, "more than 200000 values", parse_status(text.text, text.len));
  rs_str_clear(&text);
  rs_str_add(&text, small);
  for (int i = 0; i < 5000; i++) rs_str_addf(&text, "unknown%d: 1\n", i);
  assert_fails(RS_ERR_USAGE, "\n... and 4", parse_status(text.text, text.len));
  rs_str_free(&text);
}

static void grids_beyond_ten_million_trials_are_refused(void **state) {
  (void)state;
  rs_str text = {0};
  rs_str_add(&text, small);
  rs_str_add(&text, "sweep:\n  space:\n");
  const char *const paths[] = {"seed", "train.epochs", "svd.rank", "data.offset"};
  for (size_t k = 0; k < RS_COUNT(paths); k++) {
    rs_str_addf(&text, "    %s: [", paths[k]);
    for (int i = 1; i <= 60; i++) rs_str_addf(&text, "%s%d", i > 1 ? "," : "", i);
    rs_str_add(&text, "]\n");
  }
  assert_fails(RS_ERR_USAGE, "job.yaml:6:5: the grid has more than 10000000 trials",
               parse_status(text.text, text.len));
  rs_str_free(&text);
}

/* A grid too large for every combination to be checked: each value is still checked once. */
static void rules_see_every_value_of_a_large_grid(void **state) {
  (void)state;
  rs_str text = {0};
  rs_str_add(&text, small);
  rs_str_add(&text, "sweep:\n  space:\n    svd.rank: [8, 65]\n    seed: [");
  for (int i = 1; i <= 5000; i++) rs_str_addf(&text, "%s%d", i > 1 ? "," : "", i);
  rs_str_add(&text, "]\n");
  assert_fails(RS_ERR_USAGE, "job.yaml:6:19: svd.rank: 65 exceeds the widest layer, 64",
               parse_status(text.text, text.len));
  rs_str_free(&text);
}

/* ---- settings ------------------------------------------------------------------------------- */

static void files_are_looked_for_once_for_the_same_data(void **state) {
  (void)state;
  static const char *const swept = "{model.hidden: [[8], [16], [32]], data.path: [a, b], svd.rank: "
                                   "[1, 2]}";
  char text[256];
  snprintf(text, sizeof text, "name: a\nexperiment: bake\nsweep: {space: %s}\n", swept);
  bake_looks = 0;
  rs_job_destroy(parse(text));
  assert_int_equal(bake_looks, 2);
  static const char gone[] = "name: a\nexperiment: bake\ndata: {path: /missing}\n";
  rs_job *job;
  assert_fails(RS_ERR_USAGE, "job.yaml:3:14: data.path: there is no /missing",
               parse_status(gone, strlen(gone)));
  assert_ok(rs_job_parse_checked("a", gone, strlen(gone), NULL, 0, test_schemas, &job));
  rs_job_destroy(job);
}

static void layout_changes_no_result(void **state) {
  (void)state;
  assert_true(rs_setting_is_layout("slurm.time") && rs_setting_is_layout("resources.max_attempts"));
  assert_true(rs_setting_is_layout("checkpoint.every"));
  assert_false(rs_setting_is_layout("checkpoint.keep") || rs_setting_is_layout("train.lr"));
  assert_false(rs_setting_is_layout("name") || rs_setting_is_layout("slurm"));
}

static void walltimes_are_read_as_slurm_does(void **state) {
  (void)state;
  static const struct {
    const char *text;
    double seconds;
  } cases[] = {{"90", 5400},
               {"90:30", 5430},
               {"2:30:00", 9000},
               {"1-12", 129600},
               {"1-12:30", 131400},
               {"1-12:30:05", 131405},
               {"0", 0},
               {"", 0},
               {"soon", 0},
               {"1:2:3:4", 0},
               {"-5", 0},
               {"1-", 0},
               {"1-2:3:4:5", 0},
               {"5m", 0},
               {"1e3", 0},
               {"unlimited", INFINITY},
               {"0x10", 0},
               {"12345678901", 0},
               {" 5", 0},
               {"5 ", 0},
               {"1--2", 0}};
  for (size_t i = 0; i < RS_COUNT(cases); i++)
    assert_true(rs_walltime_seconds(cases[i].text) == cases[i].seconds);
}

static void values_know_their_places(void **state) {
  (void)state;
  const char *const overrides[] = {"train.lr=0.5"};
  const char text[] = "name: first\nexperiment: bake\ndata:\n  path: x\nsweep:\n  space:\n"
                      "    svd.rank: [4,\n      full]\n";
  rs_job *job;
  const rs_dim *dims;
  assert_ok(rs_job_parse("dir/job.yaml", text, strlen(text), overrides, 1, test_schemas, &job));
  const rs_settings *s = rs_job_base(job);
  assert_string_equal(rs_settings_place(s, "data.path"), "dir/job.yaml:4:9");
  assert_string_equal(rs_settings_place(s, "train.lr"), "--set train.lr=0.5");
  assert_string_equal(rs_settings_place(s, "seed"), "default");
  assert_int_equal(rs_job_dims(job, &dims), 1);
  assert_string_equal(dims[0].place, "dir/job.yaml:7:15");
  assert_string_equal(dims[0].places[0], "dir/job.yaml:7:16");
  assert_string_equal(dims[0].places[1], "dir/job.yaml:8:7");
  assert_true(dims[0].values[1].word);
  rs_job_destroy(job);
}

static void getters_give_every_type(void **state) {
  (void)state;
  rs_job *job = parse(small);
  const rs_settings *s = rs_job_base(job);
  const int64_t *ints;
  const double *floats;
  const char *const *texts;
  assert_int_equal(rs_settings_ints(s, "model.hidden", &ints), 2);
  assert_int_equal(ints[1], 64);
  assert_int_equal(rs_settings_floats(s, "model.scales", &floats), 0);
  assert_int_equal(rs_settings_texts(s, "model.tags", &texts), 2);
  assert_string_equal(texts[1], "b");
  assert_true(rs_settings_bool(s, "train.shuffle"));
  assert_true(rs_settings_float(s, "train.lr") == 0.001);
  assert_int_equal(rs_settings_int(s, "resources.threads_per_rank"), 0);
  assert_true(rs_settings_word(s, "resources.threads_per_rank"));
  assert_false(rs_settings_word(s, "svd.rank"));
  assert_true(rs_settings_has(s, "svd.rank"));
  assert_false(rs_settings_has(s, "svd"));
  assert_null(rs_settings_value(s, "svd.ran"));
  assert_string_equal(rs_settings_entry(s, "svd.rank")->word, "full");
  rs_job_destroy(job);
}

static void derived_settings_outlive_their_origin(void **state) {
  (void)state;
  enum { N = 10000 };
  rs_job *job = parse(small);
  rs_settings **trials, *clone;
  assert_ok(rs_new(&trials, N, sizeof *trials));
  for (int i = 0; i < N; i++) {
    rs_value value = {.type = RS_INT, .integer = i + 1};
    assert_ok(
        rs_settings_with(rs_job_base(job), "svd.rank", &value, i == 0 ? NULL : "here", &trials[i]));
  }
  assert_int_equal(rs_settings_int(rs_job_base(job), "svd.rank"), 8);
  assert_ok(rs_settings_clone(trials[N - 1], &clone));
  rs_job_destroy(job);
  for (int i = 0; i < N; i++) {
    assert_int_equal(rs_settings_int(trials[i], "svd.rank"), i + 1);
    assert_string_equal(rs_settings_place(trials[i], "svd.rank"), i == 0 ? "computed" : "here");
    assert_string_equal(rs_settings_place(trials[i], "data.path"), "job.yaml:3:14");
    rs_settings_destroy(trials[i]);
  }
  assert_string_equal(rs_settings_place(clone, "svd.rank"), "here");
  assert_string_equal(rs_settings_text(clone, "data.path"), "x");
  rs_settings_destroy(clone);
  free(trials);
}

static void values_copy_compare_and_print(void **state) {
  (void)state;
  char *texts[] = {(char *)"a", (char *)"b, c"};
  rs_value list = {.type = RS_TEXTS, .list = {.count = 2, .texts = texts}}, copy;
  rs_str out = {0};
  assert_ok(rs_value_copy(&list, &copy));
  assert_true(rs_value_equal(&list, &copy));
  copy.list.texts[0][0] = 'z';
  assert_false(rs_value_equal(&list, &copy));
  rs_value_print(&copy, NULL, &out);
  assert_string_equal(out.text, "[z, \"b, c\"]");
  rs_value_free(&copy);
  const double reals[] = {0.1, 1, 1e-5, 1e20, 1.0 / 3, 123456789012345678.0, -2.5e-300};
  const char *const shown[] = {
      "0.1", "1", "1e-5", "1e20", "0.3333333333333333", "1.2345678901234568e17", "-2.5e-300"};
  for (size_t i = 0; i < RS_COUNT(reals); i++) {
    rs_value value = {.type = RS_FLOAT, .real = reals[i]};
    rs_str_clear(&out);
    rs_value_print(&value, NULL, &out);
    assert_string_equal(out.text, shown[i]);
  }
  rs_str_free(&out);
}

/* ---- records -------------------------------------------------------------------------------- */

static void records_round_trip(void **state) {
  (void)state;
  rs_job *job =
      parse("name: first\nexperiment: bake\ndata.path: \"q\\\"\\\\\\n\\x01\xc3\xa9\"\n"
            "train: {lr: 0.1, shuffle: false}\nmodel: {hidden: [], scales: [1, 1e-7, 0.3]}\n"
            "svd.rank: full\ndata.offset: -9223372036854775808\n");
  rs_settings *back;
  char *text, *again;
  assert_ok(rs_settings_to_json(rs_job_base(job), &text));
  assert_non_null(strstr(text, "\"svd.rank\": \"full\""));
  assert_non_null(strstr(text, "\"model.scales\": [1, 1e-7, 0.3]"));
  assert_non_null(strstr(text, "\"data.offset\": -9223372036854775808"));
  assert_ok(rs_settings_from_json(&bake_schema, text, &back));
  assert_ok(rs_settings_to_json(back, &again));
  assert_string_equal(text, again);
  assert_string_equal(rs_settings_text(back, "data.path"), "q\"\\\n\x01\xc3\xa9");
  assert_string_equal(rs_settings_place(back, "seed"), "recorded");
  assert_true(rs_settings_word(back, "svd.rank"));
  rs_settings_destroy(back);
  rs_job_destroy(job);
  free(text);
  free(again);
}

/* The record of `small` with the first FROM replaced by TO. */
static char *changed_record(const char *from, const char *to) {
  rs_job *job = parse(small);
  rs_str out = {0};
  char *text;
  assert_ok(rs_settings_to_json(rs_job_base(job), &text));
  char *at = strstr(text, from);
  assert_non_null(at);
  rs_str_addn(&out, text, (size_t)(at - text));
  rs_str_add(&out, to);
  rs_str_add(&out, at + strlen(from));
  free(text);
  rs_job_destroy(job);
  return out.text;
}

static void printed_values_read_back(void **state) {
  (void)state;
  const struct {
    const char *path, *text;
  } cases[] = {{"train.lr", "2.5e-5"},        {"train.epochs", "7"},
               {"train.optimizer", "none"},   {"train.shuffle", "false"},
               {"model.hidden", "[1, 2]"},    {"model.scales", "[0.5]"},
               {"model.scales", "[]"},        {"model.tags", "[a, \"b, c\", \"10\", \"\"]"},
               {"svd.rank", "full"},          {"svd.rank", "3"},
               {"data.path", "\"a: #b\\n\""}, {"data.path", "/a b/c"}};
  rs_job *job = parse("{name: x, experiment: bake, data: {path: p}}");
  for (size_t i = 0; i < RS_COUNT(cases); i++) {
    rs_settings *s;
    rs_str text = {0};
    assert_ok(rs_settings_with_text(rs_job_base(job), cases[i].path, cases[i].text, "results", &s));
    rs_value_print(rs_settings_value(s, cases[i].path), rs_settings_entry(s, cases[i].path)->word,
                   &text);
    assert_string_equal(text.text, cases[i].text);
    assert_string_equal(rs_settings_place(s, cases[i].path), "results");
    rs_str_free(&text);
    rs_settings_destroy(s);
  }
  rs_settings *s;
  const rs_settings *base = rs_job_base(job);
  assert_fails(RS_ERR_DATA, "results: no setting `no.such`",
               rs_settings_with_text(base, "no.such", "1", "results", &s));
  assert_fails(RS_ERR_DATA, "results: svd.rank: expected 1 to 65536 or `full`, got `0`",
               rs_settings_with_text(base, "svd.rank", "0", "results", &s));
  assert_fails(RS_ERR_DATA, "results: not valid YAML",
               rs_settings_with_text(base, "model.tags", "[a", "results", &s));
  assert_fails(RS_ERR_DATA, "results: model.hidden: expected a list of whole numbers, got `5`",
               rs_settings_with_text(base, "model.hidden", "5", "results", &s));
  assert_null(s);
  rs_job_destroy(job);
}

static void damaged_records_are_data_errors(void **state) {
  (void)state;
  static const struct {
    const char *from, *to, *message;
  } cases[] = {
      {"\"seed\": 1, ", "", "recorded settings: `seed` is missing"},
      {"\"seed\"", "\"sead\"", "experiment bake has no setting `sead`"},
      {"\"seed\": 1", "\"seed\": \"1\"", "seed: expected a whole number, got the text `1`"},
      {"\"seed\": 1", "\"seed\": -1", "seed: expected 0 to 9007199254740992, got -1"},
      {"\"seed\": 1", "\"seed\": 1.5", "seed: expected a whole number, got 1.5"},
      {"\"seed\": 1", "\"seed\": null", "seed: expected a whole number, got nothing"},
      {"\"seed\": 1", "\"seed\": [1]", "seed: expected a whole number, got a list"},
      {"\"train.shuffle\": true", "\"train.shuffle\": 1", "expected true or false, got 1"},
      {"\"adam\"", "\"adma\"", "train.optimizer: expected adam, sgd or none, got `adma`"},
      {"\"auto\"", "\"atuo\"", "expected a whole number or `auto`, got `atuo`"},
      {"[64, 64]", "[64, 0]", "model.hidden: expected 1 to 65536, got 0"},
      {"[64, 64]", "64", "model.hidden: expected a list of whole numbers, got 64"},
      {"\"seed\": 1", "\"seed\": 1, \"seed\": 2", "duplicate"},
      {"{", "[", "recorded settings:1:"},
  };
  for (size_t i = 0; i < RS_COUNT(cases); i++) {
    rs_settings *s;
    char *text = changed_record(cases[i].from, cases[i].to);
    assert_fails(RS_ERR_DATA, cases[i].message, rs_settings_from_json(&bake_schema, text, &s));
    assert_null(s);
    free(text);
  }
  rs_settings *s;
  assert_fails(RS_ERR_DATA, "expected a JSON object",
               rs_settings_from_json(&bake_schema, "[]", &s));
}

static void canonical_form_takes_paths_and_prefixes(void **state) {
  (void)state;
  static const char *const reads[] = {"train.", "seed", "svd", "data.pat", "model.tags", NULL};
  rs_job *job = parse("name: first\nexperiment: bake\ndata: {path: x}\ntrain: {lr: 1}\n"
                      "model.tags: [a, 'b\n\n  c', '3']\n");
  rs_job *same =
      parse("name: other\nexperiment: bake\ndata: {path: y}\ntrain: {lr: 1.0, epochs: 1e1}\n"
            "model.tags: [a, \"b\\nc\", \"3\"]\n");
  rs_str a = {0}, b = {0};
  rs_settings_canonical(rs_job_base(job), reads, &a);
  rs_settings_canonical(rs_job_base(same), reads, &b);
  assert_string_equal(a.text,
                      "model.tags=[a, \"b\\nc\", \"3\"]\nseed=1\ntrain.epochs=10\ntrain.lr=1\n"
                      "train.optimizer=adam\ntrain.shuffle=true\n");
  assert_string_equal(a.text, b.text);
  rs_str_free(&a);
  rs_str_free(&b);
  rs_job_destroy(job);
  rs_job_destroy(same);
}

/* ---- names and problems --------------------------------------------------------------------- */

static void nearest_names(void **state) {
  (void)state;
  static const char *const names[] = {"train.lr", "train.epochs", "seed", "svd.rank"};
  static const char *const pairs[][2] = {
      {"tain.lr", "train.lr"},
      {"trian.lr", "train.lr"},
      {"TRAIN.LR", "train.lr"},
      {"train.epoch", "train.epochs"},
      {"sed", "seed"},
      {"svd.rnak", "svd.rank"},
      {"momentum", NULL},
      {"", NULL},
      {"x", NULL},
  };
  for (size_t i = 0; i < RS_COUNT(pairs); i++) {
    const char *near = rs_job_nearest(pairs[i][0], names, RS_COUNT(names));
    if (pairs[i][1] == NULL)
      assert_null(near);
    else
      assert_string_equal(near, pairs[i][1]);
  }
}

static void problems_sort_by_place_and_repeat_nothing(void **state) {
  (void)state;
  rs_problems *problems;
  assert_ok(rs_problems_create(&problems));
  assert_ok(rs_problems_status(problems));
  rs_problem_add(problems, NULL, "no place");
  rs_problem_add(problems, "j.yaml:10:2", "third");
  rs_problem_add(problems, "j.yaml:9:30", "second");
  rs_problem_add(problems, "--set a=b:1:1", "fifth");
  rs_problem_add(problems, "j.yaml:9", "first");
  rs_problem_add(problems, "j.yaml:10:2", "third");
  rs_problem_add(problems, "j.yaml:10:2", "fourth %d", 4);
  assert_int_equal(rs_problems_count(problems), 6);
  assert_int_equal(rs_problems_status(problems), RS_ERR_USAGE);
  assert_string_equal(rs_error_message(),
                      "j.yaml:9: first\nj.yaml:9:30: second\nj.yaml:10:2: third\n"
                      "j.yaml:10:2: fourth 4\nno place\n--set a=b:1:1: fifth");
  rs_problems_destroy(problems);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(job_cases_pass),
      cmocka_unit_test(files_that_cannot_be_read_are_usage_errors),
      cmocka_unit_test(bytes_that_are_no_text_are_refused),
      cmocka_unit_test(byte_order_mark_and_windows_line_ends_are_no_content),
      cmocka_unit_test(limits_hold),
      cmocka_unit_test(grids_beyond_ten_million_trials_are_refused),
      cmocka_unit_test(rules_see_every_value_of_a_large_grid),
      cmocka_unit_test(files_are_looked_for_once_for_the_same_data),
      cmocka_unit_test(layout_changes_no_result),
      cmocka_unit_test(walltimes_are_read_as_slurm_does),
      cmocka_unit_test(values_know_their_places),
      cmocka_unit_test(getters_give_every_type),
      cmocka_unit_test(derived_settings_outlive_their_origin),
      cmocka_unit_test(values_copy_compare_and_print),
      cmocka_unit_test(records_round_trip),
      cmocka_unit_test(printed_values_read_back),
      cmocka_unit_test(damaged_records_are_data_errors),
      cmocka_unit_test(canonical_form_takes_paths_and_prefixes),
      cmocka_unit_test(nearest_names),
      cmocka_unit_test(problems_sort_by_place_and_repeat_nothing),
  };
  return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
