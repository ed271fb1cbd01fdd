/* The slow version of the scheduler's rules. */
#include "test.h"

#include "sched_model.h"

void model_start(model *m, int max_attempts) {
  *m = (model){.max_attempts = max_attempts, .waiting = -1};
}

/* ---- what is the case --------------------------------------------------------------------- */

static int count_workers(const model *m, model_place place) {
  int n = 0;
  for (int w = 0; w < MODEL_WORKERS; w++) n += m->workers[w].place == place;
  return n;
}

int model_living(const model *m) {
  return MODEL_WORKERS - count_workers(m, MODEL_GONE);
}

static int count_stages(const model *m, rs_outcome state) {
  int n = 0;
  for (int i = 0; i < m->n_stages; i++) n += m->stages[i].state == state;
  return n;
}

/* The failed stage because of which this one will never start or has failed itself, or -1. What is
 * done, runs or was stopped does not wait for those above it. */
static int failed_above(const model *m, int index) {
  for (int i = index; i >= 0; i = m->stages[i].parent) {
    if (m->stages[i].state == RS_FAILED) return i;
    if (m->stages[i].state != RS_PENDING) return -1;
  }
  return -1;
}

/* Trials are decided once, whatever becomes of their stages later. */
static void decide_trials(model *m) {
  for (int t = 0; t < m->n_trials; t++) {
    int last = m->trial_last[t];
    if (m->trial_outcome[t] != RS_PENDING) continue;
    bool done = m->stages[last].state == RS_DONE;
    if (done || failed_above(m, last) >= 0) m->trial_outcome[t] = done ? RS_DONE : RS_FAILED;
    m->trial_decider[t] = done ? last : failed_above(m, last);
  }
}

static bool is_ready(const model *m, int index) {
  const model_stage *g = &m->stages[index];
  return g->state == RS_PENDING && (g->parent < 0 || m->stages[g->parent].state == RS_DONE);
}

static double path_cost(const model *m, int index) {
  double below = 0;
  for (int i = index + 1; i < m->n_stages; i++) {
    if (m->stages[i].parent != index || m->stages[i].state != RS_PENDING) continue;
    double path = path_cost(m, i);
    if (path > below) below = path;
  }
  return m->stages[index].cost + below;
}

static int wanted(const model *m, int index) {
  int living = model_living(m);
  return m->stages[index].ranks < living ? m->stages[index].ranks : living;
}

/* ---- what should start -------------------------------------------------------------------- */

static int attempts_used(const model_stage *g) {
  return g->attempts - g->spent;
}

static bool goes_before(const model *m, int a, int b) {
  int used_a = attempts_used(&m->stages[a]), used_b = attempts_used(&m->stages[b]);
  if (used_a != used_b) return used_a < used_b;
  double path_a = path_cost(m, a), path_b = path_cost(m, b);
  return path_a != path_b ? path_a > path_b : a < b;
}

/* The first ready stage that wants at most ROOM, or -1. */
static int first_ready(const model *m, int room) {
  int first = -1;
  for (int i = 0; i < m->n_stages; i++)
    if (is_ready(m, i) && wanted(m, i) <= room && (first < 0 || goes_before(m, i, first)))
      first = i;
  return first;
}

static void add_group(bool reachable[MODEL_WORKERS + 1], int size) {
  for (int sum = MODEL_WORKERS; sum >= size; sum--)
    if (reachable[sum - size]) reachable[sum] = true;
}

/* Whether giving GIVEN idle workers away may delay a stage that lacks LACK workers. */
static bool may_delay(const model *m, int lack, int given) {
  bool reachable[MODEL_WORKERS + 1] = {true};
  for (int i = 0; i < m->n_stages; i++)
    if (m->stages[i].state == RS_RUNNING) add_group(reachable, m->stages[i].n_group);
  for (int w = 0; w < MODEL_WORKERS; w++)
    if (m->workers[w].place == MODEL_LEAVING) add_group(reachable, 1);
  for (int sum = lack; sum < lack + given; sum++)
    if (reachable[sum]) return true;
  return false;
}

static int due_to_start(const model *m) {
  int idle = count_workers(m, MODEL_IDLE);
  if (m->stopping || m->finished || idle == 0) return -1;
  int first = first_ready(m, MODEL_WORKERS);
  if (first < 0 || wanted(m, first) <= idle) return first;
  for (int room = idle; room > 0; room--)
    if (!may_delay(m, wanted(m, first) - idle, room)) return first_ready(m, room);
  return -1;
}

static bool is_end(const model *m) {
  if (count_stages(m, RS_RUNNING) > 0) return false;
  if (m->stopping || (m->any_joined && model_living(m) == 0)) return true;
  return m->no_more_trials && first_ready(m, MODEL_WORKERS) < 0;
}

/* ---- additions and events ----------------------------------------------------------------- */

