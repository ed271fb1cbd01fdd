/* A results file back into memory, all but the models' tensors. */
#include "hdf5_util.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- root --------------------------------------------------------------------------------- */

static rs_status not_ours(const rs_h5_file *f) {
  return rs_fail(RS_ERR_CONFLICT, "%s: not a results file of ranksweep", f->path);
}

/* The version before all else: a newer layout may differ in any other respect. */
static rs_status check_format(const rs_h5_file *f) {
  char *format;
  int version = 0;
  if (H5Aexists(f->id, "format") == 0) return not_ours(f);
  RS_TRY(rs_h5_get_text(f, f->id, "/", "format", &format));
  bool ours = strcmp(format, "ranksweep") == 0;
  free(format);
  if (!ours) return not_ours(f);
  RS_TRY(rs_h5_get_int(f, f->id, "/", "format_version", H5T_NATIVE_INT, &version));
  if (version >= 1 && version <= RS_RESULTS_VERSION) return RS_OK;
  return rs_fail(version < 1 ? RS_ERR_DATA : RS_ERR_CONFLICT,
                 "%s: format_version: expected 1 to %d, got %d: written by a newer ranksweep?",
                 f->path, RS_RESULTS_VERSION, version);
}

static rs_status read_root_text(const rs_h5_file *f, const char *name, const char **to) {
  char *text;
  RS_TRY(rs_h5_get_text(f, f->id, "/", name, &text));
  *to = text;
  return RS_OK;
}

/* 0 unless it is a number that can be one of something. */
static int64_t read_count(const rs_h5_file *f, const char *name) {
  double value = rs_h5_get_double(f->id, name, 0);
  return value >= 0 && value < 1e15 ? (int64_t)value : 0;
}

static rs_status read_root(const rs_h5_file *f, rs_results *r) {
  RS_TRY(check_format(f));
  RS_TRY(read_root_text(f, "state", &r->state));
  RS_TRY(read_root_text(f, "job_name", &r->job_name));
  RS_TRY(read_root_text(f, "experiment", &r->experiment));
  RS_TRY(read_root_text(f, "tool_version", &r->tool_version));
  RS_TRY(read_root_text(f, "created", &r->created));
  RS_TRY(read_root_text(f, "updated", &r->updated));
  if (H5Aexists(f->id, "share") > 0) RS_TRY(read_root_text(f, "share", &r->share));
  r->packed = rs_h5_get_double(f->id, "packed", 0) == 1;
  r->standing = (rs_standing){.elapsed = rs_h5_get_double(f->id, "elapsed", NAN),
                              .eta = rs_h5_get_double(f->id, "eta", NAN),
                              .trials_per_hour = rs_h5_get_double(f->id, "trials_per_hour", NAN),
                              .trials_total = read_count(f, "trials_total"),
                              .workers = read_count(f, "workers"),
                              .idle = read_count(f, "idle")};
  return RS_OK;
}

/* ---- tables ------------------------------------------------------------------------------- */

/* A column that every reader of the table relies on. */
static rs_status expect_column(const rs_h5_file *f, const char *table, const rs_table *t,
                               const char *name, rs_column_type type) {
  int column = rs_table_find(t, name);
  if (column >= 0 && rs_table_column(t, (size_t)column)->type == type) return RS_OK;
  return rs_fail(RS_ERR_DATA, "%s: %s: expected a column \"%s\" of %s", f->path, table, name,
                 type == RS_COLUMN_TEXT ? "texts" : "whole numbers");
}

static rs_status read_tables(const rs_h5_file *f, rs_results *r) {
  RS_TRY(rs_h5_table_read(f, "trials", &r->trials));
  RS_TRY(expect_column(f, "trials", r->trials, "trial", RS_COLUMN_INT));
  RS_TRY(expect_column(f, "trials", r->trials, "state", RS_COLUMN_TEXT));
  RS_TRY(rs_h5_table_read(f, "stages", &r->stages));
  RS_TRY(rs_h5_table_read(f, "metrics", &r->metrics));
  RS_TRY(rs_h5_table_read(f, "provenance", &r->provenance));
  if (H5Lexists(f->id, "running", H5P_DEFAULT) <= 0) return RS_OK;
  return rs_h5_table_read(f, "running", &r->running);
}

