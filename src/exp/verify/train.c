/* Stage verify-train: a network that tells whether two sides are of one speaker. */
#include "training.h"
#include "verify.h"

#include <stdlib.h>

const rs_setting rs_exp_verify_train_settings[] = {
    RS_EXP_TRAIN_SIZES("15", "32"),
    {.path = "train.pairs",
     .type = RS_INT,
     .initial = "6400",
     .min = 2,
     .max = 1e9,
     .help = "Pairs of an epoch, drawn anew for each; half of them are of one speaker."},
    {.path = "train.frames",
     .type = RS_INT,
     .initial = "0",
     .min = 0,
     .max = 1e5,
     .unit = "frames",
     .help = "Training takes so much of an utterance at most, from any place; 0: all."},
    {.path = "train.noise",
     .type = RS_FLOAT,
     .initial = "0",
     .min = 0,
     .max = 1,
     .help = "Share of the utterances that training mixes with noise."},
    {.path = "train.noise_snr_db",
     .type = RS_FLOATS,
     .initial = "[5, 20]",
     .min = -100,
     .max = 100,
     .unit = "dB",
     .help = "Between which levels speech is above that noise."},
    RS_EXP_TRAIN_PATIENCE("test"),
    {.path = "train.squares",
     .type = RS_BOOL,
     .initial = "false",
     .help = "Draw pairs in fours, the sides of a square with two utterances of one speaker and "
             "two of another at its corners: each is in two pairs, so that a step takes half the "
             "time."},
    {.path = "train.hard",
     .type = RS_FLOAT,
     .initial = "0",
     .min = 0,
     .max = 1,
     .help = "Share of the pairs of two speakers whose second one is among the quarter of all that "
             "sound most like the first: whose mean cepstra are nearest."},
    {0},
};

const rs_metric rs_exp_verify_metrics[] = {
    {"train_loss", "nat", "Mean training loss of the epoch"},
    {"train_accuracy", NULL, "Share of training pairs that were right during the epoch"},
    {"test_loss", "nat", "Cross-entropy on the test"},
    {"test_accuracy", NULL, "Share of test pairs that are right at one half"},
    {"eer", NULL, "Equal error rate on the test"},
    {"auc", NULL, "Area under the curve on the test"},
    {"lr", NULL, "Learning rate of the last step"},
    {0},
};

/* ---- the stage --------------------------------------------------------------------------- */

typedef struct training {
  rs_stage_context *context;
  rs_verify_model model;
  const rs_speakers *speakers;
  rs_verify_trials trials;
  float *scores; /* [trials] logits */
} training;

static rs_verify_spec spec_of(const rs_stage_context *c) {
  const rs_settings *s = c->settings;
  const double *snr;
  size_t n = rs_settings_floats(s, "train.noise_snr_db", &snr);
  return (rs_verify_spec){.clips = (size_t)rs_settings_int(s, "data.clips"),
                          .pairs = (size_t)rs_settings_int(s, "train.pairs"),
                          .frames = (size_t)rs_settings_int(s, "train.frames"),
                          .squares = rs_settings_bool(s, "train.squares"),
                          .hard = rs_settings_float(s, "train.hard"),
                          .noise = rs_settings_float(s, "train.noise"),
                          .snr_low = n > 0 ? snr[0] : 5,
                          .snr_high = n > 0 ? snr[n - 1] : 20,
                          .seed = c->seed,
                          .stage = c->stage};
}

static rs_status end_epoch(void *user, const rs_train_progress *p,
                           rs_metric_value row[RS_EXP_MOST_METRICS], size_t *n, double *score) {
  training *t = user;
  rs_detection d;
  double loss;
  RS_TRY(rs_verify_test(&t->model, &t->speakers->test, &t->trials, t->context->comm, t->scores,
                        &loss, &d));
  row[0] = (rs_metric_value){"train_loss", p->loss};
  row[1] = (rs_metric_value){"train_accuracy", p->accuracy};
  row[2] = (rs_metric_value){"test_loss", loss};
  row[3] = (rs_metric_value){"test_accuracy", d.accuracy};
  row[4] = (rs_metric_value){"eer", d.eer};
  row[5] = (rs_metric_value){"auc", d.auc};
  row[6] = (rs_metric_value){"lr", p->lr};
  *n = 7;
  *score = loss;
  return RS_OK;
}

/* Everything on this rank; the loop agrees on it. */
static rs_status prepare(training *t, const rs_verify_spec *spec, rs_learner *learner) {
  const rs_stage_context *c = t->context;
  rs_verify_model *m = &t->model;
  size_t n = (size_t)rs_settings_int(c->settings, "evaluate.trials");
  RS_TRY(rs_exp_load_speakers(c->cache, c->settings, &t->speakers));
  RS_TRY(rs_verify_model_create(c->settings, 0, m));
  RS_TRY(rs_verify_model_init(m, c->seed, c->stage));
  if (m->mean != NULL)
    RS_TRY(rs_verify_statistics(&m->front, &t->speakers->train, m->mean, m->scale));
  RS_TRY(rs_verify_trials_make(t->speakers, spec->clips, n, c->seed, &t->trials));
  RS_TRY(rs_new(&t->scores, t->trials.n, sizeof *t->scores));
  return rs_verify_learner_create(m, t->speakers, spec, learner);
}

static rs_status run(rs_stage_context *c) {
  training t = {.context = c};
  rs_verify_spec spec = spec_of(c);
  rs_train_spec train = rs_exp_train_spec(c->settings, c->stage);
  rs_exp_loop loop = {.patience = (size_t)rs_settings_int(c->settings, "train.patience"),
                      .leaves_model = true,
                      .user = &t,
                      .end_epoch = end_epoch};
  rs_status status = prepare(&t, &spec, &loop.learner);
  status = rs_exp_loop_run(c, &loop, &train, status, NULL);
  rs_verify_trials_free(&t.trials);
  free(t.scores);
  rs_verify_model_free(&t.model);
  return status;
}

/* Two passes of the network a pair, or one. */
static rs_status cost(const rs_settings *s, rs_cost *out) {
  enum { LEAST_ROWS = 4 };
  rs_verify_shape shape = rs_exp_verify_shape(s, 0);
  rs_sequence_net *net;
  double frames = rs_exp_utterance_frames(s) * (double)rs_settings_int(s, "data.clips");
  double sides = rs_settings_bool(s, "train.squares") ? 1 : 2;
  double batch = 2.0 * (double)rs_settings_int(s, "train.batch"), wide = 0;
  RS_TRY(rs_sequence_create(shape.layers, shape.n, &net));
  for (size_t i = 0; i < shape.n; i++) wide += 4.0 * (double)(shape.layers[i].in + 256);
  *out = (rs_cost){.parameters = (double)net->size,
                   .flops = (double)rs_settings_int(s, "train.epochs") *
                            (double)rs_settings_int(s, "train.pairs") * sides *
                            rs_sequence_flops(net, (size_t)frames, true),
                   .bytes = 16.0 * (double)net->size + 4.0 * batch * frames * wide,
                   .ranks = (int)(batch / 2 / LEAST_ROWS)};
  rs_sequence_destroy(net);
  return RS_OK;
}

const rs_stage_op rs_verify_train = {
    .spec = {.name = "verify-train",
             .version = 3,
             .reads = (const char *const[]){"data.", "model.", "train.", "evaluate.trials", NULL},
             .cost = cost},
    .run = run,
};
