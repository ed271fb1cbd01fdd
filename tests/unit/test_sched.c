/* sched: the state machine, one rule a test. Commands are compared as text:
 *   "start 3.1 on 2 4"     stage 3, attempt 1, root 2
 *   "stop 3 on 2 4", "end 3 done", "trial 0 failed by 3", "finished" */
#include "test.h"

#include "ranksweep/sched.h"

enum { MAX_ATTEMPTS = 2 };

typedef struct fixture {
  rs_sched *sched;
  rs_str text;
} fixture;

static int setup(void **state) {
  fixture *f = calloc(1, sizeof *f);
  *state = f;
  return f == NULL || rs_sched_create(MAX_ATTEMPTS, &f->sched) != RS_OK;
}

static int teardown(void **state) {
  fixture *f = *state;
  rs_sched_destroy(f->sched);
  rs_str_free(&f->text);
  free(f);
  return 0;
}

static const char *outcome_name(rs_outcome outcome) {
  static const char *const names[] = {"pending", "running", "done", "failed", "stopped"};
  return names[outcome];
}

static void add_workers(rs_str *text, const rs_command *c) {
  rs_str_add(text, " on");
  for (int i = 0; i < c->n_workers; i++) rs_str_addf(text, " %d", c->workers[i]);
}

static void add_command(rs_str *text, const rs_command *c) {
  if (text->len > 0) rs_str_add(text, "; ");
  switch (c->kind) {
  case RS_COMMAND_START:
    rs_str_addf(text, "start %d.%d", c->stage, c->attempt);
    add_workers(text, c);
    break;
  case RS_COMMAND_STOP:
    rs_str_addf(text, "stop %d", c->stage);
    add_workers(text, c);
    break;
  case RS_COMMAND_STAGE_END:
    rs_str_addf(text, "end %d %s", c->stage, outcome_name(c->outcome));
    break;
  case RS_COMMAND_TRIAL:
    rs_str_addf(text, "trial %d %s by %d", c->trial, outcome_name(c->outcome), c->stage);
    break;
  case RS_COMMAND_FINISHED: rs_str_add(text, "finished"); break;
  }
}

/* All commands until there are none are exactly these. */
static void expect(fixture *f, const char *commands) {
  rs_command c;
  rs_str_clear(&f->text);
  while (rs_sched_next(f->sched, &c)) add_command(&f->text, &c);
  assert_ok(rs_str_status(&f->text));
  assert_string_equal(f->text.text == NULL ? "" : f->text.text, commands);
}

static int add_as(fixture *f, int parent, int ranks, double cost, rs_outcome state, int attempts) {
  int index;
  assert_ok(rs_sched_add_stage(f->sched, parent, ranks, cost, state, attempts, &index));
  return index;
}

static int add(fixture *f, int parent, int ranks, double cost) {
  return add_as(f, parent, ranks, cost, RS_PENDING, 0);
}

static void add_trial(fixture *f, int last) {
  int index;
  assert_ok(rs_sched_add_trial(f->sched, last, &index));
}

static void worker(fixture *f, rs_event_kind kind, int index) {
  assert_ok(rs_sched_event(f->sched, &(rs_event){.kind = kind, .worker = index}));
}

static void join(fixture *f, int first, int last) {
  for (int w = first; w <= last; w++) worker(f, RS_EVENT_WORKER_JOINED, w);
}

static void idle(fixture *f, int first, int last) {
  for (int w = first; w <= last; w++) worker(f, RS_EVENT_WORKER_IDLE, w);
}

static void report(fixture *f, rs_event_kind kind, int stage, int attempt) {
  assert_ok(
      rs_sched_event(f->sched, &(rs_event){.kind = kind, .stage = stage, .attempt = attempt}));
}

static void done(fixture *f, int stage, int attempt) {
  report(f, RS_EVENT_STAGE_DONE, stage, attempt);
}

static void failed(fixture *f, int stage, int attempt) {
  report(f, RS_EVENT_STAGE_FAILED, stage, attempt);
}

static void tell(fixture *f, rs_event_kind kind) {
  assert_ok(rs_sched_event(f->sched, &(rs_event){.kind = kind}));
}

