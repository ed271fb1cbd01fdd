#include "size.h"

#include "slurm.h"
#include "world.h"

#include <stdlib.h>

static rs_status add_proposed(rs_plan *plan, const rs_share_map *map) {
  rs_strategy *strategy;
  rs_proposal answer = RS_PROPOSE_TRIAL;
  RS_TRY(rs_strategy_create(rs_plan_job(plan), &strategy));
  rs_status status = RS_OK;
  for (size_t number = 0; status == RS_OK; number++) {
    rs_settings *settings;
    status = rs_strategy_propose(strategy, &answer, &settings);
    if (status != RS_OK || answer != RS_PROPOSE_TRIAL) break;
    if (rs_share_has(map, number)) {
      status = rs_plan_add(plan, settings, NULL);
    } else {
      rs_plan_skip(plan);
      rs_settings_destroy(settings);
    }
  }
  rs_strategy_destroy(strategy);
  return status;
}

rs_status size_make_plan(const rs_job *job, rs_share share, rs_plan **out) {
  const rs_stage_spec *specs[RS_MAX_STAGES];
  size_t n = rs_experiment_specs(rs_experiment_find(rs_job_schema(job)->experiment), specs);
  rs_share_map map;
  *out = NULL;
  RS_TRY(rs_share_map_create(job, specs, n, share, &map));
  rs_status status = rs_plan_create(job, specs, n, out);
  if (status == RS_OK) status = add_proposed(*out, &map);
  rs_share_map_free(&map);
  if (status == RS_OK) return RS_OK;
  rs_plan_destroy(*out);
  *out = NULL;
  return status;
}

/* Stages come parents first, so one pass finds the longest chain. */
static double parallelism(const rs_plan *plan) {
  size_t n = rs_plan_stages(plan);
  double *ends, whole = 0, longest = 0;
  if (n == 0 || rs_new(&ends, n, sizeof *ends) != RS_OK) return 1;
  for (size_t i = 0; i < n; i++) {
    const rs_stage *stage = rs_plan_stage(plan, i);
    ends[i] = rs_stage_work(stage) + (stage->parent >= 0 ? ends[stage->parent] : 0);
    whole += rs_stage_work(stage);
    if (ends[i] > longest) longest = ends[i];
  }
  free(ends);
  return whole / longest;
}

/* Ranks of the largest group that is asked for; 1 where it is left to us. */
static int largest_group(const rs_plan *plan) {
  int largest = 1;
  for (size_t i = 0; i < rs_plan_trials(plan); i++) {
    const rs_settings *s = rs_plan_trial(plan, i)->settings;
    int ranks = (int)rs_settings_int(s, "resources.ranks_per_trial");
    if (ranks > largest) largest = ranks;
  }
  return largest;
}

/* With `auto`, groups take what is free: there is work for every core. */
static bool leaves_groups(const rs_plan *plan) {
  const rs_settings *base = rs_job_base(rs_plan_job(plan));
  return rs_settings_int(base, "resources.ranks_per_trial") == 0;
}

void size_layout_of(const rs_plan *plan, size_layout *out) {
  const rs_settings *base = rs_job_base(rs_plan_job(plan));
  int cores = world_cores(), wanted = (int)rs_settings_int(base, "resources.threads_per_rank");
  int group = largest_group(plan);
  int most = wanted > 0 && wanted < cores ? cores / wanted : wanted > 0 ? 1 : cores;
  double parallel = parallelism(plan);
  int workers = parallel * group + 0.5 < most ? (int)(parallel * group + 0.5) : most;
  if (leaves_groups(plan)) workers = most;
  if (workers < group) workers = group;
  if (workers < 1) workers = 1;
  int threads = wanted > 0 ? wanted : cores / workers > 0 ? cores / workers : 1;
  *out = (size_layout){
      .cores = cores, .workers = workers, .threads = threads, .group = group, .parallel = parallel};
}

/* One worker a task; without a number of tasks, what the job has use for, one a node at least. */
static rs_status choose_in_allocation(const size_layout *l, int *out) {
  slurm_nodes nodes;
  *out = slurm_tasks() + 1;
  if (slurm_tasks() > 0) return RS_OK;
  RS_TRY(slurm_nodes_read(&nodes));
  *out = (l->workers > (int)nodes.count ? l->workers : (int)nodes.count) + 1;
  slurm_nodes_free(&nodes);
  return RS_OK;
}

rs_status size_choose_ranks(const rs_job *job, rs_share share, int *out) {
  rs_plan *plan;
  size_layout layout;
  RS_TRY(size_make_plan(job, share, &plan));
  size_layout_of(plan, &layout);
  rs_plan_destroy(plan);
  if (slurm_present()) return choose_in_allocation(&layout, out);
  *out = layout.workers + 1;
  return RS_OK;
}
