/* Stages and trials, with equal work found by identity. */
#include "ranksweep/plan.h"

#include <stdlib.h>
#include <string.h>

struct rs_plan {
  const rs_job *job;
  const rs_stage_spec *specs[RS_MAX_STAGES];
  size_t n_specs;
  const char *swept[3]; /* paths of the layout that are swept, NULL-terminated */
  /* Arrays of pointers: what was handed out stays where it is while the plan grows. */
  rs_stage **stages;
  size_t n_stages, cap_stages;
  rs_trial **trials;
  size_t n_trials, cap_trials;
  int skipped; /* trials of the job before the next one that are not part of the plan */
  /* Open-addressing table: stage index + 1 by identity, 0: free. A power of two, at most half full.
   */
  uint32_t *slots;
  size_t n_slots;
};

/* ---- life -------------------------------------------------------------------------------------
 */

static bool is_swept(const rs_job *job, const char *path) {
  const rs_dim *dims;
  const rs_point *points;
  size_t n = rs_job_dims(job, &dims), n_points = rs_job_points(job, &points);
  for (size_t i = 0; i < n; i++)
    if (strcmp(dims[i].path, path) == 0) return true;
  for (size_t i = 0; i < n_points; i++)
    for (size_t k = 0; k < points[i].count; k++)
      if (strcmp(points[i].paths[k], path) == 0) return true;
  return false;
}

/* The layout changes no result, and is not part of an identity. But who sweeps it wants to see what
 * it does: then equal settings on other layouts are different work. */
static void find_swept(rs_plan *plan) {
  static const char *const paths[] = {"resources.ranks_per_trial", "resources.threads_per_rank"};
  size_t n = 0;
  for (size_t i = 0; i < RS_COUNT(paths); i++)
    if (is_swept(plan->job, paths[i])) plan->swept[n++] = paths[i];
}

rs_status rs_plan_create(const rs_job *job, const rs_stage_spec *const *specs, size_t n,
                         rs_plan **out) {
  rs_plan *plan;
  *out = NULL;
  RS_TRY(rs_new(&plan, 1, sizeof *plan));
  RS_ASSERT(n <= RS_MAX_STAGES);
  *plan = (rs_plan){.job = job, .n_specs = n, .n_slots = 64};
  memcpy(plan->specs, specs, n * sizeof *specs);
  find_swept(plan);
  rs_status status = rs_new(&plan->slots, plan->n_slots, sizeof *plan->slots);
  if (status != RS_OK) {
    free(plan);
    return status;
  }
  *out = plan;
  return RS_OK;
}

static void free_trial(rs_trial *trial) {
  if (trial == NULL) return;
  rs_settings_destroy(trial->settings);
  free((int *)trial->chain);
  free(trial);
}

void rs_plan_destroy(rs_plan *plan) {
  if (plan == NULL) return;
  for (size_t i = 0; i < plan->n_trials; i++) free_trial(plan->trials[i]);
  for (size_t i = 0; i < plan->n_stages; i++) free(plan->stages[i]);
  free(plan->trials);
  free(plan->stages);
  free(plan->slots);
  free(plan);
}

const rs_job *rs_plan_job(const rs_plan *plan) {
  return plan->job;
}

size_t rs_plan_stages(const rs_plan *plan) {
  return plan->n_stages;
}

size_t rs_plan_trials(const rs_plan *plan) {
  return plan->n_trials;
}

const rs_stage *rs_plan_stage(const rs_plan *plan, size_t index) {
  RS_ASSERT(index < plan->n_stages);
  return plan->stages[index];
}

const rs_trial *rs_plan_trial(const rs_plan *plan, size_t index) {
  RS_ASSERT(index < plan->n_trials);
  return plan->trials[index];
}

/* ---- identities ----------------------------------------------------------------------------- */

/* SWEPT: paths of the layout that the job sweeps, NULL-terminated. */
static rs_status identify(const rs_stage_spec *spec, const rs_settings *settings,
                          const rs_stage *parent, const char *const *swept, rs_id *out) {
  char parent_text[RS_ID_TEXT] = "-";
  if (parent != NULL) rs_id_format(parent->identity, parent_text);
  rs_str text = {0};
  rs_str_addf(&text, "stage=%s\nversion=%d\nparent=%s\nseed=%lld\n", spec->name, spec->version,
              parent_text, (long long)rs_settings_int(settings, "seed"));
  rs_settings_canonical(settings, spec->reads, &text);
  if (swept[0] != NULL) rs_settings_canonical(settings, swept, &text);
  rs_status status = rs_str_status(&text);
  if (status == RS_OK) *out = rs_id_of(text.text, text.len);
  rs_str_free(&text);
  return status;
}

/* The slot that holds ID, or the free one where it belongs. */
static uint32_t *find_slot(const rs_plan *plan, rs_id id) {
  size_t mask = plan->n_slots - 1, i = (size_t)id.lo & mask;
  while (plan->slots[i] != 0 && !rs_id_equal(plan->stages[plan->slots[i] - 1]->identity, id))
    i = (i + 1) & mask;
  return &plan->slots[i];
}

