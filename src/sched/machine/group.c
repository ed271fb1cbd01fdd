/* Workers: they join, form groups, leave them and are lost. */
#include "machine.h"

#include <limits.h>

static void make_idle(rs_sched *s, int index) {
  s->workers[index].state = WORKER_IDLE;
  rs_sched_heap_push(&s->idle, s->worker_at, (rs_heap_entry){.item = index});
}

/* ---- groups ------------------------------------------------------------------------------- */

static void take_member(rs_sched *s, int stage_index, int index, int before) {
  rs_sched_heap_remove(&s->idle, s->worker_at, index);
  s->workers[index] = (worker){.state = WORKER_BUSY,
                               .lives = s->workers[index].lives,
                               .stage = stage_index,
                               .before = before,
                               .after = -1};
  if (before >= 0) s->workers[before].after = index;
}

/* The idle worker that holds the result of the stage's parent, else the first idle one. */
static int choose_root(const rs_sched *s, int stage_index) {
  int parent = s->stages[stage_index].parent;
  int holder = parent >= 0 ? s->stages[parent].holder : -1;
  if (holder >= 0 && s->workers[holder].state == WORKER_IDLE &&
      s->workers[holder].lives == s->stages[parent].holder_life)
    return holder;
  return s->idle.entry[0].item;
}

void rs_sched_group_form(rs_sched *s, int stage_index, int size) {
  stage *g = &s->stages[stage_index];
  g->root = choose_root(s, stage_index);
  g->group = size;
  take_member(s, stage_index, g->root, -1);
  for (int n = 1, last = g->root; n < size; n++) {
    int index = s->idle.entry[0].item;
    take_member(s, stage_index, index, last);
    last = index;
  }
  s->parts[size]++;
}

void rs_sched_group_end(rs_sched *s, int stage_index) {
  stage *g = &s->stages[stage_index];
  for (int w = g->root; w >= 0; w = s->workers[w].after) s->workers[w].state = WORKER_LEAVING;
  s->parts[g->group]--;
  s->parts[1] += g->group;
}

void rs_sched_group_list(rs_sched *s, int stage_index, rs_command *out) {
  out->n_workers = 0;
  out->workers = s->roster;
  for (int w = s->stages[stage_index].root; w >= 0; w = s->workers[w].after)
    s->roster[out->n_workers++] = w;
}

/* A member that has done its part goes before the root has reported the stage's end. */
static void leave_group(rs_sched *s, int index) {
  worker *w = &s->workers[index];
  stage *g = &s->stages[w->stage];
  s->workers[w->before].after = w->after;
  if (w->after >= 0) s->workers[w->after].before = w->before;
  s->parts[g->group--]--;
  s->parts[g->group]++;
}

/* ---- events ------------------------------------------------------------------------------- */

static rs_status reserve_workers(rs_sched *s, size_t n) {
  RS_TRY(rs_grow(&s->workers, &s->workers_cap, n, sizeof *s->workers));
  RS_TRY(rs_grow(&s->worker_at, &s->worker_at_cap, n, sizeof *s->worker_at));
  RS_TRY(rs_grow(&s->idle.entry, &s->idle.cap, n, sizeof *s->idle.entry));
  RS_TRY(rs_grow(&s->parts, &s->parts_cap, n + 1, sizeof *s->parts));
  RS_TRY(rs_grow(&s->roster, &s->roster_cap, n, sizeof *s->roster));
  return rs_grow(&s->sums, &s->sums_cap, n / 64 + 1, sizeof *s->sums);
}

rs_status rs_sched_worker_joined(rs_sched *s, int index) {
  if (index < 0 || index == INT_MAX)
    return rs_fail(RS_ERR_INTERNAL, "scheduler: worker %d cannot join", index);
  size_t n = (size_t)index + 1;
  if (n <= s->n_workers && s->workers[index].state != WORKER_GONE)
    return rs_fail(RS_ERR_INTERNAL, "scheduler: worker %d joined twice", index);
  RS_TRY(reserve_workers(s, n));
  if (n > s->n_workers) s->n_workers = n;
  s->workers[index].lives++;
  s->counts.workers++;
  s->any_joined = true;
  make_idle(s, index);
  return RS_OK;
}

static rs_status check_known(const rs_sched *s, int index) {
  if (index < 0 || (size_t)index >= s->n_workers || s->workers[index].lives == 0)
    return rs_fail(RS_ERR_INTERNAL, "scheduler: report on worker %d, which never joined", index);
  return RS_OK;
}

rs_status rs_sched_worker_idle(rs_sched *s, int index) {
  RS_TRY(check_known(s, index));
  const worker *w = &s->workers[index];
  switch (w->state) {
  case WORKER_GONE: return RS_OK;
  case WORKER_IDLE:
    return rs_fail(RS_ERR_INTERNAL, "scheduler: worker %d reported idle twice", index);
  case WORKER_BUSY:
    if (s->stages[w->stage].root == index)
      return rs_fail(RS_ERR_INTERNAL,
                     "scheduler: worker %d reported idle before the end of its stage %d", index,
                     w->stage);
    leave_group(s, index);
    break;
  case WORKER_LEAVING: s->parts[1]--; break;
  }
  make_idle(s, index);
  return RS_OK;
}

rs_status rs_sched_worker_lost(rs_sched *s, int index) {
  RS_TRY(check_known(s, index));
  worker *w = &s->workers[index];
  if (w->state == WORKER_GONE) return RS_OK;
  if (w->state == WORKER_IDLE) rs_sched_heap_remove(&s->idle, s->worker_at, index);
  bool busy = w->state == WORKER_BUSY;
  if (busy) {
    s->stages[w->stage].lost = s->stages[w->stage].attempts;
    rs_sched_group_end(s, w->stage);
  }
  if (w->state == WORKER_LEAVING) s->parts[1]--;
  w->state = WORKER_GONE;
  s->counts.workers--;
  if (busy) rs_sched_stage_failed(s, w->stage, true);
  return RS_OK;
}
