/* plan: equal work is found, different work is not; grids and lists in order. */
#include "test.h"

#include "ranksweep/plan.h"

static const rs_setting settings[] = {
    {.path = "train.lr",
     .type = RS_FLOAT,
     .initial = "0.1",
     .min = 1e-9,
     .max = 10,
     .help = "rate"},
    {.path = "svd.rank",
     .type = RS_INT,
     .initial = "2",
     .min = 0,
     .max = 64,
     .word = "full",
     .help = "D"},
    {.path = "note", .type = RS_TEXT, .initial = "x", .help = "read by no stage"},
    {0},
};
static const rs_metric metrics[] = {{"accuracy", NULL, "accuracy"}, {0}};
static const rs_schema schema = {.experiment = "toy",
                                 .summary = "A toy.",
                                 .settings = (const rs_setting *const[]){settings, NULL},
                                 .metrics = metrics};
static const rs_schema *const schemas[] = {&schema, NULL};

static const rs_stage_spec first = {
    .name = "first", .version = 1, .reads = (const char *const[]){"train.", NULL}};
static const rs_stage_spec last = {
    .name = "last", .version = 1, .reads = (const char *const[]){"svd.rank", NULL}};
static const rs_stage_spec last_changed = {
    .name = "last", .version = 2, .reads = (const char *const[]){"svd.rank", NULL}};

static rs_job *parse(const char *yaml) {
  rs_job *job;
  assert_ok(rs_job_parse("job.yaml", yaml, strlen(yaml), NULL, 0, schemas, &job));
  return job;
}

static rs_plan *plan_all(const rs_job *job, const rs_stage_spec *second) {
  const rs_stage_spec *specs[] = {&first, second};
  rs_plan *plan;
  rs_strategy *strategy;
  rs_proposal answer;
  rs_settings *next;
  assert_ok(rs_plan_create(job, specs, 2, &plan));
  assert_ok(rs_strategy_create(job, &strategy));
  for (;;) {
    assert_ok(rs_strategy_propose(strategy, &answer, &next));
    if (answer != RS_PROPOSE_TRIAL) break;
    assert_ok(rs_plan_add(plan, next, NULL));
  }
  assert_int_equal(rs_strategy_total(strategy), rs_plan_trials(plan));
  rs_strategy_destroy(strategy);
  return plan;
}

static void trials_share_the_stages_that_are_equal(void **state) {
  (void)state;
  rs_job *job =
      parse("name: t\nexperiment: toy\n"
            "sweep: {space: {train.lr: [0.1, 0.2], svd.rank: [1, 2, full], note: [a, b]}}\n");
  rs_plan *plan = plan_all(job, &last);
  assert_int_equal(rs_plan_trials(plan), 12);
  assert_int_equal(rs_plan_stages(plan), 2 + 6); /* `note` is read by none */
  const rs_trial *t0 = rs_plan_trial(plan, 0), *t1 = rs_plan_trial(plan, 1),
                 *t11 = rs_plan_trial(plan, 11);
  assert_int_equal(t0->chain[1], t1->chain[1]);
  assert_int_not_equal(t0->chain[0], t11->chain[0]);
  assert_int_equal(rs_plan_stage(plan, (size_t)t0->chain[0])->users, 6);
  assert_int_equal(rs_plan_stage(plan, (size_t)t0->chain[1])->parent, t0->chain[0]);
  assert_int_equal(rs_settings_int(t11->settings, "svd.rank"), 0);
  assert_true(rs_settings_float(t11->settings, "train.lr") == 0.2);
  rs_plan_destroy(plan);
  rs_job_destroy(job);
}

/* Identity of the last stage of the only trial of YAML. */
static rs_id identity(const char *yaml, const rs_stage_spec *second) {
  rs_job *job = parse(yaml);
  rs_plan *plan = plan_all(job, second);
  rs_id id = rs_plan_stage(plan, 1)->identity;
  rs_plan_destroy(plan);
  rs_job_destroy(job);
  return id;
}

static void identities_follow_what_matters_and_nothing_else(void **state) {
  (void)state;
  rs_id base = identity("name: t\nexperiment: toy\n", &last);
  assert_true(rs_id_equal(base, identity("{name: other, experiment: toy, note: y}", &last)));
  assert_true(rs_id_equal(base, identity("name: t\nexperiment: toy\ntrain: {lr: 1e-1}\n", &last)));
  assert_false(rs_id_equal(base, identity("name: t\nexperiment: toy\nseed: 2\n", &last)));
  assert_false(rs_id_equal(base, identity("name: t\nexperiment: toy\ntrain.lr: 0.3\n", &last)));
  assert_false(rs_id_equal(base, identity("name: t\nexperiment: toy\nsvd.rank: 3\n", &last)));
  assert_false(rs_id_equal(base, identity("name: t\nexperiment: toy\n", &last_changed)));
}

static void lists_set_what_they_name(void **state) {
  (void)state;
  rs_job *job = parse("name: t\nexperiment: toy\nsweep:\n  strategy: list\n  trials:\n"
                      "    - {svd.rank: 4}\n    - {train.lr: 0.5, svd.rank: 8}\n");
  rs_plan *plan = plan_all(job, &last);
  assert_int_equal(rs_plan_trials(plan), 2);
  assert_int_equal(rs_settings_int(rs_plan_trial(plan, 0)->settings, "svd.rank"), 4);
  assert_true(rs_settings_float(rs_plan_trial(plan, 0)->settings, "train.lr") == 0.1);
  assert_true(rs_settings_float(rs_plan_trial(plan, 1)->settings, "train.lr") == 0.5);
  rs_plan_destroy(plan);
  rs_job_destroy(job);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(trials_share_the_stages_that_are_equal),
      cmocka_unit_test(identities_follow_what_matters_and_nothing_else),
      cmocka_unit_test(lists_set_what_they_name),
  };
  return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
