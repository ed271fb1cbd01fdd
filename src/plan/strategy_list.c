/* The trials that the job file lists one by one. */
#include "strategy.h"

typedef struct list_state {
  size_t next;
} list_state;

static size_t total(const rs_job *job) {
  const rs_point *points;
  return rs_job_points(job, &points);
}

static rs_status propose(void *state, const rs_job *job, rs_proposal *answer,
                         rs_settings **settings) {
  list_state *list = state;
  const rs_point *points;
  *answer = RS_PROPOSE_END;
  if (list->next >= rs_job_points(job, &points)) return RS_OK;
  const rs_point *point = &points[list->next];
  RS_TRY(rs_settings_clone(rs_job_base(job), settings));
  for (size_t i = 0; i < point->count; i++) {
    rs_settings *next;
    rs_status status =
        rs_settings_with(*settings, point->paths[i], &point->values[i], point->place, &next);
    rs_settings_destroy(*settings);
    *settings = status == RS_OK ? next : NULL;
    RS_TRY(status);
  }
  list->next++;
  *answer = RS_PROPOSE_TRIAL;
  return RS_OK;
}

const rs_strategy_ops rs_strategy_list = {
    .name = "list", .state_size = sizeof(list_state), .total = total, .propose = propose};
