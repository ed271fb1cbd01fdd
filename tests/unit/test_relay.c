/* cli: what mpirun says on stderr. */
#include "test.h"

#include "launch/relay.h"

#define RULE "--------------------------------------------------------------------------\n"

static void collect(void *user, const char *bytes, size_t n) {
  rs_str_addn(user, bytes, n);
}

/* Feeds TEXT in pieces of STEP bytes; what goes on to the user must be EXPECTED. */
static relay_report pass(const char *text, size_t step, const char *expected) {
  rs_str out = {0};
  relay r;
  relay_open(&r, collect, &out);
  for (size_t n = strlen(text), i = 0; i < n; i += step)
    relay_feed(&r, text + i, n - i < step ? n - i : step);
  relay_close(&r);
  assert_string_equal(out.text != NULL ? out.text : "", expected);
  rs_str_free(&out);
  return r.report;
}

static relay_report pass_in_any_pieces(const char *text, const char *expected) {
  relay_report report = pass(text, strlen(text), expected);
  for (size_t step = 1; step < 100; step++) {
    relay_report again = pass(text, step, expected);
    assert_int_equal(again.cause, report.cause);
    assert_int_equal(again.rank, report.rank);
    assert_int_equal(again.number, report.number);
    assert_string_equal(again.host, report.host);
  }
  return report;
}

static void knows_a_signal(void **state) {
  (void)state;
  relay_report r = pass_in_any_pieces(
      "epoch 1\n" RULE
      "mpirun noticed that process rank 2 with PID 0 on node vm exited on signal 9 "
      "(Killed).\n" RULE "bye\n",
      "epoch 1\nbye\n");
  assert_int_equal(r.cause, RELAY_SIGNAL);
  assert_int_equal(r.rank, 2);
  assert_int_equal(r.number, 9);
  assert_string_equal(r.host, "vm");
  char text[200];
  relay_describe(&r, text, sizeof text);
  assert_string_equal(text, "rank 2 on vm was killed by signal 9 (Killed)");
}

static void knows_an_abort(void **state) {
  (void)state;
  relay_report r = pass_in_any_pieces(
      RULE "MPI_ABORT was invoked on rank 1 in communicator MPI_COMM_WORLD\nwith errorcode "
           "70.\n\nNOTE: invoking MPI_ABORT causes Open MPI to kill all MPI processes.\n" RULE,
      "");
  assert_int_equal(r.cause, RELAY_ABORT);
  assert_int_equal(r.rank, 1);
  assert_int_equal(r.number, 70);
}

static void knows_exits(void **state) {
  (void)state;
  relay_report r = pass_in_any_pieces(
      RULE "Primary job  terminated normally, but 1 process returned\na non-zero exit code. Per "
           "user-direction, the job has been aborted.\n" RULE RULE
           "mpirun detected that one or more processes exited with non-zero status, thus causing\n"
           "the job to be terminated. The first process to do so was:\n\n  Process name: "
           "[[20701,1],1]\n  Exit code:    3\n" RULE,
      "");
  assert_int_equal(r.cause, RELAY_EXIT);
  assert_int_equal(r.rank, 1);
  assert_int_equal(r.number, 3);
  r = pass_in_any_pieces(RULE "mpirun has exited due to process rank 1 with PID 0 on\nnode "
                              "node-17.cluster exiting improperly. There are three\n" RULE,
                         "");
  assert_int_equal(r.cause, RELAY_EXIT);
  assert_string_equal(r.host, "node-17.cluster");
}

static void knows_a_lost_node(void **state) {
  (void)state;
  relay_report r = pass_in_any_pieces(
      RULE "ORTE has lost communication with a remote daemon.\n\n  HNP daemon   : [[6401,0],0] on "
           "node n1\n  Remote daemon: [[6401,0],1] on node n2\n\nThis is usually due to either a "
           "failure of the TCP network\nconnection to the node.\n" RULE,
      "");
  assert_int_equal(r.cause, RELAY_HOST_LOST);
  assert_int_equal(r.rank, -1);
  assert_string_equal(r.host, "n2");
}

