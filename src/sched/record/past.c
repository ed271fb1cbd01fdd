#include "past.h"

#include <stdlib.h>
#include <string.h>

struct past {
  json_t *open, *starts, *stages;
  json_t *running; /* entries of stages that have begun and not ended, by identity */
  size_t finished; /* stages that ended well */
  size_t failed, blamed, rows;
  size_t records; /* read */
};

rs_status past_create(past **out) {
  past *p;
  *out = NULL;
  RS_TRY(rs_new(&p, 1, sizeof *p));
  p->starts = json_array();
  p->stages = json_object();
  p->running = json_object();
  if (p->starts == NULL || p->stages == NULL || p->running == NULL) {
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
  json_decref(p->running);
  free(p);
}

/* ---- reading -------------------------------------------------------------------------------- */

static const char *text_of(const json_t *record, const char *key) {
  const char *text = json_string_value(json_object_get(record, key));
  return text != NULL ? text : "";
}

static json_t *stage_entry(past *p, const char *id) {
  json_t *entry = json_object_get(p->stages, id);
  if (entry == NULL) {
    entry = json_object();
    json_object_set_new(p->stages, id, entry);
  }
  return entry;
}

static bool ended_as(const json_t *entry, const char *state) {
  return strcmp(text_of(json_object_get(entry, "end"), "state"), state) == 0;
}

static json_int_t step_of(const json_t *row) {
  return json_integer_value(json_object_get(row, "step"));
}

/* A row takes the place of those of an earlier attempt at or after its step. */
static void add_row(past *p, json_t *entry, json_t *row) {
  json_t *rows = json_object_get(entry, "metrics");
  if (rows == NULL) {
    rows = json_array();
    json_object_set_new(entry, "metrics", rows);
  }
  for (size_t n = json_array_size(rows);
       n > 0 && step_of(json_array_get(rows, n - 1)) >= step_of(row); n--, p->rows--)
    json_array_remove(rows, n - 1);
  p->rows += json_array_append(rows, row) == 0;
}

static void set_used(json_t *entry, json_int_t attempts) {
  json_object_set_new(entry, "used", json_integer(attempts > 0 ? attempts : 0));
}

static json_int_t attempt_of(const json_t *record) {
  return json_integer_value(json_object_get(record, "attempt"));
}

static void take_begin(past *p, const char *id, json_t *entry, json_t *record) {
  json_object_set(entry, "begin", record);
  json_object_del(entry, "end");
  set_used(entry, attempt_of(record));
  json_object_set(p->running, id, entry);
}

/* One that was stopped gets its attempt back. */
static void take_end(past *p, const char *id, json_t *entry, json_t *record) {
  json_object_set(entry, "end", record);
  json_object_del(entry, "removed");
  set_used(entry, attempt_of(record) - ended_as(entry, "stopped"));
  json_object_del(p->running, id);
}

/* An attempt that counts; there will be another. */
static void take_failed(past *p, const char *id, json_t *entry, json_t *record) {
  json_object_set(entry, "message", json_object_get(record, "message"));
  set_used(entry, attempt_of(record));
  json_object_del(p->running, id);
}

static bool takes_part(const json_t *begin, int rank) {
  size_t index;
  json_t *worker;
  json_array_foreach(json_object_get(begin, "workers"), index,
                     worker) if (json_integer_value(worker) == rank) return true;
  return false;
}

/* Identity of the stage that ran on RANK; NULL: none. */
static const char *id_running_on(const past *p, int rank) {
  const char *id;
  json_t *entry;
  json_object_foreach(p->running, id,
                      entry) if (takes_part(json_object_get(entry, "begin"), rank)) return id;
  return NULL;
}

/* {"stage": id} or {"rank": n}: the attempt counts, and is over. */
static void take_crash(past *p, const json_t *record) {
  const json_t *rank = json_object_get(record, "rank");
  const char *id = json_string_value(json_object_get(record, "stage"));
  if (id == NULL && rank != NULL) id = id_running_on(p, (int)json_integer_value(rank));
  json_t *entry = id != NULL ? json_object_get(p->running, id) : NULL;
  if (entry == NULL) return;
  json_object_set(entry, "message", json_object_get(record, "message"));
  json_object_del(p->running, id);
  p->blamed++;
}

void past_interrupt(past *p) {
  const char *id;
  json_t *entry;
  json_object_foreach(p->running, id, entry)
      set_used(entry, attempt_of(json_object_get(entry, "begin")) - 1);
  json_object_clear(p->running);
}

void past_forgive(past *p) {
  const char *id;
  json_t *entry;
  json_object_foreach(p->stages, id, entry) {
    if (!ended_as(entry, "failed")) continue;
    p->failed--;
    json_object_del(entry, "end");
    json_object_del(entry, "message");
    set_used(entry, 0);
  }
}

/* What it left is there again, the files for people as this attempt wrote them. */
static void take_restored(json_t *entry, const json_t *record) {
  json_t *artifacts = json_object_get(record, "artifacts");
  json_object_del(entry, "removed");
  if (artifacts != NULL) json_object_set(json_object_get(entry, "end"), "artifacts", artifacts);
}

static void take_stage(past *p, const char *is, json_t *record) {
  const char *id = text_of(record, "stage");
  json_t *entry = stage_entry(p, id);
  p->finished -= ended_as(entry, "done");
  p->failed -= ended_as(entry, "failed");
  if (strcmp(is, "begin") == 0) take_begin(p, id, entry, record);
  if (strcmp(is, "metrics") == 0) add_row(p, entry, record);
  if (strcmp(is, "end") == 0) take_end(p, id, entry, record);
  if (strcmp(is, "failed") == 0) take_failed(p, id, entry, record);
  if (strcmp(is, "removed") == 0) json_object_set_new(entry, "removed", json_true());
  if (strcmp(is, "restored") == 0) take_restored(entry, record);
  p->finished += ended_as(entry, "done");
  p->failed += ended_as(entry, "failed");
}

static rs_status take_first(past *p, json_t *record) {
  if (strcmp(text_of(record, "format"), "ranksweep-journal") != 0)
    return rs_fail(RS_ERR_DATA, "line 1: not a ranksweep journal");
  if (json_integer_value(json_object_get(record, "version")) != 1)
    return rs_fail(RS_ERR_DATA, "line 1: journal of version %lld, this program reads version 1",
                   (long long)json_integer_value(json_object_get(record, "version")));
  p->open = json_incref(record);
  return RS_OK;
}

/* Of the latest start. What was swept once stays free: finished work has all of its values. */
static void take_settings(past *p, const json_t *record) {
  json_t *swept = json_object_get(p->open, "swept");
  json_object_set(p->open, "settings", json_object_get(record, "settings"));
  if (swept == NULL) json_object_set_new(p->open, "swept", swept = json_object());
  json_object_update(swept, json_object_get(record, "swept"));
  if (json_object_get(record, "share") != NULL)
    json_object_set(p->open, "share", json_object_get(record, "share"));
}

/* A stage as past_write left it. */
static void take_carried(past *p, const json_t *record) {
  json_t *entry = stage_entry(p, text_of(record, "stage"));
  json_object_update(entry, json_object_get(record, "entry"));
  p->finished += ended_as(entry, "done");
  p->failed += ended_as(entry, "failed");
}

static rs_status take(past *p, json_t *record, size_t line) {
  const char *is = text_of(record, "is");
  p->records++;
  if (line == 1) return take_first(p, record);
  if (strcmp(is, "start") == 0) {
    past_interrupt(p);
    json_array_append(p->starts, record);
  }
  if (strcmp(is, "settings") == 0) take_settings(p, record);
  if (strcmp(is, "stage") == 0) take_carried(p, record);
  if (strcmp(is, "crash") == 0) take_crash(p, record);
  if (strcmp(is, "retry") == 0) past_forgive(p);
  static const char *const of_stages[] = {"begin",  "metrics", "end",
                                          "failed", "removed", "restored"};
  for (size_t i = 0; i < RS_COUNT(of_stages); i++)
    if (strcmp(is, of_stages[i]) == 0) take_stage(p, is, record);
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

/* ---- writing it anew ------------------------------------------------------------------------ */

static rs_status write_record(rs_journal *to, const json_t *record) {
  char *text = record != NULL ? json_dumps(record, JSON_COMPACT) : NULL;
  if (text == NULL) return rs_fail(RS_ERR_NOMEM, "out of memory: a journal record");
  rs_status status = rs_journal_append(to, text);
  free(text);
  return status;
}

static rs_status write_stage(rs_journal *to, const char *id, const json_t *entry) {
  size_t index;
  json_t *row, *bare = json_copy((json_t *)entry); /* shares what is in it */
  json_object_del(bare, "metrics");
  json_t *record = json_pack("{s:s, s:s, s:o}", "is", "stage", "stage", id, "entry", bare);
  rs_status status = write_record(to, record);
  json_decref(record);
  json_array_foreach(json_object_get(entry, "metrics"), index, row) if (status == RS_OK) status =
      write_record(to, row);
  return status;
}

rs_status past_write(void *user, rs_journal *to) {
  past *p = user;
  size_t index;
  const char *id;
  json_t *record;
  RS_TRY(write_record(to, p->open));
  json_array_foreach(p->starts, index, record) RS_TRY(write_record(to, record));
  json_object_foreach(p->stages, id, record) RS_TRY(write_stage(to, id, record));
  return RS_OK;
}

rs_status past_adopt(past *p, rs_id identity, const json_t *entry, rs_journal *to) {
  char id[RS_ID_TEXT];
  json_t *own = json_deep_copy(entry);
  rs_id_format(identity, id);
  if (own == NULL || json_object_set_new(p->stages, id, own) != 0)
    return rs_fail(RS_ERR_NOMEM, "out of memory: the journal");
  p->finished += ended_as(own, "done");
  p->rows += json_array_size(json_object_get(own, "metrics"));
  return write_stage(to, id, own);
}

bool past_is_long(const past *p) {
  const size_t short_enough = 1000;
  size_t needed = 1 + json_array_size(p->starts) + json_object_size(p->stages) + p->rows;
  return p->records > short_enough && p->records > 2 * needed;
}

/* ---- asking --------------------------------------------------------------------------------- */

const char *past_experiment(const past *p) {
  return json_string_value(json_object_get(p->open, "experiment"));
}

const char *past_opened(const past *p) {
  return p->open != NULL ? text_of(p->open, "created") : NULL;
}

const json_t *past_first(const past *p) {
  return p->open;
}

const json_t *past_all(const past *p) {
  return p->stages;
}

const json_t *past_starts(const past *p) {
  return p->starts;
}

size_t past_stages(const past *p) {
  return json_object_size(p->stages);
}

const json_t *past_stage(const past *p, rs_id identity) {
  char id[RS_ID_TEXT];
  rs_id_format(identity, id);
  return json_object_get(p->stages, id);
}

int past_attempts(const past *p, rs_id identity) {
  const json_t *entry = past_stage(p, identity);
  return (int)json_integer_value(json_object_get(entry, "used"));
}

const json_t *past_running_on(const past *p, int rank) {
  const char *id = id_running_on(p, rank);
  return id != NULL ? json_object_get(json_object_get(p->running, id), "begin") : NULL;
}

size_t past_finished(const past *p) {
  return p->finished;
}

size_t past_progress(const past *p) {
  return p->finished + p->failed + p->blamed + p->rows;
}

json_t *past_swept(const rs_job *job) {
  const rs_dim *dims;
  const rs_point *points;
  size_t n = rs_job_dims(job, &dims), n_points = rs_job_points(job, &points);
  json_t *paths = json_object(); /* as a set */
  for (size_t i = 0; i < n; i++) json_object_set_new(paths, dims[i].path, json_true());
  for (size_t i = 0; i < n_points; i++)
    for (size_t k = 0; k < points[i].count; k++)
      json_object_set_new(paths, points[i].paths[k], json_true());
  return paths;
}

/* Settings that no stage computes with. */
static bool changes_no_result(const char *path) {
  return rs_setting_is_layout(path) || strncmp(path, "sweep.", 6) == 0 ||
         strcmp(path, "checkpoint.keep") == 0 || strcmp(path, "name") == 0;
}

static void list_differences(const past *p, const rs_job *job, json_t *now, rs_str *out) {
  const json_t *before = json_object_get(p->open, "settings");
  const json_t *swept_before = json_object_get(p->open, "swept");
  json_t *swept = past_swept(job);
  const char *path;
  json_t *value;
  json_object_foreach(now, path, value) {
    json_t *old = json_object_get(before, path);
    if (old == NULL || json_equal(old, value) || changes_no_result(path) ||
        json_object_get(swept, path) != NULL || json_object_get(swept_before, path) != NULL)
      continue;
    char *from = json_dumps(old, JSON_COMPACT | JSON_ENCODE_ANY);
    char *to = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    rs_str_addf(out, "\n  %s was %s, is %s (%s)", path, from != NULL ? from : "?",
                to != NULL ? to : "?", rs_settings_place(rs_job_base(job), path));
    free(from);
    free(to);
  }
  json_decref(swept);
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
