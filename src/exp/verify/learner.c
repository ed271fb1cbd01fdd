/* Learning to tell pairs of one speaker from pairs of two. Every pair of every step is drawn anew,
 * by its step and its place in the batch, so the numbers of samples do not matter. */
#include "verify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An utterance of a side: frames [first, first + frames), with noise of some scale. */
typedef struct excerpt {
  size_t clip, first, frames;
  size_t noise, at;
  float scale; /* 0: no noise */
} excerpt;

typedef struct learner {
  rs_verify_model *model;
  const rs_speakers *speakers;
  rs_verify_spec spec;
  rs_rivals rivals;
  uint64_t epoch; /* of the present pass */

  size_t most_frames; /* T at most; up to 2 * pairs sequences */
  rs_sequence_workspace *ws;
  float *x;                   /* [T, B, inputs] */
  uint32_t *sides;            /* [B, clips] */
  uint32_t *lengths, *places; /* [B] */
  uint32_t (*pairs)[2];       /* [P] */
  float *targets;             /* [P] */
  rs_cfloat *scratch;         /* [threads, bins] */
  rs_sequence_batch batch;
  rs_sequence_dropout dropout;
} learner;

/* ---- life -------------------------------------------------------------------------------- */

static size_t longest(const rs_sound_part *p) {
  size_t most = 0;
  for (size_t i = 0; i < p->count; i++)
    if (rs_sound_frames(p, i) > most) most = rs_sound_frames(p, i);
  return most;
}

static rs_status open(void *user, size_t rows) {
  learner *l = user;
  size_t clips = l->spec.clips, most = longest(&l->speakers->train.part), b = 2 * rows;
  if (l->spec.frames > 0 && l->spec.frames < most) most = l->spec.frames;
  l->most_frames = clips * most;
  RS_TRY(rs_sequence_workspace_create(l->model->net, l->most_frames, b, true, &l->ws));
  RS_TRY(rs_new(&l->x, l->most_frames * b * l->model->front.inputs, sizeof *l->x));
  RS_TRY(rs_new(&l->sides, b * clips, sizeof *l->sides));
  RS_TRY(rs_new(&l->lengths, b, sizeof *l->lengths));
  RS_TRY(rs_new(&l->places, b, sizeof *l->places));
  RS_TRY(rs_new(&l->pairs, rows, sizeof *l->pairs));
  RS_TRY(rs_new(&l->targets, rows, sizeof *l->targets));
  return rs_new(&l->scratch, (size_t)rs_num_threads() * l->speakers->bins, sizeof *l->scratch);
}

static void close(void *user) {
  learner *l = user;
  rs_sequence_workspace_destroy(l->ws);
  free(l->x);
  free(l->sides);
  free(l->lengths);
  free(l->places);
  free(l->pairs);
  free(l->targets);
  free(l->scratch);
  rs_rivals_free(&l->rivals);
  free(l);
}

/* ---- excerpts ---------------------------------------------------------------------------- */

/* Drawn by epoch and utterance, so that an utterance is the same in all pairs of an epoch and goes
 * through the network once. */
static excerpt draw(const learner *l, uint32_t clip) {
  enum { DRAWS = 5 };
  const rs_verify_spec *spec = &l->spec;
  const rs_stream s = rs_stream_make(spec->seed, spec->stage, "excerpt", l->epoch);
  const rs_utterances *u = &l->speakers->train;
  const rs_sound_part *noise = &l->speakers->noise;
  uint64_t at = (uint64_t)DRAWS * clip;
  size_t frames = rs_sound_frames(&u->part, clip);
  excerpt e = {.clip = clip, .frames = frames};
  if (spec->frames > 0 && spec->frames < frames) {
    e.frames = spec->frames;
    e.first = rs_stream_below(&s, at, (uint32_t)(frames - e.frames + 1));
  }
  if (noise->count == 0 || (double)rs_stream_uniform(&s, at + 1) >= spec->noise) return e;
  e.noise = rs_stream_below(&s, at + 2, (uint32_t)noise->count);
  e.at = rs_stream_below(&s, at + 3, (uint32_t)rs_sound_frames(noise, e.noise));
  double snr =
      spec->snr_low + (spec->snr_high - spec->snr_low) * (double)rs_stream_uniform(&s, at + 4);
  size_t all = rs_sound_frames(noise, e.noise);
  double energy = l->speakers->noise_energy[noise->frame[e.noise] + e.noise + all];
  double power = energy / (double)(all * l->speakers->hop);
  e.scale = (float)sqrt(u->power[clip] / power * pow(10, -snr / 10));
  return e;
}

/* Frame T of E, which may be mixed in SCRATCH. */
static const rs_cfloat *frame_of(const learner *l, const excerpt *e, size_t t, rs_cfloat *scratch) {
  size_t bins = l->speakers->bins;
  const rs_sound_part *speech = &l->speakers->train.part, *noise = &l->speakers->noise;
  const rs_cfloat *clean = speech->spectrum + (speech->frame[e->clip] + e->first + t) * bins;
  if (e->scale == 0.0f) return clean;
  size_t at = (e->at + t) % rs_sound_frames(noise, e->noise);
  const float *s = (const float *)clean;
  const float *n = (const float *)(noise->spectrum + (noise->frame[e->noise] + at) * bins);
  float *out = (float *)scratch;
#pragma omp simd
  for (size_t i = 0; i < 2 * bins; i++) out[i] = s[i] + e->scale * n[i];
  return scratch;
}

