/* sched: what a journal means: which attempts count, and that a shorter one means the same. */
#include "store_files.h"

#include "record/past.h"

static const rs_id A = {.hi = 1, .lo = 2}, B = {.hi = 3, .lo = 4};

/* Feeds the records, "A" and "B" standing for the two identities. */
static past *read_records(const char *const *records, size_t n) {
  past *p;
  char a[RS_ID_TEXT], b[RS_ID_TEXT];
  rs_id_format(A, a);
  rs_id_format(B, b);
  assert_ok(past_create(&p));
  assert_ok(past_visit(p, "{\"is\":\"open\",\"format\":\"ranksweep-journal\",\"version\":1}", 1));
  for (size_t i = 0; i < n; i++) {
    rs_str line = {0};
    for (const char *c = records[i]; *c != '\0'; c++)
      if (*c == 'A' || *c == 'B')
        rs_str_add(&line, *c == 'A' ? a : b);
      else
        rs_str_addn(&line, c, 1);
    assert_ok(past_visit(p, line.text, i + 2));
    rs_str_free(&line);
  }
  return p;
}

#define BEGIN(id, attempt, worker)                                                                 \
  "{\"is\":\"begin\",\"stage\":\"" id "\",\"name\":\"n\",\"trial\":7,\"attempt\":" attempt         \
  ",\"workers\":[" worker "]}"
#define END(id, attempt, state)                                                                    \
  "{\"is\":\"end\",\"stage\":\"" id "\",\"attempt\":" attempt ",\"state\":\"" state "\"}"
#define ROW(id, step)                                                                              \
  "{\"is\":\"metrics\",\"stage\":\"" id "\",\"epoch\":1,\"step\":" step ",\"values\":{}}"
#define START       "{\"is\":\"start\"}"
#define CRASH(rank) "{\"is\":\"crash\",\"rank\":" rank ",\"message\":\"boom\"}"

static const char *message_of(const past *p, rs_id id) {
  return json_string_value(json_object_get(past_stage(p, id), "message"));
}

static size_t rows_of(const past *p, rs_id id) {
  return json_array_size(json_object_get(past_stage(p, id), "metrics"));
}

/* ---- attempts ------------------------------------------------------------------------------- */

static void interruptions_do_not_count(void **state) {
  (void)state;
  const char *const records[] = {START, BEGIN("A", "1", "1"), BEGIN("B", "1", "2"),
                                 START, BEGIN("A", "1", "1"), END("A", "1", "stopped")};
  past *p = read_records(records, RS_COUNT(records));
  past_interrupt(p);
  assert_int_equal(past_attempts(p, A), 0);
  assert_int_equal(past_attempts(p, B), 0);
  past_destroy(p);
}

static void a_crash_counts_for_the_stage_on_that_rank(void **state) {
  (void)state;
  const char *const records[] = {START, BEGIN("A", "1", "1,3"), BEGIN("B", "1", "2")};
  past *p = read_records(records, RS_COUNT(records));
  assert_int_equal(json_integer_value(json_object_get(past_running_on(p, 3), "trial")), 7);
  assert_null(past_running_on(p, 0));
  assert_ok(past_visit(p, CRASH("3"), 5));
  assert_null(past_running_on(p, 1));
  assert_ok(past_visit(p, START, 6));
  assert_int_equal(past_attempts(p, A), 1);
  assert_string_equal(message_of(p, A), "boom");
  assert_int_equal(past_attempts(p, B), 0);
  assert_null(message_of(p, B));
  past_destroy(p);
}

static void a_failed_attempt_is_over(void **state) {
  (void)state;
  const char *const records[] = {
      START, BEGIN("A", "1", "1"),
      "{\"is\":\"failed\",\"stage\":\"A\",\"attempt\":1,\"message\":\"no room\"}",
      BEGIN("B", "1", "1"), CRASH("1")};
  past *p = read_records(records, RS_COUNT(records));
  assert_int_equal(past_attempts(p, A), 1);
  assert_string_equal(message_of(p, A), "no room");
  assert_int_equal(past_attempts(p, B), 1); /* the one that ran when the rank crashed */
  assert_string_equal(message_of(p, B), "boom");
  past_interrupt(p);
  assert_int_equal(past_attempts(p, A), 1);
  past_destroy(p);
}

static void a_failed_attempt_stays_used_when_the_next_is_interrupted(void **state) {
  (void)state;
  const char *const records[] = {START, BEGIN("A", "1", "1"), BEGIN("A", "2", "1"), START};
  past *p = read_records(records, RS_COUNT(records));
  assert_int_equal(past_attempts(p, A), 1);
  past_destroy(p);
}

