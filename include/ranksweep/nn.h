/* nn: networks of dense, factored and recurrent layers, their training and evaluation.
 *
 * All parameters of a network are one aligned block with a table of names over it; gradients and
 * moments are blocks of the same layout. So the optimizer, the all-reduce, the checkpoint and the
 * checksum are one loop each. */
#ifndef RANKSWEEP_NN_H
#define RANKSWEEP_NN_H

#include "ranksweep/base.h"
#include "ranksweep/comm.h"
#include "ranksweep/data.h"
#include "ranksweep/num.h"

/* ---- networks ------------------------------------------------------------------------------- */

typedef enum rs_activation { RS_LINEAR, RS_RELU } rs_activation;

/* y = act(x W + b), W [in, out]; with svd_rank D > 0: W = u v, u [in, D], v [D, out]. */
typedef struct rs_layer_spec {
  size_t in, out, svd_rank;
  rs_activation activation;
} rs_layer_spec;

enum { RS_NAME_BYTES = 32 };

/* One tensor of the block: "dense1/kernel" at offset `offset`; cols 0: a vector. */
typedef struct rs_param {
  char name[RS_NAME_BYTES];
  size_t rows, cols, offset;
} rs_param;

/* What a dense kernel is at present: the product u [in, D] v [D, out]. svd_rank 0: no more than
 * itself. */
typedef struct rs_low_rank {
  size_t svd_rank;
  const float *u, *v;
} rs_low_rank;

typedef struct rs_layer {
  rs_layer_spec spec;
  rs_low_rank low; /* then products with the kernel go through its factors */
  size_t most_low; /* largest svd rank that `low` gets; workspaces made later have room for it */
  char name[RS_NAME_BYTES];  /* "dense1" */
  size_t kernel, u, v, bias; /* offsets into the block; kernel, or u and v */
  size_t first, size;        /* the layer's range of the block */
} rs_layer;

typedef struct rs_network {
  size_t n_layers, n_params, size; /* size: number of parameters */
  rs_layer *layers;
  rs_param *params;
  float *values; /* [size] */
} rs_network;

/* Layers named dense1, dense2, ...; parameters zero. */
rs_status rs_network_create(const rs_layer_spec *layers, size_t n, rs_network **out) RS_MUST_CHECK;
void rs_network_destroy(rs_network *net);

/* Glorot-uniform kernels (limit sqrt(6 / (in + out))), zero biases, from the streams (SEED, STAGE,
 * "init", layer). */
void rs_network_init(rs_network *net, uint64_t seed, const char *stage);

/* The kernels are about to change. */
void rs_network_forget_factors(rs_network *net);

/* Parameters out of, and into, a bundle under their names. A missing tensor or another shape is
 * RS_ERR_DATA. */
rs_status rs_network_load(rs_network *net, const rs_bundle *from) RS_MUST_CHECK;
rs_status rs_network_save(const rs_network *net, rs_bundle *into) RS_MUST_CHECK;

/* ---- forward and backward ---------------------------------------------------------------------
 */

/* Activations (and, for training, their gradients) of up to `rows` samples. Created once; nothing
 * allocates later. */
typedef struct rs_workspace rs_workspace;
rs_status rs_workspace_create(const rs_network *net, size_t rows, bool training,
                              rs_workspace **out) RS_MUST_CHECK;
void rs_workspace_destroy(rs_workspace *ws);

/* Logits [m, out] of x [m, in]; they belong to WS until the next forward. m <= rows. */
const float *rs_network_forward(const rs_network *net, rs_workspace *ws, size_t m, const float *x);

/* Name of the first layer whose output in the last forward of M rows is not finite, NULL: all are.
 */
const char *rs_workspace_not_finite(const rs_network *net, const rs_workspace *ws, size_t m);

/* Where the gradient of the logits goes before rs_network_backward. [m, out] */
float *rs_workspace_output_gradient(rs_workspace *ws);

/* Gradients of all parameters into GRADIENTS [size], for the X and M of the last forward. READY
 * (may be NULL) is called from this thread as soon as a layer's range of GRADIENTS is complete,
 * last layer first; the layer's parameters are not read any more then, so it may update them.
 * Another status than RS_OK ends the pass with it. */