static void refused(fixture *f, const char *text, rs_event event) {
  assert_fails(RS_ERR_INTERNAL, text, rs_sched_event(f->sched, &event));
}

/* ---- order and placement ------------------------------------------------------------------ */

static void a_chain_runs_in_the_coordinators_own_process(void **state) {
  fixture *f = *state;
  add(f, -1, 1, 5);
  add(f, 0, 1, 1);
  add_trial(f, 1);
  tell(f, RS_EVENT_NO_MORE_TRIALS);
  expect(f, "");
  join(f, 0, 0);
  expect(f, "start 0.1 on 0");
  done(f, 0, 1);
  expect(f, "end 0 done");
  idle(f, 0, 0);
  expect(f, "start 1.1 on 0");
  done(f, 1, 1);
  expect(f, "end 1 done; trial 0 done by 1; finished");
  idle(f, 0, 0);
  expect(f, "");
}

static void the_most_expensive_path_starts_first(void **state) {
  fixture *f = *state;
  add(f, -1, 1, 3);
  add(f, -1, 1, 2);
  add(f, 1, 1, 2);
  add(f, -1, 1, 3);
  join(f, 1, 3);
  expect(f, "start 1.1 on 1; start 0.1 on 2; start 3.1 on 3");
}

static void a_later_child_raises_its_ready_ancestor(void **state) {
  fixture *f = *state;
  for (int i = 0; i < 4; i++) add(f, -1, 1, 1);
  int child = add(f, 2, 1, 1);
  add(f, child, 1, 5);
  join(f, 1, 2);
  expect(f, "start 2.1 on 1; start 0.1 on 2");
  add(f, 3, 1, 1);
  join(f, 3, 3);
  expect(f, "start 3.1 on 3");
}

static void a_stage_goes_to_the_holder_of_its_parents_result(void **state) {
  fixture *f = *state;
  add(f, -1, 1, 10);
  add(f, -1, 1, 8);
  add(f, 1, 2, 1);
  join(f, 1, 3);
  expect(f, "start 0.1 on 1; start 1.1 on 2");
  done(f, 1, 1);
  idle(f, 2, 2);
  expect(f, "end 1 done; start 2.1 on 2 3");
  done(f, 2, 1);
  done(f, 0, 1);
  idle(f, 1, 3);
  add(f, 2, 3, 1);
  expect(f, "end 2 done; end 0 done; start 3.1 on 2 1 3");
}

static void a_stage_does_not_wait_for_the_holder(void **state) {
  fixture *f = *state;
  add(f, -1, 1, 9);
  add(f, 0, 1, 1);
  join(f, 1, 2);
  expect(f, "start 0.1 on 1");
  done(f, 0, 1);
  expect(f, "end 0 done; start 1.1 on 2");
}

static void a_worker_that_was_lost_holds_nothing(void **state) {
  fixture *f = *state;
  add(f, -1, 1, 9);
  join(f, 2, 2);
  expect(f, "start 0.1 on 2");
  done(f, 0, 1);
  worker(f, RS_EVENT_WORKER_LOST, 2);
  join(f, 1, 2);
  add(f, 0, 1, 1);
  expect(f, "end 0 done; start 1.1 on 1");
}

static void a_group_is_no_larger_than_the_living_workers(void **state) {
  fixture *f = *state;
  add(f, -1, 8, 1);
  join(f, 1, 3);
  worker(f, RS_EVENT_WORKER_LOST, 2);
  expect(f, "start 0.1 on 1 3");
}

/* ---- holding workers for a big group ------------------------------------------------------ */

static void workers_are_held_for_a_big_group(void **state) {
  fixture *f = *state;
  for (int i = 0; i < 3; i++) add(f, -1, 1, 9);
  join(f, 1, 3);
  expect(f, "start 0.1 on 1; start 1.1 on 2; start 2.1 on 3");
  add(f, -1, 3, 5);
  for (int i = 0; i < 3; i++) add(f, -1, 1, 1);
  done(f, 0, 1);
  idle(f, 1, 1);
  done(f, 1, 1);
  idle(f, 2, 2);
  expect(f, "end 0 done; end 1 done");
  done(f, 2, 1);
  idle(f, 3, 3);
  expect(f, "end 2 done; start 3.1 on 1 2 3");
}

