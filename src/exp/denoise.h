/* Speech denoising by a mask that recurrent layers estimate: the network, its settings, its stages.
 */
#ifndef RANKSWEEP_EXP_DENOISE_H
#define RANKSWEEP_EXP_DENOISE_H

#include "front.h"
#include "ranksweep/nn.h"

extern const rs_setting rs_exp_denoise_model_settings[]; /* model.gru, model.dropout */

enum { RS_DENOISE_MAX_GRUS = 8, RS_DENOISE_MAX_LAYERS = 2 * RS_DENOISE_MAX_GRUS };

typedef struct rs_denoise_shape {
  size_t n;
  rs_sequence_spec layers[RS_DENOISE_MAX_LAYERS];
} rs_denoise_shape;

/* features [bins] -> GRU, dropout, ..., GRU -> logits of the mask [bins]. SVD_RANK > 0 factors
 * every kernel. */
rs_denoise_shape rs_exp_denoise_shape(const rs_settings *s, size_t svd_rank);
/* Adds a problem when model.gru is empty or too long, or svd.rank more than a layer has. */
void rs_exp_check_denoise_shape(const rs_settings *s, rs_problems *problems);

/* What else belongs to a model, beside the network's parameters: the normalisation of its features,
 * as tensors of these names, [bins] each; there with data.normalize. */
#define RS_FEATURES_MEAN  "features/mean"
#define RS_FEATURES_SCALE "features/scale"

#endif