typedef rs_status (*rs_gradient_ready)(void *user, size_t first, size_t size);
rs_status rs_network_backward(const rs_network *net, rs_workspace *ws, size_t m, const float *x,
                              float *gradients, rs_gradient_ready ready, void *user) RS_MUST_CHECK;

/* Floating-point operations of one sample, forward, and forward with backward. */
double rs_network_flops(const rs_layer_spec *layers, size_t n, bool training);
/* Number of parameters. */
size_t rs_network_size(const rs_layer_spec *layers, size_t n);

/* ---- sequence networks ------------------------------------------------------------------------
 *
 * Layers over batches of sequences, all parameters in one block as above. Arrays are [T, B, n]: a
 * frame of all sequences, then the next, so that one step in time is one piece of memory. */

typedef enum rs_sequence_kind {
  RS_SEQUENCE_GRU,     /* the state after each frame; a padded frame repeats the one before */
  RS_SEQUENCE_DENSE,   /* y = act(x W + b), each frame (or pooled sequence) on its own */
  RS_SEQUENCE_DROPOUT, /* in training: each number with probability `rate` 0, else / (1 - rate) */
  RS_SEQUENCE_BESIDE,  /* [T, B, n] to [T, B, n + inputs]: the batch's x beside each frame */
  RS_SEQUENCE_LAST,    /* pools [T, B, n] to [B, n]: the last frame that is no padding */
  RS_SEQUENCE_MEAN,    /* pools: the mean over frames that are no padding */
  RS_SEQUENCE_STATISTICS, /* pools to [B, 2 n]: means, then deviations, of those frames */
  RS_SEQUENCE_PAIRS,      /* [B, n] to [P, n]: |x_a - x_b| of each pair (a, b) of the batch */
  RS_SEQUENCE_DISTANCES,  /* [B, n] to [P, 1]: the mean of those n */
  RS_SEQUENCE_COSINES     /* [B, n] to [P, 1]: x_a x_b / (|x_a| |x_b|) */
} rs_sequence_kind;

/* For a sigmoid at the end take RS_LINEAR, and rs_sigmoid_cross_entropy or rs_sigmoid on the
 * logits. */
typedef struct rs_sequence_spec {
  rs_sequence_kind kind;
  size_t in, out;  /* out: 0 for layers without parameters, which know it */
  size_t svd_rank; /* gru, dense: each kernel is u [in, D] times v [D, .] (a gru: forward only) */
  rs_activation activation; /* dense */
  double rate;              /* dropout: in [0, 1), kept in steps of 2^-16 */
} rs_sequence_spec;

typedef struct rs_sequence_layer {
  rs_sequence_spec spec;
  rs_layer base; /* name ("gru1"), range, kernel (or u, v) and bias; a gru's bias is [2, 3u] */
  size_t recurrent, recurrent_u, recurrent_v; /* gru: recurrent_kernel [u, 3u], or its factors */
} rs_sequence_layer;

typedef struct rs_sequence_net {
  size_t n_layers, n_params, size;
  rs_sequence_layer *layers;
  rs_param *params;
  float *values; /* [size] */
} rs_sequence_net;

/* Layers named by kind and number: gru1, dropout1, gru2, dense1; parameters zero. Gates are in the
 * order z, r, h, the reset gate applied after the product. */
rs_status rs_sequence_create(const rs_sequence_spec *layers, size_t n,
                             rs_sequence_net **out) RS_MUST_CHECK;
void rs_sequence_destroy(rs_sequence_net *net);

/* Glorot-uniform kernels, recurrent kernels with orthonormal rows, zero biases. */
rs_status rs_sequence_init(rs_sequence_net *net, uint64_t seed, const char *stage) RS_MUST_CHECK;

rs_status rs_sequence_load(rs_sequence_net *net, const rs_bundle *from) RS_MUST_CHECK;
rs_status rs_sequence_save(const rs_sequence_net *net, rs_bundle *into) RS_MUST_CHECK;

/* Floating-point operations of one sequence of FRAMES. */
double rs_sequence_flops(const rs_sequence_net *net, size_t frames, bool training);

/* Names the random numbers of one step: masks depend on these, the layer, the frame and the unit
 * only. */
