/* The tables of the scheduler's state machine, private to machine*.c.
 *
 * Stages, trials and workers refer to each other by index; -1 means none. All tables are reserved
 * where things are added (stages, trials, workers that join), so the steps in between cannot run
 * out of memory. */
#ifndef RANKSWEEP_SCHED_MACHINE_H
#define RANKSWEEP_SCHED_MACHINE_H

#include "ranksweep/sched.h"

#include "heap.h"

typedef struct stage {
  double cost, path; /* path: cost of the most expensive chain from here down */
  int parent, first_child, last_child, sibling;
  int first_trial, last_trial; /* the trials that end here, ... */
  int n_open;                  /* ... and how many of them are undecided */
  int queue;                   /* index of the ready queue for its ranks */
  int attempts;
  int spent;            /* attempts that count no more: those before it was last redone */
  int lost;             /* the last attempt that a lost worker ended, 0: none */
  int failed_by;        /* itself or the ancestor that failed */
  int root, group;      /* while it runs: first member, number of members */
  int holder;           /* done in this run: the root that ran it, ... */
  unsigned holder_life; /* ... in that of its lives */
  rs_outcome state;
} stage;

typedef struct trial {
  int last, sibling;  /* sibling: the next trial with the same last stage */
  rs_outcome outcome; /* RS_PENDING until it is decided */
} trial;

typedef enum worker_state {
  WORKER_GONE, /* lost, or never joined when `lives` is 0 */
  WORKER_IDLE,
  WORKER_BUSY,
  WORKER_LEAVING /* its stage has ended for the scheduler; it has yet to report idle */
} worker_state;

typedef struct worker {
  worker_state state;
  unsigned lives;           /* times it has joined */
  int stage, before, after; /* while busy: neighbours in the group, the root is before all */
} worker;

/* The ready stages that want the same number of ranks; a sweep has a handful of those numbers. */
typedef struct ready_queue {
  int ranks;
  size_t n_stages; /* ready or not */
  rs_heap ready;
} ready_queue;

/* A command to be given whatever happens in between (but see RS_COMMAND_STOP in machine.c). */
typedef struct notice {
  rs_command_kind kind;
  int index; /* stage, or trial of RS_COMMAND_TRIAL */
  /* Of the stage when the notice was written; it may be redone before the command is taken. */
  int attempt;
  rs_outcome outcome;
} notice;

struct rs_sched {
  stage *stages;
  int *stage_at; /* places in the ready queues, see heap.h */
  trial *trials;
  ready_queue *queues;
  notice *notices; /* a log: each stage and trial writes a bounded number, so places are not used
                      again */
  size_t n_stages, n_trials, n_queues, n_notices, next_notice;
  size_t stages_cap, stage_at_cap, trials_cap, queues_cap, notices_cap;

  worker *workers; /* by worker number */
  int *worker_at;
  rs_heap idle;
  int *parts;  /* parts[n]: running groups of n members; parts[1] also counts the leaving workers */
  int *roster; /* members of the group in the last command */
  uint64_t *sums; /* scratch of choose.c: one bit a number of workers */
  size_t n_workers, workers_cap, worker_at_cap, parts_cap, roster_cap, sums_cap;

  rs_sched_counts counts; /* but not its `idle` */
  double cost_left;
  size_t n_open;   /* stages that cost_left sums over */
  size_t n_redone; /* times that a stage was redone */
  size_t n_ready;
  int max_attempts;
  bool any_joined, no_more_trials, stopping, finished;
};

/* ---- stage.c: stages and trials -- */

void rs_sched_stage_start(rs_sched *s, int index);
void rs_sched_stage_done(rs_sched *s, int index);
void rs_sched_stage_stopped(rs_sched *s, int index);
void rs_sched_stage_failed(rs_sched *s, int index,
                           bool again); /* again: a further attempt may mend it */
void rs_sched_notify(rs_sched *s, rs_command_kind kind, int index);

/* Attempts that count towards the most there may be. */
static inline int rs_sched_attempts_used(const stage *g) {
  return g->attempts - g->spent;
}

/* ---- group.c: workers and groups -- */

rs_status rs_sched_worker_joined(rs_sched *s, int index) RS_MUST_CHECK;
rs_status rs_sched_worker_idle(rs_sched *s, int index) RS_MUST_CHECK;
rs_status rs_sched_worker_lost(rs_sched *s, int index) RS_MUST_CHECK;

/* Make SIZE idle workers the group of a stage; at least so many are idle. */
void rs_sched_group_form(rs_sched *s, int stage_index, int size);

/* The stage has ended: its members are leaving. */
void rs_sched_group_end(rs_sched *s, int stage_index);

/* Members of a running stage's group, the root first, in s->roster and OUT. */
void rs_sched_group_list(rs_sched *s, int stage_index, rs_command *out);

/* ---- choose.c: what starts next -- */

/* The stage to start now and the size of its group, or -1. */
int rs_sched_choose(rs_sched *s, int *size);

#endif
