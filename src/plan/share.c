/* Which trials of a job belong to which share. */
#include "ranksweep/plan.h"

#include <stdlib.h>
#include <string.h>

/* ---- text ------------------------------------------------------------------------------------ */

/* Digits at *AT into *OUT, *AT then behind them. */
static bool read_number(const char **at, int *out) {
  size_t digits = strspn(*at, "0123456789");
  if (digits == 0 || digits > 6) return false;
  *out = (int)strtol(*at, NULL, 10);
  *at += digits;
  return true;
}

rs_status rs_share_parse(const char *text, rs_share *out) {
  const char *at = text;
  *out = (rs_share){0};
  rs_share s;
  if (read_number(&at, &s.index) && *at++ == '/' && read_number(&at, &s.count) && *at == '\0' &&
      s.index >= 1 && s.index <= s.count && s.count <= RS_MOST_SHARES) {
    *out = s;
    return RS_OK;
  }
  return rs_fail(RS_ERR_USAGE, "\"%.60s\": expected share I/N, such as 2/8, 1 <= I <= N <= %d",
                 text, RS_MOST_SHARES);
}

/* ---- families -------------------------------------------------------------------------------- */

/* All trials whose chain holds one stage, and the stages from there on. */
typedef struct family {
  int stage;
  uint64_t work;
} family;

/* Dealing families out. */
typedef struct dealer {
  const rs_plan *plan;
  int step, count;
  int *family_of; /* by stage: the one of its chain at place `step`; -1: it is before that */
  family *families;
  size_t n_families;
  uint64_t *loads;     /* by share */
  unsigned char *held; /* [share, stage] in bits: does the share run that earlier stage? */
} dealer;

static uint64_t work_of(const rs_plan *plan, int stage) {
  const double unit = 1e6, most = 1e12;
  double units = rs_stage_work(rs_plan_stage(plan, (size_t)stage)) / unit;
  return units < most ? (uint64_t)(units + 0.5) : (uint64_t)most;
}

/* Place of the chain whose stages make families; -1: there are too few of them. */
static int family_step(const rs_plan *plan, int count) {
  int length = rs_plan_trial(plan, 0)->length, last = length > 1 ? length - 1 : 1;
  for (int step = 0; step < last; step++)
    if (rs_plan_alike(plan, step) >= (size_t)count) return step;
  return -1;
}

/* Stages come parents first. */
static void find_families(dealer *d) {
  size_t n = rs_plan_stages(d->plan);
  for (size_t i = 0; i < n; i++) {
    const rs_stage *s = rs_plan_stage(d->plan, i);
    d->family_of[i] = s->step < d->step ? -1 : (int)d->n_families;
    if (s->step > d->step) d->family_of[i] = d->family_of[s->parent];
    if (s->step == d->step) d->families[d->n_families++].stage = s->index;
    if (d->family_of[i] >= 0) d->families[d->family_of[i]].work += work_of(d->plan, s->index);
  }
}

static int largest_first(const void *a, const void *b) {
  const family *x = a, *y = b;
  if (x->work != y->work) return x->work < y->work ? 1 : -1;
  return x->stage - y->stage;
}

static unsigned char *held_byte(const dealer *d, int share, int stage) {
  size_t row = (rs_plan_stages(d->plan) + 7) / 8;
  return &d->held[(size_t)share * row + (size_t)stage / 8];
}

/* Work of the stages before FAMILY that SHARE does not run yet. */
static uint64_t work_before(const dealer *d, const family *f, int share) {
  uint64_t work = 0;
  int stage = rs_plan_stage(d->plan, (size_t)f->stage)->parent;
  for (; stage >= 0; stage = rs_plan_stage(d->plan, (size_t)stage)->parent)
    if ((*held_byte(d, share, stage) >> (stage % 8) & 1) == 0) work += work_of(d->plan, stage);
  return work;
}

static void hold_before(const dealer *d, const family *f, int share) {
  int stage = rs_plan_stage(d->plan, (size_t)f->stage)->parent;
  for (; stage >= 0; stage = rs_plan_stage(d->plan, (size_t)stage)->parent)
    *held_byte(d, share, stage) |= (unsigned char)(1 << (stage % 8));
}

/* The share that F goes to. An empty one is never beaten: the others have more to do. */
static int deal(dealer *d, const family *f) {
  int best = 0;
  uint64_t least = UINT64_MAX;
  for (int share = 0; share < d->count; share++) {
    uint64_t load = d->loads[share] + f->work + work_before(d, f, share);
    if (load >= least) continue;
    least = load;
    best = share;
  }
  hold_before(d, f, best);
  d->loads[best] = least;
  return best;
}

/* SHARES: of each family's stage. */
static void deal_all(dealer *d, int *shares) {
  qsort(d->families, d->n_families, sizeof *d->families, largest_first);
  for (size_t i = 0; i < d->n_families; i++)
    shares[d->families[i].stage] = deal(d, &d->families[i]);
}

