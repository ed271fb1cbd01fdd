/* What a search strategy provides; one file each, listed in strategy.c. */
#ifndef RANKSWEEP_PLAN_STRATEGY_H
#define RANKSWEEP_PLAN_STRATEGY_H

#include "ranksweep/plan.h"

typedef struct rs_strategy_ops {
  const char *name; /* as `sweep.strategy` spells it */
  size_t state_size;
  /* The rest as in plan.h; STATE is zeroed, `state_size` bytes. `observe` may be NULL: results do
   * not matter. */
  size_t (*total)(const rs_job *job);
  rs_status (*propose)(void *state, const rs_job *job, rs_proposal *answer, rs_settings **settings);
  rs_status (*observe)(void *state, const rs_job *job, size_t trial, const double *values);
} rs_strategy_ops;

extern const rs_strategy_ops rs_strategy_grid;
extern const rs_strategy_ops rs_strategy_list;

#endif