typedef struct rs_sequence_dropout {
  uint64_t seed;
  const char *stage;
  uint64_t step;
  const uint32_t *samples; /* [B] tells each sequence from the others of the group's step */
} rs_sequence_dropout;

typedef struct rs_sequence_batch {
  size_t frames, rows;     /* T < 2^20, B */
  const float *x;          /* [T, B, in], finite in padded frames too */
  const uint32_t *lengths; /* [B], at most T; the frames after them are padding. NULL: all are T */
  const rs_sequence_dropout *dropout; /* NULL: none, as in evaluation */
  bool continues; /* the next frames of the sequences of the last forward, with the same weights */
  size_t n_pairs; /* P, for a layer of pairs: numbers of sequences below B */
  const uint32_t (*pairs)[2];
} rs_sequence_batch;

/* What the passes of batches of up to FRAMES x ROWS, and ROWS pairs, need; nothing allocates later.
 * TRAINING of factored gru layers is RS_ERR_USAGE. */
typedef struct rs_sequence_workspace rs_sequence_workspace;
rs_status rs_sequence_workspace_create(const rs_sequence_net *net, size_t frames, size_t rows,
                                       bool training, rs_sequence_workspace **out) RS_MUST_CHECK;
void rs_sequence_workspace_destroy(rs_sequence_workspace *ws);

/* Output [T, B, out], after pooling [B, out], after pairing [P, out], of the last layer; WS keeps
 * it until the next forward. States start from zero, or go on when the batch continues. */
const float *rs_sequence_forward(const rs_sequence_net *net, rs_sequence_workspace *ws,
                                 const rs_sequence_batch *batch);

/* Of layer LAYER in the last forward; a batch without pairs ends at the layer before them. */
const float *rs_sequence_layer_output(const rs_sequence_workspace *ws, size_t layer);

/* Name of the first layer whose output in the last forward is not finite, NULL: all are. */
const char *rs_sequence_not_finite(const rs_sequence_net *net, const rs_sequence_workspace *ws);

/* Of one pair, as the layers of these names. */
float rs_pair_distance(size_t n, const float *a, const float *b);
float rs_pair_cosine(size_t n, const float *a, const float *b);

/* Where the gradient of that output goes; rs_sequence_backward may change it. */
float *rs_sequence_output_gradient(rs_sequence_workspace *ws);

/* Gradients of all parameters for the BATCH of the last forward; otherwise as rs_network_backward.
 * States that were carried over from the batch before are taken as constants. */
rs_status rs_sequence_backward(const rs_sequence_net *net, rs_sequence_workspace *ws,
                               const rs_sequence_batch *batch, float *gradients,
                               rs_gradient_ready ready, void *user) RS_MUST_CHECK;

/* ---- training ------------------------------------------------------------------------------- */

typedef enum rs_optimizer { RS_ADAM, RS_SGD } rs_optimizer;
/* How gradients are summed over a group. RS_FAST: as MPI likes; results agree to rounding whatever
 * the number of ranks. RS_EXACT: a batch is cut into RS_PARTS parts by its size alone, and their
 * gradients are added in one tree, so 1, 2, 4 and 8 ranks give the same bits. */
typedef enum rs_reduction { RS_FAST, RS_EXACT } rs_reduction;
enum { RS_PARTS = 8 };
typedef enum rs_schedule { RS_CONSTANT, RS_LINEAR_DECAY, RS_COSINE } rs_schedule;

typedef struct rs_train_spec {
  size_t epochs, batch;
  rs_optimizer optimizer;
  double lr, beta1, beta2, epsilon, momentum, decay;
  rs_schedule schedule;
  double lr_final;  /* share of lr that is left at the end of a decay */
  double warmup;    /* epochs over which lr rises linearly from 0 */
  double clip_norm; /* largest norm of the gradient, which is scaled down to it; 0: any */
  rs_reduction reduction;
  uint64_t seed;
  const char *stage; /* names the random streams */
} rs_train_spec;

/* Learning rate of step STEP (from 0) of TOTAL, WARMUP of which warm up. */
double rs_learning_rate(const rs_train_spec *spec, uint64_t step, uint64_t total, uint64_t warmup);