static rs_status widen_slots(rs_plan *plan) {
  if (2 * (plan->n_stages + 1) <= plan->n_slots) return RS_OK;
  uint32_t *wider;
  RS_TRY(rs_new(&wider, 2 * plan->n_slots, sizeof *wider));
  free(plan->slots);
  plan->slots = wider;
  plan->n_slots *= 2;
  for (size_t i = 0; i < plan->n_stages; i++)
    *find_slot(plan, plan->stages[i]->identity) = (uint32_t)i + 1;
  return RS_OK;
}

/* ---- adding --------------------------------------------------------------------------------- */

static rs_status new_stage(rs_plan *plan, int step, const rs_settings *settings, int parent,
                           rs_id id, int *out) {
  RS_TRY(widen_slots(plan));
  RS_TRY(rs_grow(&plan->stages, &plan->cap_stages, plan->n_stages + 1, sizeof *plan->stages));
  rs_stage *stage;
  RS_TRY(rs_new(&stage, 1, sizeof *stage));
  *stage = (rs_stage){.index = (int)plan->n_stages,
                      .parent = parent,
                      .spec = plan->specs[step],
                      .step = step,
                      .identity = id,
                      .settings = settings};
  rs_status status = stage->spec->cost != NULL ? stage->spec->cost(settings, &stage->cost) : RS_OK;
  if (status != RS_OK) {
    free(stage);
    return status;
  }
  *out = stage->index;
  plan->stages[plan->n_stages++] = stage;
  *find_slot(plan, id) = (uint32_t)plan->n_stages;
  return RS_OK;
}

static rs_status find_or_add_stage(rs_plan *plan, int step, const rs_settings *settings, int parent,
                                   int *out) {
  rs_id id;
  RS_TRY(identify(plan->specs[step], settings, parent >= 0 ? plan->stages[parent] : NULL,
                  plan->swept, &id));
  uint32_t found = *find_slot(plan, id);
  if (found == 0) return new_stage(plan, step, settings, parent, id, out);
  *out = (int)found - 1;
  return RS_OK;
}

static rs_status build_chain(rs_plan *plan, const rs_settings *settings, int *chain) {
  int parent = -1;
  for (int step = 0; step < (int)plan->n_specs; step++) {
    RS_TRY(find_or_add_stage(plan, step, settings, parent, &chain[step]));
    parent = chain[step];
  }
  return RS_OK;
}

/* Forget the stages from FIRST on, which a failed add made. */
static void drop_stages(rs_plan *plan, size_t first) {
  while (plan->n_stages > first) free(plan->stages[--plan->n_stages]);
  memset(plan->slots, 0, plan->n_slots * sizeof *plan->slots);
  for (size_t i = 0; i < first; i++) *find_slot(plan, plan->stages[i]->identity) = (uint32_t)i + 1;
}

rs_status rs_plan_add(rs_plan *plan, rs_settings *settings, const rs_trial **out) {
  rs_trial *trial = NULL;
  int *chain = NULL;
  size_t stages_before = plan->n_stages;
  rs_status status = rs_new(&trial, 1, sizeof *trial);
  if (status == RS_OK) status = rs_new(&chain, plan->n_specs, sizeof *chain);
  if (status == RS_OK)
    status = rs_grow(&plan->trials, &plan->cap_trials, plan->n_trials + 1, sizeof *plan->trials);
  if (status == RS_OK) status = build_chain(plan, settings, chain);
  if (status != RS_OK) {
    drop_stages(plan, stages_before);
    rs_settings_destroy(settings);
    free(trial);
    free(chain);
    return status;
  }
  *trial = (rs_trial){.index = (int)plan->n_trials,
                      .number = (int)plan->n_trials + plan->skipped,
                      .settings = settings,
                      .chain = chain,
                      .length = (int)plan->n_specs};
  for (int i = 0; i < trial->length; i++) plan->stages[chain[i]]->users++;
  plan->trials[plan->n_trials++] = trial;
  if (out != NULL) *out = trial;
  return RS_OK;
}

void rs_plan_skip(rs_plan *plan) {
  plan->skipped++;
}

int rs_stage_ranks(const rs_stage *stage, int workers, size_t alike) {
  int set = (int)rs_settings_int(stage->settings, "resources.ranks_per_trial");
  int most = stage->cost.ranks > 0 ? stage->cost.ranks : 1, ranks = 1;
  if (set > 0) return set; /* 0: auto */
  int share = alike > 0 ? workers / (int)alike : workers;
  while (2 * ranks <= share && 2 * ranks <= most) ranks *= 2;
  return ranks;
}

size_t rs_plan_alike(const rs_plan *plan, int step) {
  size_t n = 0;
  for (size_t i = 0; i < plan->n_stages; i++) n += plan->stages[i]->step == step;
  return n;
}

double rs_stage_work(const rs_stage *stage) {
  const double least = 1e6;
  return stage->cost.flops > least ? stage->cost.flops : least;
}
