/* A compound dataset into a table. The file may be damaged or made by someone else: every size is
 * checked before memory is taken for it. */
#include "table_hdf5.h"

#include <stdlib.h>
#include <string.h>

enum {
  MAX_CELLS = 100 * 1000 * 1000,
  MAX_ROW_BYTES = 64 * 1024 * 1024,
};

/* The dataset and what it claims to be. */
typedef struct source {
  const rs_h5_file *f;
  const char *name;
  hid_t dataset, type;
  size_t rows, members, row_bytes;
} source;

static rs_status bad(const source *s, const char *what) {
  return rs_fail(RS_ERR_DATA, "%s: %s: %s", s->f->path, s->name, what);
}

static rs_status failed_call(const source *s) {
  return rs_h5_fail(RS_ERR_DATA, s->f->path, s->name);
}

/* ---- opening and checking ----------------------------------------------------------------- */

static rs_status open_dataset(source *s) {
  H5L_info_t link;
  if (H5Lexists(s->f->id, s->name, H5P_DEFAULT) <= 0) return bad(s, "table is missing");
  if (H5Lget_info(s->f->id, s->name, &link, H5P_DEFAULT) < 0) return failed_call(s);
  if (link.type != H5L_TYPE_HARD) return bad(s, "expected a table, got a link");
  s->dataset = H5Dopen2(s->f->id, s->name, H5P_DEFAULT);
  if (s->dataset < 0) return failed_call(s);
  s->type = H5Dget_type(s->dataset);
  if (s->type < 0) return failed_call(s);
  if (H5Tget_class(s->type) != H5T_COMPOUND) return bad(s, "expected a table of named columns");
  s->row_bytes = H5Tget_size(s->type);
  int members = H5Tget_nmembers(s->type);
  s->members = members > 0 ? (size_t)members : 0;
  return s->members > 0 ? RS_OK : bad(s, "a table without columns");
}

static rs_status check_shape(source *s) {
  hsize_t rows = 0;
  hid_t space = H5Dget_space(s->dataset);
  bool flat = space >= 0 && H5Sget_simple_extent_type(space) == H5S_SIMPLE &&
              H5Sget_simple_extent_ndims(space) == 1 &&
              H5Sget_simple_extent_dims(space, &rows, NULL) == 1;
  rs_h5_close(space);
  if (!flat) return bad(s, "expected one dimension");
  if (s->row_bytes == 0 || s->row_bytes > MAX_ROW_BYTES || rows > MAX_CELLS / s->members)
    return rs_fail(RS_ERR_DATA, "%s: %s: %llu rows of %zu bytes are more than can be", s->f->path,
                   s->name, (unsigned long long)rows, s->row_bytes);
  s->rows = (size_t)rows;
  return RS_OK;
}

static rs_status check_kind(const source *s, hid_t creation) {
  size_t stored = (size_t)H5Dget_storage_size(s->dataset);
  H5D_layout_t kind = H5Pget_layout(creation);
  if (kind == H5D_CHUNKED)
    return rs_h5_check_chunks(s->f, s->name, s->dataset, creation, s->rows, s->row_bytes);
  if ((kind != H5D_CONTIGUOUS && kind != H5D_COMPACT) || H5Pget_external_count(creation) != 0)
    return bad(s, "expected the data to be stored in the file");
  if (stored <= s->f->bytes && s->rows <= stored / s->row_bytes) return RS_OK;
  return rs_fail(RS_ERR_DATA, "%s: %s: claims %zu rows of %zu bytes, but %zu bytes are stored",
                 s->f->path, s->name, s->rows, s->row_bytes, stored);
}

static rs_status check_storage(const source *s) {
  if (s->rows == 0) return RS_OK;
  hid_t creation = H5Dget_create_plist(s->dataset);
  if (creation < 0) return failed_call(s);
  rs_status status = check_kind(s, creation);
  rs_h5_close(creation);
  return status;
}

/* ---- columns ------------------------------------------------------------------------------ */

/* False for a member that is not one of ours. */
static bool column_of_member(hid_t member, rs_column_type *type, size_t *width) {
  size_t size = H5Tget_size(member);
  *width = sizeof(int64_t);
  switch (H5Tget_class(member)) {
  case H5T_INTEGER: *type = RS_COLUMN_INT; return size <= sizeof(int64_t);
  case H5T_FLOAT: *type = RS_COLUMN_FLOAT; return size <= sizeof(double);
  case H5T_STRING:
    *type = RS_COLUMN_TEXT;
    *width = size;
    return H5Tis_variable_str(member) == 0;
  default: return false;
  }
}

