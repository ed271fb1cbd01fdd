/* plan: from a job to stages and trials.
 *
 * A trial is a chain of stages; a stage's identity is a hash of its kind and version, the settings
 * that it reads, the seed and its parent's identity. Equal identity is the same work, so trials
 * share stages. */
#ifndef RANKSWEEP_PLAN_H
#define RANKSWEEP_PLAN_H

#include "ranksweep/job.h"

/* ---- what an experiment kind says of its stages ---------------------------------------------- */

/* Estimated size of a stage, before it runs. */
typedef struct rs_cost {
  double parameters; /* of the model that the stage leaves behind */
  double flops;      /* floating-point operations of the whole stage */
  double bytes;      /* peak memory of one MPI rank, data included */
  int ranks;         /* most ranks that are of use; 0 stands for 1 */
} rs_cost;

typedef struct rs_stage_spec {
  const char *name; /* "train": also names its random streams */
  int version;      /* raise when the stage's mathematics change: old results are then not reused */
  const char *const *reads; /* NULL-terminated paths and "prefix."es that its result depends on */
  rs_status (*cost)(const rs_settings *settings, rs_cost *out); /* NULL: nothing worth mentioning */
} rs_stage_spec;

/* ---- the plan -------------------------------------------------------------------------------- */

typedef struct rs_stage {
  int index;
  int parent; /* stage index, -1: none */
  const rs_stage_spec *spec;
  int step; /* position in the chain of its experiment */
  rs_id identity;
  const rs_settings *settings; /* of the first trial that needs it; belongs to that trial */
  rs_cost cost;
  int users; /* trials whose chain holds it */
} rs_stage;

typedef struct rs_trial {
  int index;  /* in the plan */
  int number; /* in the job, of which the plan may hold a share */
  rs_settings *settings;
  const int *chain; /* stage indices, first to last; `length` of them */
  int length;
} rs_trial;

typedef struct rs_plan rs_plan;

enum { RS_MAX_STAGES = 8 }; /* of one chain */

/* An empty plan for JOB, whose experiment runs the N stages SPECS in a row. JOB and the specs
 * outlive the plan. */
rs_status rs_plan_create(const rs_job *job, const rs_stage_spec *const *specs, size_t n,
                         rs_plan **out) RS_MUST_CHECK;
void rs_plan_destroy(rs_plan *plan);

/* Add a trial with SETTINGS (taken over, on failure destroyed): finds or makes its stages. */
rs_status rs_plan_add(rs_plan *plan, rs_settings *settings, const rs_trial **out) RS_MUST_CHECK;

/* The next trial of the job is not part of this plan: those behind it keep their numbers. */
void rs_plan_skip(rs_plan *plan);

const rs_job *rs_plan_job(const rs_plan *plan);
size_t rs_plan_stages(const rs_plan *plan);
size_t rs_plan_trials(const rs_plan *plan);
const rs_stage *rs_plan_stage(const rs_plan *plan, size_t index);
const rs_trial *rs_plan_trial(const rs_plan *plan, size_t index);

/* Ranks that a stage runs on when there are WORKERS: what resources.ranks_per_trial says; for
 * `auto` the workers shared out over the ALIKE stages at the same place of their chains, at most
 * what the stage has a use for, rounded down to a power of two. A function of job and layout alone.
 */
int rs_stage_ranks(const rs_stage *stage, int workers, size_t alike);
/* Stages at place STEP of their chains. */
size_t rs_plan_alike(const rs_plan *plan, int step);

/* Work of a stage in floating-point operations, at least a little: nothing is free. */
double rs_stage_work(const rs_stage *stage);

/* ---- search strategies ------------------------------------------------------------------------
 */

/* Decides which trials there are. The coordinator calls `propose` until it answers RS_PROPOSE_WAIT
 * or RS_PROPOSE_END, and again after every `observe`. Deterministic: the same calls give the same
 * answers, so a continued run replays the finished trials through it. */
typedef enum rs_proposal { RS_PROPOSE_TRIAL, RS_PROPOSE_WAIT, RS_PROPOSE_END } rs_proposal;

typedef struct rs_strategy rs_strategy;

/* The strategy that the job names. */
rs_status rs_strategy_create(const rs_job *job, rs_strategy **out) RS_MUST_CHECK;
void rs_strategy_destroy(rs_strategy *s);

/* The next trial's settings into *SETTINGS (the caller's) when *ANSWER is RS_PROPOSE_TRIAL. */
rs_status rs_strategy_propose(rs_strategy *s, rs_proposal *answer,
                              rs_settings **settings) RS_MUST_CHECK;

/* Tell it how trial number TRIAL (in order of proposal) ended: VALUES in the order of the job's
 * objectives, NULL when it failed. */
rs_status rs_strategy_observe(rs_strategy *s, size_t trial, const double *values) RS_MUST_CHECK;

/* How many trials there will be at most; 0 when the strategy cannot say. */
size_t rs_strategy_total(const rs_strategy *s);

/* ---- shares of a job --------------------------------------------------------------------- */

enum { RS_MOST_SHARES = 4096 };

/* Share `index` (from 1) of `count`; count 0: the whole job. */
typedef struct rs_share {
  int index, count;
} rs_share;

/* "2/8"; anything else is RS_ERR_USAGE that says what was expected. */
rs_status rs_share_parse(const char *text, rs_share *out) RS_MUST_CHECK;

/* Share out the trials of WHOLE over COUNT shares: the share of each, from 1, into OUT [trials].
 * Trials that have a stage in common stay together, for the earliest place of the chain at which
 * there are COUNT different stages or more (the last place does not count: nothing is shared
 * there). Such families are dealt out by estimated work, the largest first, each to the share that
 * has the least to do with it. Where there are too few, trials are cut into runs of equal length,
 * neighbours sharing most. No share is empty when there are COUNT different trials. A function of
 * the plan alone: work counts in whole MFLOP, so that the last bits of estimates do not matter. */
rs_status rs_share_out(const rs_plan *whole, int count, int *out) RS_MUST_CHECK;

/* What a share of a job is. */
typedef struct rs_share_map {
  rs_id sweep;          /* of all trials of the job in order: equal for the shares of one job */
  size_t trials, count; /* of the job, and of the share */
  bool *mine;           /* by number of the trial; NULL: all of them */
} rs_share_map;

/* SPECS as for rs_plan_create. A strategy that waits for results has no shares: RS_ERR_USAGE. For
 * the whole job nothing is looked at: all 0. */
rs_status rs_share_map_create(const rs_job *job, const rs_stage_spec *const *specs, size_t n,
                              rs_share share, rs_share_map *out) RS_MUST_CHECK;
void rs_share_map_free(rs_share_map *map);
bool rs_share_has(const rs_share_map *map, size_t number);

#endif
