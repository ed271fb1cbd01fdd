/* The loop of a training: steps, evaluations, rows of metrics, checkpoints. */
#include "images.h"
#include "mlp.h"

#include <stdlib.h>
#include <string.h>

typedef struct training {
  rs_stage_context *context;
  rs_network *net;
  rs_trainer *trainer;
  const rs_images *test;
  rs_exp_train_extra extra;
  double recent[RS_EXP_RECENT]; /* accuracies after the last epochs, epoch e at (e - 1) % RECENT */
  rs_exp_trained *out;
} training;

/* ---- epochs -------------------------------------------------------------------------------- */

static double mean_of_recent(const training *t, size_t epochs) {
  size_t n = epochs < RS_EXP_RECENT ? epochs : RS_EXP_RECENT;
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += t->recent[i];
  return sum / (double)n;
}

static rs_status end_epoch(training *t, const rs_train_progress *p) {
  rs_exp_trained *out = t->out;
  rs_metric_value row[5 + RS_EXP_EXTRA_METRICS];
  size_t n = 5;
  RS_TRY(rs_evaluate(t->net, t->test, t->context->comm, &out->loss, &out->accuracy));
  t->recent[(p->epoch - 1) % RS_EXP_RECENT] = out->accuracy;
  row[0] = (rs_metric_value){"train_loss", p->loss};
  row[1] = (rs_metric_value){"train_accuracy", p->accuracy};
  row[2] = (rs_metric_value){"test_loss", out->loss};
  row[3] = (rs_metric_value){"test_accuracy", out->accuracy};
  row[4] = (rs_metric_value){"lr", p->lr};
  if (t->extra.metrics != NULL) n += t->extra.metrics(t->extra.user, row + n);
  return rs_stage_metrics(t->context, p->epoch, p->step, row, n);
}

/* ---- checkpoints --------------------------------------------------------------------------- */

/* Counters as JSON; real numbers in hexadecimal, so that they come back to the last bit. */
static rs_status save_training(void *user, rs_bundle *into, rs_str *state) {
  const training *t = user;
  rs_train_counters n;
  RS_TRY(rs_trainer_save(t->trainer, into, &n));
  rs_str_addf(state, "{\"step\": %llu, \"seen\": %llu, \"correct\": %llu, \"loss_sum\": \"%a\"",
              (unsigned long long)n.step, (unsigned long long)n.seen, (unsigned long long)n.correct,
              n.loss_sum);
  rs_str_addf(state, ", \"recent\": [\"%a\", \"%a\", \"%a\"]", t->recent[0], t->recent[1],
              t->recent[2]);
  if (t->extra.save != NULL) RS_TRY(t->extra.save(t->extra.user, into, state));
  rs_str_addf(state, "}");
  return rs_str_status(state);
}

static rs_status read_state(training *t, const json_t *state) {
  json_int_t step, seen, correct;
  const char *sum, *recent[RS_EXP_RECENT];
  if (json_unpack((json_t *)state, "{s:I, s:I, s:I, s:s, s:[sss]}", "step", &step, "seen", &seen,
                  "correct", &correct, "loss_sum", &sum, "recent", &recent[0], &recent[1],
                  &recent[2]) != 0)
    return rs_fail(RS_ERR_DATA, "a checkpoint without the counters of a training: %.200s",
                   t->context->resume_state);
  for (size_t i = 0; i < RS_EXP_RECENT; i++) t->recent[i] = strtod(recent[i], NULL);
  rs_train_counters n = {(uint64_t)step, (uint64_t)seen, (uint64_t)correct, strtod(sum, NULL)};
  RS_TRY(rs_trainer_load(t->trainer, t->context->resume, &n));
  return t->extra.load != NULL ? t->extra.load(t->extra.user, t->context->resume, state) : RS_OK;
}

static rs_status resume_training(training *t) {
  if (t->context->resume == NULL) return RS_OK;
  json_t *state = json_loads(t->context->resume_state, 0, NULL);
  rs_status status = read_state(t, state);
  json_decref(state);
  return status;
}

/* ---- the loop ------------------------------------------------------------------------------ */

static rs_status one_step(training *t, rs_train_progress *p) {
  const rs_stage_saver saver = {t, save_training};
  RS_TRY(rs_trainer_step(t->trainer));
  rs_trainer_progress(t->trainer, p);
  if (t->extra.after_step != NULL) RS_TRY(t->extra.after_step(t->extra.user, p));
  if (p->epoch_ended) RS_TRY(end_epoch(t, p));
  rs_stage_progress progress = {p->step, p->steps_per_epoch * p->epochs, p->epoch, p->epochs,
                                p->loss};
  return rs_stage_tick(t->context, &progress, &saver);
}

static rs_status train_to_end(training *t) {
  rs_train_progress p;
  rs_trainer_progress(t->trainer, &p);
  if (p.finished) /* it was stopped after its last step */
    RS_TRY(rs_evaluate(t->net, t->test, t->context->comm, &t->out->loss, &t->out->accuracy));
  while (!p.finished) RS_TRY(one_step(t, &p));
  t->out->recent = mean_of_recent(t, p.epochs);
  return RS_OK;
}

rs_status rs_exp_train(rs_stage_context *c, rs_network *net, const rs_train_spec *spec,
                       const rs_exp_train_extra *extra, rs_exp_trained *out) {
  training t = {.context = c, .net = net, .out = out};
  const rs_images *train;
  *out = (rs_exp_trained){0};
  if (extra != NULL) t.extra = *extra;
  rs_status status = rs_exp_load_images(c->cache, c->settings, &train, &t.test);
  if (status == RS_OK) status = rs_trainer_create(net, train, spec, c->comm, &t.trainer);
  if (status == RS_OK) status = resume_training(&t);
  status = rs_comm_agree(c->comm, status);
  if (status == RS_OK) status = train_to_end(&t);
  rs_trainer_destroy(t.trainer);
  return status;
}
