/* speaker-verification: a Siamese network learns whether two sides are of one speaker. */
#include "training.h"
#include "verify.h"

#include <stdlib.h>

static const rs_setting settings[] = {
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
    {.path = "train.patience",
     .type = RS_INT,
     .initial = "0",
     .min = 0,
     .max = 1e6,
     .unit = "epochs",
     .help =
         "Epochs without a lower test loss after which training ends, with the parameters of the "
         "best one; 0: all epochs, and the last one's."},
    {.path = "evaluate.trials",
     .type = RS_INT,
     .initial = "2000",
     .min = 10,
     .max = 1e6,
     .help = "Pairs of the test, always the same."},
    {0},
};

static const rs_metric finals[] = {
    {"eer", NULL, "Equal error rate on the test"},
    {"auc", NULL, "Probability that a pair of one speaker scores above one of two"},
    {"accuracy", NULL, "Share of pairs that are right at one half"},
    {"eer_accuracy", NULL, "Share of pairs that are right at the threshold of equal errors"},
    {"eer_threshold", NULL, "Score from which on sides are one speaker's there"},
    {"min_dcf", NULL, "Least detection cost, at a prior of 0.05"},
    {"test_loss", "nat", "Cross-entropy on the test"},
    {"yardstick_eer", NULL, "Equal error rate of cepstra without any training"},
    {"kept_epoch", NULL, "Epoch whose parameters were kept"},
    {0},
};

static const rs_metric metrics[] = {
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
  float *scores; /* [trials] */
} training;

static rs_verify_spec spec_of(const rs_stage_context *c) {
  const rs_settings *s = c->settings;
  const double *snr;
  size_t n = rs_settings_floats(s, "train.noise_snr_db", &snr);
  return (rs_verify_spec){.clips = (size_t)rs_settings_int(s, "data.clips"),
                          .pairs = (size_t)rs_settings_int(s, "train.pairs"),
                          .frames = (size_t)rs_settings_int(s, "train.frames"),
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

/* Everything on this rank; agreed on by the caller. */
static rs_status prepare(training *t, const rs_verify_spec *spec, rs_learner *learner) {
  const rs_stage_context *c = t->context;
  rs_verify_model *m = &t->model;
  size_t n = (size_t)rs_settings_int(c->settings, "evaluate.trials");
  RS_TRY(rs_exp_load_speakers(c->cache, c->settings, &t->speakers));
  RS_TRY(rs_verify_model_create(c->settings, 0, m));
  RS_TRY(rs_sequence_init(m->net, c->seed, c->stage));
  if (m->mean != NULL)
    RS_TRY(rs_verify_statistics(&m->front, &t->speakers->train, m->mean, m->scale));
  RS_TRY(rs_verify_trials_make(t->speakers, spec->clips, n, c->seed, &t->trials));
  RS_TRY(rs_new(&t->scores, t->trials.n, sizeof *t->scores));
  return rs_verify_learner_create(m, t->speakers, spec, learner);
}

static rs_status report(training *t, size_t kept) {
  rs_stage_context *c = t->context;
  rs_detection d, yardstick;
  double loss;
  RS_TRY(rs_verify_test(&t->model, &t->speakers->test, &t->trials, c->comm, t->scores, &loss, &d));
  RS_TRY(rs_comm_agree(
      c->comm, rs_verify_yardstick(&t->model.front, &t->speakers->test, &t->trials, &yardstick)));
  const rs_metric_value values[] = {
      {"eer", d.eer},
      {"auc", d.auc},
      {"accuracy", d.accuracy},
      {"eer_accuracy", d.eer_accuracy},
      {"eer_threshold", d.eer_threshold},
      {"min_dcf", d.min_dcf},
      {"test_loss", loss},
      {"yardstick_eer", yardstick.eer},
      {"kept_epoch", (double)kept},
      {"parameters", (double)t->model.net->size},
  };
  for (size_t i = 0; i < RS_COUNT(values); i++)
    RS_TRY(rs_stage_final(c, values[i].name, values[i].value));
  return RS_OK;
}

static rs_status run(rs_stage_context *c) {
  training t = {.context = c};
  rs_verify_spec spec = spec_of(c);
  rs_train_spec train = rs_exp_train_spec(c->settings, c->stage);
  rs_exp_loop loop = {.patience = (size_t)rs_settings_int(c->settings, "train.patience"),
                      .user = &t,
                      .end_epoch = end_epoch};
  rs_exp_trained_loop done;
  rs_status status = rs_comm_agree(c->comm, prepare(&t, &spec, &loop.learner));
  if (status == RS_OK)
    status = rs_exp_loop_run(c, &loop, &train, &done);
  else
    rs_learner_close(&loop.learner);
  if (status == RS_OK) status = report(&t, done.kept);
  if (status == RS_OK && rs_comm_rank(c->comm) == 0)
    status = rs_verify_model_save(&t.model, c->output);
  status = rs_comm_agree(c->comm, status);
  rs_verify_trials_free(&t.trials);
  free(t.scores);
  rs_verify_model_free(&t.model);
  return status;
}

static const rs_stage_op train = {
    .spec = {.name = "verify-train",
             .version = 1,
             .reads = (const char *const[]){"data.", "model.", "train.", "evaluate.", NULL}},
    .run = run,
};

/* ---- the kind ---------------------------------------------------------------------------- */

static rs_status check(const rs_settings *s, rs_problems *problems) {
  rs_exp_check_front(s, problems);
  rs_exp_check_speakers(s, problems);
  rs_exp_check_verify_shape(s, problems);
  rs_exp_check_training(s, problems);
  return RS_OK;
}

const rs_experiment rs_speaker_verification = {
    .schema = {.experiment = "speaker-verification",
               .summary = "Train a Siamese recurrent network to tell whether two recordings are of "
                          "one speaker, and test it on others.",
               .settings =
                   (const rs_setting *const[]){rs_exp_sound_settings, rs_exp_speaker_settings,
                                               rs_exp_front_settings, rs_exp_verify_model_settings,
                                               rs_exp_train_settings, settings, NULL},
               .metrics = finals,
               .check = check},
    .stages = (const rs_stage_op *const[]){&train, NULL},
    .metrics = metrics,
    .verify = rs_exp_verify_speakers,
    .fingerprint = rs_exp_fingerprint_speakers,
    .share = rs_exp_share_speakers,
    .example = "name: example\n"
               "experiment: speaker-verification\n"
               "data: {source: voices, voices: 8, utterances: 4, seconds: 0.5, window: 256, hop: "
               "128, features: mel, bands: 20}\n"
               "model: {gru: [12], embedding: 8}\n"
               "train: {epochs: 2, batch: 8, pairs: 64}\n"
               "evaluate: {trials: 100}\n"
               "sweep: {space: {model.pooling: [last, statistics]}}\n",
};
