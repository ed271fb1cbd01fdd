/* Learning to tell which bins of a mixture are speech. A sample is an excerpt of a clip; what noise
 * it gets is drawn anew in every epoch. */
#include "denoise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct learner {
  rs_denoise_model *model;
  const rs_speech *speech;
  rs_mix_spec mix;
  float power;           /* of a bin's magnitude, that its loss is weighted with */
  uint32_t *clip, *part; /* [samples] */

  size_t rows; /* B at most, of T = mix.excerpt frames each */
  rs_sequence_workspace *ws;
  float *x;             /* [T, B, inputs] */
  float *targets;       /* [T, B, bins] */
  float *emphasis;      /* [T, B, bins]; NULL: all bins alike */
  float *weights;       /* [T, B]: 0 where there is padding */
  uint32_t *lengths;    /* [B] */
  uint32_t *places;     /* [B] of the rows in the whole batch */
  rs_mixture *mixtures; /* [B] */
  rs_cfloat *scratch;   /* [threads, bins] */
  rs_sequence_batch batch;
  rs_sequence_dropout dropout;
} learner;

/* ---- life -------------------------------------------------------------------------------- */

static rs_status open(void *user, size_t rows) {
  learner *l = user;
  size_t frames = l->mix.excerpt, bins = l->speech->bins, inputs = l->model->front.inputs;
  l->rows = rows;
  RS_TRY(rs_sequence_workspace_create(l->model->net, frames, rows, true, &l->ws));
  RS_TRY(rs_new(&l->x, frames * rows * inputs, sizeof *l->x));
  RS_TRY(rs_new(&l->targets, frames * rows * bins, sizeof *l->targets));
  if (l->power > 0) RS_TRY(rs_new(&l->emphasis, frames * rows * bins, sizeof *l->emphasis));
  RS_TRY(rs_new(&l->weights, frames * rows, sizeof *l->weights));
  RS_TRY(rs_new(&l->lengths, rows, sizeof *l->lengths));
  RS_TRY(rs_new(&l->places, rows, sizeof *l->places));
  RS_TRY(rs_new(&l->mixtures, rows, sizeof *l->mixtures));
  return rs_new(&l->scratch, (size_t)rs_num_threads() * bins, sizeof *l->scratch);
}

static void close(void *user) {
  learner *l = user;
  rs_sequence_workspace_destroy(l->ws);
  free(l->x);
  free(l->targets);
  free(l->emphasis);
  free(l->weights);
  free(l->lengths);
  free(l->places);
  free(l->mixtures);
  free(l->scratch);
  free(l->clip);
  free(l->part);
  free(l);
}

/* ---- a batch ----------------------------------------------------------------------------- */

static size_t frames_of(const learner *l, uint32_t sample) {
  const size_t *frame = l->speech->train.frame + l->clip[sample];
  return frame[1] - frame[0] < l->mix.excerpt ? frame[1] - frame[0] : l->mix.excerpt;
}

/* |noisy|^POWER of each bin. */
static void emphasise(size_t bins, const rs_cfloat *noisy, float power, float *out) {
  rs_spectrum_magnitude(bins, noisy, out);
  if (power == 1.0f) return;
  for (size_t k = 0; k < bins; k++) out[k] = power == 0.5f ? sqrtf(out[k]) : powf(out[k], power);
}

/* Frame T of row B, or padding. */
static void gather_frame(learner *l, size_t t, size_t b, rs_cfloat *noisy) {
  size_t bins = l->speech->bins, inputs = l->model->front.inputs;
  size_t place = t * l->batch.rows + b;
  float *x = l->x + place * inputs, *target = l->targets + place * bins;
  const rs_cfloat *clean, *noise;
  bool padding = t >= l->lengths[b];
  l->weights[place] = padding ? 0.0f : 1.0f;
  if (padding) {
    memset(x, 0, inputs * sizeof *x);
    memset(target, 0, bins * sizeof *target);
    return;
  }
  rs_exp_mix_frame(l->speech, &l->mixtures[b], t, &clean, &noise, noisy);
  rs_exp_features(&l->model->front, noisy, l->model->mean, l->model->scale, x);
  rs_mask_ideal(bins, clean, noise, l->mixtures[b].scale, target);
  if (l->emphasis != NULL) emphasise(bins, noisy, l->power, l->emphasis + place * bins);
}

/* So that the mean over the excerpt of row B is 1. */
static void level_emphasis(learner *l, size_t b) {
  size_t bins = l->speech->bins, rows = l->batch.rows;
  double sum = 0;
  for (size_t t = 0; t < l->lengths[b]; t++)
    for (size_t k = 0; k < bins; k++) sum += (double)l->emphasis[(t * rows + b) * bins + k];
  float scale = sum > 0 ? (float)((double)(l->lengths[b] * bins) / sum) : 0.0f;
  for (size_t t = 0; t < l->lengths[b]; t++)
    rs_scale(bins, scale, l->emphasis + (t * rows + b) * bins);
}

