#include "nxdata.h"

/* Texts of variable length, which h5py hands out as str. */
static bool set_text(hid_t object, const char *name, const char *text) {
  return text == NULL || rs_h5_set_text(object, name, text, true);
}

static bool set_axes(hid_t plot, const rs_nxdata *about) {
  const char *both[] = {about->rows, about->axis};
  if (about->rows == NULL) return set_text(plot, "axes", about->axis);
  return rs_h5_set_texts(plot, "axes", both, 2) && set_text(plot, "interpretation", "image");
}

hid_t rs_nxdata_create(hid_t parent, const char *name, const rs_nxdata *about) {
  hid_t plot = rs_h5_group_create(parent, name);
  if (plot < 0) return plot;
  bool ok = set_text(plot, "NX_class", "NXdata") && set_text(plot, "signal", about->signal) &&
            set_axes(plot, about) && set_text(plot, "SILX_style", about->style) &&
            rs_h5_text_write(plot, "title", about->title);
  if (ok && about->n_more > 0)
    ok = rs_h5_set_texts(plot, "auxiliary_signals", about->more, about->n_more);
  if (ok) return plot;
  rs_h5_close(plot);
  return H5I_INVALID_HID;
}

bool rs_nxdata_add(hid_t plot, const rs_column *column, const double *values, size_t n) {
  hsize_t dims = n;
  hid_t stored = column->type == RS_COLUMN_INT ? H5T_STD_I64LE : H5T_IEEE_F64LE;
  hid_t space = H5Screate_simple(1, &dims, NULL), creation = rs_h5_creation(H5P_DATASET_CREATE);
  hid_t dataset = H5I_INVALID_HID;
  if (space >= 0 && creation >= 0)
    dataset = H5Dcreate2(plot, column->name, stored, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  bool ok = dataset >= 0 &&
            H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0 &&
            set_text(dataset, "units", column->unit) &&
            set_text(dataset, "long_name", column->long_name);
  rs_h5_close(dataset);
  rs_h5_close(creation);
  rs_h5_close(space);
  return ok;
}
