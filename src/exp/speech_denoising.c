/* speech-denoising: recurrent layers estimate the ideal binary mask of noisy speech; the network is
 * trained once, and evaluated at any svd rank, noise and level. */
#include "denoise/denoise.h"
#include "low_rank/low_rank.h"
#include "sound/speech.h"
#include "training.h"

#include <string.h>

static const rs_setting settings[] = {
    RS_EXP_SVD_RANK("full",
                    "Singular values kept in every kernel after training; full: as trained."),
    {.path = "evaluate.snr_db",
     .type = RS_FLOAT,
     .initial = "0",
     .min = -100,
     .max = 100,
     .unit = "dB",
     .help = "How far speech is above noise in the evaluation."},
    {.path = "evaluate.noise",
     .type = RS_TEXT,
     .initial = "all",
     .help = "Kind of noise of the evaluation; all: one after the other."},
    {.path = "evaluate.mixes",
     .type = RS_INT,
     .initial = "1",
     .min = 1,
     .max = 1000,
     .help = "How often each validation clip is mixed with noise."},
    {.path = "evaluate.examples",
     .type = RS_INT,
     .initial = "2",
     .min = 0,
     .max = 5,
     .help = "Validation clips that are left as recordings (clean, noisy, denoised), the first one "
             "as pictures too."},
    {.path = "evaluate.stoi",
     .type = RS_BOOL,
     .initial = "true",
     .help = "Measure intelligibility as well, which takes longer than all other measures."},
    {.path = "evaluate.mask",
     .type = RS_TEXT,
     .initial = "soft",
     .choices = "soft|hard",
     .help = "A bin is multiplied with the network's estimate, or with 1 where that is above one "
             "half and 0 elsewhere."},
    {0},
};

static const rs_metric finals[] = {
    {"snr_gain", "dB", "Mean gain of SNR by the mask"},
    {"si_sdr_gain", "dB", "Mean gain of SI-SDR by the mask"},
    {"ideal_snr_gain", "dB", "Mean gain of SNR by the ideal mask, the ceiling"},
    {"ideal_si_sdr_gain", "dB", "Mean gain of SI-SDR by the ideal mask"},
    {"segmental_snr_gain", "dB", "Mean gain of segmental SNR by the mask"},
    {"stoi_noisy", NULL, "Short-time objective intelligibility of the noisy speech"},
    {"stoi", NULL, "Short-time objective intelligibility of the denoised speech"},
    {"snr_noisy", "dB", "Mean SNR of the noisy speech"},
    {"snr", "dB", "Mean SNR of the denoised speech"},
    {"si_sdr", "dB", "Mean SI-SDR of the denoised speech"},
    {"mask_accuracy", NULL, "Share of bins that the mask has right"},
    {"validation_loss", "nat", "Cross-entropy of the mask, a bin"},
    {"energy", NULL, "Smallest share of a kernel's squared singular values that is kept"},
    {"kept_epoch", NULL, "Epoch whose parameters were kept"},
    {0},
};

/* ---- the stage: evaluation ------------------------------------------------------------------ */

/* The kind of that name, which has been checked; any other stands for all of them. */
static size_t find_noise(const rs_speech *speech, const char *name) {
  for (size_t k = 0; k < speech->noise.count; k++)
    if (strcmp(name, speech->noise.name[k]) == 0) return k;
  return RS_EVERY_NOISE;
}

static rs_denoise_test test_of(const rs_stage_context *c, const rs_speech *speech) {
  const rs_settings *s = c->settings;
  return (rs_denoise_test){.snr_db = rs_settings_float(s, "evaluate.snr_db"),
                           .mixes = (size_t)rs_settings_int(s, "evaluate.mixes"),
                           .hard = strcmp(rs_settings_text(s, "evaluate.mask"), "hard") == 0,
                           .more = true,
                           .stoi = rs_settings_bool(s, "evaluate.stoi"),
                           .noise = find_noise(speech, rs_settings_text(s, "evaluate.noise")),
                           .seed = c->seed};
}

