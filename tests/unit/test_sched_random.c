/* sched: random sweeps against the slow model, replays, and the time an event takes in a large
 * sweep. `test_sched_random SEED` runs one of the sweeps. */
#include "test.h"

#include "sched_model.h"

enum { SWEEPS = 3000, MAX_STEPS = 2000, MAX_LATE = 8 };

/* ---- a script: what happens to a scheduler, in a form that can be repeated ---------------- */

typedef enum step_kind { STEP_STAGE, STEP_TRIAL, STEP_REDO, STEP_EVENT, STEP_DRAIN } step_kind;

typedef struct script_step {
  step_kind kind;
  rs_event event; /* of a new trial: stage is its last one; of one to redo: that stage */
  int parent, ranks, attempts;
  double cost;
  rs_outcome state;
  uint64_t commands; /* digest of the commands drained */
} script_step;

typedef struct sweep {
  uint64_t seed, drawn;
  rs_stream stream;
  rs_sched *sched;
  model model;
  script_step steps[MAX_STEPS];
  int n_steps;
  /* What this sweep has still to bring, and how wide its stages are. */
  int stages, trials, losses, joins, stops, redone, width;
  bool alone, finished, passed;
} sweep;

static int draw(sweep *w, int bound) {
  return (int)rs_stream_below(&w->stream, w->drawn++, (uint32_t)bound);
}

static uint64_t digest(uint64_t sum, const rs_command *c) {
  int words[] = {(int)c->kind, c->stage, c->trial, c->attempt, (int)c->outcome, c->n_workers};
  uint64_t parts[] = {
      sum, rs_checksum(words, sizeof words),
      c->n_workers == 0 ? 0 : rs_checksum(c->workers, (size_t)c->n_workers * sizeof(int))};
  return rs_checksum(parts, sizeof parts);
}

/* Take all commands; CHECK is the model or NULL. */
static uint64_t drain(rs_sched *s, model *check, bool *finished) {
  uint64_t sum = 0;
  rs_command c;
  while (rs_sched_next(s, &c)) {
    sum = digest(sum, &c);
    if (check != NULL) model_command(check, &c);
    *finished |= c.kind == RS_COMMAND_FINISHED;
  }
  return sum;
}

static rs_status apply(rs_sched *s, const script_step *step) {
  int index;
  switch (step->kind) {
  case STEP_STAGE:
    return rs_sched_add_stage(s, step->parent, step->ranks, step->cost, step->state, step->attempts,
                              &index);
  case STEP_TRIAL: return rs_sched_add_trial(s, step->event.stage, &index);
  case STEP_REDO: return rs_sched_redo_stage(s, step->event.stage);
  case STEP_EVENT: return rs_sched_event(s, &step->event);
  case STEP_DRAIN: break;
  }
  return RS_OK;
}

static void record(sweep *w, script_step step) {
  assert_true(w->n_steps < MAX_STEPS); /* else there is no progress */
  w->steps[w->n_steps++] = step;
  assert_ok(apply(w->sched, &step));
  switch (step.kind) {
  case STEP_STAGE:
    model_add_stage(&w->model, step.parent, step.ranks, step.cost, step.state, step.attempts);
    break;
  case STEP_TRIAL: model_add_trial(&w->model, step.event.stage); break;
  case STEP_REDO: model_redo(&w->model, step.event.stage); break;
  case STEP_EVENT: model_event(&w->model, &step.event); break;
  case STEP_DRAIN:
    w->steps[w->n_steps - 1].commands = drain(w->sched, &w->model, &w->finished);
    model_quiet(&w->model, w->sched);
    break;
  }
}

static void send(sweep *w, rs_event event) {
  record(w, (script_step){.kind = STEP_EVENT, .event = event});
}

/* The same script gives the same commands. */
static void replay(const sweep *w) {
  rs_sched *s;
  bool finished = false;
  assert_ok(rs_sched_create(w->model.max_attempts, &s));
  for (int i = 0; i < w->n_steps; i++) {
    const script_step *step = &w->steps[i];
    assert_ok(apply(s, step));
    if (step->kind == STEP_DRAIN) assert_true(drain(s, NULL, &finished) == step->commands);
  }
  rs_sched_destroy(s);
}

