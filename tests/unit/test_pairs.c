/* Pairs of sides, as speaker verification draws them. */
#include "test.h"

#include "verify/verify.h"

enum { SPEAKERS = 6, EACH = 8, CLIPS = 3, PAIRS = 4000 };

static size_t first[SPEAKERS + 1];
static rs_sound_name names[SPEAKERS * EACH];

static rs_utterances make_utterances(void) {
  for (size_t k = 0; k <= SPEAKERS; k++) first[k] = k * EACH;
  return (rs_utterances){
      .part = {.count = SPEAKERS * EACH, .name = names}, .speakers = SPEAKERS, .first = first};
}

static size_t speaker_of(uint32_t utterance) {
  return utterance / EACH;
}

/* One speaker a side, who is the other side's if and only if the pair says so; all different. */
static void check_pair(const rs_pair *p) {
  for (size_t i = 0; i < CLIPS; i++) {
    assert_true(p->a[i] < SPEAKERS * EACH && p->b[i] < SPEAKERS * EACH);
    assert_int_equal(speaker_of(p->a[i]), speaker_of(p->a[0]));
    assert_int_equal(speaker_of(p->b[i]), speaker_of(p->b[0]));
    for (size_t j = 0; j < CLIPS; j++) {
      assert_true(p->a[i] != p->b[j]);
      assert_true(i == j || (p->a[i] != p->a[j] && p->b[i] != p->b[j]));
    }
  }
  assert_true((speaker_of(p->a[0]) == speaker_of(p->b[0])) == p->same);
}

static void pairs_are_of_one_speaker_or_of_two(void **state) {
  (void)state;
  const rs_utterances u = make_utterances();
  const rs_stream s = rs_stream_make(1, "test", "pairs", 0),
                  other = rs_stream_make(1, "test", "pairs", 1);
  size_t count[SPEAKERS] = {0}, same = 0, equal = 0;
  for (uint64_t i = 0; i < PAIRS; i++) {
    rs_pair p, again, next;
    rs_pair_draw(&u, &(rs_rivals){0}, CLIPS, &s, i, &p);
    rs_pair_draw(&u, &(rs_rivals){0}, CLIPS, &s, i, &again);
    rs_pair_draw(&u, &(rs_rivals){0}, CLIPS, &other, i, &next);
    check_pair(&p);
    assert_memory_equal(p.a, again.a, CLIPS * sizeof *p.a);
    equal += p.a[0] == next.a[0];
    same += p.same;
    count[speaker_of(p.a[0])]++;
  }
  assert_int_equal(same, PAIRS / 2);
  assert_true(equal < PAIRS / 10);
  for (size_t k = 0; k < SPEAKERS; k++) assert_true(count[k] > PAIRS / SPEAKERS * 4 / 5);
}

static void every_corner_of_a_square_is_in_two_pairs(void **state) {
  (void)state;
  const rs_utterances u = make_utterances();
  const rs_stream s = rs_stream_make(2, "test", "pairs", 0);
  for (uint64_t square = 0; square < PAIRS / 4; square++) {
    rs_pair p[4];
    for (uint64_t i = 0; i < 4; i++) {
      rs_pair_draw_square(&u, &(rs_rivals){0}, CLIPS, &s, 4 * square + i, &p[i]);
      check_pair(&p[i]);
      assert_true(p[i].same == (i % 2 == 0));
    }
    for (size_t i = 0; i < 4; i++)
      assert_memory_equal(p[i].b, p[(i + 1) % 4].a, CLIPS * sizeof *p[i].a);
  }
}

static void hard_pairs_are_of_rivals(void **state) {
  (void)state;
  const rs_utterances u = make_utterances();
  const rs_stream s = rs_stream_make(3, "test", "pairs", 0);
  uint32_t next[SPEAKERS];
  for (uint32_t k = 0; k < SPEAKERS; k++) next[k] = (k + 1) % SPEAKERS;
  const rs_rivals rivals = {.share = 0.5, .count = 1, .of = next};
  size_t hard = 0;
  for (uint64_t i = 1; i < PAIRS; i += 2) {
    rs_pair p;
    rs_pair_draw(&u, &rivals, CLIPS, &s, i, &p);
    check_pair(&p);
    hard += speaker_of(p.b[0]) == next[speaker_of(p.a[0])];
  }
  /* Half of them, and a fifth of the other half. */
  assert_true(hard > PAIRS / 2 * 0.55 && hard < PAIRS / 2 * 0.65);
}

static void trials_need_enough_utterances(void **state) {
  (void)state;
  const rs_utterances u = make_utterances();
  rs_verify_trials t;
  assert_fails(RS_ERR_DATA, "at least 10", rs_verify_trials_draw(&u, 5, 10, 1, &t));
  assert_ok(rs_verify_trials_draw(&u, 4, 100, 1, &t));
  assert_true(t.sides <= 200 && t.sides > 100);
  for (size_t i = 0; i < t.n; i++) assert_true(t.same[i] == (i % 2 == 0));
  rs_verify_trials_free(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pairs_are_of_one_speaker_or_of_two),
      cmocka_unit_test(every_corner_of_a_square_is_in_two_pairs),
      cmocka_unit_test(hard_pairs_are_of_rivals),
      cmocka_unit_test(trials_need_enough_utterances),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
