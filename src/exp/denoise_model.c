#include "denoise.h"

#include <stdlib.h>
#include <string.h>

rs_status rs_denoise_model_create(const rs_settings *s, size_t svd_rank, rs_denoise_model *out) {
  rs_denoise_shape shape = rs_exp_denoise_shape(s, svd_rank);
  *out = (rs_denoise_model){0};
  rs_status status = rs_exp_front_open(s, &out->front);
  if (status == RS_OK) status = rs_sequence_create(shape.layers, shape.n, &out->net);
  if (status == RS_OK && out->front.normalize)
    status = rs_new(&out->mean, 2 * out->front.inputs, sizeof *out->mean);
  if (out->mean != NULL) out->scale = out->mean + out->front.inputs;
  if (status != RS_OK) rs_denoise_model_free(out);
  return status;
}

void rs_denoise_model_free(rs_denoise_model *m) {
  rs_exp_front_close(&m->front);
  rs_sequence_destroy(m->net);
  free(m->mean);
  *m = (rs_denoise_model){0};
}

static rs_status load_vector(const rs_bundle *from, const char *name, size_t n, float *out) {
  const float *data;
  RS_TRY(rs_bundle_get(from, name, n, 0, &data));
  memcpy(out, data, n * sizeof *out);
  return RS_OK;
}

rs_status rs_denoise_model_load(rs_denoise_model *m, const rs_bundle *from) {
  RS_TRY(rs_sequence_load(m->net, from));
  if (m->mean == NULL) return RS_OK;
  RS_TRY(load_vector(from, RS_FEATURES_MEAN, m->front.inputs, m->mean));
  return load_vector(from, RS_FEATURES_SCALE, m->front.inputs, m->scale);
}

static rs_status save_vector(rs_bundle *into, const char *name, size_t n, const float *from) {
  float *data;
  RS_TRY(rs_bundle_add(into, name, 1, &n, &data));
  memcpy(data, from, n * sizeof *data);
  return RS_OK;
}

rs_status rs_denoise_model_save(const rs_denoise_model *m, rs_bundle *into) {
  RS_TRY(rs_sequence_save(m->net, into));
  if (m->mean == NULL) return RS_OK;
  RS_TRY(save_vector(into, RS_FEATURES_MEAN, m->front.inputs, m->mean));
  return save_vector(into, RS_FEATURES_SCALE, m->front.inputs, m->scale);
}