/* The optimizer's step of one block of parameters over a group: sums gradients in buckets while the
 * backward pass still runs, and updates each bucket as it arrives. Knows of no layers. */
typedef struct rs_update rs_update;

/* For VALUES [size]; VALUES and COMM outlive it. RS_EXACT with another number of ranks than 1, 2, 4
 * or 8 is RS_ERR_USAGE. */
rs_status rs_update_create(float *values, size_t size, const rs_train_spec *spec, rs_comm *comm,
                           rs_update **out) RS_MUST_CHECK;
void rs_update_destroy(rs_update *u);

/* A step, STEP counting from 0, is: begin; then, for each part of this rank's share but the last, a
 * backward pass into the gradients [size] and keep_part; then a backward pass with `ready` as its
 * callback, which tells ranges from the block's end to its beginning; then finish. The address of
 * the gradients is good until the next keep_part. All but begin are collective in their effect:
 * every rank does the same. */
void rs_update_begin(rs_update *u, uint64_t step, double lr);
float *rs_update_gradients(rs_update *u);
void rs_update_keep_part(rs_update *u);
rs_status rs_update_ready(void *update, size_t first, size_t size) RS_MUST_CHECK;
rs_status rs_update_finish(rs_update *u) RS_MUST_CHECK;
/* Through which the same ranks may sum a few doubles meanwhile. */
rs_sums *rs_update_sums(rs_update *u);

/* Moments as "optimizer/m" and "optimizer/v". */
rs_status rs_update_save(const rs_update *u, rs_bundle *into) RS_MUST_CHECK;
rs_status rs_update_load(rs_update *u, const rs_bundle *from) RS_MUST_CHECK;

/* What one pass of a training step takes: some samples of a batch. */
typedef struct rs_pass {
  uint64_t step, epoch;   /* from 0 */
  const uint32_t *batch;  /* [whole] samples of the step, over all ranks */
  size_t whole, first, n; /* this pass takes batch[first .. first + n), n > 0 */
} rs_pass;

typedef struct rs_pass_result {
  double loss;      /* sum over what is predicted */
  uint64_t count;   /* how much that is */
  uint64_t correct; /* and how much of it is right */
} rs_pass_result;

/* Something that can be trained: parameters, samples 0 .. count - 1, and what a pass over some of
 * them does. The gradient is that of the mean loss over the whole batch. */
typedef struct rs_learner_ops {
  /* Room for passes of up to ROWS samples. */
  rs_status (*open)(void *user, size_t rows);
  void (*forward)(void *user, const rs_pass *pass, rs_pass_result *out);
  /* For the pass of the last forward; as rs_network_backward. */
  rs_status (*backward)(void *user, const rs_pass *pass, float *gradients, rs_gradient_ready ready,
                        void *ready_user);
  /* First layer whose output in the last forward is not finite, NULL: all are. */
  const char *(*not_finite)(const void *user, const rs_pass *pass);
  void (*updated)(void *user); /* the parameters have changed; may be NULL */
  rs_status (*save)(const void *user, rs_bundle *into);
  rs_status (*load)(void *user, const rs_bundle *from);
  void (*close)(void *user);
} rs_learner_ops;

typedef struct rs_learner {
  const rs_learner_ops *ops;
  void *user;
  float *values; /* [size] */
  size_t size, count;
} rs_learner;

void rs_learner_close(const rs_learner *learner); /* takes an empty one */

/* NET on IMAGES, by softmax cross-entropy; both outlive it. */
rs_status rs_classifier_create(rs_network *net, const rs_images *images,
                               rs_learner *out) RS_MUST_CHECK;

/* Trains, data-parallel over a group: every rank takes its share of each batch of the one global
 * order, gradients are summed over the group, every rank makes the same update. */
typedef struct rs_trainer rs_trainer;

/* LEARNER, with its starting weights, is closed by rs_trainer_destroy, and here on failure. */
rs_status rs_trainer_create(const rs_learner *learner, const rs_train_spec *spec, rs_comm *comm,
                            rs_trainer **out) RS_MUST_CHECK;
void rs_trainer_destroy(rs_trainer *t); /* takes NULL */