/* ---- what may happen next ----------------------------------------------------------------- */

/* A random stage in STATE, or -1. */
static int pick_stage(sweep *w, rs_outcome state) {
  int found = -1, n = 0;
  for (int i = 0; i < w->model.n_stages; i++)
    if (w->model.stages[i].state == state && draw(w, ++n) == 0) found = i;
  return found;
}

/* A random worker in PLACE, or -1. */
static int pick_worker(sweep *w, model_place place) {
  int found = -1, n = 0;
  for (int i = 0; i < MODEL_WORKERS; i++)
    if (w->model.workers[i].place == place && draw(w, ++n) == 0) found = i;
  return found;
}

static bool a_stage_ends(sweep *w) {
  int index = pick_stage(w, RS_RUNNING);
  if (index < 0) return false;
  int dice = draw(w, 100);
  rs_event_kind kind = dice < 75   ? RS_EVENT_STAGE_DONE
                       : dice < 94 ? RS_EVENT_STAGE_FAILED
                       : dice < 98 ? RS_EVENT_STAGE_FATAL
                                   : RS_EVENT_STAGE_STOPPED;
  if (w->model.stages[index].asked && dice < 60) kind = RS_EVENT_STAGE_STOPPED;
  int root = w->model.stages[index].group[0];
  send(w, (rs_event){.kind = kind, .stage = index, .attempt = w->model.stages[index].attempts});
  if (draw(w, 2) == 0) send(w, (rs_event){.kind = RS_EVENT_WORKER_IDLE, .worker = root});
  return true;
}

static bool a_worker_becomes_idle(sweep *w) {
  int index = pick_worker(w, MODEL_LEAVING);
  if (index < 0) return false;
  send(w, (rs_event){.kind = RS_EVENT_WORKER_IDLE, .worker = index});
  return true;
}

static bool a_member_leaves_early(sweep *w) {
  int index = pick_stage(w, RS_RUNNING);
  if (index < 0 || w->model.stages[index].n_group < 2) return false;
  const model_stage *g = &w->model.stages[index];
  send(w,
       (rs_event){.kind = RS_EVENT_WORKER_IDLE, .worker = g->group[1 + draw(w, g->n_group - 1)]});
  return true;
}

static bool a_worker_is_lost(sweep *w) {
  int index = pick_worker(w, draw(w, 3) == 0   ? MODEL_IDLE
                             : draw(w, 3) == 0 ? MODEL_LEAVING
                                               : MODEL_BUSY);
  if (w->losses == 0 || index < 0) return false;
  w->losses--;
  send(w, (rs_event){.kind = RS_EVENT_WORKER_LOST, .worker = index});
  return true;
}

static bool a_worker_joins(sweep *w) {
  int index = w->alone ? 0 : 1 + draw(w, 12);
  if (w->joins == 0 || w->model.workers[index].place != MODEL_GONE) return false;
  w->joins--;
  send(w, (rs_event){.kind = RS_EVENT_WORKER_JOINED, .worker = index});
  return true;
}

static bool a_stage_is_added(sweep *w) {
  if (w->stages == 0 || w->model.no_more_trials) return false;
  w->stages--;
  int parent = w->model.n_stages == 0 || draw(w, 4) == 0 ? -1 : draw(w, w->model.n_stages);
  script_step added = {
      .kind = STEP_STAGE, .parent = parent, .ranks = 1 + draw(w, w->width), .cost = draw(w, 5)};
  if (draw(w, 3) == 0) added.cost += (double)draw(w, 1000) / 7;
  if (draw(w, 2) == 0) added.ranks = 1;
  bool startable = parent < 0 || w->model.stages[parent].state == RS_DONE;
  int dice = draw(w, 100);
  if (startable && dice < 12) added.state = dice < 9 ? RS_DONE : RS_FAILED;
  if (draw(w, 10) == 0) added.attempts = draw(w, w->model.max_attempts + startable);
  record(w, added);
  return true;
}

