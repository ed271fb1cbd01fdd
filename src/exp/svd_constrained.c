/* svd-constrained: a perceptron whose hidden kernels are replaced by their truncated SVD again and
 * again while it is trained. */
#include "mlp/images.h"
#include "low_rank/low_rank.h"
#include "mlp/mlp.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const rs_setting settings[] = {
    RS_EXP_SVD_RANK("20", "Singular values that a projection keeps of every hidden kernel."),
    {.path = "svd.every",
     .type = RS_TEXT,
     .initial = "epoch",
     .help = "When kernels are projected: `epoch`, or after so many steps, as in `50 steps`, and "
             "at the end of each epoch."},
    {.path = "svd.method",
     .type = RS_TEXT,
     .initial = "gesdd",
     .choices = "gesdd|subspace",
     .help = "LAPACK's whole decomposition, or block power iteration from the last projection."},
    {.path = "svd.tolerance",
     .type = RS_FLOAT,
     .initial = "0.01",
     .min = 0,
     .max = 1,
     .help = "subspace: relative residual at which it stops; when svd.iterations do not reach it, "
             "gesdd is called."},
    {.path = "svd.iterations",
     .type = RS_INT,
     .initial = "12",
     .min = 1,
     .max = 1000,
     .help = "subspace: most iterations of one projection."},
    {.path = "svd.oversampling",
     .type = RS_INT,
     .initial = "12",
     .min = 0,
     .max = 1000,
     .unit = "vectors",
     .help = "subspace: vectors beside svd.rank that make it converge faster."},
    {0},
};

static const rs_metric finals[] = {
    {"test_accuracy", NULL, "Test accuracy of the projected network"},
    {"test_loss", "nat", "Test loss of the projected network"},
    {"mean_accuracy", NULL, "Mean test accuracy after the last three epochs"},
    RS_EXP_ENERGY,
    {"svd_residual", NULL, "Largest relative residual of a projection's factors (0: gesdd)"},
    {"svd_fallbacks", NULL, "Layers that subspace iteration left to gesdd, over all projections"},
    RS_EXP_INFERENCE,
    {0},
};

static const rs_metric metrics[] = {
    {"train_loss", "nat", "Mean training loss of the epoch"},
    {"train_accuracy", NULL, "Training accuracy during the epoch"},
    {"test_loss", "nat", "Test loss of the projected network"},
    {"test_accuracy", NULL, "Test accuracy of the projected network"},
    {"lr", NULL, "Learning rate of the last step"},
    {"energy", NULL, "Smallest share of a kernel's squared singular values that was kept"},
    {"svd_residual", NULL, "Largest relative residual of the epoch's factors (0: gesdd)"},
    {"svd_iterations", NULL, "Subspace iterations of the epoch, over all layers"},
    {"svd_fallbacks", NULL, "Layers that they left to gesdd"},
    {0},
};

/* ---- settings ------------------------------------------------------------------------------ */

/* "epoch" is 0 steps; "50" and "50 steps" are 50. False: neither. */
static bool parse_every(const char *text, uint64_t *steps) {
  char *end;
  *steps = 0;
  if (strcmp(text, "epoch") == 0) return true;
  if (text[0] < '1' || text[0] > '9') return false;
  *steps = strtoull(text, &end, 10);
  return *steps <= 1000000000 &&
         (*end == '\0' || strcmp(end, " steps") == 0 || strcmp(end, " step") == 0);
}

static rs_status check(const rs_settings *s, rs_problems *problems) {
  uint64_t steps;
  RS_TRY(rs_exp_check_low_rank(s, problems));
  if (!parse_every(rs_settings_text(s, "svd.every"), &steps))
    rs_problem_add(problems, rs_settings_place(s, "svd.every"),
                   "svd.every: expected `epoch` or a number of steps, as `50 steps`, got `%s`",
                   rs_settings_text(s, "svd.every"));
  return RS_OK;
}

static rs_projection_spec projection_spec(const rs_stage_context *c) {
  const rs_settings *s = c->settings;
  bool subspace = strcmp(rs_settings_text(s, "svd.method"), "subspace") == 0;
  return (rs_projection_spec){
      .svd_rank = (size_t)rs_settings_int(s, "svd.rank"),
      .method = subspace ? RS_SVD_SUBSPACE : RS_SVD_GESDD,
      .iterations = (size_t)rs_settings_int(s, "svd.iterations"),
      .oversampling = (size_t)rs_settings_int(s, "svd.oversampling"),
      .tolerance = rs_settings_float(s, "svd.tolerance"),
      .seed = c->seed,
      .stage = c->stage,
  };
}

