/* shares of a job: every trial in one of them, families together, work balanced. */
#include "test.h"

#include "ranksweep/plan.h"

#include <stdio.h>

static const rs_setting settings[] = {
    {.path = "train.size", .type = RS_INT, .initial = "1", .min = 1, .max = 1000, .help = "work"},
    {.path = "svd.method", .type = RS_INT, .initial = "1", .min = 1, .max = 1000, .help = "method"},
    {.path = "svd.rank", .type = RS_INT, .initial = "1", .min = 1, .max = 1000, .help = "D"},
    {0},
};
static const rs_metric metrics[] = {{"accuracy", NULL, "accuracy"}, {0}};
static const rs_schema schema = {.experiment = "toy",
                                 .summary = "A toy.",
                                 .settings = (const rs_setting *const[]){settings, NULL},
                                 .metrics = metrics};
static const rs_schema *const schemas[] = {&schema, NULL};

static rs_status train_cost(const rs_settings *s, rs_cost *out) {
  out->flops = 1e9 * (double)rs_settings_int(s, "train.size");
  return RS_OK;
}

static const rs_stage_spec train = {.name = "train",
                                    .version = 1,
                                    .reads = (const char *const[]){"train.", NULL},
                                    .cost = train_cost};
static const rs_stage_spec factor = {
    .name = "factor", .version = 1, .reads = (const char *const[]){"svd.method", NULL}};
static const rs_stage_spec test = {
    .name = "test", .version = 1, .reads = (const char *const[]){"svd.rank", NULL}};
static const rs_stage_spec *const specs[] = {&train, &factor, &test};

static rs_job *parse(const char *sweep) {
  rs_job *job;
  rs_str yaml = {0};
  rs_str_addf(&yaml, "name: t\nexperiment: toy\nsweep: {%s}\n", sweep);
  assert_ok(rs_job_parse("job.yaml", yaml.text, yaml.len, NULL, 0, schemas, &job));
  rs_str_free(&yaml);
  return job;
}

/* All trials of JOB that MAP has. */
static rs_plan *plan_of(const rs_job *job, const rs_share_map *map) {
  rs_plan *plan;
  rs_strategy *strategy;
  rs_proposal answer;
  rs_settings *next;
  assert_ok(rs_plan_create(job, specs, RS_COUNT(specs), &plan));
  assert_ok(rs_strategy_create(job, &strategy));
  for (size_t number = 0;; number++) {
    assert_ok(rs_strategy_propose(strategy, &answer, &next));
    if (answer != RS_PROPOSE_TRIAL) break;
    if (rs_share_has(map, number)) {
      assert_ok(rs_plan_add(plan, next, NULL));
      continue;
    }
    rs_plan_skip(plan);
    rs_settings_destroy(next);
  }
  rs_strategy_destroy(strategy);
  return plan;
}

static rs_plan *plan_all(const rs_job *job) {
  return plan_of(job, &(rs_share_map){0});
}

/* ---- properties -------------------------------------------------------------------------------
 */

static void check_together(const rs_plan *plan, const int *shares, int step) {
  size_t n = rs_plan_trials(plan);
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < i; k++)
      if (rs_plan_trial(plan, i)->chain[step] == rs_plan_trial(plan, k)->chain[step])
        assert_int_equal(shares[i], shares[k]);
}

/* Largest and smallest share by number of trials; every trial is in one. */
static void check_counts(const rs_plan *plan, const int *shares, int count, bool even) {
  size_t most = 0, least = SIZE_MAX, n = rs_plan_trials(plan), sum = 0;
  for (int share = 1; share <= count; share++) {
    size_t size = 0;
    for (size_t i = 0; i < n; i++) size += shares[i] == share;
    most = size > most ? size : most;
    least = size < least ? size : least;
    sum += size;
  }
  assert_int_equal(sum, n);
  if (n >= (size_t)count) assert_true(least > 0);
  if (even) assert_true(most <= least + 1);
}

static double work_of_family(const rs_plan *plan, int first) {
  double work = 0;
  for (size_t i = 0; i < rs_plan_stages(plan); i++) {
    const rs_stage *s = rs_plan_stage(plan, i);
    int top = s->index;
    while (rs_plan_stage(plan, (size_t)top)->parent >= 0)
      top = rs_plan_stage(plan, (size_t)top)->parent;
    if (top == first) work += rs_stage_work(s);
  }
  return work;
}

/* No share has more than another and one family besides. */
static void check_work(const rs_plan *plan, const int *shares, int count) {
  double loads[16] = {0}, largest = 0, most = 0, least = 1e300;
  for (size_t i = 0; i < rs_plan_stages(plan); i++) {
    const rs_stage *s = rs_plan_stage(plan, i);
    size_t user = 0;
    if (s->step > 0) continue;
    while (rs_plan_trial(plan, user)->chain[0] != s->index) user++;
    double work = work_of_family(plan, s->index);
    loads[shares[user] - 1] += work;
    largest = work > largest ? work : largest;
  }
  for (int i = 0; i < count; i++) {
    most = loads[i] > most ? loads[i] : most;
    least = loads[i] < least ? loads[i] : least;
  }
  assert_true(most <= least + largest);
}

