/* The list of strategies and their common front. */
#include "strategy.h"

#include <stdlib.h>
#include <string.h>

static const rs_strategy_ops *const strategies[] = {&rs_strategy_grid, &rs_strategy_list};

struct rs_strategy {
  const rs_strategy_ops *ops;
  const rs_job *job;
  void *state;
  size_t proposed, limit;
};

rs_status rs_strategy_create(const rs_job *job, rs_strategy **out) {
  const rs_strategy_ops *ops = NULL;
  *out = NULL;
  for (size_t i = 0; i < RS_COUNT(strategies); i++)
    if (strcmp(strategies[i]->name, rs_job_strategy(job)) == 0) ops = strategies[i];
  if (ops == NULL) return rs_fail(RS_ERR_USAGE, "no search strategy \"%s\"", rs_job_strategy(job));
  rs_strategy *s;
  RS_TRY(rs_new(&s, 1, sizeof *s));
  *s = (rs_strategy){.ops = ops, .job = job};
  int64_t limit = rs_settings_int(rs_job_base(job), "sweep.max_trials");
  s->limit = limit > 0 ? (size_t)limit : SIZE_MAX;
  rs_status status = rs_new(&s->state, 1, ops->state_size);
  if (status != RS_OK) {
    free(s);
    return status;
  }
  *out = s;
  return RS_OK;
}

void rs_strategy_destroy(rs_strategy *s) {
  if (s == NULL) return;
  free(s->state);
  free(s);
}

rs_status rs_strategy_propose(rs_strategy *s, rs_proposal *answer, rs_settings **settings) {
  *settings = NULL;
  *answer = RS_PROPOSE_END;
  if (s->proposed >= s->limit) return RS_OK;
  RS_TRY(s->ops->propose(s->state, s->job, answer, settings));
  s->proposed += *answer == RS_PROPOSE_TRIAL;
  return RS_OK;
}

rs_status rs_strategy_observe(rs_strategy *s, size_t trial, const double *values) {
  return s->ops->observe != NULL ? s->ops->observe(s->state, s->job, trial, values) : RS_OK;
}

size_t rs_strategy_total(const rs_strategy *s) {
  size_t total = s->ops->total(s->job);
  return s->limit < total ? s->limit : total;
}