/* ---- projections beside the training ------------------------------------------------------- */

/* What an epoch's projections came to so far, and all of them. */
typedef struct constraint {
  rs_projection *projection;
  uint64_t every; /* steps; 0: epochs alone */
  rs_projection_report epoch;
  bool fresh;     /* the next projection begins an epoch's account */
  bool projected; /* the last step ended with one */
  double residual, fallbacks;
} constraint;

static void account(constraint *k, const rs_projection_report *r) {
  rs_projection_report *e = &k->epoch;
  if (k->fresh) *e = (rs_projection_report){.energy = 1};
  k->fresh = false;
  e->residual = fmax(e->residual, r->residual);
  e->energy = fmin(e->energy, r->energy);
  e->iterations += r->iterations;
  e->fallbacks += r->fallbacks;
  k->residual = fmax(k->residual, r->residual);
  k->fallbacks += (double)r->fallbacks;
}

static bool is_due(const constraint *k, uint64_t step, bool epoch_ended) {
  return epoch_ended || (k->every > 0 && step % k->every == 0);
}

static rs_status after_step(void *user, const rs_train_progress *p) {
  constraint *k = user;
  rs_projection_report report;
  k->projected = is_due(k, p->step, p->epoch_ended);
  if (!k->projected) return RS_OK;
  RS_TRY(rs_projection_apply(k->projection, &report));
  account(k, &report);
  return RS_OK;
}

static size_t more_metrics(void *user, rs_metric_value *values) {
  constraint *k = user;
  values[0] = (rs_metric_value){"energy", k->epoch.energy};
  values[1] = (rs_metric_value){"svd_residual", k->epoch.residual};
  values[2] = (rs_metric_value){"svd_iterations", (double)k->epoch.iterations};
  values[3] = (rs_metric_value){"svd_fallbacks", (double)k->epoch.fallbacks};
  k->fresh = true;
  return 4;
}

static rs_status save(void *user, rs_bundle *into, rs_str *state) {
  const constraint *k = user;
  rs_str_addf(state,
              ", \"projections\": %llu, \"projected\": %s, \"fresh\": %s, \"energy\": \"%a\", "
              "\"residual\": \"%a\", "
              "\"iterations\": %zu, \"fallbacks\": %zu, \"all\": [\"%a\", \"%a\"]",
              (unsigned long long)rs_projection_count(k->projection),
              k->projected ? "true" : "false", k->fresh ? "true" : "false", k->epoch.energy,
              k->epoch.residual, k->epoch.iterations, k->epoch.fallbacks, k->residual,
              k->fallbacks);
  return rs_projection_save(k->projection, into);
}

static rs_status load(void *user, const rs_bundle *from, const json_t *state) {
  constraint *k = user;
  json_int_t count, iterations, fallbacks;
  const char *energy, *residual, *all[2];
  int fresh, projected;
  if (json_unpack((json_t *)state, "{s:I, s:b, s:b, s:s, s:s, s:I, s:I, s:[ss]}", "projections",
                  &count, "projected", &projected, "fresh", &fresh, "energy", &energy, "residual",
                  &residual, "iterations", &iterations, "fallbacks", &fallbacks, "all", &all[0],
                  &all[1]) != 0)
    return rs_fail(RS_ERR_DATA, "a checkpoint without the account of its projections");
  k->fresh = fresh;
  k->epoch = (rs_projection_report){.energy = strtod(energy, NULL),
                                    .residual = strtod(residual, NULL),
                                    .iterations = (size_t)iterations,
                                    .fallbacks = (size_t)fallbacks};
  k->residual = strtod(all[0], NULL);
  k->fallbacks = strtod(all[1], NULL);
  k->projected = projected;
  return rs_projection_load(k->projection, from, (uint64_t)count, projected);
}

/* ---- the stage ----------------------------------------------------------------------------- */

/* The network that is left: factored, but for layers that D does not make smaller. */
static rs_mlp_shape final_shape(const rs_settings *s) {
  size_t d = (size_t)rs_settings_int(s, "svd.rank");
  rs_mlp_shape shape = rs_exp_mlp_shape(s, d);
  for (size_t i = 0; i + 1 < shape.n; i++) {
    rs_layer_spec *l = &shape.layers[i];
    if (d >= (l->in < l->out ? l->in : l->out)) l->svd_rank = 0;
  }
  return shape;
}