static bool a_trial_is_added(sweep *w) {
  if (w->trials == 0 || w->model.n_stages == 0 || w->model.no_more_trials) return false;
  w->trials--;
  record(w, (script_step){.kind = STEP_TRIAL, .event.stage = draw(w, w->model.n_stages)});
  return true;
}

static bool a_stage_is_redone(sweep *w) {
  int index = pick_stage(w, RS_DONE);
  if (w->redone == 0 || index < 0 || w->finished) return false;
  w->redone--;
  record(w, (script_step){.kind = STEP_REDO, .event.stage = index});
  return true;
}

static bool no_trial_will_come(sweep *w) {
  if (w->model.no_more_trials || (w->stages > 0 && draw(w, 30) > 0)) return false;
  send(w, (rs_event){.kind = RS_EVENT_NO_MORE_TRIALS});
  return true;
}

static bool a_stop_is_asked_for(sweep *w) {
  if (w->stops == 0 || draw(w, w->model.stopping ? 2 : 12) > 0) return false;
  w->stops--;
  send(w, (rs_event){.kind = RS_EVENT_STOP});
  return true;
}

static bool a_stale_report_comes(sweep *w) {
  for (int i = 0; i < w->model.n_stages; i++) {
    int lost = w->model.stages[i].lost;
    if (lost == 0 || draw(w, 2) == 0) continue;
    rs_event_kind kind = (rs_event_kind)(RS_EVENT_STAGE_DONE + draw(w, 4));
    send(w, (rs_event){.kind = kind, .stage = i, .attempt = 1 + draw(w, lost)});
    return true;
  }
  return false;
}

static bool a_lost_worker_is_heard_of(sweep *w) {
  int index = pick_worker(w, MODEL_GONE);
  if (index < 0 || w->model.workers[index].lives == 0) return false;
  rs_event_kind kind = draw(w, 2) == 0 ? RS_EVENT_WORKER_IDLE : RS_EVENT_WORKER_LOST;
  send(w, (rs_event){.kind = kind, .worker = index});
  return true;
}

static int next_attempt(const sweep *w, int stage) {
  return stage < 0 ? 1 : w->model.stages[stage].attempts + 1;
}

static bool a_report_does_not_fit(sweep *w) {
  int pending = pick_stage(w, RS_PENDING), running = pick_stage(w, RS_RUNNING);
  int idle = pick_worker(w, MODEL_IDLE), not_done = pending >= 0 ? pending : running;
  rs_event events[] = {
      {.kind = RS_EVENT_STAGE_DONE, .stage = w->model.n_stages, .attempt = 1},
      {.kind = RS_EVENT_STAGE_FAILED, .stage = pending, .attempt = next_attempt(w, pending)},
      {.kind = RS_EVENT_STAGE_DONE, .stage = running, .attempt = next_attempt(w, running)},
      {.kind = RS_EVENT_WORKER_JOINED, .worker = idle},
      {.kind = RS_EVENT_WORKER_IDLE, .worker = idle},
      {.kind = RS_EVENT_WORKER_LOST, .worker = MODEL_WORKERS},
  };
  for (size_t i = 0; i < RS_COUNT(events); i++)
    assert_int_equal(rs_sched_event(w->sched, &events[i]), RS_ERR_INTERNAL);
  assert_int_equal(rs_sched_redo_stage(w->sched, not_done), RS_ERR_INTERNAL);
  return true;
}

static const struct happening {
  int weight;
  bool (*happens)(sweep *w); /* false: it cannot happen now */
} happenings[] = {
    {30, a_stage_ends},         {40, a_worker_becomes_idle}, {3, a_member_leaves_early},
    {3, a_worker_is_lost},      {6, a_worker_joins},         {20, a_stage_is_added},
    {15, a_trial_is_added},     {8, a_stage_is_redone},      {5, no_trial_will_come},
    {4, a_stop_is_asked_for},   {4, a_stale_report_comes},   {2, a_lost_worker_is_heard_of},
    {2, a_report_does_not_fit},
};

