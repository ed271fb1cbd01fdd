#include "training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const rs_setting rs_exp_train_settings[] = {
    {.path = "train.optimizer",
     .type = RS_TEXT,
     .initial = "adam",
     .choices = "adam|sgd",
     .help = "Adam with decoupled weight decay, or gradient descent with momentum."},
    {.path = "train.lr",
     .type = RS_FLOAT,
     .initial = "0.001",
     .min = 1e-12,
     .max = 1e3,
     .help = "Learning rate at its highest."},
    {.path = "train.beta1",
     .type = RS_FLOAT,
     .initial = "0.9",
     .min = 0,
     .max = 0.999999,
     .help = "Adam: decay of the first moment."},
    {.path = "train.beta2",
     .type = RS_FLOAT,
     .initial = "0.999",
     .min = 0,
     .max = 0.99999999,
     .help = "Adam: decay of the second moment."},
    {.path = "train.epsilon",
     .type = RS_FLOAT,
     .initial = "1e-7",
     .min = 1e-16,
     .max = 1,
     .help = "Adam: added to the root of the second moment."},
    {.path = "train.momentum",
     .type = RS_FLOAT,
     .initial = "0.9",
     .min = 0,
     .max = 0.999999,
     .help = "SGD: share of the last step that the next one keeps."},
    {.path = "train.weight_decay",
     .type = RS_FLOAT,
     .initial = "0",
     .min = 0,
     .max = 10,
     .help = "Pull of every parameter towards zero (Adam: decoupled from the gradient)."},
    {.path = "train.schedule",
     .type = RS_TEXT,
     .initial = "constant",
     .choices = "constant|linear|cosine",
     .help = "How the learning rate falls from its highest to lr_final, step by step."},
    {.path = "train.lr_final",
     .type = RS_FLOAT,
     .initial = "0",
     .min = 0,
     .max = 1,
     .help = "Share of the learning rate that is left at the end of a linear or cosine schedule."},
    {.path = "train.warmup",
     .type = RS_FLOAT,
     .initial = "0",
     .min = 0,
     .max = 1e6,
     .unit = "epochs",
     .help = "Time over which the learning rate first rises from zero."},
    {.path = "train.clip_norm",
     .type = RS_FLOAT,
     .initial = "0",
     .min = 0,
     .max = 1e9,
     .help = "Largest norm of a step's gradient, which is scaled down to it; 0: as it is."},
    {.path = "train.reduction",
     .type = RS_TEXT,
     .initial = "fast",
     .choices = "fast|exact",
     .help = "How the ranks of a group sum gradients: fast, equal to rounding; or exact, the same "
             "bits on 1, 2, 4 and 8 ranks."},
    {0},
};

void rs_exp_check_training(const rs_settings *s, rs_problems *problems) {
  int64_t ranks = rs_settings_int(s, "resources.ranks_per_trial");
  bool exact = strcmp(rs_settings_text(s, "train.reduction"), "exact") == 0;
  if (!exact || ranks == 0 || RS_PARTS % ranks == 0) return; /* 0: auto, powers of two */
  rs_problem_add(problems, rs_settings_place(s, "resources.ranks_per_trial"),
                 "resources.ranks_per_trial: train.reduction exact expects 1, 2, 4 or 8, got %lld",
                 (long long)ranks);
}

void rs_exp_schedule(const char *name, rs_schedule *out) {
  if (strcmp(name, "constant") == 0) *out = RS_CONSTANT;
  if (strcmp(name, "linear") == 0) *out = RS_LINEAR_DECAY;
  if (strcmp(name, "cosine") == 0) *out = RS_COSINE;
}

