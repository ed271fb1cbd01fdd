/* svd-compress: train a perceptron once, decompose its hidden kernels once, measure accuracy at
 * each svd rank. */
#include "mlp/images.h"
#include "low_rank/low_rank.h"
#include "mlp/mlp.h"

#include <string.h>

static const rs_setting svd_settings[] = {
    RS_EXP_SVD_RANK("50",
                    "Singular values kept in every hidden layer; full: the network as trained."),
    {0},
};

static const rs_metric finals[] = {
    {"test_accuracy", NULL, "Test accuracy of the compressed network"},
    {"test_loss", "nat", "Test loss of the compressed network"},
    {"full_accuracy", NULL, "Test accuracy of the network as trained"},
    RS_EXP_ENERGY,
    RS_EXP_INFERENCE,
    {0},
};

/* ---- the stage: evaluation at one svd rank ----------------------------------------------------
 */

static size_t svd_rank_of(const rs_settings *s) {
  return (size_t)rs_settings_int(s, "svd.rank"); /* 0: full */
}

/* Hidden layers as factors; svd rank 0: dense. */
static rs_status cost(const rs_settings *s, rs_cost *out) {
  rs_mlp_shape shape = rs_exp_mlp_shape(s, svd_rank_of(s));
  return rs_exp_evaluation_cost(s, &shape, out);
}

static bool factors_cost_more(const rs_layer_spec *l) {
  return l->svd_rank > 0 && l->svd_rank * (l->in + l->out) >= l->in * l->out;
}

/* The same function as NET computed the cheaper way: a layer whose factors cost more than its
 * kernel is multiplied out. *OUT is NET itself when nothing changes. */
static rs_status multiply_out(rs_network *net, const rs_mlp_shape *shape, rs_network **out) {
  rs_mlp_shape cheaper = *shape;
  bool any = false;
  *out = net;
  for (size_t i = 0; i < shape->n; i++) {
    if (!factors_cost_more(&shape->layers[i])) continue;
    cheaper.layers[i].svd_rank = 0;
    any = true;
  }
  if (!any) return RS_OK;
  RS_TRY(rs_network_create(cheaper.layers, cheaper.n, out));
  for (size_t i = 0; i < shape->n; i++) {
    const rs_layer *from = &net->layers[i], *to = &(*out)->layers[i];
    const rs_layer_spec *l = &from->spec;
    memcpy((*out)->values + to->bias, net->values + from->bias, l->out * sizeof(float));
    if (factors_cost_more(l))
      rs_gemm(RS_GEMM_NN, l->in, l->out, l->svd_rank, net->values + from->u, net->values + from->v,
              (*out)->values + to->kernel, NULL);
    else
      memcpy((*out)->values + to->first, net->values + from->first, from->size * sizeof(float));
  }
  return RS_OK;
}

static rs_status measure(rs_stage_context *c, const rs_network *net, const rs_mlp_shape *shape) {
  const rs_exp_images *images;
  double loss, accuracy, energy;
  rs_status status = rs_exp_load_images(c->cache, c->settings, &images);
  RS_TRY(rs_comm_agree(c->comm, status));
  RS_TRY(rs_evaluate(net, &images->test, c->comm, &loss, &accuracy));
  RS_TRY(rs_exp_kept_energy(shape, c->parent, svd_rank_of(c->settings), &energy));
  RS_TRY(rs_stage_final(c, "test_accuracy", accuracy));
  RS_TRY(rs_stage_final(c, "test_loss", loss));
  RS_TRY(rs_stage_final(c, "energy", energy));
  RS_TRY(rs_stage_final(c, "parameters", (double)rs_network_size(shape->layers, shape->n)));
  return rs_exp_measure_inference(c, net, shape);
}

static rs_status run(rs_stage_context *c) {
  rs_mlp_shape shape = rs_exp_mlp_shape(c->settings, svd_rank_of(c->settings));
  rs_network *net = NULL, *fast = NULL;
  rs_status status = rs_network_create(shape.layers, shape.n, &net);
  if (status == RS_OK) status = rs_exp_fill_factors(net, c->parent, 1.0);
  if (status == RS_OK) status = multiply_out(net, &shape, &fast);
  status = rs_comm_agree(c->comm, status);
  if (status == RS_OK) status = measure(c, fast, &shape);
  if (status == RS_OK && rs_comm_rank(c->comm) == 0) status = rs_network_save(net, c->output);
  status = rs_comm_agree(c->comm, status);
  if (fast != net) rs_network_destroy(fast);
  rs_network_destroy(net);
  return status;
}

static const rs_stage_op evaluate = {
    .spec = {.name = "svd-evaluate",
             .version = 1,
             .reads = (const char *const[]){"svd.rank", NULL},
             .cost = cost},
    .run = run,
};

const rs_experiment rs_svd_compress = {
    .schema =
        {.experiment = "svd-compress",
         .summary =
             "Train a perceptron, then truncate the SVD of its hidden layers at each svd rank.",
         .settings = (const rs_setting *const[]){rs_exp_image_settings, rs_exp_mlp_settings,
                                                 rs_exp_train_settings, svd_settings, NULL},
         .metrics = finals,
         .check = rs_exp_check_low_rank,
         .check_files = rs_exp_check_images},
    .stages = (const rs_stage_op *const[]){&rs_mlp_train, &rs_mlp_svd, &evaluate, NULL},
    .metrics = rs_exp_mlp_metrics,
    .verify = rs_exp_verify_images,
    .fingerprint = rs_exp_fingerprint_images,
    .share = rs_exp_share_images,
    .example = "name: example\n"
               "experiment: svd-compress\n"
               "data: {source: digits, train: 600, test: 200}\n"
               "model: {hidden: [48, 32]}\n"
               "train: {epochs: 2, batch: 64}\n"
               "sweep: {space: {svd.rank: [2, 8, full]}}\n",
};
