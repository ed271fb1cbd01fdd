/* Stages and trials: how they are added, become ready and end. */
#include "machine.h"

#include <limits.h>
#include <math.h>

static void set_state(rs_sched *s, int index, rs_outcome state) {
  stage *g = &s->stages[index];
  s->counts.stages[g->state]--;
  s->counts.stages[state]++;
  /* Trials are undecided as long as their last stage starts, stops and is tried again. */
  int running = (state == RS_RUNNING) - (g->state == RS_RUNNING);
  s->counts.trials[RS_RUNNING] += running * g->n_open;
  s->counts.trials[RS_PENDING] -= running * g->n_open;
  g->state = state;
}

void rs_sched_notify(rs_sched *s, rs_command_kind kind, int index) {
  RS_ASSERT(s->n_notices < s->notices_cap);
  notice *n = &s->notices[s->n_notices++];
  *n = (notice){.kind = kind, .index = index};
  if (kind == RS_COMMAND_TRIAL) return;
  n->attempt = s->stages[index].attempts;
  n->outcome = s->stages[index].state;
}

/* ---- ready stages ------------------------------------------------------------------------- */

static void make_ready(rs_sched *s, int index) {
  const stage *g = &s->stages[index];
  rs_sched_heap_push(
      &s->queues[g->queue].ready, s->stage_at,
      (rs_heap_entry){.level = rs_sched_attempts_used(g), .weight = g->path, .item = index});
  s->n_ready++;
}

static void make_unready(rs_sched *s, int index) {
  rs_sched_heap_remove(&s->queues[s->stages[index].queue].ready, s->stage_at, index);
  s->n_ready--;
}

void rs_sched_stage_start(rs_sched *s, int index) {
  stage *g = &s->stages[index];
  make_unready(s, index);
  g->attempts++;
  set_state(s, index, RS_RUNNING);
}

/* A stage became pending: paths above it may have become longer. That of a stage that runs counts
 * when it is tried again, and not before for those above it. */
static void lengthen_paths(rs_sched *s, int index) {
  double path = s->stages[index].path;
  for (int up = s->stages[index].parent; up >= 0; up = s->stages[up].parent) {
    stage *g = &s->stages[up];
    if (g->state == RS_DONE || g->cost + path <= g->path) return;
    path = g->path = g->cost + path;
    if (s->stage_at[up] != 0)
      rs_sched_heap_reweigh(&s->queues[g->queue].ready, s->stage_at, up, path);
    if (g->state != RS_PENDING) return;
  }
}

/* ---- ends --------------------------------------------------------------------------------- */

/* Called when a stage begins to count in cost_left (SIGN 1) and when it ceases to (-1). */
static void count_cost(rs_sched *s, int index, int sign) {
  s->n_open += (size_t)sign;
  s->cost_left = s->n_open == 0 ? 0 : s->cost_left + sign * s->stages[index].cost;
}

static void decide_trial(rs_sched *s, int index, rs_outcome outcome) {
  s->trials[index].outcome = outcome;
  s->stages[s->trials[index].last].n_open--;
  s->counts.trials[RS_PENDING]--;
  s->counts.trials[outcome]++;
  rs_sched_notify(s, RS_COMMAND_TRIAL, index);
}

/* The outcome of all trials that end with this stage is known; some may have been decided before
 * the stage was redone. */
static void decide_trials(rs_sched *s, int index, rs_outcome outcome) {
  for (int t = s->stages[index].first_trial; t >= 0; t = s->trials[t].sibling)
    if (s->trials[t].outcome == RS_PENDING) decide_trial(s, t, outcome);
}

void rs_sched_stage_done(rs_sched *s, int index) {
  stage *g = &s->stages[index];
  g->holder = g->root;
  g->holder_life = s->workers[g->root].lives;
  set_state(s, index, RS_DONE);
  count_cost(s, index, -1);
  rs_sched_notify(s, RS_COMMAND_STAGE_END, index);
  decide_trials(s, index, RS_DONE);
  for (int child = g->first_child; child >= 0; child = s->stages[child].sibling)
    if (s->stages[child].state == RS_PENDING && s->stages[child].failed_by < 0)
      make_ready(s, child);
}

void rs_sched_stage_stopped(rs_sched *s, int index) {
  set_state(s, index, RS_STOPPED);
  rs_sched_notify(s, RS_COMMAND_STAGE_END, index);
  s->stages[index].attempts--;
}

/* The stage after INDEX, in preorder, of those below TOP; DESCEND: not without the ones below
 * INDEX. */