rs_train_spec rs_exp_train_spec(const rs_settings *s, const char *stage) {
  bool adam = strcmp(rs_settings_text(s, "train.optimizer"), "adam") == 0;
  bool exact = strcmp(rs_settings_text(s, "train.reduction"), "exact") == 0;
  rs_train_spec spec = {
      .epochs = (size_t)rs_settings_int(s, "train.epochs"),
      .batch = (size_t)rs_settings_int(s, "train.batch"),
      .optimizer = adam ? RS_ADAM : RS_SGD,
      .lr = rs_settings_float(s, "train.lr"),
      .beta1 = rs_settings_float(s, "train.beta1"),
      .beta2 = rs_settings_float(s, "train.beta2"),
      .epsilon = rs_settings_float(s, "train.epsilon"),
      .momentum = rs_settings_float(s, "train.momentum"),
      .decay = rs_settings_float(s, "train.weight_decay"),
      .lr_final = rs_settings_float(s, "train.lr_final"),
      .warmup = rs_settings_float(s, "train.warmup"),
      .clip_norm = rs_settings_float(s, "train.clip_norm"),
      .reduction = exact ? RS_EXACT : RS_FAST,
      .seed = (uint64_t)rs_settings_int(s, "seed"),
      .stage = stage,
  };
  rs_exp_schedule(rs_settings_text(s, "train.schedule"), &spec.schedule);
  return spec;
}

/* ---- epochs -------------------------------------------------------------------------------- */

/* What is known of the best epoch so far; `values` are its parameters. */
typedef struct best {
  double score;
  size_t epoch; /* 0: none yet */
  float *values;
} best;

typedef struct loop {
  rs_stage_context *context;
  const rs_exp_loop *about;
  rs_trainer *trainer;
  best best;
} loop;

static void note_score(loop *l, size_t epoch, double score) {
  best *b = &l->best;
  if (b->values == NULL || (b->epoch > 0 && !(score < b->score))) return;
  b->score = score;
  b->epoch = epoch;
  memcpy(b->values, l->about->learner.values, l->about->learner.size * sizeof *b->values);
}

static bool out_of_patience(const loop *l, size_t epoch) {
  return l->about->patience > 0 && l->best.epoch > 0 && epoch - l->best.epoch >= l->about->patience;
}

static rs_status end_epoch(loop *l, const rs_train_progress *p) {
  rs_metric_value row[RS_EXP_MOST_METRICS];
  size_t n = 0;
  double score = 0;
  RS_TRY(l->about->end_epoch(l->about->user, p, row, &n, &score));
  RS_ASSERT(n <= RS_EXP_MOST_METRICS);
  note_score(l, p->epoch, score);
  return rs_stage_metrics(l->context, p->epoch, p->step, row, n);
}

/* ---- checkpoints --------------------------------------------------------------------------- */

#define BEST "training/best"

static rs_status save_best(const loop *l, rs_bundle *into, rs_str *state) {
  const best *b = &l->best;
  float *data;
  if (b->epoch == 0) return RS_OK;
  rs_str_addf(state, ", \"best_epoch\": %zu, \"best_score\": \"%a\"", b->epoch, b->score);
  RS_TRY(rs_bundle_add(into, BEST, 1, &l->about->learner.size, &data));
  memcpy(data, b->values, l->about->learner.size * sizeof *data);
  return RS_OK;
}

/* Counters as JSON; real numbers in hexadecimal, so that they come back to the last bit. */
static rs_status save(void *user, rs_bundle *into, rs_str *state) {
  const loop *l = user;
  rs_train_counters n;
  RS_TRY(rs_trainer_save(l->trainer, into, &n));
  rs_str_addf(state, "{\"step\": %llu, \"seen\": %llu, \"correct\": %llu, \"loss_sum\": \"%a\"",
              (unsigned long long)n.step, (unsigned long long)n.seen, (unsigned long long)n.correct,
              n.loss_sum);
  RS_TRY(save_best(l, into, state));
  if (l->about->save != NULL) RS_TRY(l->about->save(l->about->user, into, state));
  rs_str_addf(state, "}");
  return rs_str_status(state);
}

static rs_status load_best(loop *l, const json_t *state) {
  json_int_t epoch;
  const char *score;
  const float *data;
  if (l->best.values == NULL || json_object_get(state, "best_epoch") == NULL) return RS_OK;
  if (json_unpack((json_t *)state, "{s:I, s:s}", "best_epoch", &epoch, "best_score", &score) != 0)
    return rs_fail(RS_ERR_DATA, "a checkpoint without the score of its best epoch");
  size_t size = l->about->learner.size;
  RS_TRY(rs_bundle_get(l->context->resume, BEST, size, 0, &data));
  l->best.epoch = (size_t)epoch;
  l->best.score = strtod(score, NULL);
  memcpy(l->best.values, data, size * sizeof *data);
  return RS_OK;
}

