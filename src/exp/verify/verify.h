/* Speaker verification by a Siamese network: its pairs, its network, its training and its tests. */
#ifndef RANKSWEEP_EXP_VERIFY_H
#define RANKSWEEP_EXP_VERIFY_H

#include "detection.h"
#include "ranksweep/nn.h"
#include "sound/speakers.h"

/* ---- pairs --------------------------------------------------------------------------------- */

enum { RS_MOST_CLIPS = 64 };

/* Two sides of CLIPS utterances each, of one speaker or of two. */
typedef struct rs_pair {
  uint32_t a[RS_MOST_CLIPS], b[RS_MOST_CLIPS];
  bool same;
} rs_pair;

/* The speakers that sound most like each, nearest first. Empty: there are none. */
typedef struct rs_rivals {
  double share; /* of the pairs of two speakers that are made of rivals */
  size_t count; /* of each speaker */
  uint32_t *of; /* [speakers, count] */
} rs_rivals;

/* By their mean cepstra, a quarter of all. */
rs_status rs_rivals_find(const rs_front *front, const rs_utterances *u, double share,
                         rs_rivals *out) RS_MUST_CHECK;
void rs_rivals_free(rs_rivals *r);

/* Pair INDEX of the stream: even ones are of one speaker. All utterances of a pair are different. A
 * function of its arguments. */
void rs_pair_draw(const rs_utterances *u, const rs_rivals *rivals, size_t clips,
                  const rs_stream *stream, uint64_t index, rs_pair *out);

/* The same in fours: pairs 4 k .. 4 k + 3 are the four sides of a square whose corners are two
 * sides of one speaker and two of another, so that each is in two pairs. */
void rs_pair_draw_square(const rs_utterances *u, const rs_rivals *rivals, size_t clips,
                         const rs_stream *stream, uint64_t index, rs_pair *out);

/* ---- model --------------------------------------------------------------------------------- */

/* model.*, data.center */
extern const rs_setting rs_exp_verify_model_settings[];

enum { RS_VERIFY_MAX_LAYERS = 21 };

typedef struct rs_verify_shape {
  size_t n, embedding; /* embedding: number of the layer that makes them */
  rs_sequence_spec layers[RS_VERIFY_MAX_LAYERS];
} rs_verify_shape;

/* features [inputs] -> GRU, ... -> pooling -> dense: the embedding -> comparison -> one logit.
 * SVD_RANK > 0 factors every kernel but the last. */
rs_verify_shape rs_exp_verify_shape(const rs_settings *s, size_t svd_rank);
void rs_exp_check_verify_shape(const rs_settings *s, rs_problems *problems);

typedef struct rs_verify_model {
  rs_front front;
  rs_verify_shape shape;
  rs_sequence_net *net;
  bool center;         /* features less their mean over the side */
  float *mean, *scale; /* [inputs]; NULL without data.normalize */
} rs_verify_model;

rs_status rs_verify_model_create(const rs_settings *s, size_t svd_rank,
                                 rs_verify_model *out) RS_MUST_CHECK;
rs_status rs_verify_model_init(rs_verify_model *m, uint64_t seed, const char *stage) RS_MUST_CHECK;
void rs_verify_model_free(rs_verify_model *m); /* takes an empty one */
rs_status rs_verify_model_load(rs_verify_model *m, const rs_bundle *from) RS_MUST_CHECK;
rs_status rs_verify_model_save(const rs_verify_model *m, rs_bundle *into) RS_MUST_CHECK;

/* Takes from each feature of x [frames, inputs], rows STRIDE apart, its mean. */
void rs_verify_center(size_t frames, size_t inputs, size_t stride, float *x);

/* Mean and 1 / deviation of the features over all utterances of U. */
rs_status rs_verify_statistics(const rs_front *front, const rs_utterances *u, float *mean,
                               float *scale) RS_MUST_CHECK;

/* Logit of embeddings A and B being one speaker's. */
float rs_verify_score(const rs_verify_model *m, const float *a, const float *b);

/* ---- training ------------------------------------------------------------------------------ */

typedef struct rs_verify_spec {
  size_t clips, pairs;      /* of a side; of an epoch */
  size_t frames;            /* most of an utterance, from any place; 0: all */
  bool squares;             /* rs_pair_draw_square */
  double hard;              /* see rs_rivals */
  double noise;             /* share of utterances that get noise */
  double snr_low, snr_high; /* dB, between which its level is drawn */
  uint64_t seed;
  const char *stage; /* names the random streams */
} rs_verify_spec;

/* MODEL on pairs of the training utterances of SPEAKERS; both outlive it. */
rs_status rs_verify_learner_create(rs_verify_model *model, const rs_speakers *speakers,
                                   const rs_verify_spec *spec, rs_learner *out) RS_MUST_CHECK;

/* ---- test ---------------------------------------------------------------------------------- */

/* Pairs of test utterances: the same for a seed and a number of clips. */
typedef struct rs_verify_trials {
  size_t clips, n, sides;
  uint32_t *clip;       /* [sides, clips] utterances of each different side */
  uint32_t (*pairs)[2]; /* [n] sides */
  uint8_t *same;        /* [n] */
} rs_verify_trials;

/* Those that SPEAKERS was given, else drawn ones. */
rs_status rs_verify_trials_make(const rs_speakers *speakers, size_t clips, size_t n, uint64_t seed,
                                rs_verify_trials *out) RS_MUST_CHECK;
rs_status rs_verify_trials_draw(const rs_utterances *u, size_t clips, size_t n, uint64_t seed,
                                rs_verify_trials *out) RS_MUST_CHECK;
void rs_verify_trials_free(rs_verify_trials *t);

/* Embeddings [sides, width of that layer] of all sides, shared out over the group. Collective. */
rs_status rs_verify_embed(const rs_verify_model *m, const rs_utterances *u,
                          const rs_verify_trials *t, rs_comm *comm, float *out) RS_MUST_CHECK;

/* The probability that a logit stands for. */
float rs_verify_probability(float logit);

/* SCORES [n], as logits, and the measures at probability one half, thresholds being probabilities;
 * LOSS is the mean cross-entropy. Collective. */
rs_status rs_verify_test(const rs_verify_model *m, const rs_utterances *u,
                         const rs_verify_trials *t, rs_comm *comm, float *scores, double *loss,
                         rs_detection *out) RS_MUST_CHECK;

/* What no training is needed for: cosines of mean and deviation of cepstra. */
rs_status rs_verify_yardstick(const rs_front *front, const rs_utterances *u,
                              const rs_verify_trials *t, rs_detection *out) RS_MUST_CHECK;

/* What a test leaves for people, of SCORES as logits: curves for rs_verify_curves, and tables as
 * artifacts. Collective. */
rs_status rs_verify_leave_curves(rs_bundle *into, const rs_verify_trials *t,
                                 const float *scores) RS_MUST_CHECK;
rs_status rs_verify_leave_tables(rs_stage_context *c, const rs_verify_model *m,
                                 const rs_utterances *u, const rs_verify_trials *t,
                                 const float *scores) RS_MUST_CHECK;
extern const rs_stage_vectors rs_verify_curves[];

/* ---- stages -------------------------------------------------------------------------------- */

extern const rs_setting rs_exp_verify_train_settings[];
extern const rs_metric rs_exp_verify_metrics[]; /* of an epoch */
extern const rs_stage_op rs_verify_train;       /* leaves a model */
extern const rs_stage_op rs_verify_svd;         /* leaves kernels, and u, s, vt of each */
extern const rs_stage_op rs_verify_compress;    /* leaves a model at svd.rank */
extern const rs_stage_op rs_verify_report;

#endif