static void failures_can_be_forgiven(void **state) {
  (void)state;
  const char *const records[] = {START,
                                 BEGIN("A", "3", "1"),
                                 END("A", "3", "failed"),
                                 BEGIN("B", "1", "1"),
                                 END("B", "1", "done"),
                                 "{\"is\":\"retry\"}"};
  past *p = read_records(records, RS_COUNT(records));
  assert_int_equal(past_attempts(p, A), 0);
  assert_null(json_object_get(past_stage(p, A), "end"));
  assert_non_null(json_object_get(past_stage(p, B), "end"));
  assert_int_equal(past_finished(p), 1);
  past_destroy(p);
}

static void progress_is_more_than_before(void **state) {
  (void)state;
  const char *const records[] = {START, BEGIN("A", "1", "1"), ROW("A", "10"), ROW("A", "20")};
  past *p = read_records(records, RS_COUNT(records));
  size_t before = past_progress(p);
  assert_ok(past_visit(p, START, 6)); /* goes back to a checkpoint, and no further than before */
  char id[RS_ID_TEXT], row[200];
  rs_id_format(A, id);
  snprintf(row, sizeof row, ROW("%s", "20"), id);
  assert_ok(past_visit(p, row, 7));
  assert_int_equal(past_progress(p), before);
  assert_int_equal(rows_of(p, A), 2);
  past_destroy(p);
}

/* ---- compaction ------------------------------------------------------------------------------ */

static void a_short_journal_means_the_same(void **state) {
  const char *const records[] = {START,
                                 BEGIN("A", "1", "1"),
                                 ROW("A", "10"),
                                 ROW("A", "20"),
                                 ROW("A", "10"),
                                 END("A", "1", "done"),
                                 BEGIN("B", "1", "2"),
                                 ROW("B", "5"),
                                 CRASH("2"),
                                 START,
                                 BEGIN("B", "2", "2")};
  char *path = path_in(state, "short.journal");
  rs_journal *journal;
  past *p = read_records(records, RS_COUNT(records)), *q, *r;
  assert_false(past_is_long(p));
  past_interrupt(p);
  assert_ok(past_create(&q));
  assert_ok(rs_journal_open(path, NULL, past_visit, q, &journal, NULL));
  assert_ok(rs_journal_rewrite(journal, past_write, p));
  assert_ok(rs_journal_close(journal));
  past_destroy(q);
  assert_ok(past_create(&r));
  assert_ok(rs_journal_read(path, past_visit, r, NULL));
  assert_int_equal(past_attempts(r, B), 1);
  assert_int_equal(rows_of(r, A), 1);
  /* a crash counts as progress when it is read; afterwards it is one attempt of the stage */
  assert_true(json_equal(past_stage(p, A), past_stage(r, A)));
  assert_true(json_equal(past_stage(p, B), past_stage(r, B)));
  assert_true(json_equal(past_starts(p), past_starts(r)));
  past_destroy(p);
  past_destroy(r);
  free(path);
}

static const char *artifact_of(const past *p, rs_id id) {
  const json_t *end = json_object_get(past_stage(p, id), "end");
  return json_string_value(json_array_get(json_object_get(end, "artifacts"), 0));
}

static void a_restored_stage_has_its_latest_artifacts(void **state) {
  (void)state;
  const char *const records[] = {
      START,
      BEGIN("A", "1", "1"),
      "{\"is\":\"end\",\"stage\":\"A\",\"attempt\":1,\"state\":\"done\",\"artifacts\":[\"x\"]}",
      "{\"is\":\"removed\",\"stage\":\"A\"}",
      "{\"is\":\"restored\",\"stage\":\"A\"}",
      "{\"is\":\"restored\",\"stage\":\"A\",\"artifacts\":[\"y\"]}"};
  for (size_t n = 3; n <= RS_COUNT(records); n++) {
    past *p = read_records(records, n);
    assert_string_equal(artifact_of(p, A), n == RS_COUNT(records) ? "y" : "x");
    past_destroy(p);
  }
}

static void interrupted_work_makes_a_journal_long(void **state) {
  (void)state;
  past *p = read_records(NULL, 0);
  char id[RS_ID_TEXT], begin[300];
  rs_id_format(A, id);
  snprintf(begin, sizeof begin, BEGIN("%s", "1", "1"), id);
  for (size_t line = 2; line < 3000; line++) assert_ok(past_visit(p, begin, line));
  assert_true(past_is_long(p));
  past_destroy(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(interruptions_do_not_count),
      cmocka_unit_test(a_crash_counts_for_the_stage_on_that_rank),
      cmocka_unit_test(a_failed_attempt_is_over),
      cmocka_unit_test(a_failed_attempt_stays_used_when_the_next_is_interrupted),
      cmocka_unit_test(failures_can_be_forgiven),
      cmocka_unit_test(progress_is_more_than_before),
      cmocka_unit_test(a_short_journal_means_the_same),
      cmocka_unit_test(a_restored_stage_has_its_latest_artifacts),
      cmocka_unit_test(interrupted_work_makes_a_journal_long),
  };
  return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
