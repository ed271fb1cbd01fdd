/* Is the journal sound, and does it agree with the results file? */
#include "show/show.h"
#include "verify.h"

#include <inttypes.h>
#include <string.h>

static const char *text_of(const json_t *record, const char *key) {
  const char *text = json_string_value(json_object_get(record, key));
  return text != NULL ? text : "";
}

/* ---- reading ------------------------------------------------------------------------------ */

typedef struct reader {
  verification *v;
  json_t *notes; /* {identity: {state, output, removed, step, artifacts}} */
} reader;

static json_t *note_of(const reader *r, const json_t *record) {
  json_t *note = json_object_get(r->notes, text_of(record, "stage"));
  if (note != NULL) return note;
  note = json_object();
  json_object_set_new(note, "step", json_integer(-1));
  json_object_set_new(r->notes, text_of(record, "stage"), note);
  return note;
}

static void take_stage(const reader *r, const char *is, const json_t *record) {
  json_t *note = note_of(r, record);
  if (strcmp(is, "begin") == 0) json_object_set_new(note, "state", json_string("running"));
  if (strcmp(is, "metrics") == 0) json_object_set(note, "step", json_object_get(record, "step"));
  if (strcmp(is, "removed") == 0) json_object_set_new(note, "removed", json_true());
  if (strcmp(is, "restored") == 0 || strcmp(is, "end") == 0) json_object_del(note, "removed");
  if (strcmp(is, "restored") == 0 && json_object_get(record, "artifacts") != NULL)
    json_object_set(note, "artifacts", json_object_get(record, "artifacts"));
  if (strcmp(is, "end") != 0) return;
  json_object_set(note, "state", json_object_get(record, "state"));
  json_object_set(note, "output", json_object_get(record, "output"));
  json_object_set(note, "artifacts", json_object_get(record, "artifacts"));
}

/* A stage as a compacted journal carries it on. */
static void take_carried(const reader *r, const json_t *record) {
  const json_t *entry = json_object_get(record, "entry"), *end = json_object_get(entry, "end");
  json_t *note = note_of(r, record);
  bool removed = json_is_true(json_object_get(entry, "removed"));
  json_object_set_new(note, "state", json_string(end != NULL ? text_of(end, "state") : "running"));
  if (end != NULL) json_object_set(note, "output", json_object_get(end, "output"));
  if (end != NULL) json_object_set(note, "artifacts", json_object_get(end, "artifacts"));
  if (removed) json_object_set_new(note, "removed", json_true());
}

/* All that had failed was to be tried again. */
static void forgive(const reader *r) {
  const char *id;
  json_t *note;
  json_object_foreach(r->notes, id, note) {
    if (strcmp(text_of(note, "state"), "failed") == 0)
      json_object_set_new(note, "state", json_string("pending"));
  }
}

static bool is_of_stage(const char *is) {
  static const char *const kinds[] = {"begin", "metrics", "end", "failed", "removed", "restored"};
  for (size_t i = 0; i < RS_COUNT(kinds); i++)
    if (strcmp(is, kinds[i]) == 0) return true;
  return false;
}

static void take_first(const reader *r, const json_t *record) {
  verification *v = r->v;
  if (strcmp(text_of(record, "format"), "ranksweep-journal") != 0)
    verify_fault(v, v->journal, "line 1", "not a journal of ranksweep");
  else if (strcmp(text_of(record, "experiment"), v->r.experiment) != 0)
    verify_fault(v, v->journal, "line 1", "experiment \"%s\", but the results are of \"%s\"",
                 text_of(record, "experiment"), v->r.experiment);
}

static rs_status visit(void *user, const char *payload, size_t line) {
  const reader *r = user;
  json_t *record = json_loads(payload, 0, NULL);
  const char *is = text_of(record, "is");
  char place[32];
  snprintf(place, sizeof place, "line %zu", line);
  r->v->checked.records++;
  if (!json_is_object(record))
    verify_fault(r->v, r->v->journal, place, "not a JSON object");
  else if (line == 1)
    take_first(r, record);
  else if (is_of_stage(is))
    take_stage(r, is, record);
  else if (strcmp(is, "stage") == 0)
    take_carried(r, record);
  else if (strcmp(is, "retry") == 0)
    forgive(r);
  json_decref(record);
  return RS_OK;
}

/* ---- comparing ---------------------------------------------------------------------------- */

static void disagree(verification *v, size_t row, const char *format, ...) RS_PRINTF(3, 4);
static void disagree(verification *v, size_t row, const char *format, ...) {
  char place[64], message[256];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  snprintf(place, sizeof place, "/stages, row %zu", row);
  verify_fault(v, v->path, place, "%s", message);
}

static bool has_ended(const char *state) {
  return strcmp(state, "done") == 0 || strcmp(state, "failed") == 0;
}

/* The journal is written first, so it may be ahead of the results while a run is under way. */
static void compare_stage(verification *v, const json_t *note, size_t row) {
  const char *here = show_text(v->r.stages, row, "state"), *there = text_of(note, "state");
  bool under_way = strcmp(v->r.state, "running") == 0;
  if (strcmp(here, there) == 0) return;
  if (strcmp(here, "done") == 0 || (has_ended(here) && !under_way))
    disagree(v, row, "is %s, but the journal says \"%s\"", here, there);
  else if (has_ended(there) && !under_way)
    disagree(v, row, "is %s, but the journal says %s", here, there);
}

/* The last step of each stage that /metrics has rows of. */
static json_t *last_steps(const rs_table *metrics) {
  json_t *steps = json_object();
  char key[32];
  for (size_t i = 0; i < rs_table_rows(metrics); i++) {
    int64_t step = show_int(metrics, i, "step", -1);
    snprintf(key, sizeof key, "%" PRId64, show_int(metrics, i, "stage", -1));
    json_t *last = json_object_get(steps, key);
    if (last == NULL || json_integer_value(last) < step)
      json_object_set_new(steps, key, json_integer(step));
  }
  return steps;
}

static void compare_steps(verification *v, const json_t *note, const json_t *steps, size_t row) {
  char key[32];
  snprintf(key, sizeof key, "%" PRId64, show_int(v->r.stages, row, "stage", -1));
  const json_t *last = json_object_get(steps, key);
  json_int_t here = last != NULL ? json_integer_value(last) : -1;
  json_int_t there = json_integer_value(json_object_get(note, "step"));
  if (here != there)
    disagree(v, row,
             "its metrics end at step %" JSON_INTEGER_FORMAT
             ", those in the journal at step %" JSON_INTEGER_FORMAT,
             here, there);
}

static void compare(verification *v, const json_t *notes) {
  json_t *steps = last_steps(v->r.metrics);
  for (size_t row = 0; row < rs_table_rows(v->r.stages); row++) {
    const json_t *note = json_object_get(notes, show_text(v->r.stages, row, "identity"));
    compare_stage(v, note, row);
    if (strcmp(show_text(v->r.stages, row, "state"), "done") == 0 &&
        strcmp(text_of(note, "state"), "done") == 0)
      compare_steps(v, note, steps, row);
  }
  json_decref(steps);
}

json_t *verify_journal(verification *v) {
  reader r = {v, json_object()};
  if (rs_journal_read(v->journal, visit, &r, &v->checked.torn) != RS_OK) {
    verify_failure(v, v->journal);
    json_decref(r.notes);
    return NULL;
  }
  if (v->checked.records == 0) verify_fault(v, v->journal, "", "holds no record");
  compare(v, r.notes);
  return r.notes;
}