static int next_below(const rs_sched *s, int top, int index, bool descend) {
  if (descend && s->stages[index].first_child >= 0) return s->stages[index].first_child;
  while (index != top && s->stages[index].sibling < 0) index = s->stages[index].parent;
  return index == top ? -1 : s->stages[index].sibling;
}

/* This pending stage will never start, for BY has failed. */
static void give_up(rs_sched *s, int index, int by) {
  s->stages[index].failed_by = by;
  count_cost(s, index, -1);
  decide_trials(s, index, RS_FAILED);
}

/* Nothing below TOP, which has failed or will never start because of BY, will start. A chain goes
 * on below stages that are done (as the journal knew, or since TOP was redone) or run, and those
 * that have failed have decided their trials themselves: all these are left out with all that is
 * below. */
static void fail_descendants(rs_sched *s, int top, int by) {
  int index = next_below(s, top, top, true);
  while (index >= 0) {
    const stage *g = &s->stages[index];
    bool waiting = g->state == RS_PENDING && g->failed_by < 0;
    if (waiting) give_up(s, index, by);
    index = next_below(s, top, index, waiting);
  }
}

/* A stage has become pending, its cost counted: it is ready, waits for its parent, which is redone,
 * or will never start. */
static void open_again(rs_sched *s, int index) {
  int parent = s->stages[index].parent;
  if (parent < 0 || s->stages[parent].state == RS_DONE) {
    make_ready(s, index);
  } else if (s->stages[parent].failed_by >= 0) {
    give_up(s, index, s->stages[parent].failed_by);
    fail_descendants(s, index, s->stages[parent].failed_by);
  } else {
    lengthen_paths(s, index);
  }
}

void rs_sched_stage_failed(rs_sched *s, int index, bool again) {
  stage *g = &s->stages[index];
  if (again && rs_sched_attempts_used(g) < s->max_attempts) {
    set_state(s, index, RS_PENDING);
    open_again(s, index);
    return;
  }
  set_state(s, index, RS_FAILED);
  g->failed_by = index;
  count_cost(s, index, -1);
  rs_sched_notify(s, RS_COMMAND_STAGE_END, index);
  decide_trials(s, index, RS_FAILED);
  fail_descendants(s, index, index);
}

/* ---- additions ---------------------------------------------------------------------------- */

static rs_status check_open(const rs_sched *s, const char *what) {
  if (s->no_more_trials || s->finished)
    return rs_fail(RS_ERR_INTERNAL, "scheduler: a %s was added after %s", what,
                   s->finished ? "the end" : "the last trial");
  return RS_OK;
}

static rs_status check_stage(const rs_sched *s, const stage *g, int ranks) {
  if (s->n_stages >= INT_MAX / 4) return rs_fail(RS_ERR_INTERNAL, "scheduler: too many stages");
  if (g->parent < -1 || g->parent >= (int)s->n_stages)
    return rs_fail(RS_ERR_INTERNAL,
                   "scheduler: stage %zu has parent %d, expected -1 or an earlier one", s->n_stages,
                   g->parent);
  if (ranks < 1 || !isfinite(g->cost) || g->cost < 0 || g->attempts < 0)
    return rs_fail(RS_ERR_INTERNAL, "scheduler: stage %zu has ranks %d, cost %g, attempts %d",
                   s->n_stages, ranks, g->cost, g->attempts);
  if (g->state != RS_PENDING && g->state != RS_DONE && g->state != RS_FAILED)
    return rs_fail(RS_ERR_INTERNAL,
                   "scheduler: stage %zu was added in state %d, expected pending, done or failed",
                   s->n_stages, (int)g->state);
  return RS_OK;
}

/* The queue for stages that want RANKS, with room for one stage more. */
static rs_status find_queue(rs_sched *s, int ranks, int *out) {
  size_t q = 0;
  while (q < s->n_queues && s->queues[q].ranks != ranks) q++;
  if (q == s->n_queues) {
    RS_TRY(rs_grow(&s->queues, &s->queues_cap, q + 1, sizeof *s->queues));
    s->queues[q].ranks = ranks;
    s->n_queues++;
  }
  rs_heap *ready = &s->queues[q].ready;
  RS_TRY(rs_grow(&ready->entry, &ready->cap, s->queues[q].n_stages + 1, sizeof *ready->entry));
  *out = (int)q;
  return RS_OK;
}

/* A stage writes at most two notices (stop, end) each time it is done, and a trial one. */
static rs_status reserve_notices(rs_sched *s) {
  return rs_grow(&s->notices, &s->notices_cap, 2 * (s->n_stages + s->n_redone) + s->n_trials + 2,
                 sizeof *s->notices);
}

