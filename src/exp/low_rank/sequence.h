/* Stages that decompose the kernels of a trained sequence network once, and truncate them at any
 * svd rank. */
#ifndef RANKSWEEP_EXP_SEQUENCE_SVD_H
#define RANKSWEEP_EXP_SEQUENCE_SVD_H

#include "ranksweep/exp.h"
#include "ranksweep/nn.h"

/* The problem, if any, that svd.rank is more than a layer of LAYERS [n] has. Layers with one output
 * are not factored. */
void rs_exp_check_sequence_rank(const rs_settings *s, const rs_sequence_spec *layers, size_t n,
                                rs_problems *problems);

/* From the network LAYERS [n] in the parent's output to the same with u, s and vt of every kernel.
 * Collective. */
rs_status rs_exp_sequence_svd(rs_stage_context *c, const rs_sequence_spec *layers,
                              size_t n) RS_MUST_CHECK;
rs_status rs_exp_sequence_svd_cost(const rs_sequence_spec *layers, size_t n,
                                   rs_cost *out) RS_MUST_CHECK;

/* From there to the network LOW, the same layers with svd ranks, and the final metric `energy`.
 * Collective. */
rs_status rs_exp_sequence_compress(rs_stage_context *c, const rs_sequence_spec *layers,
                                   const rs_sequence_spec *low, size_t n) RS_MUST_CHECK;
rs_status rs_exp_sequence_compress_cost(const rs_sequence_spec *low, size_t n,
                                        rs_cost *out) RS_MUST_CHECK;

#endif
