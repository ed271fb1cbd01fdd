/* The slow, obvious version of the scheduler's rules: a mirror of its events and commands that
 * looks at everything at each step. Commands are checked one by one; the first that breaks a rule
 * fails the test. */
#ifndef RANKSWEEP_TESTS_SCHED_MODEL_H
#define RANKSWEEP_TESTS_SCHED_MODEL_H

#include "ranksweep/sched.h"

enum { MODEL_STAGES = 48, MODEL_TRIALS = 64, MODEL_WORKERS = 16 };

typedef struct model_stage {
  int parent, ranks;
  double cost;
  rs_outcome state;
  int attempts, lost;
  int spent;                         /* attempts before it was last redone */
  int group[MODEL_WORKERS], n_group; /* the root first */
  int holder, holder_life;           /* holder -1: none */
  int ends;                          /* RS_COMMAND_STAGE_END that are due: the last one with ... */
  rs_outcome ended;                  /* ... this outcome, those before it was redone with RS_DONE */
  bool asked;                        /* RS_COMMAND_STOP was given */
} model_stage;

typedef enum model_place { MODEL_GONE, MODEL_IDLE, MODEL_BUSY, MODEL_LEAVING } model_place;

typedef struct model_worker {
  model_place place;
  int stage; /* while busy */
  int lives;
  int tasks; /* groups it has been in */
} model_worker;

typedef struct model {
  model_stage stages[MODEL_STAGES];
  int trial_last[MODEL_TRIALS];
  rs_outcome trial_outcome[MODEL_TRIALS]; /* RS_PENDING until it is decided, ... */
  int trial_decider[MODEL_TRIALS];        /* ... by this stage */
  bool trial_told[MODEL_TRIALS];
  model_worker workers[MODEL_WORKERS];
  int n_stages, n_trials, max_attempts;
  bool any_joined, no_more_trials, stopping, finished;
  /* The ready stage that waits for more workers, and who was not idle when it began to wait: its
   * `tasks`, else 0. */
  int waiting, waits_for[MODEL_WORKERS];
} model;

void model_start(model *m, int max_attempts);
void model_add_stage(model *m, int parent, int ranks, double cost, rs_outcome state, int attempts);
void model_add_trial(model *m, int last);

/* A done stage has to run again. */
void model_redo(model *m, int index);

/* An event that the scheduler accepted. */
void model_event(model *m, const rs_event *event);

/* A command: allowed, and the one that the rules ask for. */
void model_command(model *m, const rs_command *c);

/* The scheduler has no command to give: none is due, and its counts are right. */
void model_quiet(model *m, const rs_sched *s);

int model_living(const model *m);

#endif
