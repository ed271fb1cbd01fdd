/* Stage denoise-train: a network that tells speech from noise. */
#include "denoise.h"
#include "training.h"

const rs_setting rs_exp_denoise_train_settings[] = {
    RS_EXP_TRAIN_SIZES("20", "16"),
    {.path = "train.frames",
     .type = RS_INT,
     .initial = "100",
     .min = 1,
     .max = 1e5,
     .unit = "frames",
     .help = "Length of the excerpts that a network is trained on."},
    {.path = "train.emphasis",
     .type = RS_FLOAT,
     .initial = "0",
     .min = 0,
     .max = 2,
     .help = "Power of a bin's magnitude that its loss is weighted with; 0: all bins alike."},
    RS_EXP_TRAIN_PATIENCE("validation"),
    {.path = "data.snr_db",
     .type = RS_FLOAT,
     .initial = "0",
     .min = -100,
     .max = 100,
     .unit = "dB",
     .help = "How far speech is above the noise that is mixed with it."},
    {.path = "data.snr_spread",
     .type = RS_FLOAT,
     .initial = "0",
     .min = 0,
     .max = 100,
     .unit = "dB",
     .help = "Training mixes at data.snr_db, so much more or less, evenly spread."},
    {0},
};

const rs_metric rs_exp_denoise_metrics[] = {
    {"train_loss", "nat", "Mean training loss of the epoch"},
    {"train_accuracy", NULL, "Share of bins that the mask had right during the epoch"},
    {"validation_loss", "nat", "Loss on the validation clips"},
    {"mask_accuracy", NULL, "Share of their bins that the mask has right"},
    {"snr_gain", "dB", "Mean gain of SNR by the soft mask"},
    {"si_sdr_gain", "dB", "Mean gain of SI-SDR by the soft mask"},
    {"lr", NULL, "Learning rate of the last step"},
    {0},
};

typedef struct training {
  rs_stage_context *context;
  rs_denoise_model model;
  const rs_speech *speech;
  rs_denoise_test test;
} training;

static rs_mix_spec mix_spec(const rs_stage_context *c) {
  const rs_settings *s = c->settings;
  return (rs_mix_spec){.snr_db = rs_settings_float(s, "data.snr_db"),
                       .spread_db = rs_settings_float(s, "data.snr_spread"),
                       .excerpt = (size_t)rs_settings_int(s, "train.frames"),
                       .seed = c->seed,
                       .stage = c->stage};
}

static rs_status end_epoch(void *user, const rs_train_progress *p,
                           rs_metric_value row[RS_EXP_MOST_METRICS], size_t *n, double *score) {
  training *t = user;
  rs_denoise_measures m;
  RS_TRY(rs_denoise_evaluate(&t->model, t->speech, &t->test, t->context->comm, &m));
  row[0] = (rs_metric_value){"train_loss", p->loss};
  row[1] = (rs_metric_value){"train_accuracy", p->accuracy};
  row[2] = (rs_metric_value){"validation_loss", m.loss};
  row[3] = (rs_metric_value){"mask_accuracy", m.accuracy};
  row[4] = (rs_metric_value){"snr_gain", m.snr - m.snr_in};
  row[5] = (rs_metric_value){"si_sdr_gain", m.si_sdr - m.si_sdr_in};
  row[6] = (rs_metric_value){"lr", p->lr};
  *n = 7;
  *score = m.loss;
  return RS_OK;
}

/* Everything on this rank; the loop agrees on it. */
static rs_status prepare(training *t, const rs_mix_spec *mix, rs_learner *learner) {
  const rs_stage_context *c = t->context;
  rs_denoise_model *m = &t->model;
  RS_TRY(rs_exp_load_speech(c->cache, c->settings, &t->speech));
  RS_TRY(rs_denoise_model_create(c->settings, 0, m));
  RS_TRY(rs_sequence_init(m->net, c->seed, c->stage));
  if (m->mean != NULL)
    RS_TRY(rs_exp_feature_statistics(t->speech, &m->front, mix, m->mean, m->scale));
  return rs_denoise_learner_create(m, t->speech, mix,
                                   rs_settings_float(c->settings, "train.emphasis"), learner);
}

static rs_status run(rs_stage_context *c) {
  training t = {.context = c};
  rs_mix_spec mix = mix_spec(c);
  rs_train_spec spec = rs_exp_train_spec(c->settings, c->stage);
  rs_exp_loop loop = {.patience = (size_t)rs_settings_int(c->settings, "train.patience"),
                      .leaves_model = true,
                      .user = &t,
                      .end_epoch = end_epoch};
  t.test =
      (rs_denoise_test){.snr_db = mix.snr_db, .noise = RS_EVERY_NOISE, .mixes = 1, .seed = c->seed};
  rs_status status = prepare(&t, &mix, &loop.learner);
  status = rs_exp_loop_run(c, &loop, &spec, status, NULL);
  rs_denoise_model_free(&t.model);
  return status;
}

static rs_status cost(const rs_settings *s, rs_cost *out) {
  enum { LEAST_ROWS = 4 };
  rs_denoise_shape shape = rs_exp_denoise_shape(s, 0);
  rs_sequence_net *net;
  double train, validate, hop = (double)rs_settings_int(s, "data.hop");
  double batch = (double)rs_settings_int(s, "train.batch");
  size_t excerpt = (size_t)rs_settings_int(s, "train.frames");
  rs_exp_speech_size(s, &train, &validate);
  RS_TRY(rs_sequence_create(shape.layers, shape.n, &net));
  double step = rs_sequence_flops(net, 1, true), pass = rs_sequence_flops(net, 1, false);
  double epochs = (double)rs_settings_int(s, "train.epochs"), wide = 0;
  for (size_t i = 0; i < shape.n; i++) wide += 4.0 * (double)(shape.layers[i].in + 256);
  *out = (rs_cost){.parameters = (double)net->size,
                   .flops = epochs * (train * step + validate * pass) / hop,
                   .bytes = 16.0 * (double)net->size + 4.0 * (train + validate) + 4.0 * train +
                            4.0 * batch * (double)excerpt * wide,
                   .ranks = (int)(batch / LEAST_ROWS)};
  rs_sequence_destroy(net);
  return RS_OK;
}

const rs_stage_op rs_denoise_train = {
    .spec = {.name = "denoise-train",
             .version = 1,
             .reads = (const char *const[]){"data.", "model.", "train.", NULL},
             .cost = cost},
    .run = run,
};
