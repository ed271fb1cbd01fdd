/* sched: stages that run, and what it takes to call one hung. */
#include "test.h"

#include "coordinator/pace.h"
#include "coordinator/running.h"

static running_stage *begin(running *r, int stage, const int *workers, int n, double now) {
  const rs_command start = {.stage = stage, .attempt = 1, .workers = workers, .n_workers = n};
  assert_ok(running_begin(r, &start, "train", stage + 100, now));
  return running_find(r, stage);
}

static void they_begin_and_end(void **state) {
  (void)state;
  const int workers[] = {3, 1};
  const rs_running_view *views;
  running r = {0};
  begin(&r, 5, workers, 2, 10);
  begin(&r, 7, workers + 1, 1, 11);
  assert_ok(running_views(&r, 15, &views));
  assert_int_equal(r.count, 2);
  assert_int_equal(views[0].root, 3);
  assert_true(views[0].seconds == 5 && views[1].seconds == 4);
  running_end(&r, 5);
  running_end(&r, 5);
  assert_null(running_find(&r, 5));
  assert_int_equal(running_find(&r, 7)->trial, 107);
  running_free(&r);
}

static void silence_is_warned_of_once_and_then_too_long(void **state) {
  (void)state;
  const int worker = 1;
  running r = {0};
  running_stage *s = begin(&r, 0, &worker, 1, 100);
  assert_int_equal(running_stall(s, 129, 60), STALL_NONE);
  assert_int_equal(running_stall(s, 130, 60), STALL_WARN);
  assert_int_equal(running_stall(s, 131, 60), STALL_NONE);
  assert_true(running_heard(s, 140)); /* the warned silence is over */
  assert_false(running_heard(s, 141));
  assert_int_equal(running_stall(s, 171, 60), STALL_WARN);
  assert_int_equal(running_stall(s, 201, 60), STALL_OVER);
  assert_int_equal(running_stall(s, 1e9, 0), STALL_NONE); /* no limit */
  running_free(&r);
}

static void who_waits_has_arrived(void **state) {
  (void)state;
  const int workers[] = {2, 4, 6};
  int missing[3];
  running r = {0};
  running_stage *s = begin(&r, 0, workers, 3, 0);
  assert_int_equal(running_missing(s, 30, missing), 3); /* nobody waits: all are at work, or hung */
  running_waits(s, 2, 29);
  running_waits(s, 6, 29);
  running_waits(s, 9, 29); /* not of the group */
  assert_int_equal(running_missing(s, 30, missing), 1);
  assert_int_equal(missing[0], 4);
  assert_int_equal(running_missing(s, 60, missing), 3); /* they have stopped waiting */
  running_waits(s, 2, 61);
  running_heard(s, 62); /* headway: what was waited for before has come */
  assert_int_equal(running_missing(s, 63, missing), 3);
  for (int i = 0; i < 3; i++) running_waits(s, workers[i], 70);
  assert_int_equal(running_missing(s, 71, missing), 3); /* all wait: nobody in particular */
  running_free(&r);
}

static void a_pace_is_that_of_the_nearest_in_size(void **state) {
  (void)state;
  pace p = {0};
  assert_true(pace_expect(&p, 5) == 0);
  pace_learn(&p, 10, 3);
  assert_true(pace_expect(&p, 10) == 3 && pace_expect(&p, 20) == 6);
  pace_learn(&p, 10, 2); /* the longest counts */
  assert_true(pace_expect(&p, 10) == 3);
  pace_learn(&p, 1000, 400); /* a wide one is slower than in proportion to the narrow one */
  assert_true(pace_expect(&p, 5) == 1.5 && pace_expect(&p, 2000) == 800);
  for (int i = 0; i < 2 * PACE_MOST; i++) pace_learn(&p, 2000 + i, 1);
  assert_int_equal(p.n, PACE_MOST);
  assert_true(pace_expect(&p, 10) == 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(they_begin_and_end),
      cmocka_unit_test(silence_is_warned_of_once_and_then_too_long),
      cmocka_unit_test(who_waits_has_arrived),
      cmocka_unit_test(a_pace_is_that_of_the_nearest_in_size),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
