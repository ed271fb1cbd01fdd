/* How well a model tells the speakers of a test apart, and how well no training at all does. */
#include "verify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- sides ------------------------------------------------------------------------------- */

static size_t frames_of(const rs_utterances *u, const rs_verify_trials *t, size_t side) {
  size_t frames = 0;
  for (size_t i = 0; i < t->clips; i++)
    frames += rs_sound_frames(&u->part, t->clip[side * t->clips + i]);
  return frames;
}

/* Features of one side's utterances, joined, into x [frames, stride]; their number. */
static size_t join(const rs_verify_model *m, const rs_utterances *u, const rs_verify_trials *t,
                   size_t side, size_t stride, float *x) {
  size_t at = 0;
  for (size_t i = 0; i < t->clips; i++) {
    size_t clip = t->clip[side * t->clips + i];
    for (size_t f = u->part.frame[clip]; f < u->part.frame[clip + 1]; f++)
      rs_exp_features(&m->front, u->part.spectrum + f * m->front.bins, m->mean, m->scale,
                      x + at++ * stride);
  }
  if (m->center) rs_verify_center(at, m->front.inputs, stride, x);
  return at;
}

/* ---- embeddings -------------------------------------------------------------------------- */

/* Sides that go through the network side by side. The number depends on nothing, so that results do
 * not either. */
enum { CHUNK = 32 };

typedef struct embedding {
  const rs_verify_model *model;
  const rs_utterances *u;
  const rs_verify_trials *trials;
  size_t most_frames, width;
  rs_sequence_workspace *ws;
  float *x; /* [T, CHUNK, inputs] */
} embedding;

static rs_status begin(embedding *e) {
  for (size_t i = 0; i < e->trials->sides; i++) {
    size_t frames = frames_of(e->u, e->trials, i);
    if (frames > e->most_frames) e->most_frames = frames;
  }
  RS_TRY(rs_sequence_workspace_create(e->model->net, e->most_frames, CHUNK, false, &e->ws));
  return rs_new(&e->x, e->most_frames * CHUNK * e->model->front.inputs, sizeof *e->x);
}

static void embed_chunk(embedding *e, size_t chunk, float *out) {
  size_t first = chunk * CHUNK, left = e->trials->sides - first;
  size_t rows = left < CHUNK ? left : CHUNK, inputs = e->model->front.inputs, frames = 1;
  uint32_t lengths[CHUNK];
  for (size_t b = 0; b < rows; b++) {
    lengths[b] = (uint32_t)frames_of(e->u, e->trials, first + b);
    if (lengths[b] > frames) frames = lengths[b];
  }
  memset(e->x, 0, frames * rows * inputs * sizeof *e->x);
#pragma omp parallel for schedule(dynamic, 1)
  for (size_t b = 0; b < rows; b++)
    (void)join(e->model, e->u, e->trials, first + b, rows * inputs, e->x + b * inputs);
  const rs_sequence_batch batch = {.frames = frames, .rows = rows, .x = e->x, .lengths = lengths};
  (void)rs_sequence_forward(e->model->net, e->ws, &batch);
  memcpy(out + first * e->width, rs_sequence_layer_output(e->ws, e->model->shape.embedding),
         rows * e->width * sizeof *out);
}

rs_status rs_verify_embed(const rs_verify_model *m, const rs_utterances *u,
                          const rs_verify_trials *t, rs_comm *comm, float *out) {
  embedding e = {.model = m, .u = u, .trials = t};
  size_t rank = (size_t)rs_comm_rank(comm), ranks = (size_t)rs_comm_size(comm);
  size_t chunks = (t->sides + CHUNK - 1) / CHUNK;
  e.width = m->shape.layers[m->shape.embedding].out;
  memset(out, 0, t->sides * e.width * sizeof *out);
  rs_status status = rs_comm_agree(comm, begin(&e));
  for (size_t i = rank; status == RS_OK && i < chunks; i += ranks) embed_chunk(&e, i, out);
  if (status == RS_OK) status = rs_comm_sum_floats(comm, out, t->sides * e.width);
  rs_sequence_workspace_destroy(e.ws);
  free(e.x);
  return status;
}

float rs_verify_probability(float logit) {
  rs_sigmoid(1, &logit, &logit);
  return logit;
}

/* Errors are counted by logits: probabilities close to 0 and 1 fall together in single precision,
 * which is where the costs of few false alarms are decided. */
