#include "running.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void free_stage(running_stage *s) {
  free(s->workers);
  free(s->waiting);
}

void running_free(running *r) {
  for (size_t i = 0; i < r->count; i++) free_stage(&r->list[i]);
  free(r->list);
  free(r->views);
  *r = (running){0};
}

rs_status running_begin(running *r, const rs_command *start, const char *name, int trial,
                        double now) {
  size_t n = (size_t)start->n_workers;
  running_stage s = {.stage = start->stage,
                     .trial = trial,
                     .attempt = start->attempt,
                     .name = name,
                     .n_workers = start->n_workers,
                     .began = now,
                     .epoch_ended = now,
                     .heard = now,
                     .loss = NAN};
  RS_TRY(rs_grow(&r->list, &r->cap, r->count + 1, sizeof *r->list));
  rs_status status = rs_new(&s.workers, n, sizeof *s.workers);
  if (status == RS_OK) status = rs_new(&s.waiting, n, sizeof *s.waiting);
  if (status != RS_OK) {
    free_stage(&s);
    return status;
  }
  memcpy(s.workers, start->workers, n * sizeof *s.workers);
  for (size_t i = 0; i < n; i++) s.waiting[i] = -INFINITY;
  r->list[r->count++] = s;
  return RS_OK;
}

running_stage *running_find(running *r, int stage) {
  for (size_t i = 0; i < r->count; i++)
    if (r->list[i].stage == stage) return &r->list[i];
  return NULL;
}

void running_end(running *r, int stage) {
  running_stage *s = running_find(r, stage);
  if (s == NULL) return;
  free_stage(s);
  size_t after = (size_t)(r->list + r->count - s) - 1;
  memmove(s, s + 1, after * sizeof *s);
  r->count--;
}

rs_status running_views(running *r, double now, const rs_running_view **out) {
  *out = NULL;
  RS_TRY(rs_grow(&r->views, &r->cap_views, r->count, sizeof *r->views));
  for (size_t i = 0; i < r->count; i++) {
    const running_stage *s = &r->list[i];
    r->views[i] = (rs_running_view){.stage = s->stage,
                                    .root = s->workers[0],
                                    .ranks = s->n_workers,
                                    .name = s->name,
                                    .seconds = now - s->began,
                                    .fraction = s->fraction,
                                    .epoch = s->epoch,
                                    .epochs = s->epochs,
                                    .loss = s->loss};
  }
  *out = r->views;
  return RS_OK;
}

/* ---- stalls --------------------------------------------------------------------------------- */

bool running_heard(running_stage *s, double now) {
  bool was_warned = s->warned;
  s->heard = now;
  s->warned = false;
  return was_warned;
}

void running_waits(running_stage *s, int rank, double now) {
  for (int i = 0; i < s->n_workers; i++)
    if (s->workers[i] == rank) s->waiting[i] = now;
}

stall running_stall(running_stage *s, double now, double limit) {
  double silent = now - s->heard;
  if (limit <= 0 || silent < limit / 2) return STALL_NONE;
  if (silent >= limit) return STALL_OVER;
  if (s->warned) return STALL_NONE;
  s->warned = true;
  return STALL_WARN;
}

/* One that waits says so every second. */
static bool has_arrived(const running_stage *s, int i, double now) {
  const double fresh_seconds = 5;
  return s->waiting[i] > s->heard && now - s->waiting[i] < fresh_seconds;
}

int running_missing(const running_stage *s, double now, int *missing) {
  int n = 0;
  for (int i = 0; i < s->n_workers; i++)
    if (!has_arrived(s, i, now)) missing[n++] = s->workers[i];
  if (n > 0) return n;
  memcpy(missing, s->workers, (size_t)s->n_workers * sizeof *missing);
  return s->n_workers;
}