/* ---- a batch ----------------------------------------------------------------------------- */

/* The number of the side CLIPS, new or from before. */
static uint32_t side_of(learner *l, const uint32_t *clips) {
  size_t bytes = l->spec.clips * sizeof *clips;
  for (size_t b = 0; b < l->batch.rows; b++)
    if (memcmp(l->sides + b * l->spec.clips, clips, bytes) == 0) return (uint32_t)b;
  memcpy(l->sides + l->batch.rows * l->spec.clips, clips, bytes);
  /* A side that ranks share has one dropout mask: it is numbered by what it is, not by its place.
   */
  l->places[l->batch.rows] = (uint32_t)rs_checksum(clips, bytes);
  return (uint32_t)l->batch.rows++;
}

static void list_pairs(learner *l, const rs_pass *pass) {
  const uint64_t most_places = 1 << 20; /* of a batch; whole squares */
  const rs_verify_spec *spec = &l->spec;
  const rs_stream stream = rs_stream_make(spec->seed, spec->stage, "pairs", pass->epoch);
  for (size_t i = 0; i < pass->n; i++) {
    uint64_t place = pass->step * most_places + pass->first + i;
    rs_pair pair;
    (spec->squares ? rs_pair_draw_square : rs_pair_draw)(&l->speakers->train, &l->rivals,
                                                         spec->clips, &stream, place, &pair);
    l->pairs[i][0] = side_of(l, pair.a);
    l->pairs[i][1] = side_of(l, pair.b);
    l->targets[i] = pair.same ? 1.0f : 0.0f;
  }
}

static size_t measure_sides(learner *l) {
  size_t most = 1;
  for (size_t b = 0; b < l->batch.rows; b++) {
    size_t frames = 0;
    for (size_t i = 0; i < l->spec.clips; i++)
      frames += draw(l, l->sides[b * l->spec.clips + i]).frames;
    l->lengths[b] = (uint32_t)frames;
    if (frames > most) most = frames;
  }
  return most;
}

static void gather_side(learner *l, size_t b, rs_cfloat *scratch) {
  const rs_verify_model *m = l->model;
  size_t inputs = m->front.inputs, stride = l->batch.rows * inputs, at = 0;
  float *x = l->x + b * inputs;
  for (size_t i = 0; i < l->spec.clips; i++) {
    excerpt e = draw(l, l->sides[b * l->spec.clips + i]);
    for (size_t t = 0; t < e.frames; t++)
      rs_exp_features(&m->front, frame_of(l, &e, t, scratch), m->mean, m->scale, x + at++ * stride);
  }
  if (m->center) rs_verify_center(at, inputs, stride, x);
  for (; at < l->batch.frames; at++) memset(x + at * stride, 0, inputs * sizeof *x);
}

static void gather(learner *l, const rs_pass *pass) {
  l->epoch = pass->epoch;
  l->batch = (rs_sequence_batch){.x = l->x, .lengths = l->lengths, .dropout = &l->dropout};
  l->dropout = (rs_sequence_dropout){
      .seed = l->spec.seed, .stage = l->spec.stage, .step = pass->step, .samples = l->places};
  list_pairs(l, pass);
  l->batch.n_pairs = pass->n;
  l->batch.pairs = (const uint32_t(*)[2])l->pairs;
  l->batch.frames = measure_sides(l);
#pragma omp parallel
  {
    rs_cfloat *scratch = l->scratch + (size_t)rs_num_thread() * l->speakers->bins;
#pragma omp for schedule(dynamic, 1)
    for (size_t b = 0; b < l->batch.rows; b++) gather_side(l, b, scratch);
  }
}

/* ---- passes ------------------------------------------------------------------------------ */

static void forward(void *user, const rs_pass *pass, rs_pass_result *out) {
  learner *l = user;
  gather(l, pass);
  const float *logits = rs_sequence_forward(l->model->net, l->ws, &l->batch);
  for (size_t i = 0; i < pass->n; i++) out->correct += (logits[i] > 0.0f) == (l->targets[i] > 0.5f);
  out->count = pass->n;
  out->loss =
      rs_sigmoid_cross_entropy(pass->n, 1, logits, l->targets, NULL, NULL,
                               1.0f / (float)pass->whole, rs_sequence_output_gradient(l->ws));
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
  return rs_verify_model_save(((const learner *)user)->model, into);
}

static rs_status load(void *user, const rs_bundle *from) {
  return rs_verify_model_load(((learner *)user)->model, from);
}

static const rs_learner_ops ops = {.open = open,
                                   .forward = forward,
                                   .backward = backward,
                                   .not_finite = not_finite,
                                   .save = save,
                                   .load = load,
                                   .close = close};

rs_status rs_verify_learner_create(rs_verify_model *model, const rs_speakers *speakers,
                                   const rs_verify_spec *spec, rs_learner *out) {
  learner *l;
  *out = (rs_learner){0};
  RS_TRY(rs_new(&l, 1, sizeof *l));
  l->model = model;
  l->speakers = speakers;
  l->spec = *spec;
  if (spec->hard > 0) {
    rs_status status = rs_rivals_find(&model->front, &speakers->train, spec->hard, &l->rivals);
    if (status != RS_OK) {
      free(l);
      return status;
    }
  }
  *out = (rs_learner){.ops = &ops,
                      .user = l,
                      .values = model->net->values,
                      .size = model->net->size,
                      .count = spec->pairs};
  return RS_OK;
}
