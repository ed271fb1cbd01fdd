/* cli: the model of scaling, against timelines done by hand. */
#include "test.h"

#include "bench/scaling.h"

static const scaling_network network = {.alpha = 1, .beta = 10, .gamma = 20};

static void close_to(double value, double expected) {
  assert_float_equal(value, expected, 1e-12);
}

static void check_sum(int ranks, double bytes, double wire, double adding) {
  scaling_sum_time sum = scaling_sum(&network, ranks, bytes);
  close_to(sum.wire, wire);
  close_to(sum.adding, adding);
}

static void a_sum_takes_the_better_algorithm(void **state) {
  (void)state;
  check_sum(1, 100, 0, 0);
  check_sum(2, 0, 1, 0);
  check_sum(2, 10, 1 + 1, 0.5);           /* doubling; scattered would be 2 + 1 and 0.25 */
  check_sum(8, 100, 6 + 2 * 8.75, 4.375); /* scattered; doubling would be 3 (1 + 10) and 15 */
  check_sum(5, 0, 3, 0);                  /* five ranks take as many steps as eight */
}

static void sums_hide_behind_the_backward_pass(void **state) {
  (void)state;
  /* two ranks: the first sum is on the wire from 1 to 3; 0.5 s of adding make the second ready at
   * 4.5, which is off the wire at 6.5; then its update */
  const scaling_work work = {
      .forward = 2, .n = 2, .ready = {1, 4}, .bytes = {10, 10}, .update = {0.5, 0.25}};
  scaling_step step = scaling_predict(&work, &network, 2);
  close_to(step.compute, 2 + 4 + 0.75);
  close_to(step.sums, 5);
  close_to(step.total, 2 + 6.5 + 0.25);
  close_to(step.exposed, step.total - step.compute);
}

static void sums_wait_for_each_other(void **state) {
  (void)state;
  const scaling_work work = {.n = 2, .ready = {1, 1}, .bytes = {10, 10}};
  scaling_step step = scaling_predict(&work, &network, 2);
  /* on the wire from 1 to 3 and to 5; adding takes 1, which is hidden there */
  close_to(step.total, 5);
  close_to(step.exposed, 4);
}

static void the_slowest_rank_is_waited_for(void **state) {
  (void)state;
  scaling_network uneven = network;
  const scaling_work work = {.forward = 10};
  uneven.jitter = 0.1;
  close_to(scaling_predict(&work, &uneven, 1).waiting, 0);
  assert_float_equal(scaling_predict(&work, &uneven, 1024).waiting, 3.723, 1e-3);
}

static void one_rank_has_no_sums(void **state) {
  (void)state;
  const scaling_work work = {.forward = 1, .n = 1, .ready = {2}, .bytes = {1e9}, .update = {3}};
  scaling_step step = scaling_predict(&work, &network, 1);
  close_to(step.total, 6);
  close_to(step.compute, 6);
  close_to(step.exposed, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_sum_takes_the_better_algorithm),
      cmocka_unit_test(sums_hide_behind_the_backward_pass),
      cmocka_unit_test(sums_wait_for_each_other),
      cmocka_unit_test(the_slowest_rank_is_waited_for),
      cmocka_unit_test(one_rank_has_no_sums),
  };
  return cmocka_run_group_tests_name("scaling", tests, NULL, NULL);
}