/* Of a classifier. */
rs_status rs_trainer_create_classifier(rs_network *net, const rs_images *images,
                                       const rs_train_spec *spec, rs_comm *comm,
                                       rs_trainer **out) RS_MUST_CHECK;

/* One batch: forward, backward, update. A loss that is not finite is RS_ERR_NUMERIC with step and
 * layer. Collective. */
rs_status rs_trainer_step(rs_trainer *t) RS_MUST_CHECK;

typedef struct rs_train_progress {
  uint64_t step, steps_per_epoch; /* steps done since the start */
  size_t epoch, epochs;           /* whole epochs done */
  bool epoch_ended; /* the last step ended an epoch: loss and accuracy are of that epoch */
  bool finished;
  double loss, accuracy; /* means over the epoch so far, on the weights of each step */
  double lr;             /* of the last step */
  rs_sums_account sums;  /* of gradients over the group */
} rs_train_progress;
void rs_trainer_progress(const rs_trainer *t, rs_train_progress *out);

/* The counters of a training between two steps; with the parameters and moments all that it takes
 * to continue exactly. The order of an epoch and all else random follow from the step. */
typedef struct rs_train_counters {
  uint64_t step, seen, correct; /* steps since the start; predictions of the epoch so far */
  double loss_sum;              /* over these */
} rs_train_counters;

/* Parameters under their names, moments as "optimizer/m" and "optimizer/v", and the counters. */
rs_status rs_trainer_save(const rs_trainer *t, rs_bundle *into,
                          rs_train_counters *counters) RS_MUST_CHECK;
/* Continue from what rs_trainer_save gave: the next steps are bit for bit those that would have
 * followed. Tensors that are missing or do not fit are RS_ERR_DATA. */
rs_status rs_trainer_load(rs_trainer *t, const rs_bundle *from,
                          const rs_train_counters *counters) RS_MUST_CHECK;

/* ---- projection onto low rank -------------------------------------------------------------- */

typedef enum rs_svd_method { RS_SVD_GESDD, RS_SVD_SUBSPACE } rs_svd_method;

typedef struct rs_projection_spec {
  size_t svd_rank; /* 0, or as much as a layer has: it stays as it is */
  rs_svd_method method;
  size_t iterations, oversampling; /* subspace: at most; beside svd_rank */
  double tolerance;                /* subspace: residual above which gesdd takes over */
  uint64_t seed;
  const char *stage; /* names the random streams */
} rs_projection_spec;

/* Replaces the kernels of all layers but the last by their truncated SVD. The ranks of a group
 * share out the layers by cost and send each other the factors; all then hold the same bits, which
 * do not depend on their number. */
typedef struct rs_projection rs_projection;

/* NET, all dense, and COMM outlive it. Before the workspaces of NET are made. */
rs_status rs_projection_create(rs_network *net, const rs_projection_spec *spec, rs_comm *comm,
                               rs_projection **out) RS_MUST_CHECK;
void rs_projection_destroy(rs_projection *p);

typedef struct rs_projection_report {
  double residual; /* largest of the layers', see rs_subspace_report; 0: gesdd */
  double energy;   /* smallest share of a layer's squared singular values that was kept */
  size_t iterations, fallbacks; /* over all layers */
  double seconds;
} rs_projection_report;

/* Once; products go through the factors until rs_network_forget_factors. Collective. */
rs_status rs_projection_apply(rs_projection *p, rs_projection_report *out) RS_MUST_CHECK;
uint64_t rs_projection_count(const rs_projection *p); /* so far */

/* Factors and bases as "projection/<layer>/...", for a training that is to be continued. PROJECTED:
 * the network has not been changed since. */
rs_status rs_projection_save(const rs_projection *p, rs_bundle *into) RS_MUST_CHECK;
rs_status rs_projection_load(rs_projection *p, const rs_bundle *from, uint64_t count,
                             bool projected) RS_MUST_CHECK;

/* The parameters of the last projection into FACTORED, whose layers are the factored ones. */
void rs_projection_factors(const rs_projection *p, rs_network *factored);

/* Mean loss and accuracy of NET over IMAGES, shared out over the group. Collective. */
rs_status rs_evaluate(const rs_network *net, const rs_images *images, rs_comm *comm, double *loss,
                      double *accuracy) RS_MUST_CHECK;

#endif
