/* Plots of vectors and images that are in checkpoints. */
#include "nxdata.h"
#include "results_plots.h"
#include "tensors.h"

#include <stdlib.h>
#include <string.h>

const rs_column rs_vector_columns[RS_VECTOR_COLUMNS] = {
    {"name", RS_COLUMN_TEXT, NULL, "The plot"},
    {"title", RS_COLUMN_TEXT, NULL, "Its title"},
    {"signal", RS_COLUMN_TEXT, NULL, "Name of the vector in the plot"},
    {"long_name", RS_COLUMN_TEXT, NULL, "What the vector is"},
    {"index", RS_COLUMN_TEXT, NULL, "What its index is"},
    {"length", RS_COLUMN_INT, NULL, "Elements of the vector"},
    {"file", RS_COLUMN_TEXT, NULL, "Checkpoint that holds it; empty: it is in this file"},
    {"tensor", RS_COLUMN_TEXT, NULL, "Its name in the checkpoint"},
    {"unit", RS_COLUMN_TEXT, NULL, "Unit of its elements"},
    {"x", RS_COLUMN_TEXT, NULL, "Tensor of the x axis; empty: counted from 1"},
    {"x_unit", RS_COLUMN_TEXT, NULL, "Its unit"},
    {"y", RS_COLUMN_TEXT, NULL, "Tensor of an image's y axis; empty: it is a vector"},
    {"y_long_name", RS_COLUMN_TEXT, NULL, "What runs along it"},
    {"y_unit", RS_COLUMN_TEXT, NULL, "Its unit"},
    {"y_length", RS_COLUMN_INT, NULL, "Elements along it"},
    {"scale", RS_COLUMN_TEXT, NULL, "Scale of a vector's plot: linear, log or log-log"},
};

/* One row of the table and the plot that is being made of it. */
typedef struct row_plot {
  const plots *p;
  const rs_table *v;
  size_t row;
  hid_t plot;
} row_plot;

static const char *text_of(const row_plot *w, size_t column) {
  return rs_table_text(w->v, w->row, column);
}

static const char *last_part(const char *name) {
  const char *slash = strrchr(name, '/');
  return slash != NULL ? slash + 1 : name;
}

static bool is_image(const row_plot *w) {
  return text_of(w, RS_VECTOR_Y)[0] != '\0';
}

static bool has_axis(const row_plot *w) {
  return text_of(w, RS_VECTOR_X)[0] != '\0';
}

/* For silx and h5web: which axes are logarithmic. */
static const char *style_of(const row_plot *w) {
  const char *scale = text_of(w, RS_VECTOR_SCALE);
  if (is_image(w) || strcmp(scale, "linear") == 0) return NULL;
  if (strcmp(scale, "log-log") == 0)
    return "{\"signal_scale_type\": \"log\", \"axes_scale_types\": [\"log\"]}";
  return "{\"signal_scale_type\": \"log\"}";
}

/* ---- datasets ----------------------------------------------------------------------------- */

/* TENSOR of the row's checkpoint under NAME. */
static rs_status add_link(const row_plot *w, const char *tensor, const char *name) {
  rs_str object = {0};
  rs_str_addf(&object, "/model/%s", tensor);
  rs_status status = rs_str_status(&object);
  if (status == RS_OK && H5Lcreate_external(text_of(w, RS_VECTOR_FILE), object.text, w->plot, name,
                                            H5P_DEFAULT, H5P_DEFAULT) < 0)
    status = plots_failed(w->p);
  rs_str_free(&object);
  return status;
}

/* The data of T under NAME; LONG_NAME and UNIT are columns. */
static rs_status add_data(const row_plot *w, const rs_tensor *t, const char *name, size_t long_name,
                          size_t unit) {
  rs_tensor renamed = *t;
  renamed.name = (char *)name;
  RS_TRY(rs_h5_tensor_write(w->plot, w->p->path, &renamed, 0));
  hid_t dataset = H5Dopen2(w->plot, name, H5P_DEFAULT);
  bool ok = dataset >= 0 && rs_h5_set_text(dataset, "long_name", text_of(w, long_name), true);
  if (ok && text_of(w, unit)[0] != '\0')
    ok = rs_h5_set_text(dataset, "units", text_of(w, unit), true);
  rs_h5_close(dataset);
  return ok ? RS_OK : plots_failed(w->p);
}