static rs_status cost(const rs_settings *s, rs_cost *out) {
  rs_mlp_shape dense = rs_exp_mlp_shape(s, 0), shape = final_shape(s);
  RS_TRY(rs_exp_training_cost(s, &dense, out));
  out->parameters = (double)rs_network_size(shape.layers, shape.n);
  return RS_OK;
}

static rs_status report(rs_stage_context *c, const constraint *k, const rs_network *factored,
                        const rs_mlp_shape *shape, const rs_exp_trained *trained) {
  RS_TRY(rs_stage_final(c, "test_accuracy", trained->accuracy));
  RS_TRY(rs_stage_final(c, "test_loss", trained->loss));
  RS_TRY(rs_stage_final(c, "mean_accuracy", trained->recent));
  RS_TRY(rs_stage_final(c, "energy", k->epoch.energy));
  RS_TRY(rs_stage_final(c, "svd_residual", k->residual));
  RS_TRY(rs_stage_final(c, "svd_fallbacks", k->fallbacks));
  RS_TRY(rs_stage_final(c, "parameters", (double)factored->size));
  return rs_exp_measure_inference(c, factored, shape);
}

static rs_status finish(rs_stage_context *c, const constraint *k, const rs_exp_trained *trained) {
  rs_mlp_shape shape = final_shape(c->settings);
  rs_network *factored;
  RS_TRY(rs_comm_agree(c->comm, rs_network_create(shape.layers, shape.n, &factored)));
  rs_projection_factors(k->projection, factored);
  rs_status status = report(c, k, factored, &shape, trained);
  if (status == RS_OK && rs_comm_rank(c->comm) == 0) status = rs_network_save(factored, c->output);
  status = rs_comm_agree(c->comm, status);
  rs_network_destroy(factored);
  return status;
}

static rs_status run(rs_stage_context *c) {
  rs_mlp_shape shape = rs_exp_mlp_shape(c->settings, 0);
  rs_train_spec spec = rs_exp_train_spec(c->settings, c->stage);
  rs_projection_spec projection = projection_spec(c);
  constraint k = {.fresh = true, .epoch = {.energy = 1}};
  const rs_exp_train_extra extra = {&k, after_step, more_metrics, save, load};
  rs_exp_trained trained;
  rs_network *net = NULL;
  (void)!parse_every(rs_settings_text(c->settings, "svd.every"), &k.every);
  rs_status status = rs_network_create(shape.layers, shape.n, &net);
  if (status == RS_OK) rs_network_init(net, c->seed, c->stage);
  if (status == RS_OK) status = rs_projection_create(net, &projection, c->comm, &k.projection);
  status = rs_comm_agree(c->comm, status);
  if (status == RS_OK) status = rs_exp_train(c, net, &spec, &extra, &trained);
  if (status == RS_OK) status = finish(c, &k, &trained);
  rs_projection_destroy(k.projection);
  rs_network_destroy(net);
  return status;
}

static const rs_stage_op constrained = {
    .spec = {.name = "svd-constrained",
             .version = 1,
             .reads = (const char *const[]){"data.", "model.", "train.", "svd.", NULL},
             .cost = cost},
    .run = run,
};

const rs_experiment rs_svd_constrained = {
    .schema = {.experiment = "svd-constrained",
               .summary = "Train a perceptron whose hidden kernels are projected onto low rank "
                          "after every epoch, or every so many steps.",
               .settings = (const rs_setting *const[]){rs_exp_image_settings, rs_exp_mlp_settings,
                                                       rs_exp_train_settings, settings, NULL},
               .metrics = finals,
               .check = check,
               .check_files = rs_exp_check_images},
    .stages = (const rs_stage_op *const[]){&constrained, NULL},
    .metrics = metrics,
    .verify = rs_exp_verify_images,
    .fingerprint = rs_exp_fingerprint_images,
    .share = rs_exp_share_images,
    .example = "name: example\n"
               "experiment: svd-constrained\n"
               "data: {source: digits, train: 600, test: 200}\n"
               "model: {hidden: [48, 32]}\n"
               "train: {epochs: 2, batch: 64}\n"
               "svd: {every: 4 steps}\n"
               "sweep: {space: {svd.rank: [4, full], svd.method: [gesdd, subspace]}}\n",
};
