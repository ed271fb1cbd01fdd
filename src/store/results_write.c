/* The snapshot of everything into a results file. */
#include "results.h"

#include <string.h>

static const char *text_or_empty(const char *text) {
  return text != NULL ? text : "";
}

/* ---- root --------------------------------------------------------------------------------- */

static bool write_standing(hid_t file, const rs_standing *s) {
  return rs_h5_set_number(file, "elapsed", H5T_NATIVE_DOUBLE, &s->elapsed) &&
         rs_h5_set_number(file, "eta", H5T_NATIVE_DOUBLE, &s->eta) &&
         rs_h5_set_number(file, "trials_per_hour", H5T_NATIVE_DOUBLE, &s->trials_per_hour) &&
         rs_h5_set_number(file, "trials_total", H5T_NATIVE_INT64, &s->trials_total) &&
         rs_h5_set_number(file, "workers", H5T_NATIVE_INT64, &s->workers) &&
         rs_h5_set_number(file, "idle", H5T_NATIVE_INT64, &s->idle);
}

static rs_status write_root(hid_t file, const char *path, const rs_results *r, bool packed) {
  int version = RS_RESULTS_VERSION, yes = 1;
  bool ok = rs_h5_set_text(file, "format", "ranksweep", true) &&
            rs_h5_set_number(file, "format_version", H5T_NATIVE_INT, &version) &&
            rs_h5_set_text(file, "state", text_or_empty(r->state), true) &&
            rs_h5_set_text(file, "job_name", text_or_empty(r->job_name), true) &&
            rs_h5_set_text(file, "experiment", text_or_empty(r->experiment), true) &&
            rs_h5_set_text(file, "tool_version", text_or_empty(r->tool_version), true) &&
            rs_h5_set_text(file, "created", text_or_empty(r->created), true) &&
            rs_h5_set_text(file, "updated", text_or_empty(r->updated), true) &&
            write_standing(file, &r->standing) &&
            (r->share == NULL || rs_h5_set_text(file, "share", r->share, true)) &&
            (!packed || rs_h5_set_number(file, "packed", H5T_NATIVE_INT, &yes));
  return ok ? RS_OK : rs_h5_fail(RS_ERR_IO, path, "root attributes");
}

/* ---- tables and texts --------------------------------------------------------------------- */

static rs_status write_tables(hid_t file, const char *path, const rs_results *r) {
  RS_TRY(rs_h5_table_write(file, path, "trials", r->trials));
  RS_TRY(rs_h5_table_write(file, path, "stages", r->stages));
  RS_TRY(rs_h5_table_write(file, path, "metrics", r->metrics));
  RS_TRY(rs_h5_table_write(file, path, "provenance", r->provenance));
  return r->running != NULL ? rs_h5_table_write(file, path, "running", r->running) : RS_OK;
}

static rs_status write_job(hid_t file, const char *path, const rs_results *r) {
  hid_t group = rs_h5_group_create(file, "job");
  bool ok = group >= 0 && rs_h5_text_write(group, "yaml", text_or_empty(r->job_yaml)) &&
            rs_h5_text_write(group, "resolved", text_or_empty(r->job_resolved));
  rs_status status = ok ? RS_OK : rs_h5_fail(RS_ERR_IO, path, "job");
  rs_h5_close(group);
  return status;
}

/* ---- the file ----------------------------------------------------------------------------- */

rs_status rs_h5_results_fill(hid_t file, const char *path, const rs_results *r, const char *from) {
  RS_ASSERT(r->trials != NULL && r->stages != NULL && r->metrics != NULL && r->provenance != NULL);
  RS_TRY(write_root(file, path, r, from != NULL));
  RS_TRY(write_tables(file, path, r));
  RS_TRY(write_job(file, path, r));
  RS_TRY(rs_h5_models_write(file, path, r, from));
  RS_TRY(rs_h5_artifacts_write(file, path, r, from));
  return rs_h5_plots_write(file, path, r, from);
}

rs_status rs_results_write(const char *path, const rs_results *r) {
  enum { EXPECTED = 4 * 1024 * 1024 };
  hid_t file;
  RS_TRY(rs_h5_image_create(path, EXPECTED, &file));
  rs_status status = rs_h5_results_fill(file, path, r, NULL);
  if (status == RS_OK) status = rs_h5_image_commit(file, path);
  rs_h5_close(file);
  return status;
}
