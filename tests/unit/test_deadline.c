/* cli: how a deadline is written. */
#include "test.h"

#include "launch/deadline.h"

static const double now = 1772366400; /* 2026-03-01T12:00:00Z */

static void spans(void **state) {
  (void)state;
  static const struct {
    const char *text;
    double seconds;
  } cases[] = {{"90", 90},       {"90 s", 90},    {"45 min", 2700},         {"45m", 2700},
               {"1h30m", 5400},  {"1.5 h", 5400}, {"2:30:00", 9000},        {"30:00", 1800},
               {"1d 2h", 93600}, {"0.5 s", 0.5},  {"1 h 30 min 5 s", 5405}, {"100:00:00", 360000}};
  for (size_t i = 0; i < RS_COUNT(cases); i++) {
    deadline got;
    assert_ok(deadline_parse(cases[i].text, now, &got));
    assert_true(got - now == cases[i].seconds);
  }
}

static void moments(void **state) {
  (void)state;
  deadline got;
  assert_ok(deadline_parse("2026-03-01T12:00:30Z", now, &got));
  assert_true(got == now + 30);
  assert_fails(RS_ERR_USAGE, "is over already", deadline_parse("2026-03-01T11:59:00Z", now, &got));
}

static void wrong_ones(void **state) {
  (void)state;
  static const char *const texts[] = {"",       "soon",    "5 parsecs", "-5",
                                      "1h-30m", "1:70:00", "1:2:3:4",   "5 hours ago",
                                      "inf",    "nan",     "90 s s",    "2026-13-01T00:00:00Z"};
  for (size_t i = 0; i < RS_COUNT(texts); i++) {
    deadline got;
    assert_fails(RS_ERR_USAGE, "--deadline", deadline_parse(texts[i], now, &got));
    assert_true(got == 0);
  }
  deadline got;
  assert_fails(RS_ERR_USAGE, "is over already", deadline_parse("0", now, &got));
  assert_fails(RS_ERR_USAGE, "ten years", deadline_parse("90000000 h", now, &got));
}

static void margins(void **state) {
  (void)state;
  assert_true(deadline_stop_time(now, 5) == now - 1);
  assert_true(deadline_stop_time(now, 100) == now - 10);
  assert_true(deadline_stop_time(now, 86400) == now - 60);
}

static void the_earlier_of_two_ends(void **state) {
  (void)state;
  deadline stop;
  unsetenv(DEADLINE_VARIABLE);
  assert_ok(deadline_choose(NULL, 0, now, &stop));
  assert_true(stop == 0);
  assert_ok(deadline_choose("100 s", 0, now, &stop));
  assert_true(stop == now + 90);
  assert_ok(deadline_choose("100 s", now + 50, now, &stop));
  assert_true(stop == now + 45);
  assert_ok(deadline_choose("10 s", now + 50, now, &stop));
  assert_true(stop == now + 9);
  deadline_hand_on(now + 7);
  assert_ok(deadline_choose("10 s", now + 50, now, &stop));
  assert_true(stop == now + 7);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(spans), cmocka_unit_test(moments),
                                     cmocka_unit_test(wrong_ones), cmocka_unit_test(margins),
                                     cmocka_unit_test(the_earlier_of_two_ends)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
