#include "past.h"

#include <stdlib.h>
#include <string.h>

struct past {
  json_t *open, *starts, *stages;
  size_t finished; /* stages that ended well */
};

rs_status past_create(past **out) {
  past *p;
  *out = NULL;
  RS_TRY(rs_new(&p, 1, sizeof *p));
  p->starts = json_array();
  p->stages = json_object();
  if (p->starts == NULL || p->stages == NULL) {
    past_destroy(p);
    return rs_fail(RS_ERR_NOMEM, "out of memory: the journal");
  }
  *out = p;
  return RS_OK;
}

void past_destroy(past *p) {
  if (p == NULL) return;
  json_decref(p->open);
  json_decref(p->starts);
  json_decref(p->stages);
  free(p);
}

/* ---- reading -------------------------------------------------------------------------------- */

static const char *text_of(const json_t *record, const char *key) {
  const char *text = json_string_value(json_object_get(record, key));
  return text != NULL ? text : "";
}

static json_t *stage_entry(past *p, const json_t *record) {
  const char *id = text_of(record, "stage");
  json_t *entry = json_object_get(p->stages, id);
  if (entry == NULL) {
    entry = json_object();
    json_object_set_new(p->stages, id, entry);
  }
  return entry;
}

static bool ended_well(const json_t *entry) {
  return strcmp(text_of(json_object_get(entry, "end"), "state"), "done") == 0;
}

static json_int_t step_of(const json_t *row) {
  return json_integer_value(json_object_get(row, "step"));
}

/* A row takes the place of those of an earlier attempt at or after its step. */
static void add_row(json_t *entry, json_t *row) {
  json_t *rows = json_object_get(entry, "metrics");
  if (rows == NULL) {
    rows = json_array();
    json_object_set_new(entry, "metrics", rows);
  }
  for (size_t n = json_array_size(rows);
       n > 0 && step_of(json_array_get(rows, n - 1)) >= step_of(row); n--)
    json_array_remove(rows, n - 1);
  json_array_append(rows, row);
}

static void take_stage(past *p, const char *is, json_t *record) {
  json_t *entry = stage_entry(p, record);
  if (strcmp(is, "begin") == 0) json_object_set(entry, "begin", record);
  if (strcmp(is, "metrics") == 0) add_row(entry, record);
  if (strcmp(is, "end") != 0) return;
  p->finished -= ended_well(entry);
  json_object_set(entry, "end", record);
  p->finished += ended_well(entry);
}

static rs_status take(past *p, json_t *record, size_t line) {
  const char *is = text_of(record, "is");
  if (line == 1) {
    if (strcmp(text_of(record, "format"), "ranksweep-journal") != 0)
      return rs_fail(RS_ERR_DATA, "line 1: not a ranksweep journal");
    if (json_integer_value(json_object_get(record, "version")) != 1)
      return rs_fail(RS_ERR_DATA, "line 1: journal of version %lld, this program reads version 1",
                     (long long)json_integer_value(json_object_get(record, "version")));
    p->open = json_incref(record);
    return RS_OK;
  }
  if (strcmp(is, "start") == 0) json_array_append(p->starts, record);
  if (strcmp(is, "settings") == 0)
    json_object_set(p->open, "settings", json_object_get(record, "settings"));
  if (strcmp(is, "begin") == 0 || strcmp(is, "metrics") == 0 || strcmp(is, "end") == 0)
    take_stage(p, is, record);
  return RS_OK;
}

rs_status past_visit(void *user, const char *payload, size_t line) {
  json_error_t error;
  json_t *record = json_loads(payload, 0, &error);
  if (!json_is_object(record)) {
    json_decref(record);
    return rs_fail(RS_ERR_DATA, "line %zu: not a JSON object", line);
  }
  rs_status status = take(user, record, line);
  json_decref(record);
  return status;
}

/* ---- asking --------------------------------------------------------------------------------- */

const char *past_opened(const past *p) {
  return p->open != NULL ? text_of(p->open, "created") : NULL;
}

const json_t *past_starts(const past *p) {
  return p->starts;
}

const json_t *past_stage(const past *p, rs_id identity) {
  char id[RS_ID_TEXT];
  rs_id_format(identity, id);
  return json_object_get(p->stages, id);
}

static bool is_swept(const rs_job *job, const char *path) {
  const rs_dim *dims;
  size_t n = rs_job_dims(job, &dims);
  for (size_t i = 0; i < n; i++)
    if (strcmp(dims[i].path, path) == 0) return true;
  return false;
}

/* Settings that steer the search or the machine, not what a stage computes. */
static bool changes_no_result(const char *path) {
  return strncmp(path, "sweep.", 6) == 0 || strncmp(path, "resources.", 10) == 0 ||
         strncmp(path, "checkpoint.", 11) == 0 || strcmp(path, "name") == 0;
}

static void list_differences(const past *p, const rs_job *job, json_t *now, rs_str *out) {
  const json_t *before = json_object_get(p->open, "settings");
  const char *path;
  json_t *value;
  json_object_foreach(now, path, value) {
    json_t *old = json_object_get(before, path);
    if (old == NULL || json_equal(old, value) || changes_no_result(path) || is_swept(job, path))
      continue;
    char *from = json_dumps(old, JSON_COMPACT | JSON_ENCODE_ANY);
    char *to = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    rs_str_addf(out, "\n  %s was %s, is %s (%s)", path, from != NULL ? from : "?",
                to != NULL ? to : "?", rs_settings_place(rs_job_base(job), path));
    free(from);
    free(to);
  }
}

rs_status past_check(const past *p, const rs_job *job, const char *results) {
  static const char *const hint = "; use --fresh to move them aside, or -o for another file";
  if (strcmp(text_of(p->open, "experiment"), rs_job_schema(job)->experiment) != 0)
    return rs_fail(RS_ERR_CONFLICT, "%s holds results of experiment %s, the job asks for %s%s",
                   results, text_of(p->open, "experiment"), rs_job_schema(job)->experiment, hint);
  if (p->finished == 0) return RS_OK;
  char *text;
  RS_TRY(rs_settings_to_json(rs_job_base(job), &text));
  json_t *now = json_loads(text, 0, NULL);
  free(text);
  rs_str differences = {0};
  list_differences(p, job, now, &differences);
  rs_status status = rs_str_status(&differences);
  if (status == RS_OK && differences.len > 0)
    status = rs_fail(RS_ERR_CONFLICT, "%s holds %zu finished stages of other settings%s:%s",
                     results, p->finished, hint, differences.text);
  rs_str_free(&differences);
  json_decref(now);
  return status;
}
