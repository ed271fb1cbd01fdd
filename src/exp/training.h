/* The loop that all trainings share, and its settings. */
#ifndef RANKSWEEP_EXP_TRAINING_H
#define RANKSWEEP_EXP_TRAINING_H

#include "ranksweep/exp.h"
#include "ranksweep/nn.h"

#include <jansson.h>

/* train.*, but for what each kind has defaults of its own: train.epochs, train.batch. */
extern const rs_setting rs_exp_train_settings[];

/* train.epochs and train.batch, with their defaults. */
#define RS_EXP_TRAIN_SIZES(epochs, samples)                                                        \
  {.path = "train.epochs",                                                                         \
   .type = RS_INT,                                                                                 \
   .initial = (epochs),                                                                            \
   .min = 1,                                                                                       \
   .max = 1e6,                                                                                     \
   .unit = "epochs",                                                                               \
   .help = "Passes over the training data."},                                                      \
  {                                                                                                \
    .path = "train.batch", .type = RS_INT, .initial = (samples), .min = 1, .max = 1e6,             \
    .unit = "samples", .help = "Samples of one step, over all ranks of the group."                 \
  }

/* train.patience, over the loss on what LOSS names. */
#define RS_EXP_TRAIN_PATIENCE(loss)                                                                \
  {                                                                                                \
    .path = "train.patience", .type = RS_INT, .initial = "0", .min = 0, .max = 1e6,                \
    .unit = "epochs",                                                                              \
    .help = "Epochs without a lower " loss " loss after which training ends, with the parameters " \
            "of the best one; 0: all epochs, and the last one's."                                  \
  }

/* Adds a problem when the group's size does not suit the reduction. */
void rs_exp_check_training(const rs_settings *s, rs_problems *problems);

rs_train_spec rs_exp_train_spec(const rs_settings *s, const char *stage);
/* The schedule of that name; any other leaves *OUT as it is. */
void rs_exp_schedule(const char *name, rs_schedule *out);

enum { RS_EXP_MOST_METRICS = 16 };

/* A training: what learns, and what an experiment does beside it. */
typedef struct rs_exp_loop {
  rs_learner learner; /* taken over */
  size_t patience;    /* epochs without a better score before it ends; then, and at the end, the
                         parameters are those of the best epoch. 0: all epochs, and the last one's */
  bool leaves_model;  /* what it learned is the stage's output; `kept_epoch` becomes a final */
  void *user;
  /* After each step, before the evaluation that an epoch ends with; may be NULL. Collective. */
  rs_status (*after_step)(void *user, const rs_train_progress *p);
  /* The metrics of the epoch, and its score: lower is better. Collective. */
  rs_status (*end_epoch)(void *user, const rs_train_progress *p,
                         rs_metric_value row[RS_EXP_MOST_METRICS], size_t *n, double *score);
  /* Tensors, and `, "name": value` appended to the JSON object of the state; and back. May be NULL.
   */
  rs_status (*save)(void *user, rs_bundle *into, rs_str *state);
  rs_status (*load)(void *user, const rs_bundle *from, const json_t *state);
} rs_exp_loop;

typedef struct rs_exp_trained_loop {
  size_t epochs, kept; /* that were run; whose parameters they are */
} rs_exp_trained_loop;

/* Trains to the end, with checkpoints, from where an earlier attempt stopped. PREPARED: how this
 * rank fared in making ABOUT; nothing is trained unless all did well. OUT may be NULL.
 * Collective. */
rs_status rs_exp_loop_run(rs_stage_context *c, rs_exp_loop *about, const rs_train_spec *spec,
                          rs_status prepared, rs_exp_trained_loop *out) RS_MUST_CHECK;

#endif