/* Its state from now on; told of when that is an end. */
static void end_stage(model_stage *g, rs_outcome state) {
  g->state = state;
  if (state == RS_PENDING) return;
  g->ended = state;
  g->ends++;
}

void model_add_stage(model *m, int parent, int ranks, double cost, rs_outcome state, int attempts) {
  model_stage *g = &m->stages[m->n_stages++];
  *g = (model_stage){.parent = parent,
                     .ranks = ranks,
                     .cost = cost,
                     .state = state,
                     .attempts = attempts,
                     .holder = -1};
  bool hopeless = parent >= 0 && failed_above(m, parent) >= 0;
  if (state == RS_PENDING && attempts >= m->max_attempts && !hopeless) end_stage(g, RS_FAILED);
}

void model_add_trial(model *m, int last) {
  m->trial_last[m->n_trials++] = last;
  decide_trials(m);
}

void model_redo(model *m, int index) {
  model_stage *g = &m->stages[index];
  g->state = RS_PENDING;
  g->spent = g->attempts;
  g->asked = false;
  decide_trials(m);
}

static void end_attempt(model *m, model_stage *g, rs_outcome state) {
  for (int k = 0; k < g->n_group; k++) m->workers[g->group[k]].place = MODEL_LEAVING;
  g->n_group = 0;
  end_stage(g, state);
}

static rs_outcome after_failure(const model *m, const model_stage *g) {
  return attempts_used(g) < m->max_attempts ? RS_PENDING : RS_FAILED;
}

static void leave_group(model_stage *g, int worker) {
  int n = 0;
  for (int k = 0; k < g->n_group; k++)
    if (g->group[k] != worker) g->group[n++] = g->group[k];
  g->n_group = n;
}

static void worker_event(model *m, const rs_event *event) {
  model_worker *w = &m->workers[event->worker];
  if (event->kind == RS_EVENT_WORKER_JOINED) {
    w->place = MODEL_IDLE;
    w->lives++;
    m->any_joined = true;
    return;
  }
  if (w->place == MODEL_GONE) return;
  model_stage *g = w->place == MODEL_BUSY ? &m->stages[w->stage] : NULL;
  if (event->kind == RS_EVENT_WORKER_IDLE) {
    if (g != NULL) leave_group(g, event->worker);
    w->place = MODEL_IDLE;
    return;
  }
  if (g != NULL) {
    g->lost = g->attempts;
    end_attempt(m, g, after_failure(m, g));
  }
  w->place = MODEL_GONE;
  m->waiting = -1;
}

static void stage_event(model *m, const rs_event *event) {
  model_stage *g = &m->stages[event->stage];
  if (g->state != RS_RUNNING || event->attempt != g->attempts) return; /* stale */
  if (event->kind == RS_EVENT_STAGE_DONE) {
    g->holder = g->group[0];
    g->holder_life = m->workers[g->holder].lives;
    end_attempt(m, g, RS_DONE);
  } else if (event->kind == RS_EVENT_STAGE_STOPPED) {
    g->attempts--;
    end_attempt(m, g, RS_STOPPED);
  } else {
    end_attempt(m, g, event->kind == RS_EVENT_STAGE_FAILED ? after_failure(m, g) : RS_FAILED);
  }
}

void model_event(model *m, const rs_event *event) {
  if (event->kind <= RS_EVENT_WORKER_LOST)
    worker_event(m, event);
  else if (event->kind <= RS_EVENT_STAGE_STOPPED)
    stage_event(m, event);
  else if (event->kind == RS_EVENT_STOP)
    m->stopping = true;
  else
    m->no_more_trials = true;
  decide_trials(m);
}

/* ---- commands ----------------------------------------------------------------------------- */

static int first_idle(const model *m) {
  int w = 0;
  while (m->workers[w].place != MODEL_IDLE) w++;
  return w;
}

static int root_for(const model *m, int index) {
  int parent = m->stages[index].parent;
  if (parent < 0 || m->stages[parent].holder < 0) return first_idle(m);
  const model_worker *holder = &m->workers[m->stages[parent].holder];
  bool holds = holder->place == MODEL_IDLE && holder->lives == m->stages[parent].holder_life;
  return holds ? m->stages[parent].holder : first_idle(m);
}

static void check_start(model *m, const rs_command *c) {
  assert_false(m->stopping);
  assert_int_equal(c->stage, due_to_start(m));
  if (c->stage == first_ready(m, MODEL_WORKERS))
    m->waiting = -1; /* it went before the one that waited */
  model_stage *g = &m->stages[c->stage];
  assert_int_equal(c->attempt, g->attempts + 1);
  assert_true(attempts_used(g) < m->max_attempts);
  assert_int_equal(c->n_workers, wanted(m, c->stage));
  for (int k = 0; k < c->n_workers; k++) {
    int expected = k == 0 ? root_for(m, c->stage) : first_idle(m);
    assert_int_equal(c->workers[k], expected);
    model_worker *w = &m->workers[expected];
    *w = (model_worker){
        .place = MODEL_BUSY, .stage = c->stage, .lives = w->lives, .tasks = w->tasks + 1};
    g->group[k] = expected;
  }
  g->n_group = c->n_workers;
  g->attempts++;
  g->state = RS_RUNNING;
}

