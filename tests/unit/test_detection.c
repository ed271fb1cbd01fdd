/* Error rates of scores against their definitions, threshold by threshold. */
#include "test.h"

#include <math.h>

#include "verify/detection.h"

enum { N = 200 };

static void draw(uint64_t seed, size_t n, double apart, int steps, float *scores, uint8_t *same) {
  rs_stream s = rs_stream_make(seed, "test", "scores", 0);
  for (size_t i = 0; i < n; i++) {
    same[i] = i % 3 == 0;
    double x = rs_stream_normal(&s, i) + (same[i] ? apart : 0);
    scores[i] = (float)(steps > 0 ? floor(x * steps) / steps : x); /* steps: ties */
  }
}

/* Shares of misses and false alarms when scores from T on are accepted. */
static void rates(size_t n, const float *scores, const uint8_t *same, double t, double *miss,
                  double *alarm) {
  double count[2] = {0, 0}, accepted[2] = {0, 0};
  for (size_t i = 0; i < n; i++) {
    count[same[i]]++;
    accepted[same[i]] += scores[i] >= t;
  }
  *miss = 1 - accepted[1] / count[1];
  *alarm = accepted[0] / count[0];
}

static void measures_follow_their_definitions(void **state) {
  (void)state;
  float scores[N];
  uint8_t same[N];
  rs_detection d;
  for (int round = 0; round < 20; round++) {
    draw((uint64_t)round, N, 0.1 * round, round % 4, scores, same);
    assert_ok(rs_detection_measure(N, scores, same, 0.5, &d));
    double pairs = 0, wins = 0, right = 0, gap = 2, eer = 0, cost = 1, miss, alarm;
    for (size_t i = 0; i < N; i++) {
      right += (scores[i] >= 0.5f) == same[i];
      rates(N, scores, same, scores[i], &miss, &alarm);
      cost = fmin(cost, (RS_TARGET_PRIOR * miss + (1 - RS_TARGET_PRIOR) * alarm) / RS_TARGET_PRIOR);
      if (fabs(miss - alarm) < gap) {
        gap = fabs(miss - alarm);
        eer = (miss + alarm) / 2;
      }
      for (size_t k = 0; k < N; k++) {
        if (!same[i] || same[k]) continue;
        pairs++;
        wins += scores[i] > scores[k] ? 1 : scores[i] == scores[k] ? 0.5 : 0;
      }
    }
    assert_true(fabs(d.auc - wins / pairs) < 1e-12);
    assert_true(fabs(d.accuracy - right / N) < 1e-12);
    assert_true(fabs(d.min_dcf - cost) < 1e-12);
    assert_true(fabs(d.eer - eer) <= gap / 2 + 1e-12);
    rates(N, scores, same, d.eer_threshold, &miss, &alarm);
    assert_true(miss <= alarm + 1e-12);
  }
}

static void ends_are_exact(void **state) {
  (void)state;
  const float apart[] = {0.9f, 0.8f, 0.2f, 0.1f}, alike[] = {1, 1, 1, 1};
  const uint8_t same[] = {1, 1, 0, 0}, turned[] = {0, 0, 1, 1};
  rs_detection d;
  assert_ok(rs_detection_measure(4, apart, same, 0.5, &d));
  assert_true(d.eer == 0 && d.auc == 1 && d.accuracy == 1 && d.min_dcf == 0);
  assert_true(d.eer_accuracy == 1 && d.eer_threshold == 0.8f);
  assert_ok(rs_detection_measure(4, apart, turned, 0.5, &d));
  assert_true(d.eer == 1 && d.auc == 0 && d.accuracy == 0 && d.min_dcf == 1);
  assert_ok(rs_detection_measure(4, alike, same, 0.5, &d));
  assert_true(d.eer == 0.5 && d.auc == 0.5 && d.min_dcf == 1);
}

static void curves_go_from_one_end_to_the_other(void **state) {
  (void)state;
  enum { POINTS = 33 };
  float scores[N], accepted[POINTS], rejected[POINTS];
  uint8_t same[N];
  draw(5, N, 1, 3, scores, same);
  assert_ok(rs_detection_curve(N, scores, same, POINTS, accepted, rejected));
  assert_true(accepted[0] == 0 && rejected[0] == 1);
  assert_true(accepted[POINTS - 1] == 1 && rejected[POINTS - 1] == 0);
  for (size_t i = 1; i < POINTS; i++)
    assert_true(accepted[i] >= accepted[i - 1] && rejected[i] <= rejected[i - 1]);
}

static void what_cannot_be_measured_is_refused(void **state) {
  (void)state;
  const float scores[] = {1, NAN, 2};
  const uint8_t same[] = {1, 1, 1};
  rs_detection d;
  assert_fails(RS_ERR_DATA, "score 2 of 3", rs_detection_measure(3, scores, same, 0, &d));
  assert_fails(RS_ERR_DATA, "got 1 and 0", rs_detection_measure(1, scores, same, 0, &d));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(measures_follow_their_definitions),
      cmocka_unit_test(ends_are_exact),
      cmocka_unit_test(curves_go_from_one_end_to_the_other),
      cmocka_unit_test(what_cannot_be_measured_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