static void check_maps(const rs_job *job, const rs_plan *plan, const int *shares, int count) {
  rs_id sweep = {0};
  for (int index = 1; index <= count; index++) {
    rs_share_map map;
    assert_ok(rs_share_map_create(job, specs, RS_COUNT(specs), (rs_share){index, count}, &map));
    if (index > 1) assert_true(rs_id_equal(sweep, map.sweep));
    sweep = map.sweep;
    rs_plan *part = plan_of(job, &map);
    assert_int_equal(map.trials, rs_plan_trials(plan));
    assert_int_equal(map.count, rs_plan_trials(part));
    for (size_t i = 0; i < map.trials; i++)
      assert_int_equal(rs_share_has(&map, i), shares[i] == index);
    for (size_t i = 0; i < rs_plan_trials(part); i++)
      assert_int_equal(shares[rs_plan_trial(part, i)->number], index);
    rs_plan_destroy(part);
    rs_share_map_free(&map);
  }
}

static void check_shares(const rs_job *job, int count) {
  int shares[64];
  rs_plan *plan = plan_all(job);
  assert_true(rs_plan_trials(plan) <= RS_COUNT(shares));
  assert_ok(rs_share_out(plan, count, shares));
  int step = 0;
  while (step < 2 && rs_plan_alike(plan, step) < (size_t)count) step++;
  check_counts(plan, shares, count, step == 2);
  if (step < 2) check_together(plan, shares, step);
  if (step == 0) check_work(plan, shares, count);
  check_maps(job, plan, shares, count);
  rs_plan_destroy(plan);
}

/* ---- tests ------------------------------------------------------------------------------------
 */

/* Trials at random, equal ones among them. */
static void any_list_is_shared_out(void **state) {
  (void)state;
  for (uint64_t round = 0; round < 15; round++) {
    rs_stream s = rs_stream_make(round, "test", "trials", 0);
    uint32_t n = 1 + rs_stream_below(&s, 0, 40), sizes = 1 + rs_stream_below(&s, 4, 12);
    uint32_t methods = 1 + rs_stream_below(&s, 8, 4);
    rs_str sweep = {0};
    rs_str_add(&sweep, "strategy: list, trials: [");
    for (uint32_t i = 0; i < n; i++)
      rs_str_addf(&sweep, "%s{train.size: %u, svd.method: %u, svd.rank: %u}", i > 0 ? ", " : "",
                  1 + rs_stream_below(&s, 12 * i + 12, sizes),
                  1 + rs_stream_below(&s, 12 * i + 16, methods),
                  1 + rs_stream_below(&s, 12 * i + 20, 6));
    rs_str_add(&sweep, "]");
    rs_job *job = parse(sweep.text);
    for (int count = 1; count <= 12; count++) check_shares(job, count);
    rs_job_destroy(job);
    rs_str_free(&sweep);
  }
}

/* 3 trainings of 100, 50 and 50: the large one alone, the others together. */
static void work_is_balanced(void **state) {
  (void)state;
  int shares[6];
  rs_job *job = parse("space: {train.size: [50, 100, 51], svd.rank: [1, 2]}");
  rs_plan *plan = plan_all(job);
  assert_ok(rs_share_out(plan, 2, shares));
  const int expected[] = {2, 2, 1, 1, 2, 2};
  assert_memory_equal(shares, expected, sizeof expected);
  rs_plan_destroy(plan);
  rs_job_destroy(job);
}

/* Two trainings of three methods in four shares: the method's trials stay together, and no share
 * trains both networks. */
static void later_stages_make_families_too(void **state) {
  (void)state;
  int shares[12];
  rs_job *job = parse("space: {train.size: [100, 101], svd.method: [1, 2, 3], svd.rank: [1, 2]}");
  rs_plan *plan = plan_all(job);
  assert_ok(rs_share_out(plan, 4, shares));
  check_together(plan, shares, 1);
  check_counts(plan, shares, 4, false);
  for (size_t i = 0; i < 6; i++)
    for (size_t k = 6; k < 12; k++) assert_int_not_equal(shares[i], shares[k]);
  rs_plan_destroy(plan);
  rs_job_destroy(job);
}

static void texts_are_checked(void **state) {
  static const char *const bad[] = {"",     "1",    "/2",     "1/",   "0/2",          "3/2",
                                    "1/2 ", " 1/2", "-1/2",   "+1/2", "1/2/3",        "0x1/2",
                                    "1/0",  "a/b",  "1/4097", "1,2",  "1/99999999999"};
  rs_share s;
  (void)state;
  assert_ok(rs_share_parse("3/12", &s));
  assert_int_equal(s.index, 3);
  assert_int_equal(s.count, 12);
  assert_ok(rs_share_parse("4096/4096", &s));
  for (size_t i = 0; i < RS_COUNT(bad); i++)
    assert_int_equal(rs_share_parse(bad[i], &s), RS_ERR_USAGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_list_is_shared_out),
      cmocka_unit_test(work_is_balanced),
      cmocka_unit_test(later_stages_make_families_too),
      cmocka_unit_test(texts_are_checked),
  };
  return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
