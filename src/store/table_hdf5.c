/* A table as a compound dataset: one member a column, packed. */
#include "table_hdf5.h"

#include <stdlib.h>

/* Of rows in memory at a time, so that one very long text does not cost rows times its length. */
enum { BLOCK_BYTES = 32 * 1024 * 1024 };

void rs_layout_free(rs_layout *l) {
  free(l->offsets);
  free(l->widths);
  rs_h5_close(l->type);
}

size_t rs_layout_block_rows(const rs_layout *l, size_t rows) {
  size_t fit = BLOCK_BYTES / l->row_bytes;
  return fit < 1 ? 1 : fit < rows ? fit : rows;
}

static bool insert_member(const rs_layout *l, size_t c, const rs_column *about) {
  hid_t text = H5I_INVALID_HID, type = H5T_NATIVE_DOUBLE;
  if (about->type == RS_COLUMN_INT) type = H5T_NATIVE_INT64;
  if (about->type == RS_COLUMN_TEXT) type = text = rs_h5_text_type(l->widths[c]);
  bool ok = type >= 0 && H5Tinsert(l->type, about->name, l->offsets[c], type) >= 0;
  rs_h5_close(text);
  return ok;
}

rs_status rs_layout_finish(rs_layout *l, const rs_table *t, const char *path, const char *name) {
  size_t n = rs_table_columns(t);
  for (size_t c = 0; c < n; c++) {
    l->offsets[c] = l->row_bytes;
    l->row_bytes += l->widths[c];
  }
  bool ok = (l->type = H5Tcreate(H5T_COMPOUND, l->row_bytes)) >= 0;
  for (size_t c = 0; ok && c < n; c++) ok = insert_member(l, c, rs_table_column(t, c));
  return ok ? RS_OK : rs_h5_fail(RS_ERR_INTERNAL, path, name);
}

rs_status rs_layout_init(rs_layout *l, size_t columns) {
  *l = (rs_layout){.type = H5I_INVALID_HID};
  RS_TRY(rs_new(&l->offsets, columns, sizeof *l->offsets));
  return rs_new(&l->widths, columns, sizeof *l->widths);
}

bool rs_layout_transfer(hid_t dataset, const rs_layout *l, size_t first, size_t n, const void *out,
                        void *in) {
  hsize_t start = first, count = n;
  hid_t file_space = H5Dget_space(dataset), memory_space = H5Screate_simple(1, &count, NULL);
  bool ok = file_space >= 0 && memory_space >= 0 &&
            H5Sselect_hyperslab(file_space, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0;
  if (ok)
    ok = (out != NULL ? H5Dwrite(dataset, l->type, memory_space, file_space, H5P_DEFAULT, out)
                      : H5Dread(dataset, l->type, memory_space, file_space, H5P_DEFAULT, in)) >= 0;
  rs_h5_close(memory_space);
  rs_h5_close(file_space);
  return ok;
}
