/* sched: which outputs may go, one rule a test; and random sweeps against the rule itself. */
#include "test.h"

#include "record/keep.h"

#include <math.h>

static keeper *start(rs_keep_kind kind, size_t count, bool maximize) {
  keeper *k;
  assert_ok(keep_create((rs_checkpoint_keep){kind, count}, maximize, &k));
  return k;
}

static void add(keeper *k, int parent) {
  assert_ok(keep_add_stage(k, parent, true, false));
}

static void add_trial(keeper *k, int last) {
  assert_ok(keep_add_trial(k, last, last));
}

/* What may go now, in order of the stages' numbers: "0 2 3". */
static void expect(keeper *k, const char *stages) {
  bool gone[64] = {false};
  char text[256] = "";
  for (int stage; keep_next(k, &stage);) gone[stage] = true;
  for (int i = 0; i < 64; i++)
    if (gone[i]) sprintf(text + strlen(text), "%s%d", text[0] != '\0' ? " " : "", i);
  assert_string_equal(text, stages);
}

/* A stage with its output, or a trial, is done. */
static void done(keeper *k, int stage) {
  keep_stage_end(k, stage, true);
}

static void won(keeper *k, int trial, double value) {
  keep_trial_end(k, trial, true, value);
}

/* Trainings 0 and 1; trials 0..2 end with 2..4 below 0, trial 3 with 5 below 1. */
static keeper *two_trainings(rs_keep_kind kind, size_t count, bool maximize) {
  keeper *k = start(kind, count, maximize);
  const int parents[] = {-1, -1, 0, 0, 0, 1};
  for (size_t i = 0; i < RS_COUNT(parents); i++) add(k, parents[i]);
  for (int last = 2; last <= 5; last++) add_trial(k, last);
  done(k, 0);
  done(k, 1);
  expect(k, "");
  return k;
}

static void final_and_last_keep_everything(void **state) {
  (void)state;
  for (int kind = RS_KEEP_FINAL; kind <= RS_KEEP_LAST; kind++) {
    keeper *k = two_trainings((rs_keep_kind)kind, 1, true);
    for (int t = 0; t < 4; t++) {
      done(k, t + 2);
      won(k, t, t);
    }
    expect(k, "");
    keep_destroy(k);
  }
}

static void none_keeps_what_is_needed_until_it_is_not(void **state) {
  (void)state;
  keeper *k = two_trainings(RS_KEEP_NONE, 0, false);
  done(k, 2);
  expect(k, ""); /* its trial is not decided */
  won(k, 0, 1);
  expect(k, "2");
  done(k, 3);
  won(k, 1, 1);
  keep_stage_end(k, 4, false); /* failed */
  keep_trial_end(k, 2, false, NAN);
  expect(k, "0 3");
  done(k, 5);
  won(k, 3, 1);
  expect(k, "1 5");
  keep_destroy(k);
}

static void best_keeps_the_best_trials(void **state) {
  (void)state;
  keeper *k = two_trainings(RS_KEEP_BEST, 2, true);
  const double values[] = {0.5, 0.9, 0.4, 0.7};
  const char *const go[] = {"", "", "0 4", "1 2"};
  for (int t = 0; t < 4; t++) {
    done(k, t + 2);
    won(k, t, values[t]);
    expect(k, go[t]);
  }
  keep_destroy(k);
}

static void lesser_may_be_better_and_nan_is_the_worst(void **state) {
  (void)state;
  keeper *k = two_trainings(RS_KEEP_BEST, 2, false);
  const double values[] = {NAN, 3, 2, 3};
  const char *const go[] = {"", "", "0 2", "1 5"}; /* 3 is also trial 1's, which is lower */
  for (int t = 0; t < 4; t++) {
    done(k, t + 2);
    won(k, t, values[t]);
    expect(k, go[t]);
  }
  keep_destroy(k);
}

static void of_equal_trials_the_lower_one_stays_whichever_ends_first(void **state) {
  (void)state;
  keeper *k = two_trainings(RS_KEEP_BEST, 1, true);
  done(k, 5);
  won(k, 3, 1);
  expect(k, "1");
  done(k, 4);
  won(k, 2, 1);
  expect(k, "5");
  done(k, 3);
  won(k, 1, 1);
  expect(k, "4");
  done(k, 2);
  won(k, 0, 1);
  expect(k, "0 3");
  keep_destroy(k);
}

