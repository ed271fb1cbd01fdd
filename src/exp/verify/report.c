/* Stage verify-test: how well a trained network tells the speakers of the test apart. */
#include "verify.h"

#include <stdlib.h>

typedef struct test {
  rs_stage_context *context;
  rs_verify_model model;
  const rs_speakers *speakers;
  rs_verify_trials trials;
  float *scores; /* [trials] logits */
} test;

/* Everything on this rank; agreed on by the caller. */
static rs_status prepare(test *t) {
  const rs_stage_context *c = t->context;
  const rs_settings *s = c->settings;
  size_t clips = (size_t)rs_settings_int(s, "evaluate.clips");
  if (clips == 0) clips = (size_t)rs_settings_int(s, "data.clips");
  RS_TRY(rs_exp_load_speakers(c->cache, s, &t->speakers));
  RS_TRY(rs_verify_model_create(s, (size_t)rs_settings_int(s, "svd.rank"), &t->model));
  RS_TRY(rs_verify_model_load(&t->model, c->parent));
  RS_TRY(rs_verify_trials_make(t->speakers, clips, (size_t)rs_settings_int(s, "evaluate.trials"),
                               c->seed, &t->trials));
  return rs_new(&t->scores, t->trials.n, sizeof *t->scores);
}

static rs_status report(test *t, const rs_detection *d, double loss) {
  rs_stage_context *c = t->context;
  rs_detection yardstick;
  RS_TRY(rs_comm_agree(
      c->comm, rs_verify_yardstick(&t->model.front, &t->speakers->test, &t->trials, &yardstick)));
  const rs_metric_value values[] = {
      {"eer", d->eer},
      {"yardstick_eer", yardstick.eer},
      {"auc", d->auc},
      {"accuracy", d->accuracy},
      {"eer_accuracy", d->eer_accuracy},
      {"eer_threshold", d->eer_threshold},
      {"min_dcf", d->min_dcf},
      {"test_loss", loss},
      {"parameters", (double)t->model.net->size},
  };
  for (size_t i = 0; i < RS_COUNT(values); i++)
    RS_TRY(rs_stage_final(c, values[i].name, values[i].value));
  return RS_OK;
}

static rs_status measure(test *t) {
  rs_stage_context *c = t->context;
  const rs_utterances *u = &t->speakers->test;
  rs_detection d;
  double loss;
  RS_TRY(rs_verify_test(&t->model, u, &t->trials, c->comm, t->scores, &loss, &d));
  RS_TRY(report(t, &d, loss));
  bool root = rs_comm_rank(c->comm) == 0;
  rs_status status = root ? rs_verify_leave_curves(c->output, &t->trials, t->scores) : RS_OK;
  RS_TRY(rs_comm_agree(c->comm, status));
  return rs_verify_leave_tables(c, &t->model, u, &t->trials, t->scores);
}

static rs_status run(rs_stage_context *c) {
  test t = {.context = c};
  rs_status status = rs_comm_agree(c->comm, prepare(&t));
  if (status == RS_OK) status = measure(&t);
  rs_verify_trials_free(&t.trials);
  free(t.scores);
  rs_verify_model_free(&t.model);
  return status;
}

static rs_status cost(const rs_settings *s, rs_cost *out) {
  rs_verify_shape low = rs_exp_verify_shape(s, (size_t)rs_settings_int(s, "svd.rank"));
  rs_sequence_net *net;
  double clips = (double)rs_settings_int(s, "evaluate.clips");
  if (clips == 0) clips = (double)rs_settings_int(s, "data.clips");
  double frames = rs_exp_utterance_frames(s) * clips;
  double sides = 2.0 * (double)rs_settings_int(s, "evaluate.trials");
  RS_TRY(rs_sequence_create(low.layers, low.n, &net));
  *out = (rs_cost){.parameters = (double)net->size,
                   .flops = sides * rs_sequence_flops(net, (size_t)frames, false),
                   .bytes = 8.0 * (double)net->size + 1e3 * sides,
                   .ranks = 4};
  rs_sequence_destroy(net);
  return RS_OK;
}

const rs_stage_op rs_verify_report = {
    .spec = {.name = "verify-test",
             .version = 2,
             .reads = (const char *const[]){"data.", "model.", "svd.rank", "evaluate.", NULL},
             .cost = cost},
    .vectors = rs_verify_curves,
    .leaves_no_model = true,
    .run = run,
};
