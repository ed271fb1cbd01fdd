/* A network of dense layers that learns to tell images apart. */
#include "ranksweep/nn.h"

#include <stdlib.h>

typedef struct classifier {
  rs_network *net;
  const rs_images *images;
  rs_workspace *ws;
  float *x; /* [rows, pixels] */
  uint8_t *labels;
} classifier;

static rs_status open(void *user, size_t rows) {
  classifier *c = user;
  RS_TRY(rs_workspace_create(c->net, rows, true, &c->ws));
  RS_TRY(rs_new(&c->x, rows * c->images->rows * c->images->cols, sizeof(float)));
  return rs_new(&c->labels, rows, 1);
}

static void forward(void *user, const rs_pass *pass, rs_pass_result *out) {
  classifier *c = user;
  size_t correct;
  rs_images_gather(c->images, pass->batch + pass->first, pass->n, c->x, c->labels);
  const float *logits = rs_network_forward(c->net, c->ws, pass->n, c->x);
  out->loss = rs_softmax_cross_entropy(pass->n, c->images->classes, logits, c->labels,
                                       1.0f / (float)pass->whole,
                                       rs_workspace_output_gradient(c->ws), &correct);
  out->count = pass->n;
  out->correct = correct;
}

static rs_status backward(void *user, const rs_pass *pass, float *gradients,
                          rs_gradient_ready ready, void *ready_user) {
  classifier *c = user;
  return rs_network_backward(c->net, c->ws, pass->n, c->x, gradients, ready, ready_user);
}

static const char *not_finite(const void *user, const rs_pass *pass) {
  const classifier *c = user;
  return rs_workspace_not_finite(c->net, c->ws, pass->n);
}

static void updated(void *user) {
  rs_network_forget_factors(((classifier *)user)->net);
}

static rs_status save(const void *user, rs_bundle *into) {
  return rs_network_save(((const classifier *)user)->net, into);
}

static rs_status load(void *user, const rs_bundle *from) {
  return rs_network_load(((classifier *)user)->net, from);
}

static void close(void *user) {
  classifier *c = user;
  rs_workspace_destroy(c->ws);
  free(c->x);
  free(c->labels);
  free(c);
}

static const rs_learner_ops ops = {.open = open,
                                   .forward = forward,
                                   .backward = backward,
                                   .not_finite = not_finite,
                                   .updated = updated,
                                   .save = save,
                                   .load = load,
                                   .close = close};

rs_status rs_classifier_create(rs_network *net, const rs_images *images, rs_learner *out) {
  classifier *c;
  *out = (rs_learner){0};
  RS_TRY(rs_new(&c, 1, sizeof *c));
  c->net = net;
  c->images = images;
  *out = (rs_learner){
      .ops = &ops, .user = c, .values = net->values, .size = net->size, .count = images->count};
  return RS_OK;
}
