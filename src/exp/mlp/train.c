/* Stage mlp-train: the dense network from random weights. Shared by every experiment that starts
 * from it. */
#include "mlp.h"

static rs_status cost(const rs_settings *s, rs_cost *out) {
  rs_mlp_shape shape = rs_exp_mlp_shape(s, 0);
  return rs_exp_training_cost(s, &shape, out);
}

static rs_status run(rs_stage_context *c) {
  rs_mlp_shape shape = rs_exp_mlp_shape(c->settings, 0);
  rs_train_spec spec = rs_exp_train_spec(c->settings, c->stage);
  rs_network *net = NULL;
  rs_exp_trained trained;
  rs_status status = rs_comm_agree(c->comm, rs_network_create(shape.layers, shape.n, &net));
  if (status != RS_OK) goto done;
  rs_network_init(net, c->seed, c->stage);
  RS_TRY_GOTO(status, done, rs_exp_train(c, net, &spec, NULL, &trained));
  RS_TRY_GOTO(status, done, rs_stage_final(c, "full_accuracy", trained.accuracy));
  if (rs_comm_rank(c->comm) == 0) status = rs_network_save(net, c->output);
  status = rs_comm_agree(c->comm, status);
done:
  rs_network_destroy(net);
  return status;
}

const rs_stage_op rs_mlp_train = {
    .spec = {.name = "mlp-train",
             .version = 1,
             .reads = (const char *const[]){"data.", "model.", "train.", NULL},
             .cost = cost},
    .run = run,
};