/* The first N columns in their places: users address them by position. */
static rs_status check_columns(const rs_h5_file *f, const char *name, const rs_table *t,
                               const rs_column *columns, size_t n) {
  for (size_t c = 0; c < n; c++) {
    RS_TRY(expect_column(f, name, t, columns[c].name, columns[c].type));
    if (rs_table_find(t, columns[c].name) != (int)c)
      return rs_fail(RS_ERR_DATA, "%s: %s: column \"%s\" is not in its place", f->path, name,
                     columns[c].name);
  }
  return RS_OK;
}

/* Files from before there were images lack the columns about them. */
static rs_status read_vectors(const rs_h5_file *f, rs_results *r) {
  static const char name[] = "plots/vectors";
  if (H5Lexists(f->id, "plots", H5P_DEFAULT) <= 0 || H5Lexists(f->id, name, H5P_DEFAULT) <= 0)
    return RS_OK;
  RS_TRY(rs_h5_table_read(f, name, &r->vectors));
  for (size_t c = RS_VECTOR_FIRST_COLUMNS; c < RS_VECTOR_COLUMNS; c++)
    if (rs_table_find(r->vectors, rs_vector_columns[c].name) < 0)
      RS_TRY(rs_table_add_column(r->vectors, &rs_vector_columns[c]));
  return check_columns(f, name, r->vectors, rs_vector_columns, RS_VECTOR_COLUMNS);
}

static rs_status read_artifacts(const rs_h5_file *f, rs_results *r) {
  static const char name[] = "artifacts";
  if (H5Lexists(f->id, name, H5P_DEFAULT) <= 0) return RS_OK;
  RS_TRY(rs_h5_table_read(f, name, &r->artifacts));
  return check_columns(f, name, r->artifacts, rs_artifact_columns, RS_ARTIFACT_COLUMNS);
}

/* ---- /job --------------------------------------------------------------------------------- */

static rs_status check_text(const rs_h5_file *f, const char *name, hid_t dataset, hid_t type,
                            size_t *width) {
  if (dataset < 0 || type < 0) return rs_h5_fail(RS_ERR_DATA, f->path, name);
  if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0)
    return rs_fail(RS_ERR_DATA, "%s: %s: expected a text of fixed length", f->path, name);
  *width = H5Tget_size(type);
  size_t stored = (size_t)H5Dget_storage_size(dataset);
  if (stored != *width || stored > f->bytes || stored > RS_H5_TEXT_MAX)
    return rs_fail(RS_ERR_DATA, "%s: %s: claims %zu bytes, %zu are stored", f->path, name, *width,
                   stored);
  return RS_OK;
}

/* Files of others may have none. */
static rs_status check_text_sum(const rs_h5_file *f, const char *name, hid_t dataset,
                                const char *text) {
  uint64_t expected;
  if (H5Aexists(dataset, "checksum") <= 0) return RS_OK;
  RS_TRY(rs_h5_get_int(f, dataset, name, "checksum", H5T_NATIVE_UINT64, &expected));
  if (rs_checksum(text, strlen(text)) == expected) return RS_OK;
  return rs_fail(RS_ERR_DATA, "%s: %s: wrong checksum: the text is damaged", f->path, name);
}

static rs_status read_text(const rs_h5_file *f, const char *name, const char **to) {
  hid_t dataset = H5Dopen2(f->id, name, H5P_DEFAULT);
  hid_t type = dataset >= 0 ? H5Dget_type(dataset) : H5I_INVALID_HID;
  char *text = NULL;
  size_t width = 0;
  rs_status status = check_text(f, name, dataset, type, &width);
  if (status == RS_OK) status = rs_new(&text, width + 1, 1);
  if (status == RS_OK && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) < 0)
    status = rs_h5_fail(RS_ERR_DATA, f->path, name);
  if (status == RS_OK) status = check_text_sum(f, name, dataset, text);
  *to = text; /* released with the results, whatever the status */
  rs_h5_close(type);
  rs_h5_close(dataset);
  return status;
}

/* ---- /models ------------------------------------------------------------------------------ */

typedef struct rs_model_link rs_model_link;

typedef struct model_list {
  const rs_h5_file *f;
  rs_model_link *links;
  size_t count, cap;
  rs_status status;
} model_list;

