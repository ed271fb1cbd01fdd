/* Stages denoise-svd and denoise-compress: a trained denoiser at any svd rank. */
#include "low_rank/decompose.h"
#include "denoise.h"
#include "low_rank/sequence.h"

static rs_status svd_cost(const rs_settings *s, rs_cost *out) {
  rs_denoise_shape shape = rs_exp_denoise_shape(s, 0);
  return rs_exp_sequence_svd_cost(shape.layers, shape.n, out);
}

static rs_status svd_run(rs_stage_context *c) {
  rs_denoise_shape shape = rs_exp_denoise_shape(c->settings, 0);
  return rs_exp_sequence_svd(c, shape.layers, shape.n);
}

const rs_stage_op rs_denoise_svd = {
    .spec = {.name = "denoise-svd",
             .version = 1,
             .reads = (const char *const[]){"model.", NULL},
             .cost = svd_cost},
    .vectors = rs_exp_singular_values,
    .run = svd_run,
};

static rs_status compress_cost(const rs_settings *s, rs_cost *out) {
  rs_denoise_shape low = rs_exp_denoise_shape(s, (size_t)rs_settings_int(s, "svd.rank"));
  return rs_exp_sequence_compress_cost(low.layers, low.n, out);
}

static rs_status compress_run(rs_stage_context *c) {
  rs_denoise_shape full = rs_exp_denoise_shape(c->settings, 0);
  rs_denoise_shape low =
      rs_exp_denoise_shape(c->settings, (size_t)rs_settings_int(c->settings, "svd.rank"));
  return rs_exp_sequence_compress(c, full.layers, low.layers, full.n);
}

const rs_stage_op rs_denoise_compress = {
    .spec = {.name = "denoise-compress",
             .version = 1,
             .reads = (const char *const[]){"model.", "svd.rank", NULL},
             .cost = compress_cost},
    .run = compress_run,
};
