/* store: the row layout that writing and reading a table share. */
#ifndef RANKSWEEP_STORE_TABLE_HDF5_H
#define RANKSWEEP_STORE_TABLE_HDF5_H

#include "hdf5_util.h"

/* Where the cells of a row lie in the dataset and in memory, which are the same. */
typedef struct rs_layout {
  size_t row_bytes;
  size_t *offsets, *widths; /* one a column */
  hid_t type;
} rs_layout;

/* Room for the given number of columns; the caller then sets the widths. rs_layout_free() also
 * after failure. */
rs_status rs_layout_init(rs_layout *l, size_t columns) RS_MUST_CHECK;

/* Offsets and the compound type of the columns of T from the widths. */
rs_status rs_layout_finish(rs_layout *l, const rs_table *t, const char *path,
                           const char *name) RS_MUST_CHECK;
void rs_layout_free(rs_layout *l);

/* How many of ROWS rows to hold in memory at a time. */
size_t rs_layout_block_rows(const rs_layout *l, size_t rows);

/* Move rows FIRST to FIRST + N - 1 of DATASET: write OUT, or read into IN when OUT is NULL. */
bool rs_layout_transfer(hid_t dataset, const rs_layout *l, size_t first, size_t n, const void *out,
                        void *in);

enum {
  RS_DEFLATE_RATIO = 1100, /* deflate cannot do better than 1032 : 1 */
  RS_MAX_CHUNKS = 8192,    /* of one table */
};

/* Check the chunks of a dataset of ROWS rows of ROW_BYTES each, made with the properties CREATION.
 */
rs_status rs_h5_check_chunks(const rs_h5_file *f, const char *name, hid_t dataset, hid_t creation,
                             size_t rows, size_t row_bytes) RS_MUST_CHECK;

#endif