static void small_stages_use_what_a_big_group_cannot(void **state) {
  fixture *f = *state;
  add(f, -1, 4, 9);
  add(f, -1, 4, 8);
  for (int i = 0; i < 4; i++) add(f, -1, 1, 1);
  join(f, 1, 7);
  /* Only the end of stage 0 lets stage 1 start, whatever the other three workers do. */
  expect(f, "start 0.1 on 1 2 3 4; start 2.1 on 5; start 3.1 on 6; start 4.1 on 7");
  done(f, 3, 1);
  idle(f, 6, 6);
  expect(f, "end 3 done; start 5.1 on 6");
  done(f, 0, 1);
  idle(f, 1, 3);
  expect(f, "end 0 done");
  idle(f, 4, 4);
  expect(f, "start 1.1 on 1 2 3 4");
}

static void leaving_workers_are_held_one_by_one(void **state) {
  fixture *f = *state;
  add(f, -1, 2, 9);
  join(f, 1, 2);
  expect(f, "start 0.1 on 1 2");
  add(f, -1, 2, 8);
  add(f, -1, 1, 1);
  done(f, 0, 1);
  idle(f, 2, 2);
  expect(f, "end 0 done");
  idle(f, 1, 1);
  expect(f, "start 1.1 on 1 2");
}

/* ---- failures ----------------------------------------------------------------------------- */

static void a_failed_stage_is_tried_again_after_the_others(void **state) {
  fixture *f = *state;
  add(f, -1, 1, 9);
  add(f, 0, 1, 9);
  add(f, -1, 1, 1);
  add_trial(f, 1);
  add_trial(f, 0);
  join(f, 1, 1);
  tell(f, RS_EVENT_NO_MORE_TRIALS);
  expect(f, "start 0.1 on 1");
  failed(f, 0, 1);
  idle(f, 1, 1);
  expect(f, "start 2.1 on 1");
  done(f, 2, 1);
  idle(f, 1, 1);
  expect(f, "end 2 done; start 0.2 on 1");
  failed(f, 0, 2);
  expect(f, "end 0 failed; trial 1 failed by 0; trial 0 failed by 0; finished");
  assert_int_equal(rs_sched_stage_state(f->sched, 0), RS_FAILED);
  assert_int_equal(rs_sched_stage_state(f->sched, 1), RS_PENDING);
  assert_int_equal(rs_sched_stage_attempts(f->sched, 0), 2);
  assert_true(rs_sched_cost_left(f->sched) == 0);
}

static void a_fatal_failure_is_not_tried_again_and_spares_other_branches(void **state) {
  fixture *f = *state;
  add(f, -1, 1, 1);
  int bad = add(f, 0, 1, 5), good = add(f, 0, 1, 1);
  add_trial(f, add(f, bad, 1, 1));
  add_trial(f, add(f, good, 1, 1));
  add_trial(f, add(f, 3, 1, 1));
  join(f, 1, 1);
  expect(f, "start 0.1 on 1");
  done(f, 0, 1);
  idle(f, 1, 1);
  expect(f, "end 0 done; start 1.1 on 1");
  report(f, RS_EVENT_STAGE_FATAL, 1, 1);
  idle(f, 1, 1);
  expect(f, "end 1 failed; trial 0 failed by 1; trial 2 failed by 1; start 2.1 on 1");
  add_trial(f, add(f, 5, 1, 1));
  expect(f, "trial 3 failed by 1");
  done(f, 2, 1);
  idle(f, 1, 1);
  expect(f, "end 2 done; start 4.1 on 1");
}

/* ---- lost workers ------------------------------------------------------------------------- */

static void losing_an_idle_worker_costs_no_attempt(void **state) {
  fixture *f = *state;
  add(f, -1, 1, 1);
  join(f, 1, 3);
  expect(f, "start 0.1 on 1");
  worker(f, RS_EVENT_WORKER_LOST, 2);
  worker(f, RS_EVENT_WORKER_LOST, 2);
  idle(f, 2, 2);
  add(f, -1, 1, 1);
  expect(f, "start 1.1 on 3");
  assert_int_equal(rs_sched_stage_attempts(f->sched, 0), 1);
}

