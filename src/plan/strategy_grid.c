/* Every combination of the axes, the last axis fastest. */
#include "strategy.h"

typedef struct grid_state {
  size_t next;
} grid_state;

static size_t total(const rs_job *job) {
  const rs_dim *dims;
  size_t n = rs_job_dims(job, &dims), product = 1;
  for (size_t i = 0; i < n; i++) product *= dims[i].count;
  return product;
}

static rs_status set_axis(rs_settings **settings, const rs_dim *dim, size_t index) {
  rs_settings *next;
  rs_status status =
      rs_settings_with(*settings, dim->path, &dim->values[index], dim->places[index], &next);
  rs_settings_destroy(*settings);
  *settings = status == RS_OK ? next : NULL;
  return status;
}

static rs_status propose(void *state, const rs_job *job, rs_proposal *answer,
                         rs_settings **settings) {
  grid_state *grid = state;
  const rs_dim *dims;
  size_t n = rs_job_dims(job, &dims), left = grid->next;
  *answer = RS_PROPOSE_END;
  if (grid->next >= total(job)) return RS_OK;
  RS_TRY(rs_settings_clone(rs_job_base(job), settings));
  for (size_t i = n; i-- > 0; left /= dims[i].count)
    RS_TRY(set_axis(settings, &dims[i], left % dims[i].count));
  grid->next++;
  *answer = RS_PROPOSE_TRIAL;
  return RS_OK;
}

const rs_strategy_ops rs_strategy_grid = {
    .name = "grid", .state_size = sizeof(grid_state), .total = total, .propose = propose};
