/* The two halves of reading an IDX file, for callers that look at headers first. */
#ifndef RANKSWEEP_DATA_IDX_H
#define RANKSWEEP_DATA_IDX_H

#include "bytes.h"
#include "ranksweep/data.h"

/* Shape as text: "60000 x 28 x 28". */
#define RS_IDX_SHAPE_TEXT 64
void rs_idx_shape(const rs_idx *idx, char out[RS_IDX_SHAPE_TEXT]);

/* Header into OUT (no data yet), its claims checked. */
rs_status rs_idx_read_header(rs_bytes *from, rs_idx *out) RS_MUST_CHECK;

/* What follows, up to and including the end of the file, into IDX->data. */
rs_status rs_idx_read_body(rs_bytes *from, rs_idx *idx) RS_MUST_CHECK;

#endif
