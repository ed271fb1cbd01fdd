/* Attributes of HDF5 objects: whole numbers and texts. */
#include "hdf5_util.h"

#include <stdlib.h>
#include <string.h>

/* ---- writing ------------------------------------------------------------------------------ */

static bool set_attribute(hid_t object, const char *name, hid_t type, hid_t space,
                          const void *value) {
  if (type < 0 || space < 0) return false;
  hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  bool ok = attribute >= 0 && H5Awrite(attribute, type, value) >= 0;
  rs_h5_close(attribute);
  return ok;
}

bool rs_h5_set_number(hid_t object, const char *name, hid_t type, const void *value) {
  hid_t space = H5Screate(H5S_SCALAR);
  bool ok = set_attribute(object, name, type, space, value);
  rs_h5_close(space);
  return ok;
}

bool rs_h5_set_text(hid_t object, const char *name, const char *text, bool variable) {
  size_t length = strlen(text);
  hid_t type = rs_h5_text_type(variable ? H5T_VARIABLE : length > 0 ? length : 1);
  hid_t space = H5Screate(H5S_SCALAR);
  bool ok = set_attribute(object, name, type, space, variable ? (const void *)&text : text);
  rs_h5_close(space);
  rs_h5_close(type);
  return ok;
}

bool rs_h5_set_texts(hid_t object, const char *name, const char *const *texts, size_t n) {
  hsize_t dims = n;
  size_t width = 1;
  char *cells;
  for (size_t i = 0; i < n; i++) width = strlen(texts[i]) > width ? strlen(texts[i]) : width;
  if (rs_new(&cells, n, width) != RS_OK) return false;
  for (size_t i = 0; i < n; i++) memcpy(cells + i * width, texts[i], strlen(texts[i]));
  hid_t type = rs_h5_text_type(width), space = H5Screate_simple(1, &dims, NULL);
  bool ok = set_attribute(object, name, type, space, cells);
  rs_h5_close(space);
  rs_h5_close(type);
  free(cells);
  return ok;
}

/* ---- reading ------------------------------------------------------------------------------ */

/* Open a scalar attribute whose type has class CLS. */
static rs_status open_attribute(const rs_h5_file *f, hid_t object, const char *where,
                                const char *name, H5T_class_t cls, hid_t *attribute, hid_t *type) {
  *attribute = *type = H5I_INVALID_HID;
  if (H5Aexists(object, name) <= 0)
    return rs_fail(RS_ERR_DATA, "%s: %s: attribute \"%s\" is missing", f->path, where, name);
  *attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (*attribute >= 0) *type = H5Aget_type(*attribute);
  hid_t space = *attribute >= 0 ? H5Aget_space(*attribute) : H5I_INVALID_HID;
  bool scalar = space >= 0 && H5Sget_simple_extent_npoints(space) == 1;
  rs_status status = RS_OK;
  if (*type < 0 || space < 0)
    status = rs_h5_fail(RS_ERR_DATA, f->path, where);
  else if (!scalar || H5Tget_class(*type) != cls)
    status = rs_fail(RS_ERR_DATA, "%s: %s: attribute \"%s\": expected one %s", f->path, where, name,
                     cls == H5T_INTEGER ? "whole number" : "text");
  rs_h5_close(space);
  return status;
}

rs_status rs_h5_get_int(const rs_h5_file *f, hid_t object, const char *where, const char *name,
                        hid_t type, void *value) {
  hid_t attribute, stored;
  rs_status status = open_attribute(f, object, where, name, H5T_INTEGER, &attribute, &stored);
  if (status == RS_OK && H5Aread(attribute, type, value) < 0)
    status = rs_h5_fail(RS_ERR_DATA, f->path, where);
  rs_h5_close(stored);
  rs_h5_close(attribute);
  return status;
}

double rs_h5_get_double(hid_t object, const char *name, double otherwise) {
  double value = otherwise;
  if (H5Aexists(object, name) <= 0) return otherwise;
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), space = H5I_INVALID_HID;
  if (attribute >= 0) space = H5Aget_space(attribute);
  bool one = space >= 0 && H5Sget_simple_extent_npoints(space) == 1;
  /* HDF5 converts between any two number types, and refuses all others. */
  if (one && H5Aread(attribute, H5T_NATIVE_DOUBLE, &value) < 0) value = otherwise;
  rs_h5_close(space);
  rs_h5_close(attribute);
  return value;
}

static rs_status read_fixed(const rs_h5_file *f, hid_t attribute, hid_t type, const char *where,
                            char **text) {
  size_t width = H5Tget_size(type);
  if (width > f->bytes || width > RS_H5_TEXT_MAX)
    return rs_fail(RS_ERR_DATA, "%s: %s: a text of %zu bytes in a file of %zu", f->path, where,
                   width, f->bytes);
  RS_TRY(rs_new(text, width + 1, 1));
  return H5Aread(attribute, type, *text) >= 0 ? RS_OK : rs_h5_fail(RS_ERR_DATA, f->path, where);
}

rs_status rs_h5_get_text(const rs_h5_file *f, hid_t object, const char *where, const char *name,
                         char **text) {
  hid_t attribute, type;
  *text = NULL;
  rs_status status = open_attribute(f, object, where, name, H5T_STRING, &attribute, &type);
  if (status == RS_OK)
    status = H5Tis_variable_str(type) > 0 ? rs_h5_heap_text(f, attribute, where, text)
                                          : read_fixed(f, attribute, type, where, text);
  if (status != RS_OK) {
    free(*text);
    *text = NULL;
  }
  rs_h5_close(type);
  rs_h5_close(attribute);
  return status;
}

/* The N texts of WIDTH bytes each in CELLS, every one an allocation of its own. */
static char **split_texts(const char *cells, size_t n, size_t width) {
  char **texts;
  if (rs_new(&texts, n, sizeof *texts) != RS_OK) return NULL;
  for (size_t i = 0; i < n; i++) {
    texts[i] = strndup(cells + i * width, width);
    if (texts[i] != NULL) continue;
    rs_h5_free_texts(texts, n);
    return NULL;
  }
  return texts;
}

/* Is it a vector of N texts of fixed length whose size the file can hold? Then their width, else 0.
 */
static size_t texts_width(const rs_h5_file *f, hid_t type, hid_t space, size_t n) {
  if (type < 0 || space < 0 || n == 0) return 0;
  if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0) return 0;
  if (H5Sget_simple_extent_npoints(space) != (hssize_t)n) return 0;
  size_t width = H5Tget_size(type);
  return width <= f->bytes / n ? width : 0;
}

char **rs_h5_get_texts(const rs_h5_file *f, hid_t object, const char *name, size_t n) {
  if (H5Aexists(object, name) <= 0) return NULL;
  char *cells = NULL, **texts = NULL;
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), type = H5I_INVALID_HID,
        space = H5I_INVALID_HID;
  if (attribute >= 0) type = H5Aget_type(attribute);
  if (attribute >= 0) space = H5Aget_space(attribute);
  size_t width = texts_width(f, type, space, n);
  if (width > 0 && rs_new(&cells, n, width) == RS_OK && H5Aread(attribute, type, cells) >= 0)
    texts = split_texts(cells, n, width);
  free(cells);
  rs_h5_close(space);
  rs_h5_close(type);
  rs_h5_close(attribute);
  return texts;
}

void rs_h5_free_texts(char **texts, size_t n) {
  for (size_t i = 0; texts != NULL && i < n; i++) free(texts[i]);
  free(texts);
}
