/* speaker-verification: a Siamese network learns whether two sides are of one speaker; it is
 * trained once, and tested at any svd rank and number of clips. */
#include "low_rank/low_rank.h"
#include "training.h"
#include "verify/verify.h"

static const rs_setting settings[] = {
    RS_EXP_SVD_RANK("full",
                    "Singular values kept in every kernel but the last after training; full: as "
                    "trained."),
    {.path = "evaluate.trials",
     .type = RS_INT,
     .initial = "2000",
     .min = 10,
     .max = 1e6,
     .help = "Pairs of the test, always the same."},
    {.path = "evaluate.clips",
     .type = RS_INT,
     .initial = "auto",
     .min = 1,
     .max = RS_MOST_CLIPS,
     .word = "auto",
     .help = "Utterances of a side in the test after training; auto: data.clips."},
    {0},
};

static const rs_metric finals[] = {
    {"eer", NULL, "Equal error rate on the test"},
    {"yardstick_eer", NULL, "Equal error rate of cepstra without any training"},
    {"auc", NULL, "Probability that a pair of one speaker scores above one of two"},
    {"accuracy", NULL, "Share of pairs that are right at one half"},
    {"eer_accuracy", NULL, "Share of pairs that are right at the threshold of equal errors"},
    {"eer_threshold", NULL, "Score from which on sides are one speaker's there"},
    {"min_dcf", NULL, "Least detection cost, at a prior of 0.05"},
    {"test_loss", "nat", "Cross-entropy on the test"},
    {"energy", NULL, "Smallest share of a kernel's squared singular values that is kept"},
    {"kept_epoch", NULL, "Epoch whose parameters were kept"},
    {0},
};

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
                                               rs_exp_verify_train_settings, rs_exp_train_settings,
                                               settings, NULL},
               .metrics = finals,
               .check = check,
               .check_files = rs_exp_check_speaker_files},
    .stages = (const rs_stage_op *const[]){&rs_verify_train, &rs_verify_svd, &rs_verify_compress,
                                           &rs_verify_report, NULL},
    .metrics = rs_exp_verify_metrics,
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
               "sweep: {space: {model.compare: [difference, cosine], svd.rank: [full, 4]}}\n",
};
