/* A trained model of speaker verification on recordings. */
#include "verify.h"

#include <math.h>
#include <stdlib.h>

struct rs_verifier {
  rs_verify_model model;
  rs_stft *stft;
  size_t frames, cap; /* of the present side */
  float *x;           /* [cap] numbers: [frames, inputs] */
  size_t cap_spectrum;
  rs_cfloat *spectrum;
};

/* ---- life -------------------------------------------------------------------------------- */

/* Settings that were read back from a file have not been through the experiment's own check. */
static rs_status check_shape(const rs_settings *s) {
  rs_problems *problems;
  RS_TRY(rs_problems_create(&problems));
  rs_exp_check_front(s, problems);
  rs_exp_check_verify_shape(s, problems);
  rs_status status = rs_problems_status(problems);
  rs_problems_destroy(problems);
  return status;
}

rs_status rs_verifier_create(const rs_settings *s, const rs_bundle *model, rs_verifier **out) {
  rs_verifier *v;
  *out = NULL;
  RS_TRY(check_shape(s));
  RS_TRY(rs_new(&v, 1, sizeof *v));
  rs_status status = rs_verify_model_create(s, (size_t)rs_settings_int(s, "svd.rank"), &v->model);
  if (status == RS_OK) status = rs_verify_model_load(&v->model, model);
  if (status == RS_OK) status = rs_stft_create(&v->model.front.stft, &v->stft);
  if (status == RS_OK)
    *out = v;
  else
    rs_verifier_destroy(v);
  return status;
}

void rs_verifier_destroy(rs_verifier *v) {
  if (v == NULL) return;
  rs_stft_destroy(v->stft);
  rs_verify_model_free(&v->model);
  free(v->x);
  free(v->spectrum);
  free(v);
}

size_t rs_verifier_width(const rs_verifier *v) {
  return v->model.shape.layers[v->model.shape.embedding].out;
}

/* ---- sides ------------------------------------------------------------------------------- */

rs_status rs_verifier_add(rs_verifier *v, size_t n, const float *samples) {
  const rs_verify_model *m = &v->model;
  size_t frames = rs_stft_frames(v->stft, n), inputs = m->front.inputs, bins = m->front.bins;
  RS_TRY(rs_grow(&v->spectrum, &v->cap_spectrum, frames * bins, sizeof *v->spectrum));
  RS_TRY(rs_grow(&v->x, &v->cap, (v->frames + frames) * inputs, sizeof *v->x));
  RS_TRY(rs_stft_forward(v->stft, n, samples, v->spectrum));
  for (size_t t = 0; t < frames; t++)
    rs_exp_features(&m->front, v->spectrum + t * bins, m->mean, m->scale,
                    v->x + (v->frames + t) * inputs);
  v->frames += frames;
  return RS_OK;
}

rs_status rs_verifier_embed(rs_verifier *v, float *embedding) {
  const rs_verify_model *m = &v->model;
  rs_sequence_workspace *ws;
  RS_ASSERT(v->frames > 0);
  RS_TRY(rs_sequence_workspace_create(m->net, v->frames, 1, false, &ws));
  if (m->center) rs_verify_center(v->frames, m->front.inputs, m->front.inputs, v->x);
  const rs_sequence_batch batch = {.frames = v->frames, .rows = 1, .x = v->x};
  (void)rs_sequence_forward(m->net, ws, &batch);
  const float *out = rs_sequence_layer_output(ws, m->shape.embedding);
  rs_status status = RS_OK;
  for (size_t i = 0; i < rs_verifier_width(v); i++) {
    embedding[i] = out[i];
    if (!isfinite(out[i]))
      status = rs_fail(RS_ERR_NUMERIC, "the network gives numbers that are not finite");
  }
  rs_sequence_workspace_destroy(ws);
  v->frames = 0;
  return status;
}

double rs_verifier_score(const rs_verifier *v, const float *a, const float *b) {
  return (double)rs_verify_probability(rs_verify_score(&v->model, a, b));
}
