/* The coordinator's inside, shared by the files that make it up:
 *  - coordinator.c  its life: prepare, run, end
 *  - orders.c       trials from the strategy, commands of the state machine carried out
 *  - news.c         what workers say
 *  - watch.c        between messages: displays, snapshots, stops, stalls */
#ifndef RANKSWEEP_SCHED_COORDINATOR_STATE_H
#define RANKSWEEP_SCHED_COORDINATOR_STATE_H

#include "record/keep.h"
#include "ranksweep/plan.h"
#include "ranksweep/sched.h"
#include "record/record.h"
#include "pace.h"
#include "running.h"

/* What a stage's rows do not say. */
typedef struct stage_facts {
  int trial;    /* number of the first that needs it */
  bool known;   /* from earlier runs: it has ended and that was told */
  bool put_off; /* there is no time for it in this run */
} stage_facts;

typedef struct coordinator {
  const rs_coordinate_options *options;
  rs_transport *transport;
  rs_plan *plan;
  rs_strategy *strategy;
  rs_share_map share;
  size_t proposed; /* trials of the job so far, those of other shares included */
  rs_sched *sched;
  rs_record *record;
  keeper *keep;
  running running;
  stage_facts *facts; /* by stage */
  size_t cap_facts;
  size_t ended_before; /* trials that earlier runs finished */
  int n_workers;
  size_t alike[RS_MAX_STAGES]; /* stages at each place of the chain, of the trials known at first */
  size_t n_put_off;
  bool record_only; /* nothing runs: the results file is made from the journal */
  bool no_more_trials, stop_sent, finished;
  double started, shown, cost_before; /* cost_before: of what earlier runs left to do */
  double stall_seconds;               /* 0: never */
  pace pace[RS_MAX_STAGES];           /* of the stages at each place of the chain */
  rs_run_summary *summary;
  rs_status status;   /* first failure inside a receiver */
  char message[1024]; /* and its story */
} coordinator;

/* The results file of OPTIONS from its journal, without running anything and without a word in
 * /provenance. T is a local one. */
rs_status coordinator_make_results(const rs_coordinate_options *options, rs_transport *t,
                                   rs_run_summary *out) RS_MUST_CHECK;

/* All trials that the strategy can name now. */
rs_status coordinator_propose(coordinator *c) RS_MUST_CHECK;
rs_status coordinator_carry_out_all(coordinator *c) RS_MUST_CHECK;

/* An rs_receive. */
void coordinator_receive(void *coordinator, int from, const char *text);
/* The coordinator itself has failed (a full disk, most likely): let running stages checkpoint and
 * leave. */
void coordinator_give_up(coordinator *c, rs_status status);

/* How the run stands; what VIEW points at is good until the next call. */
rs_status coordinator_take_stock(coordinator *c, rs_run_view *view) RS_MUST_CHECK;
/* Ask all running stages to leave; nothing starts any more. */
rs_status coordinator_stop(coordinator *c, const char *reason) RS_MUST_CHECK;
rs_status coordinator_housekeeping(coordinator *c) RS_MUST_CHECK;

#endif