static rs_status report(rs_stage_context *c, const rs_denoise_measures *m, size_t parameters) {
  const rs_metric_value values[] = {
      {"snr_gain", m->snr - m->snr_in},
      {"si_sdr_gain", m->si_sdr - m->si_sdr_in},
      {"ideal_snr_gain", m->ideal_snr - m->snr_in},
      {"ideal_si_sdr_gain", m->ideal_si_sdr - m->si_sdr_in},
      {"segmental_snr_gain", m->segmental - m->segmental_in},
      {"stoi_noisy", m->stoi_in},
      {"stoi", m->stoi},
      {"snr_noisy", m->snr_in},
      {"snr", m->snr},
      {"si_sdr", m->si_sdr},
      {"mask_accuracy", m->accuracy},
      {"validation_loss", m->loss},
      {"parameters", (double)parameters},
  };
  for (size_t i = 0; i < RS_COUNT(values); i++)
    RS_TRY(rs_stage_final(c, values[i].name, values[i].value));
  return RS_OK;
}

static rs_status run(rs_stage_context *c) {
  rs_denoise_model model;
  rs_denoise_test test;
  rs_denoise_measures measures;
  const rs_speech *speech;
  rs_status status = rs_denoise_model_create(
      c->settings, (size_t)rs_settings_int(c->settings, "svd.rank"), &model);
  if (status == RS_OK) status = rs_denoise_model_load(&model, c->parent);
  if (status == RS_OK) status = rs_exp_load_speech(c->cache, c->settings, &speech);
  status = rs_comm_agree(c->comm, status);
  if (status == RS_OK) test = test_of(c, speech);
  if (status == RS_OK) status = rs_denoise_evaluate(&model, speech, &test, c->comm, &measures);
  if (status == RS_OK) status = report(c, &measures, model.net->size);
  size_t examples = (size_t)rs_settings_int(c->settings, "evaluate.examples");
  if (status == RS_OK) status = rs_denoise_leave_examples(c, &model, speech, &test, examples);
  rs_denoise_model_free(&model);
  return status;
}

static rs_status cost(const rs_settings *s, rs_cost *out) {
  rs_denoise_shape shape = rs_exp_denoise_shape(s, (size_t)rs_settings_int(s, "svd.rank"));
  rs_sequence_net *net;
  double train, validate;
  rs_exp_speech_size(s, &train, &validate);
  RS_TRY(rs_sequence_create(shape.layers, shape.n, &net));
  *out = (rs_cost){.parameters = (double)net->size,
                   .flops = validate / (double)rs_settings_int(s, "data.hop") *
                            rs_sequence_flops(net, 1, false),
                   .bytes = 8.0 * (double)net->size + 4.0 * (train + validate) + 4.0 * train,
                   .ranks = 4};
  rs_sequence_destroy(net);
  return RS_OK;
}

static const rs_stage_op evaluate = {
    .spec = {.name = "denoise-evaluate",
             .version = 1,
             .reads = (const char *const[]){"data.", "model.", "svd.rank", "evaluate.", NULL},
             .cost = cost},
    .images = rs_denoise_images,
    .leaves_no_model = true,
    .run = run,
};

/* ---- the kind ---------------------------------------------------------------------------- */

static rs_status check(const rs_settings *s, rs_problems *problems) {
  rs_exp_check_front(s, problems);
  rs_exp_check_speech(s, problems);
  rs_exp_check_noise(s, "data.noise", "evaluate.noise", problems);
  rs_exp_check_denoise_shape(s, problems);
  rs_exp_check_training(s, problems);
  return RS_OK;
}

const rs_experiment rs_speech_denoising = {
    .schema = {.experiment = "speech-denoising",
               .summary = "Train recurrent layers to mask the noise in speech, and measure what is "
                          "gained, at each svd rank, noise and level.",
               .settings =
                   (const rs_setting *const[]){rs_exp_sound_settings, rs_exp_speech_settings,
                                               rs_exp_front_settings, rs_exp_denoise_model_settings,
                                               rs_exp_denoise_train_settings, rs_exp_train_settings,
                                               settings, NULL},
               .metrics = finals,
               .check = check,
               .check_files = rs_exp_check_speech_files},
    .stages = (const rs_stage_op *const[]){&rs_denoise_train, &rs_denoise_svd, &rs_denoise_compress,
                                           &evaluate, NULL},
    .metrics = rs_exp_denoise_metrics,
    .verify = rs_exp_verify_speech,
    .fingerprint = rs_exp_fingerprint_speech,
    .share = rs_exp_share_speech,
    .example =
        "name: example\n"
        "experiment: speech-denoising\n"
        "data: {source: voices, voices: 6, utterances: 2, seconds: 1, window: 256, hop: 128}\n"
        "model: {gru: [16, 12]}\n"
        "train: {epochs: 2, batch: 4, frames: 40}\n"
        "sweep: {space: {svd.rank: [full, 4]}}\n",
};