/* LOST is a member of the group 1 2 of stage 0, OTHER the one that stays. */
static void check_loss_of_member(fixture *f, int lost, int other) {
  add(f, -1, 2, 1);
  add_trial(f, 0);
  join(f, 1, 4);
  tell(f, RS_EVENT_NO_MORE_TRIALS);
  expect(f, "start 0.1 on 1 2");
  worker(f, RS_EVENT_WORKER_LOST, lost);
  expect(f, "start 0.2 on 3 4");
  done(f, 0, 1);
  failed(f, 0, 1);
  expect(f, "");
  rs_sched_counts counts;
  rs_sched_count(f->sched, &counts);
  assert_int_equal(counts.workers, 3);
  assert_int_equal(counts.idle, 0);
  idle(f, other, other);
  rs_sched_count(f->sched, &counts);
  assert_int_equal(counts.idle, 1);
  done(f, 0, 2);
  expect(f, "end 0 done; trial 0 done by 0; finished");
}

static void losing_the_root_starts_the_stage_elsewhere(void **state) {
  check_loss_of_member(*state, 1, 2);
}

static void losing_another_member_starts_the_stage_elsewhere(void **state) {
  check_loss_of_member(*state, 2, 1);
}

static void a_stage_that_loses_workers_each_time_fails(void **state) {
  fixture *f = *state;
  add(f, -1, 1, 1);
  add_trial(f, 0);
  join(f, 1, 3);
  expect(f, "start 0.1 on 1");
  worker(f, RS_EVENT_WORKER_LOST, 1);
  expect(f, "start 0.2 on 2");
  worker(f, RS_EVENT_WORKER_LOST, 2);
  expect(f, "end 0 failed; trial 0 failed by 0");
}

static void survivors_are_used_only_after_they_report(void **state) {
  fixture *f = *state;
  add(f, -1, 3, 1);
  join(f, 1, 3);
  expect(f, "start 0.1 on 1 2 3");
  worker(f, RS_EVENT_WORKER_LOST, 3);
  expect(f, "");
  idle(f, 1, 1);
  expect(f, "");
  idle(f, 2, 2);
  expect(f, "start 0.2 on 1 2");
}

static void losing_a_leaving_worker_does_no_harm(void **state) {
  fixture *f = *state;
  add(f, -1, 2, 1);
  join(f, 1, 2);
  expect(f, "start 0.1 on 1 2");
  done(f, 0, 1);
  worker(f, RS_EVENT_WORKER_LOST, 2);
  add(f, 0, 2, 1);
  expect(f, "end 0 done");
  idle(f, 1, 1);
  expect(f, "start 1.1 on 1");
}

static void the_loss_of_all_workers_is_the_end(void **state) {
  fixture *f = *state;
  add(f, -1, 1, 1);
  add_trial(f, 0);
  expect(f, "");
  join(f, 1, 2);
  expect(f, "start 0.1 on 1");
  worker(f, RS_EVENT_WORKER_LOST, 2);
  worker(f, RS_EVENT_WORKER_LOST, 1);
  join(f, 3, 3); /* just in time */
  expect(f, "start 0.2 on 3");
  worker(f, RS_EVENT_WORKER_LOST, 3);
  expect(f, "end 0 failed; trial 0 failed by 0; finished");
  join(f, 1, 1);
  expect(f, "");
}

static void a_member_may_leave_before_its_root_reports(void **state) {
  fixture *f = *state;
  add(f, -1, 3, 9);
  add(f, -1, 1, 1);
  join(f, 1, 3);
  expect(f, "start 0.1 on 1 2 3");
  idle(f, 2, 2);
  expect(f, "start 1.1 on 2");
  worker(f, RS_EVENT_WORKER_LOST, 2);
  tell(f, RS_EVENT_STOP);
  expect(f, "stop 0 on 1 3");
  done(f, 0, 1);
  expect(f, "end 0 done; finished");
}

/* ---- stopping ----------------------------------------------------------------------------- */

