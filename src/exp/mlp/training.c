/* Training of a perceptron on images: an evaluation on the test images each epoch. */
#include "images.h"
#include "mlp.h"

#include <stdlib.h>
#include <string.h>

typedef struct training {
  rs_stage_context *context;
  rs_network *net;
  const rs_images *test;
  rs_exp_train_extra extra;
  double recent[RS_EXP_RECENT]; /* accuracies after the last epochs, epoch e at (e - 1) % RECENT */
  bool evaluated;               /* OUT is of the last epoch */
  rs_exp_trained *out;
} training;

static double mean_of_recent(const training *t, size_t epochs) {
  size_t n = epochs < RS_EXP_RECENT ? epochs : RS_EXP_RECENT;
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += t->recent[i];
  return sum / (double)n;
}

static rs_status evaluate(training *t) {
  t->evaluated = true;
  return rs_evaluate(t->net, t->test, t->context->comm, &t->out->loss, &t->out->accuracy);
}

static rs_status end_epoch(void *user, const rs_train_progress *p,
                           rs_metric_value row[RS_EXP_MOST_METRICS], size_t *n, double *score) {
  training *t = user;
  RS_TRY(evaluate(t));
  t->recent[(p->epoch - 1) % RS_EXP_RECENT] = t->out->accuracy;
  row[0] = (rs_metric_value){"train_loss", p->loss};
  row[1] = (rs_metric_value){"train_accuracy", p->accuracy};
  row[2] = (rs_metric_value){"test_loss", t->out->loss};
  row[3] = (rs_metric_value){"test_accuracy", t->out->accuracy};
  row[4] = (rs_metric_value){"lr", p->lr};
  *n = 5;
  if (t->extra.metrics != NULL) *n += t->extra.metrics(t->extra.user, row + *n);
  *score = t->out->loss;
  return RS_OK;
}

static rs_status after_step(void *user, const rs_train_progress *p) {
  training *t = user;
  return t->extra.after_step != NULL ? t->extra.after_step(t->extra.user, p) : RS_OK;
}

/* ---- checkpoints --------------------------------------------------------------------------- */

static rs_status save(void *user, rs_bundle *into, rs_str *state) {
  const training *t = user;
  rs_str_addf(state, ", \"recent\": [\"%a\", \"%a\", \"%a\"]", t->recent[0], t->recent[1],
              t->recent[2]);
  return t->extra.save != NULL ? t->extra.save(t->extra.user, into, state) : RS_OK;
}

static rs_status load(void *user, const rs_bundle *from, const json_t *state) {
  training *t = user;
  const char *recent[RS_EXP_RECENT];
  if (json_unpack((json_t *)state, "{s:[sss]}", "recent", &recent[0], &recent[1], &recent[2]) != 0)
    return rs_fail(RS_ERR_DATA, "a checkpoint without the accuracies of its last epochs");
  for (size_t i = 0; i < RS_EXP_RECENT; i++) t->recent[i] = strtod(recent[i], NULL);
  return t->extra.load != NULL ? t->extra.load(t->extra.user, from, state) : RS_OK;
}

/* ---- the training -------------------------------------------------------------------------- */

rs_status rs_exp_train(rs_stage_context *c, rs_network *net, const rs_train_spec *spec,
                       const rs_exp_train_extra *extra, rs_exp_trained *out) {
  training t = {.context = c, .net = net, .out = out};
  rs_exp_loop loop = {
      .user = &t, .after_step = after_step, .end_epoch = end_epoch, .save = save, .load = load};
  const rs_exp_images *images;
  rs_exp_trained_loop done;
  *out = (rs_exp_trained){0};
  if (extra != NULL) t.extra = *extra;
  rs_status status = rs_exp_load_images(c->cache, c->settings, &images);
  if (status == RS_OK) status = rs_classifier_create(net, &images->train, &loop.learner);
  if (status == RS_OK) t.test = &images->test;
  RS_TRY(rs_exp_loop_run(c, &loop, spec, status, &done));
  out->recent = mean_of_recent(&t, done.epochs);
  return t.evaluated ? RS_OK : evaluate(&t); /* it was stopped after its last step */
}
