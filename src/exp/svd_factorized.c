/* svd-factorized: the truncated factors of a trained perceptron's kernels become its layers, and
 * are trained on. */
#include "mlp/images.h"
#include "low_rank/low_rank.h"
#include "mlp/mlp.h"

static const rs_setting settings[] = {
    RS_EXP_SVD_RANK("20", "Units of the linear layer that each hidden kernel is factored through."),
    {.path = "retrain.epochs",
     .type = RS_INT,
     .initial = "same",
     .min = 1,
     .max = 1e6,
     .word = "same",
     .unit = "epochs",
     .help = "Passes over the training data with the factors; same: as train.epochs."},
    {.path = "retrain.lr",
     .type = RS_FLOAT,
     .initial = "0",
     .min = 0,
     .max = 1e3,
     .help = "Learning rate of the factors at its highest; 0: as train.lr."},
    {.path = "retrain.schedule",
     .type = RS_TEXT,
     .initial = "same",
     .choices = "same|constant|linear|cosine",
     .help = "How that learning rate falls; same: as train.schedule."},
    {0},
};

static const rs_metric finals[] = {
    {"test_accuracy", NULL, "Test accuracy after retraining"},
    {"test_loss", "nat", "Test loss after retraining"},
    {"mean_accuracy", NULL, "Mean test accuracy after the last three epochs"},
    {"initial_accuracy", NULL, "Test accuracy of the factors before retraining"},
    {"full_accuracy", NULL, "Test accuracy of the dense network as trained"},
    RS_EXP_ENERGY,
    RS_EXP_INFERENCE,
    {0},
};

/* ---- the stage: retraining ----------------------------------------------------------------- */

/* Full svd rank: as many as each layer has, and retrained as factors all the same. */
static rs_mlp_shape shape_of(const rs_settings *s) {
  rs_mlp_shape shape = rs_exp_mlp_shape(s, (size_t)rs_settings_int(s, "svd.rank"));
  for (size_t i = 0; i + 1 < shape.n; i++) {
    rs_layer_spec *l = &shape.layers[i];
    if (l->svd_rank == 0) l->svd_rank = l->in < l->out ? l->in : l->out;
  }
  return shape;
}

static rs_train_spec retrain_spec(const rs_stage_context *c) {
  const rs_settings *s = c->settings;
  rs_train_spec spec = rs_exp_train_spec(s, c->stage);
  int64_t epochs = rs_settings_int(s, "retrain.epochs"); /* 0: same */
  double lr = rs_settings_float(s, "retrain.lr");
  if (epochs > 0) spec.epochs = (size_t)epochs;
  if (lr > 0) spec.lr = lr;
  rs_exp_schedule(rs_settings_text(s, "retrain.schedule"), &spec.schedule);
  return spec;
}

static rs_status cost(const rs_settings *s, rs_cost *out) {
  rs_mlp_shape shape = shape_of(s);
  int64_t epochs = rs_settings_int(s, "retrain.epochs");
  RS_TRY(rs_exp_training_cost(s, &shape, out));
  if (epochs > 0) out->flops *= (double)epochs / (double)rs_settings_int(s, "train.epochs");
  return RS_OK;
}

/* The factors as they are before any training. */
static rs_status measure_initial(rs_stage_context *c, const rs_network *net) {
  const rs_exp_images *images;
  double loss, accuracy;
  RS_TRY(rs_comm_agree(c->comm, rs_exp_load_images(c->cache, c->settings, &images)));
  RS_TRY(rs_evaluate(net, &images->test, c->comm, &loss, &accuracy));
  return rs_stage_final(c, "initial_accuracy", accuracy);
}

static rs_status report(rs_stage_context *c, const rs_network *net, const rs_mlp_shape *shape,
                        const rs_exp_trained *trained) {
  double energy;
  size_t d = (size_t)rs_settings_int(c->settings, "svd.rank");
  RS_TRY(rs_comm_agree(c->comm, rs_exp_kept_energy(shape, c->parent, d, &energy)));
  RS_TRY(rs_stage_final(c, "test_accuracy", trained->accuracy));
  RS_TRY(rs_stage_final(c, "test_loss", trained->loss));
  RS_TRY(rs_stage_final(c, "mean_accuracy", trained->recent));
  RS_TRY(rs_stage_final(c, "energy", energy));
  RS_TRY(rs_stage_final(c, "parameters", (double)net->size));
  return rs_exp_measure_inference(c, net, shape);
}

static rs_status run(rs_stage_context *c) {
  rs_mlp_shape shape = shape_of(c->settings);
  rs_train_spec spec = retrain_spec(c);
  rs_network *net = NULL;
  rs_exp_trained trained;
  rs_status status = rs_network_create(shape.layers, shape.n, &net);
  if (status == RS_OK) status = rs_exp_fill_factors(net, c->parent, 0.5);
  RS_TRY_GOTO(status, done, rs_comm_agree(c->comm, status));
  RS_TRY_GOTO(status, done, measure_initial(c, net));
  RS_TRY_GOTO(status, done, rs_exp_train(c, net, &spec, NULL, &trained));
  RS_TRY_GOTO(status, done, report(c, net, &shape, &trained));
  if (rs_comm_rank(c->comm) == 0) status = rs_network_save(net, c->output);
  status = rs_comm_agree(c->comm, status);
done:
  rs_network_destroy(net);
  return status;
}

static const rs_stage_op retrain = {
    .spec = {.name = "svd-retrain",
             .version = 1,
             .reads =
                 (const char *const[]){"data.", "model.", "train.", "svd.rank", "retrain.", NULL},
             .cost = cost},
    .run = run,
};

const rs_experiment rs_svd_factorized = {
    .schema = {.experiment = "svd-factorized",
               .summary = "Train a perceptron, replace its hidden kernels by the factors of their "
                          "truncated SVD, train those.",
               .settings = (const rs_setting *const[]){rs_exp_image_settings, rs_exp_mlp_settings,
                                                       rs_exp_train_settings, settings, NULL},
               .metrics = finals,
               .check = rs_exp_check_low_rank,
               .check_files = rs_exp_check_images},
    .stages = (const rs_stage_op *const[]){&rs_mlp_train, &rs_mlp_svd, &retrain, NULL},
    .metrics = rs_exp_mlp_metrics,
    .verify = rs_exp_verify_images,
    .fingerprint = rs_exp_fingerprint_images,
    .share = rs_exp_share_images,
    .example = "name: example\n"
               "experiment: svd-factorized\n"
               "data: {source: digits, train: 600, test: 200}\n"
               "model: {hidden: [48, 32]}\n"
               "train: {epochs: 2, batch: 64}\n"
               "sweep: {space: {svd.rank: [2, 8], retrain.lr: [0.001, 0.002]}}\n",
};