static void after_a_stop_nothing_starts(void **state) {
  fixture *f = *state;
  add(f, -1, 2, 9);
  add(f, 0, 1, 1);
  add(f, -1, 1, 1);
  add(f, -1, 1, 1);
  add_trial(f, 1);
  add_trial(f, 2);
  join(f, 1, 3);
  expect(f, "start 0.1 on 1 2; start 2.1 on 3");
  tell(f, RS_EVENT_STOP);
  expect(f, "stop 0 on 1 2; stop 2 on 3");
  tell(f, RS_EVENT_STOP);
  expect(f, "");
  report(f, RS_EVENT_STAGE_STOPPED, 0, 1);
  idle(f, 1, 2);
  expect(f, "end 0 stopped");
  assert_int_equal(rs_sched_stage_attempts(f->sched, 0), 0);
  done(f, 2, 1);
  expect(f, "end 2 done; trial 1 done by 2; finished");
  assert_true(rs_sched_cost_left(f->sched) == 11);
}

static void a_stage_that_ends_first_is_not_asked_to_stop(void **state) {
  fixture *f = *state;
  add(f, -1, 1, 1);
  add(f, -1, 1, 1);
  join(f, 1, 2);
  expect(f, "start 0.1 on 1; start 1.1 on 2");
  tell(f, RS_EVENT_STOP);
  failed(f, 0, 1);
  worker(f, RS_EVENT_WORKER_LOST, 2);
  expect(f, "finished");
  assert_int_equal(rs_sched_stage_state(f->sched, 0), RS_PENDING);
}

static void a_stop_before_any_worker_is_the_end(void **state) {
  fixture *f = *state;
  add(f, -1, 1, 1);
  tell(f, RS_EVENT_STOP);
  expect(f, "finished");
}

static void a_stage_may_stop_before_it_is_asked(void **state) {
  fixture *f = *state;
  add(f, -1, 1, 1);
  add_trial(f, add(f, 0, 1, 1));
  join(f, 1, 1);
  tell(f, RS_EVENT_NO_MORE_TRIALS);
  expect(f, "start 0.1 on 1");
  report(f, RS_EVENT_STAGE_STOPPED, 0, 1);
  idle(f, 1, 1);
  expect(f, "end 0 stopped; finished");
}

/* ---- additions ---------------------------------------------------------------------------- */

static void trials_may_come_after_all_else_is_done(void **state) {
  fixture *f = *state;
  join(f, 1, 1);
  expect(f, "");
  add_trial(f, add(f, -1, 1, 1));
  expect(f, "start 0.1 on 1");
  done(f, 0, 1);
  idle(f, 1, 1);
  expect(f, "end 0 done; trial 0 done by 0");
  add_trial(f, 0);
  add_trial(f, add(f, 0, 1, 1));
  expect(f, "trial 1 done by 0; start 1.1 on 1");
  done(f, 1, 1);
  tell(f, RS_EVENT_NO_MORE_TRIALS);
  tell(f, RS_EVENT_NO_MORE_TRIALS);
  expect(f, "end 1 done; trial 2 done by 1; finished");
  int index;
  assert_fails(RS_ERR_INTERNAL, "after the end", rs_sched_add_trial(f->sched, 0, &index));
}

static void an_empty_sweep_ends_without_workers(void **state) {
  fixture *f = *state;
  expect(f, "");
  tell(f, RS_EVENT_NO_MORE_TRIALS);
  int index;
  assert_fails(RS_ERR_INTERNAL, "after the last trial",
               rs_sched_add_stage(f->sched, -1, 1, 1, RS_PENDING, 0, &index));
  expect(f, "finished");
}

static void the_journal_decides_trials(void **state) {
  fixture *f = *state;
  add_as(f, -1, 1, 1, RS_DONE, 1);
  add_as(f, 0, 1, 1, RS_DONE, 1);
  add_as(f, 0, 1, 1, RS_FAILED, 2);
  add(f, 2, 1, 1);
  add_as(f, 0, 1, 1, RS_PENDING, 2); /* used all its attempts, but its end is not known */
  add_as(f, 0, 1, 1, RS_PENDING, 1);
  for (int last = 1; last <= 5; last++) add_trial(f, last);
  expect(f, "end 4 failed; trial 0 done by 1; trial 1 failed by 2; trial 2 failed by 2; "
            "trial 3 failed by 4");
  join(f, 1, 1);
  expect(f, "start 5.2 on 1");
}