rs_status rs_verify_test(const rs_verify_model *m, const rs_utterances *u,
                         const rs_verify_trials *t, rs_comm *comm, float *scores, double *loss,
                         rs_detection *out) {
  size_t width = m->shape.layers[m->shape.embedding].out;
  float *embeddings;
  RS_TRY(rs_comm_agree(comm, rs_new(&embeddings, t->sides * width, sizeof *embeddings)));
  rs_status status = rs_verify_embed(m, u, t, comm, embeddings);
  *loss = 0;
  for (size_t i = 0; status == RS_OK && i < t->n; i++) {
    float target = t->same[i] ? 1.0f : 0.0f;
    scores[i] = rs_verify_score(m, embeddings + t->pairs[i][0] * width,
                                embeddings + t->pairs[i][1] * width);
    *loss +=
        rs_sigmoid_cross_entropy(1, 1, &scores[i], &target, NULL, NULL, 0, NULL) / (double)t->n;
  }
  free(embeddings);
  if (status == RS_OK) status = rs_detection_measure(t->n, scores, t->same, 0, out);
  out->eer_threshold = rs_verify_probability((float)out->eer_threshold);
  return rs_comm_agree(comm, status);
}

/* ---- no training ------------------------------------------------------------------------- */

enum { BANDS = 40, CEPSTRA = 20, TOKEN = 2 * CEPSTRA };

/* Mean and deviation of the cepstra of one side. */
static void token_of(const rs_mel *mel, const rs_utterances *u, size_t bins,
                     const rs_verify_trials *t, size_t side, float token[TOKEN]) {
  float energies[BANDS], cepstra[CEPSTRA];
  double first[CEPSTRA] = {0}, second[CEPSTRA] = {0}, n = 0;
  for (size_t i = 0; i < t->clips; i++) {
    size_t clip = t->clip[side * t->clips + i];
    for (size_t f = u->part.frame[clip]; f < u->part.frame[clip + 1]; f++, n++) {
      rs_mel_log_energies(mel, u->part.spectrum + f * bins, energies);
      rs_mel_cepstra(mel, energies, cepstra);
      for (size_t c = 0; c < CEPSTRA; c++) {
        first[c] += cepstra[c];
        second[c] += (double)cepstra[c] * cepstra[c];
      }
    }
  }
  for (size_t c = 0; c < CEPSTRA; c++) {
    token[c] = (float)(first[c] / n);
    token[CEPSTRA + c] = (float)sqrt(fmax(second[c] / n - pow(first[c] / n, 2), 0));
  }
}

/* Each number to mean 0 and deviation 1 over all sides, so that none outweighs the others. */
static void standardise(size_t n, float (*tokens)[TOKEN]) {
  for (size_t k = 0; k < TOKEN; k++) {
    double first = 0, second = 0;
    for (size_t i = 0; i < n; i++) {
      first += tokens[i][k];
      second += (double)tokens[i][k] * tokens[i][k];
    }
    double mean = first / (double)n, deviation = sqrt(second / (double)n - mean * mean);
    for (size_t i = 0; i < n; i++)
      tokens[i][k] = (float)((tokens[i][k] - mean) / (deviation > 0 ? deviation : 1));
  }
}

static float cosine(const float *a, const float *b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t k = 0; k < TOKEN; k++) {
    ab += (double)a[k] * b[k];
    aa += (double)a[k] * a[k];
    bb += (double)b[k] * b[k];
  }
  return (float)(ab / sqrt(fmax(aa * bb, 1e-30)));
}

rs_status rs_verify_yardstick(const rs_front *front, const rs_utterances *u,
                              const rs_verify_trials *t, rs_detection *out) {
  float(*tokens)[TOKEN] = NULL, *scores = NULL;
  rs_mel *mel;
  RS_TRY(rs_mel_create(front->rate, front->bins, BANDS, CEPSTRA, &mel));
  rs_status status = rs_new(&tokens, t->sides, sizeof *tokens);
  if (status == RS_OK) status = rs_new(&scores, t->n, sizeof *scores);
  for (size_t i = 0; status == RS_OK && i < t->sides; i++)
    token_of(mel, u, front->bins, t, i, tokens[i]);
  if (status == RS_OK) standardise(t->sides, tokens);
  for (size_t i = 0; status == RS_OK && i < t->n; i++)
    scores[i] = cosine(tokens[t->pairs[i][0]], tokens[t->pairs[i][1]]);
  if (status == RS_OK) status = rs_detection_measure(t->n, scores, t->same, 0, out);
  rs_mel_destroy(mel);
  free(tokens);
  free(scores);
  return status;
}