static void trials_may_share_their_last_stage(void **state) {
  (void)state;
  keeper *k = start(RS_KEEP_BEST, 1, true);
  add(k, -1);
  add_trial(k, 0);
  add_trial(k, 0);
  done(k, 0);
  won(k, 0, 1);
  expect(k, "");
  won(k, 1, 2);
  expect(k, ""); /* trial 0 falls out, trial 1 keeps it */
  add(k, -1);
  add_trial(k, 1);
  done(k, 1);
  won(k, 2, 3);
  expect(k, "0");
  keep_destroy(k);
}

static void what_something_new_needs_does_not_go(void **state) {
  (void)state;
  keeper *k = start(RS_KEEP_NONE, 0, false);
  add(k, -1);
  done(k, 0);
  add(k, 0);
  expect(k, "");
  keep_stage_end(k, 1, false);
  expect(k, "0");
  keep_destroy(k);
}

static void a_redone_stage_needs_its_parent_again(void **state) {
  (void)state;
  keeper *k = start(RS_KEEP_NONE, 0, false);
  assert_ok(keep_add_stage(k, -1, false, true)); /* as an earlier run left them */
  assert_ok(keep_add_stage(k, 0, false, false));
  add(k, 1);
  keep_stage_redo(k, 1);
  add_trial(k, 2);
  expect(k, "");
  done(k, 1);
  expect(k, "0");
  done(k, 2);
  won(k, 0, 1);
  expect(k, "1 2");
  keep_stage_redo(k, 0);
  done(k, 0);
  expect(k, "0");
  keep_destroy(k);
}

static void what_an_earlier_run_left_goes_when_the_policy_says_so(void **state) {
  (void)state;
  keeper *k = start(RS_KEEP_BEST, 1, true);
  assert_ok(keep_add_stage(k, -1, false, true));
  for (int t = 0; t < 3; t++) {
    assert_ok(keep_add_stage(k, 0, false, true));
    add_trial(k, t + 1);
  }
  for (int t = 0; t < 3; t++) won(k, t, t == 1 ? 2 : 1);
  expect(k, "0 1 3");
  keep_destroy(k);
}

/* Stage 2 is for looking at what 1 left; so is 3 of the same. */
static void what_comes_after_a_model_goes_with_it(void **state) {
  (void)state;
  for (int kept = 0; kept < 2; kept++) {
    keeper *k = start(kept ? RS_KEEP_BEST : RS_KEEP_NONE, 1, true);
    const int parents[] = {-1, 0, 1, 1};
    for (size_t i = 0; i < RS_COUNT(parents); i++) add(k, parents[i]);
    assert_ok(keep_add_trial(k, 1, 2));
    assert_ok(keep_add_trial(k, 1, 3));
    done(k, 0);
    done(k, 1);
    expect(k, "0");
    done(k, 2);
    won(k, 0, 1);
    expect(k, kept ? "" : "2");
    done(k, 3);
    won(k, 1, 2);
    expect(k, kept ? "2" : "1 3");
    keep_destroy(k);
  }
}

/* ---- random sweeps ------------------------------------------------------------------------ */

enum { STAGES = 20, TRIALS = 20 };

typedef struct sweep {
  rs_stream stream;
  uint64_t drawn;
  int n_stages, n_trials, parent[STAGES], model[TRIALS], last[TRIALS];
  bool open[STAGES], output[STAGES], decided[TRIALS], won[TRIALS];
  double value[TRIALS]; /* greater is better */
} sweep;

static int draw(sweep *w, int bound) {
  return (int)rs_stream_below(&w->stream, w->drawn++, (uint32_t)bound);
}

static bool is_kept(const sweep *w, int trial, int best) {
  int before = 0;
  for (int t = 0; t < w->n_trials; t++)
    before += w->won[t] &&
              (w->value[t] > w->value[trial] || (w->value[t] == w->value[trial] && t < trial));
  return w->won[trial] && before < best;
}