static void a_done_stage_needs_its_parent_no_more(void **state) {
  fixture *f = *state;
  add(f, -1, 1, 1);
  add_as(f, 0, 1, 7, RS_DONE, 1);
  add_trial(f, 1);
  add_trial(f, add(f, 1, 1, 1));
  add_trial(f, add(f, 0, 1, 1));
  join(f, 1, 2);
  expect(f, "trial 0 done by 1; start 0.1 on 1; start 2.1 on 2");
  report(f, RS_EVENT_STAGE_FATAL, 0, 1);
  expect(f, "end 0 failed; trial 2 failed by 0");
  done(f, 2, 1);
  expect(f, "end 2 done; trial 1 done by 2");
}

static void wrong_additions_are_refused(void **state) {
  fixture *f = *state;
  rs_sched *s = f->sched, *none;
  int index;
  assert_fails(RS_ERR_INTERNAL, "parent 0", rs_sched_add_stage(s, 0, 1, 1, RS_PENDING, 0, &index));
  assert_int_equal(index, -1);
  assert_fails(RS_ERR_INTERNAL, "parent -2",
               rs_sched_add_stage(s, -2, 1, 1, RS_PENDING, 0, &index));
  assert_fails(RS_ERR_INTERNAL, "ranks 0", rs_sched_add_stage(s, -1, 0, 1, RS_PENDING, 0, &index));
  assert_fails(RS_ERR_INTERNAL, "cost", rs_sched_add_stage(s, -1, 1, -1, RS_PENDING, 0, &index));
  assert_fails(RS_ERR_INTERNAL, "cost",
               rs_sched_add_stage(s, -1, 1, 0.0 / 0.0, RS_DONE, 0, &index));
  assert_fails(RS_ERR_INTERNAL, "attempts -1",
               rs_sched_add_stage(s, -1, 1, 1, RS_DONE, -1, &index));
  assert_fails(RS_ERR_INTERNAL, "state", rs_sched_add_stage(s, -1, 1, 1, RS_RUNNING, 0, &index));
  assert_fails(RS_ERR_INTERNAL, "stage 0 of 0", rs_sched_add_trial(s, 0, &index));
  assert_fails(RS_ERR_INTERNAL, "0 attempts", rs_sched_create(0, &none));
  assert_null(none);
}

static void events_that_do_not_fit_are_refused(void **state) {
  fixture *f = *state;
  add(f, -1, 2, 1);
  refused(f, "stage 1 of 1", (rs_event){.kind = RS_EVENT_STAGE_DONE, .stage = 1, .attempt = 1});
  refused(f, "stage -1", (rs_event){.kind = RS_EVENT_STAGE_DONE, .stage = -1, .attempt = 1});
  refused(f, "attempt 1", (rs_event){.kind = RS_EVENT_STAGE_DONE, .attempt = 1});
  refused(f, "worker 1", (rs_event){.kind = RS_EVENT_WORKER_IDLE, .worker = 1});
  refused(f, "worker 1", (rs_event){.kind = RS_EVENT_WORKER_LOST, .worker = 1});
  refused(f, "worker -1", (rs_event){.kind = RS_EVENT_WORKER_JOINED, .worker = -1});
  join(f, 2, 3);
  refused(f, "worker 1", (rs_event){.kind = RS_EVENT_WORKER_IDLE, .worker = 1}); /* never joined */
  refused(f, "joined twice", (rs_event){.kind = RS_EVENT_WORKER_JOINED, .worker = 3});
  refused(f, "idle twice", (rs_event){.kind = RS_EVENT_WORKER_IDLE, .worker = 3});
  expect(f, "start 0.1 on 2 3");
  refused(f, "before the end", (rs_event){.kind = RS_EVENT_WORKER_IDLE, .worker = 2});
  refused(f, "attempt 0", (rs_event){.kind = RS_EVENT_STAGE_DONE});
  refused(f, "attempt 2", (rs_event){.kind = RS_EVENT_STAGE_DONE, .attempt = 2});
  refused(f, "unknown event 99", (rs_event){.kind = (rs_event_kind)99});
  expect(f, "");
  done(f, 0, 1);
  refused(f, "attempt 1", (rs_event){.kind = RS_EVENT_STAGE_DONE, .attempt = 1});
  expect(f, "end 0 done");
}