static rs_status add_member(const source *s, unsigned m, const char *unit, const char *long_name,
                            rs_table *t, size_t *widths) {
  hid_t member = H5Tget_member_type(s->type, m);
  if (member < 0) return failed_call(s);
  rs_column column = {.unit = unit, .long_name = long_name};
  size_t width;
  bool ours = column_of_member(member, &column.type, &width);
  rs_h5_close(member);
  if (!ours) return RS_OK;
  char *name = H5Tget_member_name(s->type, m);
  if (name == NULL) return failed_call(s);
  rs_status status;
  column.name = name;
  if (name[0] == '\0' || rs_table_find(t, name) >= 0) {
    status = bad(s, "a column without a name, or two of one name");
  } else {
    widths[rs_table_columns(t)] = width;
    status = rs_table_add_column(t, &column);
  }
  H5free_memory(name);
  return status;
}

static const char *text_or_null(char *const *texts, size_t i) {
  return texts != NULL && texts[i][0] != '\0' ? texts[i] : NULL;
}

static rs_status add_columns(const source *s, rs_table *t, size_t *widths) {
  char **units = rs_h5_get_texts(s->f, s->dataset, "units", s->members);
  char **names = rs_h5_get_texts(s->f, s->dataset, "long_name", s->members);
  rs_status status = RS_OK;
  for (size_t m = 0; status == RS_OK && m < s->members; m++)
    status = add_member(s, (unsigned)m, text_or_null(units, m), text_or_null(names, m), t, widths);
  rs_h5_free_texts(units, s->members);
  rs_h5_free_texts(names, s->members);
  if (status == RS_OK && rs_table_columns(t) == 0) status = bad(s, "no column that could be read");
  return status;
}

/* ---- rows --------------------------------------------------------------------------------- */

static rs_status unpack_text(rs_table *t, size_t row, size_t c, const char *cell, size_t width) {
  char few[256], *many = NULL;
  if (cell[0] == '\0') return RS_OK; /* as new cells are */
  if (width >= sizeof few) RS_TRY(rs_new(&many, width + 1, 1));
  char *text = many != NULL ? many : few;
  memcpy(text, cell, width);
  text[width] = '\0';
  rs_status status = rs_table_set_text(t, row, c, text);
  free(many);
  return status;
}

static rs_status unpack_row(rs_table *t, const rs_layout *l, const char *from) {
  size_t row;
  RS_TRY(rs_table_add_row(t, &row));
  for (size_t c = 0; c < rs_table_columns(t); c++) {
    const char *cell = from + l->offsets[c];
    int64_t whole;
    double number;
    switch (rs_table_column(t, c)->type) {
    case RS_COLUMN_INT:
      memcpy(&whole, cell, sizeof whole);
      rs_table_set_int(t, row, c, whole);
      break;
    case RS_COLUMN_FLOAT:
      memcpy(&number, cell, sizeof number);
      rs_table_set_float(t, row, c, number);
      break;
    case RS_COLUMN_TEXT: RS_TRY(unpack_text(t, row, c, cell, l->widths[c])); break;
    }
  }
  return RS_OK;
}

static rs_status read_rows(const source *s, const rs_layout *l, rs_table *t) {
  size_t step = rs_layout_block_rows(l, s->rows);
  char *block;
  RS_TRY(rs_new(&block, step, l->row_bytes));
  rs_status status = RS_OK;
  for (size_t first = 0; status == RS_OK && first < s->rows; first += step) {
    size_t n = s->rows - first < step ? s->rows - first : step;
    if (!rs_layout_transfer(s->dataset, l, first, n, NULL, block)) status = failed_call(s);
    for (size_t r = 0; status == RS_OK && r < n; r++)
      status = unpack_row(t, l, block + r * l->row_bytes);
  }
  free(block);
  return status;
}

static rs_status read_source(source *s, rs_layout *l, rs_table *t) {
  RS_TRY(open_dataset(s));
  RS_TRY(check_shape(s));
  RS_TRY(check_storage(s));
  RS_TRY(rs_layout_init(l, s->members));
  RS_TRY(add_columns(s, t, l->widths));
  RS_TRY(rs_layout_finish(l, t, s->f->path, s->name));
  return read_rows(s, l, t);
}

rs_status rs_h5_table_read(const rs_h5_file *f, const char *name, rs_table **out) {
  source s = {.f = f, .name = name, .dataset = H5I_INVALID_HID, .type = H5I_INVALID_HID};
  rs_layout l = {.type = H5I_INVALID_HID};
  rs_table *t;
  *out = NULL;
  RS_TRY(rs_table_create(NULL, 0, &t));
  rs_status status = read_source(&s, &l, t);
  rs_layout_free(&l);
  rs_h5_close(s.type);
  rs_h5_close(s.dataset);
  if (status == RS_OK)
    *out = t;
  else
    rs_table_destroy(t);
  return status;
}