static rs_status load(loop *l, const json_t *state) {
  json_int_t step, seen, correct;
  const char *sum;
  if (json_unpack((json_t *)state, "{s:I, s:I, s:I, s:s}", "step", &step, "seen", &seen, "correct",
                  &correct, "loss_sum", &sum) != 0)
    return rs_fail(RS_ERR_DATA, "a checkpoint without the counters of a training: %.200s",
                   l->context->resume_state);
  rs_train_counters n = {(uint64_t)step, (uint64_t)seen, (uint64_t)correct, strtod(sum, NULL)};
  RS_TRY(rs_trainer_load(l->trainer, l->context->resume, &n));
  RS_TRY(load_best(l, state));
  if (l->about->load == NULL) return RS_OK;
  return l->about->load(l->about->user, l->context->resume, state);
}

static rs_status resume(loop *l) {
  if (l->context->resume == NULL) return RS_OK;
  json_t *state = json_loads(l->context->resume_state, 0, NULL);
  rs_status status = load(l, state);
  json_decref(state);
  return status;
}

/* ---- the loop ------------------------------------------------------------------------------ */

static rs_status one_step(loop *l, rs_train_progress *p) {
  const rs_stage_saver saver = {l, save};
  RS_TRY(rs_trainer_step(l->trainer));
  rs_trainer_progress(l->trainer, p);
  if (l->about->after_step != NULL) RS_TRY(l->about->after_step(l->about->user, p));
  if (p->epoch_ended) RS_TRY(end_epoch(l, p));
  rs_stage_progress progress = {p->step, p->steps_per_epoch * p->epochs, p->epoch, p->epochs,
                                p->loss};
  return rs_stage_tick(l->context, &progress, &saver);
}

/* A stop between two epochs may have come after the one that used up the patience. */
static bool is_over(const loop *l, const rs_train_progress *p) {
  return p->finished || (p->step % p->steps_per_epoch == 0 && out_of_patience(l, p->epoch));
}

static rs_status run(loop *l, rs_exp_trained_loop *out) {
  rs_train_progress p;
  rs_trainer_progress(l->trainer, &p);
  while (!is_over(l, &p)) RS_TRY(one_step(l, &p));
  *out = (rs_exp_trained_loop){.epochs = p.epoch, .kept = p.epoch};
  if (l->about->patience == 0 || l->best.epoch == 0) return RS_OK;
  out->kept = l->best.epoch;
  memcpy(l->about->learner.values, l->best.values, l->about->learner.size * sizeof(float));
  return RS_OK;
}

static rs_status leave_model(const loop *l, size_t kept) {
  rs_stage_context *c = l->context;
  const rs_learner *learner = &l->about->learner;
  rs_status status = rs_stage_final(c, "kept_epoch", (double)kept);
  if (status == RS_OK && rs_comm_rank(c->comm) == 0)
    status = learner->ops->save(learner->user, c->output);
  return rs_comm_agree(c->comm, status);
}

rs_status rs_exp_loop_run(rs_stage_context *c, rs_exp_loop *about, const rs_train_spec *spec,
                          rs_status prepared, rs_exp_trained_loop *out) {
  loop l = {.context = c, .about = about};
  rs_exp_trained_loop done;
  rs_status status = rs_comm_agree(c->comm, prepared);
  if (status != RS_OK) {
    rs_learner_close(&about->learner);
    return status;
  }
  status = rs_trainer_create(&about->learner, spec, c->comm, &l.trainer);
  if (status == RS_OK && about->patience > 0)
    status = rs_new(&l.best.values, about->learner.size, sizeof(float));
  if (status == RS_OK) status = resume(&l);
  status = rs_comm_agree(c->comm, status);
  if (status == RS_OK) status = run(&l, &done);
  if (status == RS_OK && about->leaves_model) status = leave_model(&l, done.kept);
  if (status == RS_OK && out != NULL) *out = done;
  free(l.best.values);
  rs_trainer_destroy(l.trainer);
  return status;
}
