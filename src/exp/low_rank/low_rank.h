/* What the experiments on networks of low rank share. */
#ifndef RANKSWEEP_EXP_LOW_RANK_H
#define RANKSWEEP_EXP_LOW_RANK_H

#include "mlp/mlp.h"

/* svd.rank, with its default and what it means. */
#define RS_EXP_SVD_RANK(standard, text)                                                            \
  {                                                                                                \
    .path = "svd.rank", .type = RS_INT, .initial = (standard), .min = 1, .max = 65536,             \
    .word = "full", .unit = "singular values", .help = (text)                                      \
  }

/* Final metrics. */
#define RS_EXP_ENERGY                                                                              \
  { "energy", NULL, "Smallest share of a hidden layer's squared singular values that is kept" }
#define RS_EXP_INFERENCE                                                                           \
  {"model_bytes", "B", "Size of the compressed model's parameters"},                               \
      {"inference_speed", "1/s", "Samples a second through the compressed model, one rank"}, {     \
    "inference_speedup", NULL, "Against the dense model of the same shape, beside it"              \
  }

/* Images, svd rank against layers, reduction against groups; for the kinds' check. */
rs_status rs_exp_check_low_rank(const rs_settings *s, rs_problems *problems) RS_MUST_CHECK;

/* u = U_D S_D^SHARE and v = S_D^(1 - SHARE) V_D^T of every factored layer into NET, from what
 * mlp-svd leaves; all else as trained. */
rs_status rs_exp_fill_factors(rs_network *net, const rs_bundle *svd, double share) RS_MUST_CHECK;

/* Smallest share over the hidden layers of the squared singular values that the first D hold; D 0:
 * all. */
rs_status rs_exp_kept_energy(const rs_mlp_shape *shape, const rs_bundle *svd, size_t d,
                             double *out) RS_MUST_CHECK;

/* Times NET and the dense network of SHAPE on test images, in turn, on this rank, and reports the
 * finals of RS_EXP_INFERENCE. Takes about a quarter of a second at most. Collective. */
rs_status rs_exp_measure_inference(rs_stage_context *c, const rs_network *net,
                                   const rs_mlp_shape *shape) RS_MUST_CHECK;

#endif
