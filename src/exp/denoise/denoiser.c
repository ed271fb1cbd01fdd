/* A trained model of speech denoising on a stream of samples.
 *
 * Frames go through the network a block at a time: the input's products of a block are then one
 * large product each, and only the recurrent ones take a frame after the other. */
#include "denoise.h"

#include <stdlib.h>

struct rs_denoiser {
  rs_denoise_model model;
  bool hard;
  rs_denoiser_write write;
  void *user;
  rs_stft *stft;
  rs_stft_stream *stream;
  rs_sequence_workspace *ws;
  float *x;    /* [RS_DENOISER_BLOCK, inputs], features */
  float *mask; /* [bins] */
};

/* ---- frames ------------------------------------------------------------------------------- */

static rs_status check_finite(const rs_denoiser *d, size_t first, size_t count) {
  const char *layer = rs_sequence_not_finite(d->model.net, d->ws);
  if (layer == NULL) return RS_OK;
  return rs_fail(RS_ERR_NUMERIC,
                 "frames %zu to %zu: expected finite numbers out of layer %s, found others", first,
                 first + count - 1, layer);
}

static void apply_mask(const rs_denoiser *d, const float *logits, rs_cfloat *bins) {
  const size_t n = d->model.front.bins;
  rs_sigmoid(n, logits, d->mask);
  for (size_t k = 0; d->hard && k < n; k++) d->mask[k] = d->mask[k] > 0.5f ? 1.0f : 0.0f;
  rs_mask_apply(n, d->mask, bins);
}

/* The network's states go on from one block to the next. */
static rs_status on_frames(void *user, size_t first, size_t count, rs_cfloat *bins) {
  rs_denoiser *d = user;
  const rs_denoise_model *m = &d->model;
  const size_t n = m->front.bins;
  for (size_t i = 0; i < count; i++)
    rs_exp_features(&m->front, bins + i * n, m->mean, m->scale, d->x + i * m->front.inputs);
  const rs_sequence_batch batch = {.frames = count, .rows = 1, .x = d->x, .continues = first > 0};
  const float *logits = rs_sequence_forward(m->net, d->ws, &batch);
  RS_TRY(check_finite(d, first, count));
  for (size_t i = 0; i < count; i++) apply_mask(d, logits + i * n, bins + i * n);
  return RS_OK;
}

static rs_status on_write(void *user, const float *samples, size_t n) {
  rs_denoiser *d = user;
  return d->write(d->user, samples, n);
}

static const rs_stft_stream_ops stream_ops = {.frames = on_frames, .write = on_write};

/* ---- life --------------------------------------------------------------------------------- */

/* Settings that were read back from a file have not been through the experiment's own check. */
static rs_status check_shape(const rs_settings *s) {
  rs_problems *problems;
  RS_TRY(rs_problems_create(&problems));
  rs_exp_check_front(s, problems);
  rs_exp_check_denoise_shape(s, problems);
  rs_status status = rs_problems_status(problems);
  rs_problems_destroy(problems);
  return status;
}

static rs_status prepare(rs_denoiser *d, const rs_settings *s, const rs_bundle *model) {
  rs_denoise_model *m = &d->model;
  RS_TRY(check_shape(s));
  RS_TRY(rs_denoise_model_create(s, (size_t)rs_settings_int(s, "svd.rank"), m));
  RS_TRY(rs_denoise_model_load(m, model));
  RS_TRY(rs_sequence_workspace_create(m->net, RS_DENOISER_BLOCK, 1, false, &d->ws));
  RS_TRY(rs_new(&d->x, RS_DENOISER_BLOCK * m->front.inputs, sizeof *d->x));
  RS_TRY(rs_new(&d->mask, m->front.bins, sizeof *d->mask));
  RS_TRY(rs_stft_create(&m->front.stft, &d->stft));
  return rs_stft_stream_create(d->stft, RS_DENOISER_BLOCK, &stream_ops, d, &d->stream);
}

rs_status rs_denoiser_create(const rs_settings *s, const rs_bundle *model, bool hard,
                             rs_denoiser_write write, void *user, rs_denoiser **out) {
  rs_denoiser *d;
  *out = NULL;
  RS_TRY(rs_new(&d, 1, sizeof *d));
  d->hard = hard;
  d->write = write;
  d->user = user;
  rs_status status = prepare(d, s, model);
  if (status == RS_OK)
    *out = d;
  else
    rs_denoiser_destroy(d);
  return status;
}

void rs_denoiser_destroy(rs_denoiser *d) {
  if (d == NULL) return;
  rs_stft_stream_destroy(d->stream);
  rs_stft_destroy(d->stft);
  rs_sequence_workspace_destroy(d->ws);
  rs_denoise_model_free(&d->model);
  free(d->x);
  free(d->mask);
  free(d);
}

/* ---- samples ------------------------------------------------------------------------------ */

rs_status rs_denoiser_push(rs_denoiser *d, const float *samples, size_t n) {
  return rs_stft_stream_push(d->stream, samples, n);
}

rs_status rs_denoiser_end(rs_denoiser *d) {
  return rs_stft_stream_end(d->stream);
}