static void check_stop(model *m, const rs_command *c) {
  model_stage *g = &m->stages[c->stage];
  assert_true(m->stopping && g->state == RS_RUNNING && !g->asked);
  assert_int_equal(c->n_workers, g->n_group);
  assert_memory_equal(c->workers, g->group, (size_t)g->n_group * sizeof *g->group);
  g->asked = true;
}

static void check_stage_end(model *m, const rs_command *c) {
  model_stage *g = &m->stages[c->stage];
  assert_true(g->ends > 0);
  assert_int_equal(c->outcome, --g->ends > 0 ? RS_DONE : g->ended);
}

static void check_trial(model *m, const rs_command *c) {
  assert_in_range(c->trial, 0, m->n_trials - 1);
  assert_false(m->trial_told[c->trial]);
  assert_int_not_equal(c->outcome, RS_PENDING);
  assert_int_equal(c->outcome, m->trial_outcome[c->trial]);
  assert_int_equal(c->stage, m->trial_decider[c->trial]);
  m->trial_told[c->trial] = true;
}

void model_command(model *m, const rs_command *c) {
  assert_false(m->finished);
  switch (c->kind) {
  case RS_COMMAND_START: check_start(m, c); break;
  case RS_COMMAND_STOP: check_stop(m, c); break;
  case RS_COMMAND_STAGE_END: check_stage_end(m, c); break;
  case RS_COMMAND_TRIAL: check_trial(m, c); break;
  case RS_COMMAND_FINISHED:
    assert_true(is_end(m));
    m->finished = true;
    break;
  }
}

/* ---- quiet -------------------------------------------------------------------------------- */

/* No starvation: the first ready stage waits for someone who has not been idle since it began to
 * wait. */
static void check_wait(model *m) {
  int idle = count_workers(m, MODEL_IDLE);
  int first = m->stopping ? -1 : first_ready(m, MODEL_WORKERS);
  if (first >= 0 && wanted(m, first) <= idle) first = -1; /* no worker at all */
  bool new = first != m->waiting;
  bool waits = first < 0 || new;
  m->waiting = first;
  for (int w = 0; w < MODEL_WORKERS; w++) {
    const model_worker *worker = &m->workers[w];
    bool taken = worker->place == MODEL_BUSY || worker->place == MODEL_LEAVING;
    if (new) m->waits_for[w] = taken ? worker->tasks : 0;
    waits |= taken && m->waits_for[w] == worker->tasks;
  }
  assert_true(waits);
}

static void check_told(const model *m) {
  for (int i = 0; i < m->n_stages; i++) {
    const model_stage *g = &m->stages[i];
    assert_int_equal(g->ends, 0);
    if (m->stopping && g->state == RS_RUNNING) assert_true(g->asked);
  }
  for (int t = 0; t < m->n_trials; t++)
    assert_int_equal(m->trial_told[t], m->trial_outcome[t] != RS_PENDING);
}

static void check_counts(const model *m, const rs_sched *s) {
  rs_sched_counts counts;
  rs_sched_count(s, &counts);
  assert_int_equal(counts.workers, model_living(m));
  assert_int_equal(counts.idle, count_workers(m, MODEL_IDLE));
  for (int state = 0; state < 5; state++)
    assert_int_equal(counts.stages[state], count_stages(m, (rs_outcome)state));
  int trials[5] = {0};
  for (int t = 0; t < m->n_trials; t++) {
    bool runs = m->stages[m->trial_last[t]].state == RS_RUNNING;
    bool decided = m->trial_outcome[t] != RS_PENDING;
    trials[decided ? m->trial_outcome[t] : runs ? RS_RUNNING : RS_PENDING]++;
  }
  assert_memory_equal(counts.trials, trials, sizeof trials);
}

static void check_stages(const model *m, const rs_sched *s) {
  double left = 0;
  for (int i = 0; i < m->n_stages; i++) {
    assert_int_equal(rs_sched_stage_state(s, i), m->stages[i].state);
    assert_int_equal(rs_sched_stage_attempts(s, i), attempts_used(&m->stages[i]));
    if (m->stages[i].state != RS_DONE && failed_above(m, i) < 0) left += m->stages[i].cost;
  }
  double error = rs_sched_cost_left(s) - left;
  assert_true(error < 1e-9 && error > -1e-9);
}

void model_quiet(model *m, const rs_sched *s) {
  assert_int_equal(due_to_start(m), -1);
  if (is_end(m)) assert_true(m->finished);
  if (!m->finished) check_wait(m);
  check_told(m);
  check_counts(m, s);
  check_stages(m, s);
}
