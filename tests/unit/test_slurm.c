/* cli: what SLURM's environment says, and other programs. */
#include "test.h"

#include "launch/program.h"
#include "launch/slurm.h"

#include <stdlib.h>

static void counts_are(const char *text, const int *expected, size_t n) {
  int repeat = 0, count = 0;
  for (size_t i = 0; i < n; i++) {
    assert_true(slurm_next_count(&text, &repeat, &count));
    assert_int_equal(count, expected[i]);
  }
  assert_false(slurm_next_count(&text, &repeat, &count));
}

static void tasks_per_node(void **state) {
  (void)state;
  counts_are("4", (const int[]){4}, 1);
  counts_are("2(x3),1", (const int[]){2, 2, 2, 1}, 4);
  counts_are("1,2(x2),3", (const int[]){1, 2, 2, 3}, 4);
  counts_are("", NULL, 0);
  counts_are("x", NULL, 0);
  counts_are("0", NULL, 0);
  counts_are("2(x0)", NULL, 0);
}

static void nodes_that_are_left(void **state) {
  (void)state;
  slurm_node items[] = {{"h1", 2, false}, {"h2", 1, true}, {"h3", 2, false}};
  const slurm_nodes nodes = {items, 3};
  rs_str list = {0};
  assert_int_equal(slurm_nodes_slots(&nodes), 4);
  slurm_nodes_list(&nodes, true, &list);
  assert_string_equal(list.text, "h1:2,h3:2");
  rs_str_clear(&list);
  slurm_nodes_list(&nodes, false, &list);
  assert_string_equal(list.text, "h1,h3");
  rs_str_free(&list);
}

static void lost_by_name(void **state) {
  (void)state;
  slurm_node items[] = {{"h1", 2, false}, {"h10", 1, false}};
  slurm_nodes nodes = {items, 2};
  unsetenv("SLURM_JOB_ID");
  slurm_nodes_lose(&nodes,
                   "h1.cluster.site"); /* SLURM has short names, mpirun may have long ones */
  assert_true(nodes.items[0].lost);
  assert_false(nodes.items[1].lost);
}

static void no_job_has_no_nodes_and_no_end(void **state) {
  (void)state;
  slurm_nodes nodes;
  unsetenv("SLURM_JOB_ID");
  unsetenv("SLURM_JOB_END_TIME");
  assert_false(slurm_present());
  assert_int_equal(slurm_nodes_read(&nodes), RS_ERR_IO);
  assert_true(slurm_end_time() == 0);
}

static void programs(void **state) {
  (void)state;
  program_end end;
  char line[64];
  assert_ok(program_run((const char *const[]){"sh", "-c", "echo a; echo b >&2; exit 3", NULL}, 20,
                        NULL, &end));
  assert_int_equal(end.status, 3);
  assert_string_equal(program_first_line(end.words.text, line, sizeof line), "a");
  assert_string_equal(program_first_line(end.moan.text, line, sizeof line), "b");
  program_free(&end);
  assert_ok(program_run((const char *const[]){"no-such-program", NULL}, 20, NULL, &end));
  assert_int_equal(end.status, 127);
  program_free(&end);
  assert_ok(program_run((const char *const[]){"sleep", "20", NULL}, 0.1, NULL, &end));
  assert_true(end.late);
  program_free(&end);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tasks_per_node), cmocka_unit_test(nodes_that_are_left),
      cmocka_unit_test(lost_by_name), cmocka_unit_test(no_job_has_no_nodes_and_no_end),
      cmocka_unit_test(programs)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