static bool parse_trial(const char *name, int64_t *trial) {
  char *end;
  errno = 0;
  long long value = strtoll(name, &end, 10);
  *trial = value;
  return errno == 0 && end != name && *end == '\0' && value >= 0;
}

/* The file that an external link points to. */
static rs_status link_target(const model_list *m, hid_t group, const char *name, size_t bytes,
                             char **target) {
  enum { TARGET_MAX = 65536 };
  const char *file, *object;
  char *value;
  if (bytes > TARGET_MAX)
    return rs_fail(RS_ERR_DATA, "%s: models/%s: a link of %zu bytes", m->f->path, name, bytes);
  RS_TRY(rs_new(&value, bytes, 1));
  rs_status status;
  if (H5Lget_val(group, name, value, bytes, H5P_DEFAULT) < 0 ||
      H5Lunpack_elink_val(value, bytes, NULL, &file, &object) < 0)
    status = rs_h5_fail(RS_ERR_DATA, m->f->path, "models");
  else
    status = rs_strdup(target, file);
  free(value);
  return status;
}

static rs_status add_model(model_list *m, hid_t group, const char *name, const H5L_info_t *info) {
  rs_model_link link = {.file = NULL};
  char *target = NULL;
  if (!parse_trial(name, &link.trial)) return RS_OK;
  if (info->type == H5L_TYPE_EXTERNAL)
    RS_TRY(link_target(m, group, name, info->u.val_size, &target));
  rs_status status = rs_grow(&m->links, &m->cap, m->count + 1, sizeof *m->links);
  if (status != RS_OK) {
    free(target);
    return status;
  }
  link.file = target;
  m->links[m->count++] = link;
  return RS_OK;
}

static herr_t visit_model(hid_t group, const char *name, const H5L_info_t *info, void *user) {
  model_list *m = user;
  m->status = add_model(m, group, name, info);
  return m->status == RS_OK ? 0 : 1;
}

/* HDF5 sorts names as text, "10" before "2". */
static int by_trial(const void *a, const void *b) {
  int64_t x = ((const rs_model_link *)a)->trial, y = ((const rs_model_link *)b)->trial;
  return (x > y) - (x < y);
}

static rs_status read_models(const rs_h5_file *f, rs_results *r) {
  model_list m = {.f = f};
  hid_t group = H5Gopen2(f->id, "models", H5P_DEFAULT);
  bool ok =
      group >= 0 && H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, visit_model, &m) >= 0;
  rs_status status = ok ? m.status : rs_h5_fail(RS_ERR_DATA, f->path, "models");
  rs_h5_close(group);
  if (m.count > 0) qsort(m.links, m.count, sizeof *m.links, by_trial);
  r->models = m.links; /* released with the results, whatever the status */
  r->n_models = m.count;
  return status;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static rs_status read_all(const rs_h5_file *f, rs_results *r) {
  RS_TRY(read_root(f, r));
  RS_TRY(read_tables(f, r));
  RS_TRY(read_vectors(f, r));
  RS_TRY(read_artifacts(f, r));
  RS_TRY(read_text(f, "job/yaml", &r->job_yaml));
  RS_TRY(read_text(f, "job/resolved", &r->job_resolved));
  return read_models(f, r);
}

rs_status rs_results_read(const char *path, rs_results *r) {
  rs_h5_file f;
  *r = (rs_results){0};
  rs_status status = rs_h5_open(path, &f);
  if (status == RS_OK) status = read_all(&f, r);
  rs_h5_file_close(&f);
  if (status != RS_OK) rs_results_free(r);
  return status;
}

void rs_results_free(rs_results *r) {
  const char *texts[] = {r->state,   r->job_name, r->experiment,   r->tool_version, r->created,
                         r->updated, r->job_yaml, r->job_resolved, r->share};
  for (size_t i = 0; i < RS_COUNT(texts); i++) free((char *)texts[i]);
  rs_table_destroy(r->trials);
  rs_table_destroy(r->stages);
  rs_table_destroy(r->metrics);
  rs_table_destroy(r->provenance);
  rs_table_destroy(r->running);
  rs_table_destroy(r->vectors);
  rs_table_destroy(r->artifacts);
  for (size_t i = 0; i < r->n_models; i++) free((char *)r->models[i].file);
  free((struct rs_model_link *)r->models);
  *r = (rs_results){0};
}
