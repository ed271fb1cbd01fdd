/* A table into a compound dataset. */
#include "table_hdf5.h"

#include <stdlib.h>
#include <string.h>

enum {
  CHUNK_BYTES = 512 * 1024,
  DEFLATED_FROM = 256 * 1024, /* smaller tables are not compressed */
  DEFLATE_LEVEL = 1,          /* after shuffling, higher levels take much longer for little */
};

static size_t longest_text(const rs_table *t, size_t column) {
  size_t width = 1;
  for (size_t r = 0; r < rs_table_rows(t); r++) {
    size_t length = strlen(rs_table_text(t, r, column));
    if (length > width) width = length;
  }
  return width;
}

static rs_status layout_of_table(rs_layout *l, const rs_table *t, const char *path,
                                 const char *name) {
  RS_TRY(rs_layout_init(l, rs_table_columns(t)));
  for (size_t c = 0; c < rs_table_columns(t); c++)
    l->widths[c] =
        rs_table_column(t, c)->type == RS_COLUMN_TEXT ? longest_text(t, c) : sizeof(int64_t);
  return rs_layout_finish(l, t, path, name);
}

static void pack_cell(const rs_table *t, size_t row, size_t c, char *to) {
  switch (rs_table_column(t, c)->type) {
  case RS_COLUMN_INT: memcpy(to, &(int64_t){rs_table_int(t, row, c)}, sizeof(int64_t)); break;
  case RS_COLUMN_FLOAT: memcpy(to, &(double){rs_table_float(t, row, c)}, sizeof(double)); break;
  case RS_COLUMN_TEXT: {
    const char *text = rs_table_text(t, row, c);
    memcpy(to, text, strlen(text)); /* the block was zeroed */
    break;
  }
  }
}

static void pack_rows(const rs_table *t, const rs_layout *l, size_t first, size_t n, char *block) {
  memset(block, 0, n * l->row_bytes);
  for (size_t r = 0; r < n; r++)
    for (size_t c = 0; c < rs_table_columns(t); c++)
      pack_cell(t, first + r, c, block + r * l->row_bytes + l->offsets[c]);
}

static hsize_t chunk_rows(const rs_layout *l, size_t rows) {
  size_t fit = l->row_bytes < CHUNK_BYTES ? CHUNK_BYTES / l->row_bytes : 1;
  size_t least = rows / RS_MAX_CHUNKS + 1;
  if (fit < least) fit = least;
  return fit < rows ? fit : rows;
}

/* Chunks for the sake of their checksum: contiguous data have none. */
static bool set_chunks(hid_t creation, const rs_layout *l, size_t table_rows) {
  hsize_t rows = chunk_rows(l, table_rows);
  bool ok = H5Pset_chunk(creation, 1, &rows) >= 0;
  if (ok && table_rows > DEFLATED_FROM / l->row_bytes)
    ok = H5Pset_shuffle(creation) >= 0 && H5Pset_deflate(creation, DEFLATE_LEVEL) >= 0;
  return ok && H5Pset_fletcher32(creation) >= 0;
}