static void the_first_report_counts(void **state) {
  (void)state;
  relay_report r = pass_in_any_pieces(
      RULE "mpirun noticed that process rank 3 with PID 1 on node a exited on signal 6 "
           "(Aborted).\n" RULE RULE
           "MPI_ABORT was invoked on rank 1 in communicator X\nwith errorcode 1.\n" RULE,
      "");
  assert_int_equal(r.cause, RELAY_SIGNAL);
  assert_int_equal(r.rank, 3);
}

static void leaves_all_else_alone(void **state) {
  (void)state;
  static const char *const texts[] = {
      "a bar \r without line ends \r",
      "- a list\n-- another\n---\n",
      RULE "There are not enough slots available\n" RULE,
      RULE "a rule that nothing ends\n",
      "a rule after text " RULE,
      "-",
  };
  for (size_t i = 0; i < RS_COUNT(texts); i++)
    assert_int_equal(pass_in_any_pieces(texts[i], texts[i]).cause, RELAY_NOTHING);
}

/* srun's lines go on to the user; RANKS: its tasks are our ranks. */
static relay_report pass_srun(const char *text, bool ranks) {
  rs_str out = {0};
  relay r;
  relay_open(&r, collect, &out);
  r.tasks_are_ranks = ranks;
  relay_feed(&r, text, strlen(text));
  relay_close(&r);
  assert_string_equal(out.text, text);
  rs_str_free(&out);
  return r.report;
}

static void knows_what_srun_says_of_tasks(void **state) {
  (void)state;
  relay_report r = pass_srun("epoch 1\nsrun: error: h2: task 3: Killed\n"
                             "srun: error: h1: task 0: Exited with exit code 1\n",
                             true);
  assert_int_equal(r.cause, RELAY_SIGNAL);
  assert_int_equal(r.rank, 3);
  assert_int_equal(r.number, 9);
  assert_string_equal(r.host, "h2");
  r = pass_srun("srun: error: h1: task 0: Exited with exit code 75\n", true);
  assert_int_equal(r.cause, RELAY_EXIT);
  assert_int_equal(r.rank, 0);
  assert_int_equal(r.number, 75);
  r = pass_srun("srun: error: h1: task 1: Segmentation fault (core dumped)\n", true);
  assert_int_equal(r.number, 11);
}

static void daemons_of_mpirun_are_no_ranks(void **state) {
  (void)state;
  relay_report r = pass_srun("srun: error: h[1-2]: tasks 1-2,4: Exited with exit code 1\n", true);
  assert_int_equal(r.cause, RELAY_EXIT);
  assert_int_equal(r.rank, 1);
  assert_int_equal(r.number, 1);
  r = pass_srun("srun: error: h2: task 1: Killed\n", false);
  assert_int_equal(r.cause, RELAY_NOTHING);
}

static void a_lost_node_is_kept_beside_the_first_cause(void **state) {
  (void)state;
  relay_report r = pass_srun("srun: error: h1: task 0: Aborted\n"
                             "srun: error: Node failure on h4\n",
                             true);
  assert_int_equal(r.cause, RELAY_SIGNAL);
  assert_string_equal(r.lost, "h4");
  r = pass_srun(
      "srun: error: Task launch for StepId=12.0 failed on node h3: Communication failure\n", false);
  assert_int_equal(r.cause, RELAY_HOST_LOST);
  assert_string_equal(r.lost, "h3");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(knows_a_signal),
                                     cmocka_unit_test(knows_an_abort),
                                     cmocka_unit_test(knows_exits),
                                     cmocka_unit_test(knows_a_lost_node),
                                     cmocka_unit_test(the_first_report_counts),
                                     cmocka_unit_test(leaves_all_else_alone),
                                     cmocka_unit_test(knows_what_srun_says_of_tasks),
                                     cmocka_unit_test(daemons_of_mpirun_are_no_ranks),
                                     cmocka_unit_test(a_lost_node_is_kept_beside_the_first_cause)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
