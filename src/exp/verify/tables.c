/* What a test of speaker verification leaves for people: its curves, and tables of its scores and
 * of what the network makes of each recording. */
#include "verify.h"

#include <stdlib.h>
#include <string.h>

/* ---- curves ------------------------------------------------------------------------------ */

enum { DET_POINTS = 201, SCORE_BINS = 50 };

const rs_stage_vectors rs_verify_curves[] = {
    {.tensor = "miss",
     .name = "detection_error",
     .long_name = "Share of pairs of one speaker that are rejected",
     .axis = {"false_alarm", "Share of pairs of two speakers that are accepted", NULL},
     .scale = RS_SCALE_LOG_LOG},
    {.tensor = "same",
     .name = "scores_of_one_speaker",
     .long_name = "Share of pairs of one speaker",
     .axis = {"score", "Score", NULL}},
    {.tensor = "different",
     .name = "scores_of_two_speakers",
     .long_name = "Share of pairs of two speakers",
     .axis = {"score", "Score", NULL}},
    {0},
};

static rs_status add(rs_bundle *into, const char *name, size_t n, float **data) {
  return rs_bundle_add(into, name, 1, &n, data);
}

static rs_status leave_detection(rs_bundle *into, const rs_verify_trials *t, const float *scores) {
  float *alarm, *miss;
  RS_TRY(add(into, "detection/false_alarm", DET_POINTS, &alarm));
  RS_TRY(add(into, "detection/miss", DET_POINTS, &miss));
  return rs_detection_curve(t->n, scores, t->same, DET_POINTS, alarm, miss);
}

/* Shares of the pairs of each kind whose probability is in a bin. */
static rs_status leave_histograms(rs_bundle *into, const rs_verify_trials *t, const float *scores) {
  float *middle, *of[2];
  size_t count[2] = {0, 0};
  RS_TRY(add(into, "scores/score", SCORE_BINS, &middle));
  RS_TRY(add(into, "scores/different", SCORE_BINS, &of[0]));
  RS_TRY(add(into, "scores/same", SCORE_BINS, &of[1]));
  for (size_t i = 0; i < t->n; i++) count[t->same[i] != 0]++;
  for (size_t i = 0; i < t->n; i++) {
    size_t kind = t->same[i] != 0, bin = (size_t)(rs_verify_probability(scores[i]) * SCORE_BINS);
    of[kind][bin < SCORE_BINS ? bin : SCORE_BINS - 1] += 1.0f / (float)count[kind];
  }
  for (size_t i = 0; i < SCORE_BINS; i++) middle[i] = ((float)i + 0.5f) / SCORE_BINS;
  return RS_OK;
}

rs_status rs_verify_leave_curves(rs_bundle *into, const rs_verify_trials *t, const float *scores) {
  RS_TRY(leave_detection(into, t, scores));
  return leave_histograms(into, t, scores);
}

/* ---- tables ------------------------------------------------------------------------------ */

static rs_status write_text(void *user, const char *path) {
  const rs_str *text = user;
  return rs_file_replace(path, text->text, text->len);
}

/* "speaker,file,start": a made voice has no file, a whole recording begins at 0 s. */
static void add_utterance(rs_str *out, const rs_utterances *u, size_t i) {
  rs_str_add_csv(out, u->part.name[i]);
  rs_str_add(out, ",");
  rs_str_add_csv(out, u->file[i]);
  rs_str_addf(out, ",%.9g", u->at[i]);
}

static void embeddings_text(const rs_utterances *u, size_t width, const float *embeddings,
                            rs_str *out) {
  rs_str_add(out, "speaker,file,start");
  for (size_t k = 0; k < width; k++) rs_str_addf(out, ",e%zu", k + 1);
  rs_str_add(out, "\n");
  for (size_t i = 0; i < u->part.count; i++) {
    add_utterance(out, u, i);
    for (size_t k = 0; k < width; k++) rs_str_addf(out, ",%.9g", (double)embeddings[i * width + k]);
    rs_str_add(out, "\n");
  }
}

/* Numbers of utterances, as they stand in the table of embeddings: "3+17+20". */
static void add_side(rs_str *out, const rs_verify_trials *t, size_t side) {
  for (size_t i = 0; i < t->clips; i++)
    rs_str_addf(out, "%s%u", i > 0 ? "+" : "", (unsigned)t->clip[side * t->clips + i]);
}

static void scores_text(const rs_verify_trials *t, const float *scores, rs_str *out) {
  rs_str_add(out, "a,b,same,score,logit\n");
  for (size_t i = 0; i < t->n; i++) {
    add_side(out, t, t->pairs[i][0]);
    rs_str_add(out, ",");
    add_side(out, t, t->pairs[i][1]);
    rs_str_addf(out, ",%d,%.9g,%.9g\n", t->same[i] != 0, (double)rs_verify_probability(scores[i]),
                (double)scores[i]);
  }
}

/* Takes TEXT over. */
static rs_status leave_text(rs_stage_context *c, const char *name, const char *what, rs_str *text) {
  const rs_artifact artifact = {.name = name, .long_name = what, .user = text, .write = write_text};
  rs_status status = rs_comm_agree(c->comm, rs_str_status(text));
  if (status == RS_OK) status = rs_stage_artifact(c, &artifact);
  rs_str_free(text);
  return status;
}

/* Every utterance on its own. */
static rs_status each_alone(const rs_utterances *u, rs_verify_trials *out) {
  *out = (rs_verify_trials){.clips = 1, .sides = u->part.count};
  RS_TRY(rs_new(&out->clip, out->sides, sizeof *out->clip));
  for (size_t i = 0; i < out->sides; i++) out->clip[i] = (uint32_t)i;
  return RS_OK;
}

rs_status rs_verify_leave_tables(rs_stage_context *c, const rs_verify_model *m,
                                 const rs_utterances *u, const rs_verify_trials *t,
                                 const float *scores) {
  size_t width = m->shape.layers[m->shape.embedding].out;
  rs_verify_trials alone;
  float *embeddings = NULL;
  rs_str text = {0};
  rs_status status = each_alone(u, &alone);
  if (status == RS_OK) status = rs_new(&embeddings, alone.sides * width, sizeof *embeddings);
  status = rs_comm_agree(c->comm, status);
  if (status == RS_OK) status = rs_verify_embed(m, u, &alone, c->comm, embeddings);
  if (status == RS_OK) {
    embeddings_text(u, width, embeddings, &text);
    status = leave_text(c, "embeddings.csv", "What the network makes of each utterance of the test",
                        &text);
  }
  free(embeddings);
  rs_verify_trials_free(&alone);
  RS_TRY(status);
  scores_text(t, scores, &text);
  return leave_text(c, "scores.csv",
                    "Scores of the pairs of the test; sides are rows of embeddings.csv, from 0",
                    &text);
}