static void counts_follow_the_work(void **state) {
  fixture *f = *state;
  add(f, -1, 1, 4);
  add_trial(f, add(f, 0, 1, 2));
  add_trial(f, 0);
  join(f, 1, 2);
  assert_true(rs_sched_cost_left(f->sched) == 6);
  expect(f, "start 0.1 on 1");
  rs_sched_counts c;
  rs_sched_count(f->sched, &c);
  assert_int_equal(c.stages[RS_RUNNING], 1);
  assert_int_equal(c.stages[RS_PENDING], 1);
  assert_int_equal(c.trials[RS_RUNNING], 1);
  assert_int_equal(c.trials[RS_PENDING], 1);
  assert_int_equal(c.idle, 1);
  done(f, 0, 1);
  rs_sched_count(f->sched, &c);
  assert_int_equal(c.stages[RS_DONE], 1);
  assert_int_equal(c.trials[RS_DONE], 1);
  assert_int_equal(c.trials[RS_RUNNING], 0);
  assert_true(rs_sched_cost_left(f->sched) == 2);
}

/* ---- stages that are redone ---------------------------------------------------------------- */

static void redo(fixture *f, int stage) {
  assert_ok(rs_sched_redo_stage(f->sched, stage));
}

static void a_redone_stage_holds_its_children_back(void **state) {
  fixture *f = *state;
  add_as(f, -1, 1, 4, RS_DONE, 1);
  add_as(f, 0, 1, 2, RS_DONE, 1);
  add_trial(f, 1);
  expect(f, "trial 0 done by 1");
  add_trial(f, add(f, 0, 1, 1));
  redo(f, 0);
  join(f, 1, 2);
  assert_true(rs_sched_cost_left(f->sched) == 5);
  expect(f, "start 0.2 on 1");
  done(f, 0, 2);
  idle(f, 1, 1);
  expect(f, "end 0 done; start 2.1 on 1");
  done(f, 2, 1);
  tell(f, RS_EVENT_NO_MORE_TRIALS);
  expect(f, "end 2 done; trial 1 done by 2; finished");
}

static void a_chain_of_redone_stages_runs_in_order(void **state) {
  fixture *f = *state;
  add_as(f, -1, 1, 1, RS_DONE, 1);
  add_as(f, 0, 1, 1, RS_DONE, 1);
  add_trial(f, add(f, 1, 1, 1));
  redo(f, 1);
  redo(f, 0);
  join(f, 1, 1);
  expect(f, "start 0.2 on 1");
  done(f, 0, 2);
  idle(f, 1, 1);
  expect(f, "end 0 done; start 1.2 on 1");
  done(f, 1, 2);
  idle(f, 1, 1);
  expect(f, "end 1 done; start 2.1 on 1");
}

static void a_redone_stage_has_all_its_attempts(void **state) {
  fixture *f = *state;
  add_as(f, -1, 1, 1, RS_DONE, MAX_ATTEMPTS);
  add_as(f, 0, 1, 1, RS_DONE, 1);
  add_trial(f, 1);
  add_trial(f, add(f, 0, 1, 1));
  expect(f, "trial 0 done by 1");
  redo(f, 0);
  assert_int_equal(rs_sched_stage_attempts(f->sched, 0), 0);
  join(f, 1, 1);
  tell(f, RS_EVENT_NO_MORE_TRIALS);
  expect(f, "start 0.3 on 1");
  failed(f, 0, 3);
  idle(f, 1, 1);
  expect(f, "start 0.4 on 1");
  failed(f, 0, 4);
  expect(f, "end 0 failed; trial 1 failed by 0; finished");
  rs_sched_counts c;
  rs_sched_count(f->sched, &c);
  assert_int_equal(c.trials[RS_DONE], 1);
  assert_int_equal(c.trials[RS_FAILED], 1);
}

