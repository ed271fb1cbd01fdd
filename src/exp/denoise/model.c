#include "denoise.h"

#include <stdlib.h>

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

rs_status rs_denoise_model_load(rs_denoise_model *m, const rs_bundle *from) {
  RS_TRY(rs_sequence_load(m->net, from));
  return rs_exp_load_statistics(from, m->front.inputs, m->mean, m->scale);
}

rs_status rs_denoise_model_save(const rs_denoise_model *m, rs_bundle *into) {
  RS_TRY(rs_sequence_save(m->net, into));
  return rs_exp_save_statistics(into, m->front.inputs, m->mean, m->scale);
}
