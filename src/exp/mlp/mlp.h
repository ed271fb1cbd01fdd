/* The multilayer perceptron that the image experiments share: settings, shape, training stage,
 * decomposition stage. */
#ifndef RANKSWEEP_EXP_MLP_H
#define RANKSWEEP_EXP_MLP_H

#include "training.h"

/* ---- settings and shape -------------------------------------------------------------------- */

extern const rs_setting rs_exp_mlp_settings[]; /* model.hidden, train.epochs, train.batch */
extern const rs_metric rs_exp_mlp_metrics[];   /* what a training writes each epoch */

enum { RS_MLP_MAX_LAYERS = 33, RS_MLP_INPUTS = 28 * 28, RS_MLP_CLASSES = 10 };

typedef struct rs_mlp_shape {
  size_t n; /* layers, the output layer included */
  rs_layer_spec layers[RS_MLP_MAX_LAYERS];
} rs_mlp_shape;

/* 784 -> hidden (ReLU) ... -> 10; SVD_RANK > 0 factors every hidden layer. */
rs_mlp_shape rs_exp_mlp_shape(const rs_settings *s, size_t svd_rank);

/* Adds a problem when svd.rank exceeds what a hidden layer has; names the layer. */
void rs_exp_check_svd_rank(const rs_settings *s, rs_problems *problems);

/* What an experiment adds to a training. All are optional. */
typedef struct rs_exp_train_extra {
  void *user;
  /* After each step, before the evaluation that an epoch ends with. Collective. */
  rs_status (*after_step)(void *user, const rs_train_progress *p);
  /* More metrics of the epoch; returns their number, at most RS_EXP_EXTRA_METRICS. */
  size_t (*metrics)(void *user, rs_metric_value *values);
  /* Tensors, and `, "name": value` appended to the JSON object of the state; and back. */
  rs_status (*save)(void *user, rs_bundle *into, rs_str *state);
  rs_status (*load)(void *user, const rs_bundle *from, const json_t *state);
} rs_exp_train_extra;
enum { RS_EXP_EXTRA_METRICS = 8, RS_EXP_RECENT = 3 };

typedef struct rs_exp_trained {
  double accuracy, loss; /* on the test images, after the last epoch */
  double recent;         /* mean accuracy after the last RS_EXP_RECENT epochs */
} rs_exp_trained;

/* Runs a whole training of NET with an evaluation and a row of metrics each epoch. EXTRA may be
 * NULL. Collective. */
rs_status rs_exp_train(rs_stage_context *c, rs_network *net, const rs_train_spec *spec,
                       const rs_exp_train_extra *extra, rs_exp_trained *out) RS_MUST_CHECK;

/* Costs of training and evaluating a network of this shape with these settings. */
rs_status rs_exp_training_cost(const rs_settings *s, const rs_mlp_shape *shape,
                               rs_cost *out) RS_MUST_CHECK;
rs_status rs_exp_evaluation_cost(const rs_settings *s, const rs_mlp_shape *shape,
                                 rs_cost *out) RS_MUST_CHECK;

/* Tensor "dense<number>/<tensor>" of a bundle: found with exactly this shape (cols 0: a vector), or
 * appended. */
rs_status rs_exp_find(const rs_bundle *from, size_t number, const char *tensor, size_t rows,
                      size_t cols, const float **data) RS_MUST_CHECK;
rs_status rs_exp_append(rs_bundle *into, size_t number, const char *tensor, size_t rows,
                        size_t cols, float **data) RS_MUST_CHECK;

/* ---- stages shared by identity ------------------------------------------------------------------
 */

extern const rs_stage_op rs_mlp_train; /* trains the dense network; leaves its parameters */
extern const rs_stage_op
    rs_mlp_svd; /* leaves u, s, vt and bias of each hidden layer, and the output layer */

#endif