static rs_status reserve_stage(rs_sched *s, int ranks, int *queue) {
  RS_TRY(rs_grow(&s->stages, &s->stages_cap, s->n_stages + 1, sizeof *s->stages));
  RS_TRY(rs_grow(&s->stage_at, &s->stage_at_cap, s->n_stages + 1, sizeof *s->stage_at));
  RS_TRY(reserve_notices(s));
  return find_queue(s, ranks, queue);
}

static void link_to_parent(rs_sched *s, int index, int parent) {
  stage *up = &s->stages[parent];
  if (up->last_child >= 0)
    s->stages[up->last_child].sibling = index;
  else
    up->first_child = index;
  up->last_child = index;
}

/* Take up a pending stage that has just been added. */
static void open_stage(rs_sched *s, int index) {
  const stage *g = &s->stages[index];
  count_cost(s, index, 1);
  if (g->attempts >= s->max_attempts) {
    rs_sched_stage_failed(s, index, false);
    return;
  }
  lengthen_paths(s, index);
  if (g->parent < 0 || s->stages[g->parent].state == RS_DONE) make_ready(s, index);
}

rs_status rs_sched_add_stage(rs_sched *s, int parent, int ranks, double cost, rs_outcome state,
                             int attempts, int *out) {
  *out = -1;
  stage added = {.cost = cost,
                 .path = cost,
                 .parent = parent,
                 .attempts = attempts,
                 .state = state,
                 .first_child = -1,
                 .last_child = -1,
                 .sibling = -1,
                 .first_trial = -1,
                 .last_trial = -1,
                 .failed_by = -1,
                 .root = -1,
                 .holder = -1};
  RS_TRY(check_open(s, "stage"));
  RS_TRY(check_stage(s, &added, ranks));
  RS_TRY(reserve_stage(s, ranks, &added.queue));
  int index = (int)s->n_stages++;
  if (state != RS_DONE && parent >= 0) added.failed_by = s->stages[parent].failed_by;
  if (state == RS_FAILED && added.failed_by < 0) added.failed_by = index;
  s->stages[index] = added;
  s->queues[added.queue].n_stages++;
  s->counts.stages[state]++;
  if (parent >= 0) link_to_parent(s, index, parent);
  if (state == RS_PENDING && added.failed_by < 0) open_stage(s, index);
  *out = index;
  return RS_OK;
}

rs_status rs_sched_add_trial(rs_sched *s, int last, int *out) {
  *out = -1;
  RS_TRY(check_open(s, "trial"));
  if (last < 0 || last >= (int)s->n_stages || s->n_trials >= INT_MAX / 4)
    return rs_fail(RS_ERR_INTERNAL, "scheduler: trial %zu ends with stage %d of %zu", s->n_trials,
                   last, s->n_stages);
  RS_TRY(rs_grow(&s->trials, &s->trials_cap, s->n_trials + 1, sizeof *s->trials));
  RS_TRY(reserve_notices(s));
  int index = (int)s->n_trials++;
  s->trials[index] = (trial){.last = last, .sibling = -1};
  stage *g = &s->stages[last];
  if (g->last_trial >= 0)
    s->trials[g->last_trial].sibling = index;
  else
    g->first_trial = index;
  g->last_trial = index;
  g->n_open++;
  s->counts.trials[g->state == RS_RUNNING ? RS_RUNNING : RS_PENDING]++;
  if (g->state == RS_DONE || g->failed_by >= 0)
    decide_trial(s, index, g->state == RS_DONE ? RS_DONE : RS_FAILED);
  *out = index;
  return RS_OK;
}

/* ---- redone stages ------------------------------------------------------------------------ */

/* The children wait again; *LONGEST: the most expensive path of those that have yet to run. */
static void withdraw_children(rs_sched *s, int index, double *longest) {
  *longest = 0;
  for (int i = s->stages[index].first_child; i >= 0; i = s->stages[i].sibling) {
    const stage *child = &s->stages[i];
    if (s->stage_at[i] != 0) make_unready(s, i);
    if (child->state == RS_PENDING && child->path > *longest) *longest = child->path;
  }
}

rs_status rs_sched_redo_stage(rs_sched *s, int index) {
  if (index < 0 || (size_t)index >= s->n_stages || s->finished || s->stages[index].state != RS_DONE)
    return rs_fail(RS_ERR_INTERNAL, "scheduler: stage %d cannot be redone: %s", index,
                   s->finished ? "all is over" : "it is not done");
  s->n_redone++;
  RS_TRY(reserve_notices(s));
  stage *g = &s->stages[index];
  double longest;
  withdraw_children(s, index, &longest);
  g->path = g->cost + longest;
  g->spent = g->attempts;
  set_state(s, index, RS_PENDING);
  count_cost(s, index, 1);
  open_again(s, index);
  return RS_OK;
}