static void a_child_that_runs_goes_on_without_its_redone_parent(void **state) {
  fixture *f = *state;
  add_as(f, -1, 1, 1, RS_DONE, 1);
  add_trial(f, add(f, 0, 1, 1));
  join(f, 1, 3);
  expect(f, "start 1.1 on 1");
  redo(f, 0);
  expect(f, "start 0.2 on 2");
  failed(f, 1, 1);
  idle(f, 1, 1);
  expect(f, "");
  done(f, 0, 2);
  expect(f, "end 0 done; start 1.2 on 1");
  redo(f, 0);
  done(f, 1, 2);
  expect(f, "end 1 done; trial 0 done by 1; start 0.3 on 3");
}

static void a_redone_stage_below_a_failed_one_does_not_start(void **state) {
  fixture *f = *state;
  add_as(f, -1, 1, 1, RS_FAILED, 2);
  add_as(f, 0, 1, 1, RS_DONE, 1);
  add_trial(f, add(f, 1, 1, 1));
  join(f, 1, 1);
  redo(f, 1);
  tell(f, RS_EVENT_NO_MORE_TRIALS);
  expect(f, "trial 0 failed by 0; finished");
  assert_true(rs_sched_cost_left(f->sched) == 0);
}

static void only_what_is_done_is_redone(void **state) {
  fixture *f = *state;
  add(f, -1, 1, 1);
  assert_fails(RS_ERR_INTERNAL, "not done", rs_sched_redo_stage(f->sched, 0));
  assert_fails(RS_ERR_INTERNAL, "stage 1 cannot", rs_sched_redo_stage(f->sched, 1));
  join(f, 1, 1);
  tell(f, RS_EVENT_NO_MORE_TRIALS);
  expect(f, "start 0.1 on 1");
  done(f, 0, 1);
  expect(f, "end 0 done; finished");
  assert_fails(RS_ERR_INTERNAL, "over", rs_sched_redo_stage(f->sched, 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_chain_runs_in_the_coordinators_own_process),
      TEST(the_most_expensive_path_starts_first),
      TEST(a_later_child_raises_its_ready_ancestor),
      TEST(a_stage_goes_to_the_holder_of_its_parents_result),
      TEST(a_stage_does_not_wait_for_the_holder),
      TEST(a_worker_that_was_lost_holds_nothing),
      TEST(a_group_is_no_larger_than_the_living_workers),
      TEST(workers_are_held_for_a_big_group),
      TEST(small_stages_use_what_a_big_group_cannot),
      TEST(leaving_workers_are_held_one_by_one),
      TEST(a_failed_stage_is_tried_again_after_the_others),
      TEST(a_fatal_failure_is_not_tried_again_and_spares_other_branches),
      TEST(losing_an_idle_worker_costs_no_attempt),
      TEST(losing_the_root_starts_the_stage_elsewhere),
      TEST(losing_another_member_starts_the_stage_elsewhere),
      TEST(a_stage_that_loses_workers_each_time_fails),
      TEST(survivors_are_used_only_after_they_report),
      TEST(losing_a_leaving_worker_does_no_harm),
      TEST(the_loss_of_all_workers_is_the_end),
      TEST(a_member_may_leave_before_its_root_reports),
      TEST(after_a_stop_nothing_starts),
      TEST(a_stage_that_ends_first_is_not_asked_to_stop),
      TEST(a_stop_before_any_worker_is_the_end),
      TEST(a_stage_may_stop_before_it_is_asked),
      TEST(trials_may_come_after_all_else_is_done),
      TEST(an_empty_sweep_ends_without_workers),
      TEST(the_journal_decides_trials),
      TEST(a_done_stage_needs_its_parent_no_more),
      TEST(wrong_additions_are_refused),
      TEST(events_that_do_not_fit_are_refused),
      TEST(counts_follow_the_work),
      TEST(a_redone_stage_holds_its_children_back),
      TEST(a_chain_of_redone_stages_runs_in_order),
      TEST(a_redone_stage_has_all_its_attempts),
      TEST(a_child_that_runs_goes_on_without_its_redone_parent),
      TEST(a_redone_stage_below_a_failed_one_does_not_start),
      TEST(only_what_is_done_is_redone),
  };
  return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