static hid_t create_dataset(hid_t parent, const char *name, const rs_layout *l, size_t rows) {
  hsize_t dims = rows;
  hid_t dataset = H5I_INVALID_HID, space = H5Screate_simple(1, &dims, NULL);
  hid_t creation = rs_h5_creation(H5P_DATASET_CREATE);
  bool ok = space >= 0 && creation >= 0;
  if (ok && rows > 0) ok = set_chunks(creation, l, rows);
  if (ok) dataset = H5Dcreate2(parent, name, l->type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  rs_h5_close(creation);
  rs_h5_close(space);
  return dataset;
}

static rs_status write_rows(hid_t dataset, const char *path, const char *name, const rs_table *t,
                            const rs_layout *l) {
  size_t rows = rs_table_rows(t), step = rs_layout_block_rows(l, rows);
  char *block;
  RS_TRY(rs_new(&block, step, l->row_bytes));
  rs_status status = RS_OK;
  for (size_t first = 0; status == RS_OK && first < rows; first += step) {
    size_t n = rows - first < step ? rows - first : step;
    pack_rows(t, l, first, n, block);
    if (!rs_layout_transfer(dataset, l, first, n, block, NULL))
      status = rs_h5_fail(RS_ERR_IO, path, name);
  }
  free(block);
  return status;
}

/* `units` and `long_name`: one text a column in the order of the members, "" where there is none;
 * the attribute is left out when no column has one. */
static rs_status write_about(hid_t dataset, const char *path, const char *name, const rs_table *t) {
  size_t n = rs_table_columns(t), units = 0, names = 0;
  const char **texts;
  RS_TRY(rs_new(&texts, 2 * n, sizeof *texts));
  for (size_t c = 0; c < n; c++) {
    const rs_column *about = rs_table_column(t, c);
    units += about->unit != NULL;
    names += about->long_name != NULL;
    texts[c] = about->unit != NULL ? about->unit : "";
    texts[n + c] = about->long_name != NULL ? about->long_name : "";
  }
  bool ok = (units == 0 || rs_h5_set_texts(dataset, "units", texts, n)) &&
            (names == 0 || rs_h5_set_texts(dataset, "long_name", texts + n, n));
  rs_status status = ok ? RS_OK : rs_h5_fail(RS_ERR_IO, path, name);
  free(texts);
  return status;
}

rs_status rs_h5_table_write(hid_t parent, const char *path, const char *name, const rs_table *t) {
  if (rs_table_columns(t) == 0)
    return rs_fail(RS_ERR_INTERNAL, "%s: %s: a table without columns", path, name);
  rs_layout l;
  hid_t dataset = H5I_INVALID_HID;
  rs_status status;
  RS_TRY_GOTO(status, done, layout_of_table(&l, t, path, name));
  dataset = create_dataset(parent, name, &l, rs_table_rows(t));
  if (dataset < 0) {
    status = rs_h5_fail(RS_ERR_IO, path, name);
    goto done;
  }
  RS_TRY_GOTO(status, done, write_rows(dataset, path, name, t, &l));
  status = write_about(dataset, path, name, t);
done:
  rs_h5_close(dataset);
  rs_layout_free(&l);
  return status;
}

/* ---- one column less ---------------------------------------------------------------------- */

static rs_status copy_cell(rs_table *to, const rs_table *from, size_t row, size_t column) {
  switch (rs_table_column(from, column)->type) {
  case RS_COLUMN_INT: rs_table_set_int(to, row, column, rs_table_int(from, row, column)); break;
  case RS_COLUMN_FLOAT:
    rs_table_set_float(to, row, column, rs_table_float(from, row, column));
    break;
  case RS_COLUMN_TEXT: return rs_table_set_text(to, row, column, rs_table_text(from, row, column));
  }
  return RS_OK;
}

static rs_status copy_without(rs_table *to, const rs_table *from, size_t column) {
  for (size_t c = 0; c < rs_table_columns(from); c++)
    RS_TRY(rs_table_add_column(to, rs_table_column(from, c)));
  for (size_t row = 0; row < rs_table_rows(from); row++) {
    RS_TRY(rs_table_add_row(to, NULL));
    for (size_t c = 0; c < rs_table_columns(from); c++)
      if (c != column) RS_TRY(copy_cell(to, from, row, c));
  }
  return RS_OK;
}

rs_status rs_h5_table_write_without(hid_t parent, const char *path, const char *name,
                                    const rs_table *t, size_t column) {
  rs_table *copy;
  RS_TRY(rs_table_create(NULL, 0, &copy));
  rs_status status = copy_without(copy, t, column);
  if (status == RS_OK) status = rs_h5_table_write(parent, path, name, copy);
  rs_table_destroy(copy);
  return status;
}
