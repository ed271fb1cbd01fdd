/* Stages verify-svd and verify-compress: a trained network of speakers at any svd rank. */
#include "low_rank/decompose.h"
#include "low_rank/sequence.h"
#include "verify.h"

static rs_status svd_cost(const rs_settings *s, rs_cost *out) {
  rs_verify_shape shape = rs_exp_verify_shape(s, 0);
  return rs_exp_sequence_svd_cost(shape.layers, shape.n, out);
}

static rs_status svd_run(rs_stage_context *c) {
  rs_verify_shape shape = rs_exp_verify_shape(c->settings, 0);
  return rs_exp_sequence_svd(c, shape.layers, shape.n);
}

const rs_stage_op rs_verify_svd = {
    .spec = {.name = "verify-svd",
             .version = 1,
             .reads = (const char *const[]){"model.", NULL},
             .cost = svd_cost},
    .vectors = rs_exp_singular_values,
    .run = svd_run,
};

static rs_status compress_cost(const rs_settings *s, rs_cost *out) {
  rs_verify_shape low = rs_exp_verify_shape(s, (size_t)rs_settings_int(s, "svd.rank"));
  return rs_exp_sequence_compress_cost(low.layers, low.n, out);
}

static rs_status compress_run(rs_stage_context *c) {
  rs_verify_shape full = rs_exp_verify_shape(c->settings, 0);
  rs_verify_shape low =
      rs_exp_verify_shape(c->settings, (size_t)rs_settings_int(c->settings, "svd.rank"));
  return rs_exp_sequence_compress(c, full.layers, low.layers, full.n);
}

const rs_stage_op rs_verify_compress = {
    .spec = {.name = "verify-compress",
             .version = 1,
             .reads = (const char *const[]){"model.", "svd.rank", NULL},
             .cost = compress_cost},
    .run = compress_run,
};