static rs_status share_families(const rs_plan *plan, int step, int count, int *out) {
  size_t n = rs_plan_stages(plan);
  dealer d = {.plan = plan, .step = step, .count = count};
  int *shares = NULL;
  rs_status status = rs_new(&d.family_of, n, sizeof *d.family_of);
  if (status == RS_OK) status = rs_new(&d.families, n, sizeof *d.families);
  if (status == RS_OK) status = rs_new(&d.loads, (size_t)count, sizeof *d.loads);
  if (status == RS_OK) status = rs_new(&d.held, (size_t)count, (n + 7) / 8);
  if (status == RS_OK) status = rs_new(&shares, n, sizeof *shares);
  if (status == RS_OK) {
    find_families(&d);
    deal_all(&d, shares);
    for (size_t i = 0; i < rs_plan_trials(plan); i++)
      out[i] = shares[rs_plan_trial(plan, i)->chain[step]] + 1;
  }
  free(d.family_of);
  free(d.families);
  free(d.loads);
  free(d.held);
  free(shares);
  return status;
}

/* ---- single trials --------------------------------------------------------------------------- */

/* Trials with more of their chains in common are nearer to each other. */
static int by_chain(const void *a, const void *b) {
  const rs_trial *x = *(const rs_trial *const *)a, *y = *(const rs_trial *const *)b;
  for (int i = 0; i < x->length; i++)
    if (x->chain[i] != y->chain[i]) return x->chain[i] - y->chain[i];
  return x->index - y->index;
}

/* The first shares get one trial more than the others. */
static rs_status share_singles(const rs_plan *plan, int count, int *out) {
  const rs_trial **trials;
  size_t n = rs_plan_trials(plan), each = n / (size_t)count, more = n % (size_t)count, at = 0;
  RS_TRY(rs_new(&trials, n, sizeof *trials));
  for (size_t i = 0; i < n; i++) trials[i] = rs_plan_trial(plan, i);
  qsort(trials, n, sizeof *trials, by_chain);
  for (int share = 0; share < count; share++)
    for (size_t k = 0; k < each + ((size_t)share < more); k++) out[trials[at++]->index] = share + 1;
  free(trials);
  return RS_OK;
}

rs_status rs_share_out(const rs_plan *whole, int count, int *out) {
  if (rs_plan_trials(whole) == 0) return RS_OK;
  int step = family_step(whole, count);
  return step >= 0 ? share_families(whole, step, count, out) : share_singles(whole, count, out);
}

/* ---- of a job -------------------------------------------------------------------------------- */

static rs_status propose_all(const rs_job *job, rs_plan *plan) {
  rs_strategy *strategy;
  rs_proposal answer = RS_PROPOSE_TRIAL;
  RS_TRY(rs_strategy_create(job, &strategy));
  rs_status status = RS_OK;
  while (status == RS_OK && answer == RS_PROPOSE_TRIAL) {
    rs_settings *settings;
    status = rs_strategy_propose(strategy, &answer, &settings);
    if (status == RS_OK && answer == RS_PROPOSE_TRIAL) status = rs_plan_add(plan, settings, NULL);
  }
  rs_strategy_destroy(strategy);
  if (status != RS_OK || answer == RS_PROPOSE_END) return status;
  return rs_fail(RS_ERR_USAGE,
                 "%s: strategy %s chooses trials as results come in: it has no shares",
                 rs_settings_place(rs_job_base(job), "sweep.strategy"), rs_job_strategy(job));
}

static rs_status identify(const rs_plan *plan, rs_id *out) {
  rs_str text = {0};
  rs_str_add(&text, "sweep\n");
  for (size_t i = 0; i < rs_plan_trials(plan); i++) {
    const rs_trial *trial = rs_plan_trial(plan, i);
    char id[RS_ID_TEXT];
    rs_id_format(rs_plan_stage(plan, (size_t)trial->chain[trial->length - 1])->identity, id);
    rs_str_addf(&text, "%s\n", id);
  }
  rs_status status = rs_str_status(&text);
  if (status == RS_OK) *out = rs_id_of(text.text, text.len);
  rs_str_free(&text);
  return status;
}

static rs_status mark(const rs_plan *plan, rs_share share, rs_share_map *out) {
  int *shares;
  RS_TRY(identify(plan, &out->sweep));
  out->trials = rs_plan_trials(plan);
  RS_TRY(rs_new(&out->mine, out->trials, sizeof *out->mine));
  RS_TRY(rs_new(&shares, out->trials, sizeof *shares));
  rs_status status = rs_share_out(plan, share.count, shares);
  for (size_t i = 0; status == RS_OK && i < out->trials; i++) {
    out->mine[i] = shares[i] == share.index;
    out->count += out->mine[i];
  }
  free(shares);
  return status;
}

rs_status rs_share_map_create(const rs_job *job, const rs_stage_spec *const *specs, size_t n,
                              rs_share share, rs_share_map *out) {
  rs_plan *plan;
  *out = (rs_share_map){0};
  if (share.count == 0) return RS_OK;
  RS_TRY(rs_plan_create(job, specs, n, &plan));
  rs_status status = propose_all(job, plan);
  if (status == RS_OK) status = mark(plan, share, out);
  rs_plan_destroy(plan);
  if (status != RS_OK) rs_share_map_free(out);
  return status;
}

void rs_share_map_free(rs_share_map *map) {
  free(map->mine);
  *map = (rs_share_map){0};
}

bool rs_share_has(const rs_share_map *map, size_t number) {
  return map->mine == NULL || (number < map->trials && map->mine[number]);
}
