/* Vectors and images in the outputs of stages that are worth a plot, e.g. the singular values of a
 * layer. */
#ifndef RANKSWEEP_SCHED_VECTORS_H
#define RANKSWEEP_SCHED_VECTORS_H

#include "ranksweep/exp.h"
#include "ranksweep/store.h"

typedef struct vectors vectors;

rs_status vectors_create(vectors **out) RS_MUST_CHECK;
void vectors_destroy(vectors *v);

/* Look once into what STAGE left in DIRECTORY for what OP says is there. An output that cannot be
 * read has none: plots are not worth a failure. Nothing more is noted when there are enough plots.
 */
rs_status vectors_look(vectors *v, int stage, const rs_stage_op *op, const char *directory,
                       rs_id identity) RS_MUST_CHECK;

/* What STAGE left is gone, and its vectors with it. */
void vectors_drop(vectors *v, int stage);

/* /plots/vectors, in the order of the stages; the caller's to destroy. FOLDER: name of the
 * directory of the outputs, beside the results file. */
rs_status vectors_table(const vectors *v, const char *folder, rs_table **out) RS_MUST_CHECK;

#endif