static void let_something_happen(sweep *w) {
  int total = 0;
  for (size_t i = 0; i < RS_COUNT(happenings); i++) total += happenings[i].weight;
  int dice = draw(w, total);
  size_t i = 0;
  while (dice >= happenings[i].weight) dice -= happenings[i++].weight;
  happenings[i].happens(w);
}

/* ---- one sweep ---------------------------------------------------------------------------- */

static void plan_sweep(sweep *w) {
  bool calm = draw(w, 2) == 0;
  w->alone = draw(w, 10) == 0;
  w->stages = 1 + draw(w, MODEL_STAGES);
  w->trials = draw(w, MODEL_TRIALS + 1);
  w->joins = w->alone ? 1 + draw(w, 2) : 1 + draw(w, 16);
  w->losses = calm ? 0 : draw(w, 10);
  w->stops = draw(w, 4) == 0 ? 2 : 0;
  w->redone = draw(w, 2) == 0 ? draw(w, 20) : 0;
  w->width = 1 + draw(w, 14);
  while (draw(w, 3) > 0) a_stage_is_added(w);
  do a_worker_joins(w);
  while (draw(w, 4) > 0);
}

/* From the first stage to RS_COMMAND_FINISHED, and a little beyond. */
static void run_sweep(sweep *w) {
  w->stream = rs_stream_make(w->seed, "sched", "sweep", 0);
  int max_attempts = 1 + draw(w, 3);
  model_start(&w->model, max_attempts);
  assert_ok(rs_sched_create(max_attempts, &w->sched));
  plan_sweep(w);
  for (int turn = 0; !w->finished; turn++) {
    assert_true(turn < 20 * MAX_STEPS); /* else it is stuck */
    let_something_happen(w);
    if (draw(w, 3) > 0) record(w, (script_step){.kind = STEP_DRAIN});
  }
  w->stages = w->trials = 0;
  for (int late = 0; late < MAX_LATE; late++) let_something_happen(w);
  record(w, (script_step){.kind = STEP_DRAIN});
  replay(w);
}

static int prepare(void **state) {
  *state = calloc(1, sizeof(sweep));
  return *state == NULL;
}

static int conclude(void **state) {
  sweep *w = *state;
  if (!w->passed) print_error("seed %llu, step %d\n", (unsigned long long)w->seed, w->n_steps);
  rs_sched_destroy(w->sched);
  free(w);
  return 0;
}

static void run_seed(sweep *w, uint64_t seed) {
  *w = (sweep){.seed = seed};
  run_sweep(w);
  rs_sched_destroy(w->sched);
  w->sched = NULL;
  w->passed = true;
}

static void random_sweeps_follow_the_rules(void **state) {
  for (uint64_t seed = 1; seed <= SWEEPS; seed++) run_seed(*state, seed);
}

/* ---- large sweeps ------------------------------------------------------------------------- */

/* Workers of a large sweep: who is in which group, and the running groups in a list that is sampled
 * at random. */
typedef struct large {
  rs_sched *sched;
  rs_stream stream;
  uint64_t drawn, events;
  struct running {
    int stage, attempt, n_workers, *workers;
  } * running;
  int n_running, trials_done;
  bool finished;
} large;

static void tell(large *l, rs_event event) {
  assert_ok(rs_sched_event(l->sched, &event));
  l->events++;
}

static void obey(large *l) {
  rs_command c;
  while (rs_sched_next(l->sched, &c)) {
    l->trials_done += c.kind == RS_COMMAND_TRIAL && c.outcome == RS_DONE;
    l->finished |= c.kind == RS_COMMAND_FINISHED;
    if (c.kind != RS_COMMAND_START) continue;
    struct running *r = &l->running[l->n_running++];
    *r = (struct running){.stage = c.stage, .attempt = c.attempt, .n_workers = c.n_workers};
    assert_ok(rs_new(&r->workers, (size_t)c.n_workers, sizeof(int)));
    memcpy(r->workers, c.workers, (size_t)c.n_workers * sizeof(int));
  }
}

