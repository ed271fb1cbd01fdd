/* One trial: what it was, how it went, where its model is. */
#include "show.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- settings and metrics ----------------------------------------------------------------- */

static rs_status print_title(const rs_results *r, size_t row) {
  char took[32];
  double seconds = show_float(r->trials, row, "seconds");
  int64_t attempts = show_int(r->trials, row, "attempts", 0);
  rs_str line = {0};
  rs_str_addf(&line, "trial %" PRId64 " of ", show_int(r->trials, row, "trial", 0));
  show_add_text(&line, r->job_name);
  rs_str_add(&line, " (");
  show_add_text(&line, r->experiment);
  rs_str_add(&line, "): ");
  show_add_text(&line, show_text(r->trials, row, "state"));
  if (attempts > 1) rs_str_addf(&line, " at attempt %" PRId64, attempts);
  print_seconds(took, sizeof took, seconds);
  if (isfinite(seconds)) rs_str_addf(&line, ", %s", took);
  if (show_text(r->trials, row, "message")[0] != '\0') {
    rs_str_add(&line, "\nmessage: ");
    show_add_text(&line, show_text(r->trials, row, "message"));
  }
  rs_status status = rs_str_status(&line);
  if (status == RS_OK) printf("%s\n", line.text);
  rs_str_free(&line);
  return status;
}

static bool is_listed(const rs_results *r, size_t row, size_t column, show_role role) {
  const rs_column *c = rs_table_column(r->trials, column);
  bool counted = strcmp(c->name, "epochs") == 0 || show_role_of(c) == SHOW_PARAMETERS;
  bool wanted = show_role_of(c) == role || (role == SHOW_METRIC && counted);
  return wanted && !show_empty(r->trials, row, column);
}

/* The cells of ROLE, one a line, with their units and what they are; nothing when there are none.
 */
static rs_status print_list(const rs_results *r, size_t row, const char *title, show_role role) {
  text_table *t;
  size_t listed = 0;
  RS_TRY(text_table_create(4, &t));
  text_table_right(t, 1);
  rs_status status = text_table_cell(t, "%s", title);
  if (status == RS_OK) status = text_table_cell(t, "value");
  if (status == RS_OK) status = text_table_cell(t, "unit");
  if (status == RS_OK) status = text_table_cell(t, "what it is");
  for (size_t c = 0; status == RS_OK && c < rs_table_columns(r->trials); c++) {
    const rs_column *column = rs_table_column(r->trials, c);
    if (!is_listed(r, row, c, role)) continue;
    listed++;
    status = show_put_text(t, column->name);
    if (status == RS_OK) status = show_put(t, r->trials, row, c);
    if (status == RS_OK) status = show_put_text(t, column->unit != NULL ? column->unit : "-");
    if (status == RS_OK)
      status = show_put_text(t, column->long_name != NULL ? column->long_name : "-");
  }
  if (status == RS_OK && listed > 0) putchar('\n');
  if (status == RS_OK && listed > 0) text_table_print(t, stdout);
  text_table_destroy(t);
  return status;
}

/* ---- model -------------------------------------------------------------------------------- */

static rs_status print_model(const rs_results *r, const char *path, int64_t trial) {
  rs_str line = {0};
  for (size_t i = 0; i < r->n_models && line.len == 0; i++) {
    if (r->models[i].trial != trial) continue;
    rs_str_addf(&line, "/models/%" PRId64 " of ", trial);
    show_add_text(&line, path);
    if (r->models[i].file != NULL) {
      rs_str_add(&line, ", which is /model of ");
      show_add_text(&line, r->models[i].file);
      rs_str_add(&line, " beside it");
    }
  }
  if (line.len == 0) rs_str_add(&line, "none kept");
  rs_status status = rs_str_status(&line);
  if (status == RS_OK) printf("\nmodel: %s\n", line.text);
  rs_str_free(&line);
  return status;
}

/* ---- all of it ---------------------------------------------------------------------------- */

rs_status show_print_trial(const rs_results *r, const char *path, size_t row) {
  show_chain chain = {0};
  rs_status status = show_chain_follow(r, path, row, &chain);
  if (status == RS_OK) status = print_title(r, row);
  if (status == RS_OK) status = print_list(r, row, "setting", SHOW_SWEPT);
  if (status == RS_OK) status = print_list(r, row, "metric", SHOW_METRIC);
  if (status == RS_OK) status = show_chain_print(r, &chain);
  if (status == RS_OK) status = show_curve_print(r, &chain);
  if (status == RS_OK) status = print_model(r, path, show_int(r->trials, row, "trial", 0));
  if (status == RS_OK) status = show_artifacts_print(r, path, &chain);
  show_chain_free(&chain);
  return status;
}
