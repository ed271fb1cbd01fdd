/* The settings of one trial, put together again from a results file. */
#include "trained.h"

#include "show/show.h"

#include "ranksweep/exp.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* ---- base --------------------------------------------------------------------------------- */

/* /job/resolved without what is no setting. Release *OUT with free(). */
static rs_status settings_text(const rs_results *r, const char *place, char **out) {
  json_error_t error;
  json_t *all = json_loads(r->job_resolved, JSON_REJECT_DUPLICATES, &error);
  *out = NULL;
  if (all == NULL)
    return rs_fail(RS_ERR_DATA, "%s: /job/resolved:%d:%d: %s", place, error.line, error.column,
                   error.text);
  json_object_del(all, "sweep.objectives");
  *out = json_dumps(all, JSON_ENCODE_ANY);
  json_decref(all);
  return *out != NULL ? RS_OK : rs_fail(RS_ERR_NOMEM, "out of memory: settings of %s", place);
}

static rs_status read_base(const rs_results *r, const char *place, rs_settings **out) {
  const rs_experiment *kind = rs_experiment_find(r->experiment);
  char *text;
  *out = NULL;
  if (kind == NULL)
    return rs_fail(RS_ERR_DATA, "%s: no experiment \"%s\" is known", place, r->experiment);
  RS_TRY(settings_text(r, place, &text));
  rs_status status = rs_settings_from_json(&kind->schema, text, out);
  free(text);
  return rs_error_context(status, "%s: /job/resolved", place);
}

/* ---- swept values ------------------------------------------------------------------------- */

/* Numbers of a table know no special words: those stand as 0. */
static bool is_word(const rs_setting *setting, double value) {
  return setting != NULL && setting->word != NULL && value == 0 && setting->min > 0;
}

static void add_cell(const rs_table *t, size_t row, size_t column, const rs_setting *setting,
                     rs_str *out) {
  rs_column_type type = rs_table_column(t, column)->type;
  if (type == RS_COLUMN_TEXT)
    rs_str_add(out, rs_table_text(t, row, column));
  else if (is_word(setting, rs_table_number(t, row, column)))
    rs_str_add(out, setting->word);
  else if (type == RS_COLUMN_INT)
    rs_str_addf(out, "%" PRId64, rs_table_int(t, row, column));
  else
    rs_str_addf(out, "%.17g", rs_table_float(t, row, column));
}

/* *S is replaced. */
static rs_status put_swept(const rs_table *t, size_t row, size_t column, const char *place,
                           rs_settings **s) {
  const char *path = rs_table_column(t, column)->name;
  rs_settings *changed = NULL;
  rs_str text = {0};
  add_cell(t, row, column, rs_settings_entry(*s, path), &text);
  rs_status status = rs_str_status(&text);
  if (status == RS_OK)
    status = rs_settings_with_text(*s, path, text.text != NULL ? text.text : "", place, &changed);
  rs_str_free(&text);
  if (status != RS_OK) return status;
  rs_settings_destroy(*s);
  *s = changed;
  return RS_OK;
}

rs_status trained_settings(const rs_results *r, size_t row, const char *place, rs_settings **out) {
  rs_settings *s;
  *out = NULL;
  RS_TRY(read_base(r, place, &s));
  rs_status status = RS_OK;
  for (size_t c = 0; status == RS_OK && c < rs_table_columns(r->trials); c++)
    if (show_role_of(rs_table_column(r->trials, c)) == SHOW_SWEPT)
      status = put_swept(r->trials, row, c, place, &s);
  if (status == RS_OK)
    *out = s;
  else
    rs_settings_destroy(s);
  return status;
}