/* The rule, word for word. */
static bool should_stay(const sweep *w, int stage, int best) {
  for (int i = 0; i < w->n_stages; i++)
    if (w->parent[i] == stage && w->open[i]) return true;
  for (int t = 0; t < w->n_trials; t++)
    if ((w->last[t] == stage || w->model[t] == stage) && (!w->decided[t] || is_kept(w, t, best)))
      return true;
  return w->open[stage];
}

static void end_stage(sweep *w, keeper *k, int stage) {
  w->output[stage] = draw(w, 5) > 0;
  w->open[stage] = false;
  keep_stage_end(k, stage, w->output[stage]);
}

static void end_trial(sweep *w, keeper *k, int trial) {
  w->decided[trial] = true;
  w->won[trial] = draw(w, 5) > 0;
  w->value[trial] = draw(w, 6);
  keep_trial_end(k, trial, w->won[trial], w->value[trial]);
}

static void let_something_happen(sweep *w, keeper *k) {
  int stage = w->n_stages > 0 ? draw(w, w->n_stages) : 0;
  int trial = w->n_trials > 0 ? draw(w, w->n_trials) : 0;
  switch (draw(w, 5)) {
  case 0:
    if (w->n_stages == STAGES) return;
    w->parent[w->n_stages] = draw(w, 4) == 0 ? -1 : draw(w, w->n_stages + 1) - 1;
    w->open[w->n_stages] = draw(w, 3) > 0;
    w->output[w->n_stages] = !w->open[w->n_stages];
    assert_ok(
        keep_add_stage(k, w->parent[w->n_stages], w->open[w->n_stages], w->output[w->n_stages]));
    w->n_stages++;
    break;
  case 1:
    if (w->n_trials == TRIALS || w->n_stages == 0) return;
    w->last[w->n_trials] = stage;
    w->model[w->n_trials] = draw(w, 2) > 0 && w->parent[stage] >= 0 ? w->parent[stage] : stage;
    assert_ok(keep_add_trial(k, w->model[w->n_trials], stage));
    w->n_trials++;
    break;
  case 2:
    if (w->n_stages > 0 && w->open[stage]) end_stage(w, k, stage);
    break;
  case 3:
    if (w->n_trials > 0 && !w->decided[trial] && !w->open[w->last[trial]]) end_trial(w, k, trial);
    break;
  case 4:
    if (w->n_stages == 0 || w->open[stage] || w->output[stage] || draw(w, 3) > 0) return;
    w->open[stage] = true;
    keep_stage_redo(k, stage);
    break;
  }
}

static void random_sweeps_follow_the_rule(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 2000; seed++) {
    sweep w = {.stream = rs_stream_make(seed, "keep", "sweep", 0)};
    int best = draw(&w, 4);
    keeper *k = best == 0 ? start(RS_KEEP_NONE, 0, true) : start(RS_KEEP_BEST, (size_t)best, true);
    for (int step = 0; step < 150; step++) {
      let_something_happen(&w, k);
      for (int stage; draw(&w, 2) == 0 && keep_next(k, &stage);) {
        assert_true(w.output[stage] && !should_stay(&w, stage, best));
        w.output[stage] = false;
      }
    }
    for (int stage; keep_next(k, &stage);) {
      assert_true(w.output[stage] && !should_stay(&w, stage, best));
      w.output[stage] = false;
    }
    for (int i = 0; i < w.n_stages; i++) assert_true(!w.output[i] || should_stay(&w, i, best));
    keep_destroy(k);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(final_and_last_keep_everything),
      cmocka_unit_test(none_keeps_what_is_needed_until_it_is_not),
      cmocka_unit_test(best_keeps_the_best_trials),
      cmocka_unit_test(lesser_may_be_better_and_nan_is_the_worst),
      cmocka_unit_test(of_equal_trials_the_lower_one_stays_whichever_ends_first),
      cmocka_unit_test(trials_may_share_their_last_stage),
      cmocka_unit_test(what_something_new_needs_does_not_go),
      cmocka_unit_test(a_redone_stage_needs_its_parent_again),
      cmocka_unit_test(what_an_earlier_run_left_goes_when_the_policy_says_so),
      cmocka_unit_test(what_comes_after_a_model_goes_with_it),
      cmocka_unit_test(random_sweeps_follow_the_rule),
  };
  return cmocka_run_group_tests_name("keep", tests, NULL, NULL);
}