/* 1, 2, ..., so that the axis reads as the number of elements kept. */
static rs_status add_index(const row_plot *w) {
  rs_column column = {"index", RS_COLUMN_INT, NULL, text_of(w, RS_VECTOR_INDEX)};
  size_t n = (size_t)rs_table_int(w->v, w->row, RS_VECTOR_LENGTH);
  double *values;
  RS_TRY(rs_new(&values, n, sizeof *values));
  for (size_t i = 0; i < n; i++) values[i] = (double)(i + 1);
  bool ok = rs_nxdata_add(w->plot, &column, values, n);
  free(values);
  return ok ? RS_OK : plots_failed(w->p);
}

/* ---- plots -------------------------------------------------------------------------------- */

/* Links cannot say what they link to and in which unit, so axes, which are small, are copied.
 * TENSORS: signal, x and, of an image, y. */
static rs_status add_axes(const row_plot *w, const rs_tensor *tensors) {
  if (!has_axis(w)) return add_index(w);
  if (is_image(w))
    RS_TRY(add_data(w, &tensors[2], last_part(text_of(w, RS_VECTOR_Y)), RS_VECTOR_Y_LONG_NAME,
                    RS_VECTOR_Y_UNIT));
  return add_data(w, &tensors[1], last_part(text_of(w, RS_VECTOR_X)), RS_VECTOR_INDEX,
                  RS_VECTOR_X_UNIT);
}

/* TENSORS may be NULL for a vector without an axis that is linked. */
static rs_status fill(const row_plot *w, const rs_tensor *tensors, bool embed) {
  const char *signal = text_of(w, RS_VECTOR_SIGNAL);
  RS_TRY(add_axes(w, tensors));
  return embed ? add_data(w, &tensors[0], signal, RS_VECTOR_LONG_NAME, RS_VECTOR_UNIT)
               : add_link(w, text_of(w, RS_VECTOR_TENSOR), signal);
}

static rs_status write_plot(plots *p, size_t row, const rs_tensor *tensors, bool embed) {
  row_plot w = {.p = p, .v = p->r->vectors, .row = row};
  rs_nxdata about = {.title = text_of(&w, RS_VECTOR_TITLE),
                     .signal = text_of(&w, RS_VECTOR_SIGNAL),
                     .axis = has_axis(&w) ? last_part(text_of(&w, RS_VECTOR_X)) : "index",
                     .rows = is_image(&w) ? last_part(text_of(&w, RS_VECTOR_Y)) : NULL,
                     .style = style_of(&w)};
  w.plot = rs_nxdata_create(p->group, text_of(&w, RS_VECTOR_NAME), &about);
  rs_status status = w.plot >= 0 ? fill(&w, tensors, embed) : plots_failed(p);
  plots_note(p, text_of(&w, RS_VECTOR_NAME));
  rs_h5_close(w.plot);
  return status;
}

/* Its data are fetched before anything is believed about them. */
static rs_status copy_plot(plots *p, size_t row, const char *from) {
  rs_bundle bundle = {0};
  RS_TRY(rs_results_read_vector(from, p->r, row, &bundle));
  rs_status status = write_plot(p, row, bundle.tensors, true);
  rs_bundle_free(&bundle);
  return status;
}

/* What cannot be read has no plot: verify tells of it, a snapshot is not the place. */
static rs_status link_plot(plots *p, size_t row) {
  rs_bundle bundle = {0};
  bool axis = rs_table_text(p->r->vectors, row, RS_VECTOR_X)[0] != '\0';
  if (axis && rs_results_read_vector(p->path, p->r, row, &bundle) != RS_OK) return RS_OK;
  rs_status status = write_plot(p, row, bundle.tensors, false);
  rs_bundle_free(&bundle);
  return status;
}

rs_status plots_vectors(plots *p, const char *from) {
  const rs_table *v = p->r->vectors;
  if (v == NULL) return RS_OK;
  for (size_t row = 0; row < rs_table_rows(v); row++)
    RS_TRY(from != NULL ? copy_plot(p, row, from) : link_plot(p, row));
  return from != NULL ? rs_h5_table_write_without(p->group, p->path, "vectors", v, RS_VECTOR_FILE)
                      : rs_h5_table_write(p->group, p->path, "vectors", v);
}
