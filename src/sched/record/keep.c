#include "keep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct stage {
  int parent;
  int waiting; /* children to be done, and undecided trials that may keep its output */
  int keepers; /* trials that keep its output */
  bool open, output;
  bool queued; /* it may be one that can go */
} stage;

/* Stages whose outputs a trial keeps: from that of its model down to its last. */
typedef struct trial {
  int model, last;
} trial;

typedef struct ranked {
  int trial;
  double value; /* greater is better */
} ranked;

struct keeper {
  rs_checkpoint_keep policy;
  bool maximize;
  stage *stages;
  trial *trials;
  int *queue;   /* stages to look at */
  ranked *best; /* the best trials, the first the best; at most policy.count */
  size_t n_stages, n_trials, n_queue, n_best;
  size_t stages_cap, trials_cap, queue_cap, best_cap;
};

rs_status keep_create(rs_checkpoint_keep policy, bool maximize, keeper **out) {
  RS_TRY(rs_new(out, 1, sizeof **out));
  (*out)->policy = policy;
  (*out)->maximize = maximize;
  return RS_OK;
}

void keep_destroy(keeper *k) {
  if (k == NULL) return;
  free(k->stages);
  free(k->trials);
  free(k->queue);
  free(k->best);
  free(k);
}

/* ---- what may go -------------------------------------------------------------------------- */

static bool may_go(const keeper *k, int index) {
  const stage *g = &k->stages[index];
  bool removes = k->policy.kind == RS_KEEP_BEST || k->policy.kind == RS_KEEP_NONE;
  return removes && g->output && !g->open && g->waiting == 0 && g->keepers == 0;
}

static void consider(keeper *k, int index) {
  stage *g = &k->stages[index];
  if (g->queued || !may_go(k, index)) return;
  g->queued = true;
  k->queue[k->n_queue++] = index;
}

bool keep_next(keeper *k, int *out) {
  while (k->n_queue > 0) {
    int index = k->queue[--k->n_queue];
    k->stages[index].queued = false;
    if (!may_go(k, index)) continue; /* something has come to need it */
    k->stages[index].output = false;
    *out = index;
    return true;
  }
  return false;
}

/* ---- stages ------------------------------------------------------------------------------- */

/* BY more or fewer wait for what this stage leaves; -1: there is no such stage. */
static void count_waiting(keeper *k, int index, int by) {
  if (index < 0) return;
  k->stages[index].waiting += by;
  consider(k, index);
}

rs_status keep_add_stage(keeper *k, int parent, bool open, bool output) {
  size_t n = k->n_stages + 1;
  RS_ASSERT(parent < (int)k->n_stages);
  RS_TRY(rs_grow(&k->stages, &k->stages_cap, n, sizeof *k->stages));
  RS_TRY(rs_grow(&k->queue, &k->queue_cap, n, sizeof *k->queue)); /* nothing later can fail */
  k->stages[k->n_stages++] = (stage){.parent = parent, .open = open, .output = output};
  if (open) count_waiting(k, parent, 1);
  consider(k, (int)k->n_stages - 1);
  return RS_OK;
}

void keep_stage_redo(keeper *k, int index) {
  stage *g = &k->stages[index];
  g->output = false;
  if (g->open) return;
  g->open = true;
  count_waiting(k, g->parent, 1);
}

void keep_stage_end(keeper *k, int index, bool output) {
  stage *g = &k->stages[index];
  g->output = output;
  if (g->open) count_waiting(k, g->parent, -1);
  g->open = false;
  consider(k, index);
}

/* ---- trials ------------------------------------------------------------------------------- */

static void count_undecided(keeper *k, const trial *t, int by) {
  for (int i = t->last;; i = k->stages[i].parent) {
    count_waiting(k, i, by);
    if (i == t->model) return;
  }
}

static void count_keepers(keeper *k, const trial *t, int by) {
  for (int i = t->last;; i = k->stages[i].parent) {
    k->stages[i].keepers += by;
    consider(k, i);
    if (i == t->model) return;
  }
}

rs_status keep_add_trial(keeper *k, int model, int last) {
  size_t n = k->n_trials + 1;
  RS_TRY(rs_grow(&k->trials, &k->trials_cap, n, sizeof *k->trials));
  if (k->policy.kind == RS_KEEP_BEST) /* one place more for the trial that falls out */
    RS_TRY(rs_grow(&k->best, &k->best_cap, n < k->policy.count ? n + 1 : k->policy.count + 1,
                   sizeof *k->best));
  k->trials[k->n_trials] = (trial){model, last};
  count_undecided(k, &k->trials[k->n_trials++], 1);
  return RS_OK;
}

static bool is_better(const ranked *a, const ranked *b) {
  return a->value != b->value ? a->value > b->value : a->trial < b->trial;
}

/* Take a done trial among the best; the one that is too many falls out. */
static void rank_trial(keeper *k, ranked one) {
  size_t low = 0, high = k->n_best;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (is_better(&one, &k->best[middle]))
      high = middle;
    else
      low = middle + 1;
  }
  memmove(&k->best[low + 1], &k->best[low], (k->n_best - low) * sizeof *k->best);
  k->best[low] = one;
  count_keepers(k, &k->trials[one.trial], 1);
  if (++k->n_best <= k->policy.count) return;
  count_keepers(k, &k->trials[k->best[--k->n_best].trial], -1);
}

void keep_trial_end(keeper *k, int number, bool done, double value) {
  if (done && k->policy.kind == RS_KEEP_BEST) {
    double good = k->maximize ? value : -value;
    rank_trial(k, (ranked){number, isnan(value) ? -INFINITY : good});
  }
  count_undecided(k, &k->trials[number], -1);
}