static void gather(learner *l, const rs_pass *pass) {
  const uint32_t *samples = pass->batch + pass->first;
  size_t rows = pass->n, frames = 0;
  for (size_t b = 0; b < rows; b++) {
    l->mixtures[b] = rs_exp_draw(l->speech, &l->mix, pass->epoch, samples[b], l->clip[samples[b]],
                                 l->part[samples[b]]);
    l->lengths[b] = (uint32_t)l->mixtures[b].frames;
    l->places[b] = (uint32_t)(pass->first + b);
    if (l->lengths[b] > frames) frames = l->lengths[b];
  }
  l->dropout = (rs_sequence_dropout){
      .seed = l->mix.seed, .stage = l->mix.stage, .step = pass->step, .samples = l->places};
  l->batch = (rs_sequence_batch){
      .frames = frames, .rows = rows, .x = l->x, .lengths = l->lengths, .dropout = &l->dropout};
#pragma omp parallel
  {
    rs_cfloat *noisy = l->scratch + (size_t)rs_num_thread() * l->speech->bins;
#pragma omp for schedule(static)
    for (size_t i = 0; i < frames * rows; i++) gather_frame(l, i / rows, i % rows, noisy);
#pragma omp for schedule(static)
    for (size_t b = 0; b < rows; b++)
      if (l->emphasis != NULL) level_emphasis(l, b);
  }
}

/* ---- passes ------------------------------------------------------------------------------ */

/* Bins that are speech or noise as the logits say. */
static size_t count_right(const learner *l, const float *logits) {
  size_t right = 0, rows = l->batch.frames * l->batch.rows, bins = l->speech->bins;
#pragma omp parallel for schedule(static) reduction(+ : right)
  for (size_t i = 0; i < rows; i++) {
    size_t here = 0;
    for (size_t k = i * bins; k < (i + 1) * bins; k++)
      here += (logits[k] > 0.0f) == (l->targets[k] > 0.5f);
    if (l->weights[i] > 0) right += here;
  }
  return right;
}

static size_t count_frames(const learner *l, const uint32_t *samples, size_t n) {
  size_t frames = 0;
  for (size_t i = 0; i < n; i++) frames += frames_of(l, samples[i]);
  return frames;
}

static void forward(void *user, const rs_pass *pass, rs_pass_result *out) {
  learner *l = user;
  size_t bins = l->speech->bins;
  gather(l, pass);
  const float *logits = rs_sequence_forward(l->model->net, l->ws, &l->batch);
  double whole = (double)(count_frames(l, pass->batch, pass->whole) * bins);
  out->correct = count_right(l, logits);
  out->count = count_frames(l, pass->batch + pass->first, pass->n) * bins;
  out->loss = rs_sigmoid_cross_entropy(l->batch.frames * l->batch.rows, bins, logits, l->targets,
                                       l->weights, l->emphasis, (float)(1.0 / whole),
                                       rs_sequence_output_gradient(l->ws));
}

static rs_status backward(void *user, const rs_pass *pass, float *gradients,
                          rs_gradient_ready ready, void *ready_user) {
  learner *l = user;
  (void)pass;
  return rs_sequence_backward(l->model->net, l->ws, &l->batch, gradients, ready, ready_user);
}

static const char *not_finite(const void *user, const rs_pass *pass) {
  const learner *l = user;
  (void)pass;
  return rs_sequence_not_finite(l->model->net, l->ws);
}

static rs_status save(const void *user, rs_bundle *into) {
  return rs_denoise_model_save(((const learner *)user)->model, into);
}

static rs_status load(void *user, const rs_bundle *from) {
  return rs_denoise_model_load(((learner *)user)->model, from);
}

static const rs_learner_ops ops = {.open = open,
                                   .forward = forward,
                                   .backward = backward,
                                   .not_finite = not_finite,
                                   .save = save,
                                   .load = load,
                                   .close = close};

rs_status rs_denoise_learner_create(rs_denoise_model *model, const rs_speech *speech,
                                    const rs_mix_spec *mix, double emphasis, rs_learner *out) {
  learner *l;
  size_t count = rs_exp_count_excerpts(speech, mix->excerpt);
  *out = (rs_learner){0};
  RS_TRY(rs_new(&l, 1, sizeof *l));
  l->model = model;
  l->speech = speech;
  l->mix = *mix;
  l->power = (float)emphasis;
  rs_status status = rs_new(&l->clip, count, sizeof *l->clip);
  if (status == RS_OK) status = rs_new(&l->part, count, sizeof *l->part);
  if (status != RS_OK) {
    close(l);
    return status;
  }
  rs_exp_list_excerpts(speech, mix->excerpt, l->clip, l->part);
  *out = (rs_learner){.ops = &ops,
                      .user = l,
                      .values = model->net->values,
                      .size = model->net->size,
                      .count = count};
  return RS_OK;
}