/* A random running stage is done and its workers report. */
static void finish_one(large *l) {
  assert_true(l->n_running > 0);
  uint32_t i = rs_stream_below(&l->stream, l->drawn++, (uint32_t)l->n_running);
  struct running r = l->running[i];
  l->running[i] = l->running[--l->n_running];
  tell(l, (rs_event){.kind = RS_EVENT_STAGE_DONE, .stage = r.stage, .attempt = r.attempt});
  obey(l);
  for (int k = 0; k < r.n_workers; k++) {
    tell(l, (rs_event){.kind = RS_EVENT_WORKER_IDLE, .worker = r.workers[k]});
    obey(l);
  }
  free(r.workers);
}

/* N_TRIALS trials of three stages, every WIDE_EVERY-th on a group of eight; microseconds an event.
 */
static double run_large(int n_trials, int n_workers, int wide_every) {
  large l = {.stream = rs_stream_make(1, "sched", "large", 0)};
  assert_ok(rs_sched_create(2, &l.sched));
  assert_ok(rs_new(&l.running, (size_t)n_workers, sizeof *l.running));
  double start = rs_clock_now();
  for (int t = 0; t < n_trials; t++) {
    int ranks = t % wide_every == wide_every - 1 ? 8 : 1, last = -1, trial;
    for (int k = 0; k < 3; k++) {
      double cost = rs_stream_uniform(&l.stream, l.drawn++);
      assert_ok(rs_sched_add_stage(l.sched, last, ranks, cost, RS_PENDING, 0, &last));
    }
    assert_ok(rs_sched_add_trial(l.sched, last, &trial));
  }
  for (int w = 1; w <= n_workers; w++)
    tell(&l, (rs_event){.kind = RS_EVENT_WORKER_JOINED, .worker = w});
  tell(&l, (rs_event){.kind = RS_EVENT_NO_MORE_TRIALS});
  for (obey(&l); !l.finished;) finish_one(&l);
  double microseconds = (rs_clock_now() - start) * 1e6 / (double)l.events;
  assert_int_equal(l.trials_done, n_trials);
  assert_true(rs_sched_cost_left(l.sched) == 0);
  print_message("%d trials x 3 stages, %d workers%s: %llu events, %.2f us an event\n", n_trials,
                n_workers, wide_every <= n_trials ? ", groups of 1 and 8" : "",
                (unsigned long long)l.events, microseconds);
  free(l.running);
  rs_sched_destroy(l.sched);
  return microseconds;
}

/* The bound is wide enough for a loaded machine under sanitizers; a scan of 30,000 stages an event
 * is not. */
static void large_sweeps_cost_microseconds_an_event(void **state) {
  (void)state;
  enum { NARROW = 1 << 30 };
  assert_true(run_large(1000, 50, NARROW) < 200);
  assert_true(run_large(10000, 500, NARROW) < 200);
  assert_true(run_large(10000, 1000, NARROW) < 200);
  assert_true(run_large(10000, 1000, 5) < 200);
}

static void one_random_sweep_follows_the_rules(void **state) {
  run_seed(*state, ((sweep *)*state)->seed);
}

int main(int argc, char **argv) {
  if (argc > 1) {
    sweep *w = calloc(1, sizeof *w);
    if (w == NULL) return 1;
    w->seed = strtoull(argv[1], NULL, 10);
    const struct CMUnitTest one[] = {cmocka_unit_test_prestate_setup_teardown(
        one_random_sweep_follows_the_rules, NULL, conclude, w)};
    return cmocka_run_group_tests_name("sched_random", one, NULL, NULL);
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(random_sweeps_follow_the_rules, prepare, conclude),
      cmocka_unit_test(large_sweeps_cost_microseconds_an_event),
  };
  return cmocka_run_group_tests_name("sched_random", tests, NULL, NULL);
}
