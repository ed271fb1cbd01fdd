#include "stage_rows.h"

#include <stdlib.h>
#include <string.h>

typedef struct notes {
  rs_id identity;
  rs_outcome state; /* as in the table */
  json_t *finals, *artifacts;
  bool output;       /* it left one, ... */
  bool gone, redone; /* ... which is gone; and the stage runs again for it */
  bool linked;       /* the last snapshot links to it */
} notes;

struct stage_rows {
  rs_table *table;
  notes *notes; /* by stage */
  size_t cap_notes;
};

enum {
  STAGE_STAGE,
  STAGE_KIND,
  STAGE_PARENT,
  STAGE_STATE,
  STAGE_IDENTITY,
  STAGE_SECONDS,
  STAGE_WAITED,
  STAGE_RANKS,
  STAGE_THREADS,
  STAGE_ATTEMPTS,
  STAGE_EPOCHS,
  STAGE_MESSAGE
};
static const rs_column stage_columns[] = {
    {"stage", RS_COLUMN_INT, NULL, "Number of the stage"},
    {"kind", RS_COLUMN_TEXT, NULL, "What the stage does"},
    {"parent", RS_COLUMN_INT, NULL, "The stage whose output it starts from; -1: none"},
    {"state", RS_COLUMN_TEXT, NULL, "pending, running, done, failed or stopped"},
    {"identity", RS_COLUMN_TEXT, NULL, "Hash of all that its result depends on"},
    {"seconds", RS_COLUMN_FLOAT, "s", "Time of the last attempt"},
    {"wait_seconds", RS_COLUMN_FLOAT, "s",
     "Of these, what its first rank spent on nothing but sums and agreements with the others"},
    {"mpi_ranks", RS_COLUMN_INT, NULL, "MPI ranks of its group"},
    {"threads", RS_COLUMN_INT, NULL, "OpenMP threads of each rank"},
    {"attempts", RS_COLUMN_INT, NULL, "Attempts so far"},
    {"epochs", RS_COLUMN_INT, "epochs", "Epochs trained"},
    {"message", RS_COLUMN_TEXT, NULL, "Why the last attempt failed"},
};

/* ---- life ----------------------------------------------------------------------------------- */

rs_status stage_rows_create(stage_rows **out) {
  stage_rows *s;
  *out = NULL;
  RS_TRY(rs_new(&s, 1, sizeof *s));
  rs_status status = rs_table_create(stage_columns, RS_COUNT(stage_columns), &s->table);
  if (status != RS_OK) {
    stage_rows_destroy(s);
    return status;
  }
  *out = s;
  return RS_OK;
}

void stage_rows_destroy(stage_rows *s) {
  if (s == NULL) return;
  for (size_t i = 0; s->table != NULL && i < rs_table_rows(s->table); i++) {
    json_decref(s->notes[i].finals);
    json_decref(s->notes[i].artifacts);
  }
  rs_table_destroy(s->table);
  free(s->notes);
  free(s);
}

rs_table *stage_rows_table(const stage_rows *s) {
  return s->table;
}

size_t stage_rows_count(const stage_rows *s) {
  return rs_table_rows(s->table);
}

/* ---- words ---------------------------------------------------------------------------------- */

static const char *const outcome_words[] = {
    [RS_PENDING] = "pending", [RS_RUNNING] = "running", [RS_DONE] = "done",
    [RS_FAILED] = "failed",   [RS_STOPPED] = "stopped",
};

const char *outcome_text(rs_outcome outcome) {
  return outcome_words[outcome];
}

rs_outcome outcome_parse(const char *text) {
  for (size_t i = 0; i < RS_COUNT(outcome_words); i++)
    if (strcmp(outcome_words[i], text) == 0) return (rs_outcome)i;
  return RS_PENDING;
}

/* ---- what happens --------------------------------------------------------------------------- */

static rs_status set_state(stage_rows *s, int stage, rs_outcome state) {
  s->notes[stage].state = state;
  return rs_table_set_text(s->table, (size_t)stage, STAGE_STATE, outcome_text(state));
}

rs_status stage_rows_add(stage_rows *s, const rs_stage *stage) {
  size_t row;
  char id[RS_ID_TEXT];
  RS_TRY(rs_grow(&s->notes, &s->cap_notes, (size_t)stage->index + 1, sizeof *s->notes));
  RS_TRY(rs_table_add_row(s->table, &row));
  RS_ASSERT(row == (size_t)stage->index);
  s->notes[row] = (notes){.identity = stage->identity};
  rs_id_format(stage->identity, id);
  rs_table_set_int(s->table, row, STAGE_STAGE, stage->index);
  rs_table_set_int(s->table, row, STAGE_PARENT, stage->parent);
  rs_table_set_float(s->table, row, STAGE_SECONDS, 0);
  rs_table_set_float(s->table, row, STAGE_WAITED, 0);
  RS_TRY(rs_table_set_text(s->table, row, STAGE_KIND, stage->spec->name));
  RS_TRY(rs_table_set_text(s->table, row, STAGE_IDENTITY, id));
  return set_state(s, stage->index, RS_PENDING);
}

void stage_rows_begin(stage_rows *s, int stage, int attempt, int ranks) {
  rs_table_set_int(s->table, (size_t)stage, STAGE_ATTEMPTS, attempt);
  rs_table_set_int(s->table, (size_t)stage, STAGE_RANKS, ranks);
  (void)!set_state(s, stage, RS_RUNNING); /* a text that short always fits */
}

void stage_rows_trained(stage_rows *s, int stage, int64_t epoch) {
  rs_table_set_int(s->table, (size_t)stage, STAGE_EPOCHS, epoch);
}

static rs_status set_message(stage_rows *s, int stage, const json_t *message) {
  const char *text = json_string_value(message);
  return rs_table_set_text(s->table, (size_t)stage, STAGE_MESSAGE, text != NULL ? text : "");
}

void stage_rows_set_artifacts(stage_rows *s, int stage, json_t *artifacts) {
  json_decref(s->notes[stage].artifacts);
  s->notes[stage].artifacts = json_array_size(artifacts) > 0 ? json_incref(artifacts) : NULL;
}

rs_status stage_rows_result(stage_rows *s, int stage, const json_t *result) {
  size_t row = (size_t)stage;
  notes *n = &s->notes[row];
  json_decref(n->finals);
  n->finals = json_incref(json_object_get(result, "finals"));
  n->output = json_is_true(json_object_get(result, "output"));
  stage_rows_set_artifacts(s, stage, json_object_get(result, "artifacts"));
  rs_table_set_float(s->table, row, STAGE_SECONDS,
                     json_number_value(json_object_get(result, "seconds")));
  rs_table_set_float(s->table, row, STAGE_WAITED,
                     json_number_value(json_object_get(result, "waited")));
  rs_table_set_int(s->table, row, STAGE_THREADS,
                   json_integer_value(json_object_get(result, "threads")));
  return set_message(s, stage, json_object_get(result, "message"));
}

json_t *stage_rows_end(stage_rows *s, int stage, rs_outcome outcome) {
  const notes *n = &s->notes[stage];
  if (set_state(s, stage, outcome) != RS_OK) return NULL;
  json_t *end = json_pack(
      "{s:s, s:I, s:f, s:f, s:I, s:I, s:s, s:b, s:o}", "state", outcome_text(outcome), "attempt",
      (json_int_t)stage_rows_attempts(s, stage), "seconds", stage_rows_seconds(s, stage), "waited",
      rs_table_float(s->table, (size_t)stage, STAGE_WAITED), "ranks",
      (json_int_t)stage_rows_ranks(s, stage), "threads", (json_int_t)stage_rows_threads(s, stage),
      "message", stage_rows_message(s, stage), "output", (int)n->output, "finals",
      n->finals != NULL ? json_incref(n->finals) : json_object());
  if (outcome == RS_DONE && n->artifacts != NULL) json_object_set(end, "artifacts", n->artifacts);
  return end;
}

/* One that has not ended: it will go on, with so many attempts used. */
static rs_status recall_unfinished(stage_rows *s, int stage, const json_t *known, int attempts) {
  rs_table_set_int(s->table, (size_t)stage, STAGE_ATTEMPTS, attempts);
  return set_message(s, stage, json_object_get(known, "message"));
}

rs_status stage_rows_recall(stage_rows *s, int stage, const json_t *known, int attempts) {
  const json_t *end = json_object_get(known, "end");
  const char *text = json_string_value(json_object_get(end, "state"));
  rs_outcome state = text != NULL ? outcome_parse(text) : RS_PENDING;
  if (state != RS_DONE && state != RS_FAILED) return recall_unfinished(s, stage, known, attempts);
  RS_TRY(stage_rows_result(s, stage, end));
  stage_rows_begin(s, stage, (int)json_integer_value(json_object_get(end, "attempt")),
                   (int)json_integer_value(json_object_get(end, "ranks")));
  return set_state(s, stage, state);
}

/* ---- outputs -------------------------------------------------------------------------------- */

static bool left_output(const stage_rows *s, int stage) {
  return s->notes[stage].output && s->notes[stage].state == RS_DONE;
}

bool stage_rows_has_output(const stage_rows *s, int stage) {
  return left_output(s, stage) && !s->notes[stage].gone;
}

bool stage_rows_lacks_output(const stage_rows *s, int stage) {
  return left_output(s, stage) && s->notes[stage].gone;
}

void stage_rows_link_output(stage_rows *s, int stage) {
  s->notes[stage].linked = true;
}

bool stage_rows_drop_output(stage_rows *s, int stage) {
  s->notes[stage].gone = true;
  return s->notes[stage].linked;
}

void stage_rows_redo(stage_rows *s, int stage) {
  s->notes[stage].redone = true;
}

bool stage_rows_is_redone(const stage_rows *s, int stage) {
  return s->notes[stage].redone;
}

rs_status stage_rows_redone(stage_rows *s, int stage, bool done, const char *message) {
  notes *n = &s->notes[stage];
  if (done) n->gone = n->redone = false;
  return rs_table_set_text(s->table, (size_t)stage, STAGE_MESSAGE, message);
}

/* ---- what is known -------------------------------------------------------------------------- */

rs_outcome stage_rows_state(const stage_rows *s, int stage) {
  return s->notes[stage].state;
}

rs_id stage_rows_identity(const stage_rows *s, int stage) {
  return s->notes[stage].identity;
}

int stage_rows_parent(const stage_rows *s, int stage) {
  return (int)rs_table_int(s->table, (size_t)stage, STAGE_PARENT);
}

int64_t stage_rows_attempts(const stage_rows *s, int stage) {
  return rs_table_int(s->table, (size_t)stage, STAGE_ATTEMPTS);
}

int64_t stage_rows_epochs(const stage_rows *s, int stage) {
  return rs_table_int(s->table, (size_t)stage, STAGE_EPOCHS);
}

double stage_rows_seconds(const stage_rows *s, int stage) {
  return rs_table_float(s->table, (size_t)stage, STAGE_SECONDS);
}

int64_t stage_rows_ranks(const stage_rows *s, int stage) {
  return rs_table_int(s->table, (size_t)stage, STAGE_RANKS);
}

int64_t stage_rows_threads(const stage_rows *s, int stage) {
  return rs_table_int(s->table, (size_t)stage, STAGE_THREADS);
}

const char *stage_rows_message(const stage_rows *s, int stage) {
  return rs_table_text(s->table, (size_t)stage, STAGE_MESSAGE);
}

json_t *stage_rows_finals(const stage_rows *s, int stage) {
  return s->notes[stage].finals;
}

json_t *stage_rows_artifacts(const stage_rows *s, int stage) {
  return s->notes[stage].state == RS_DONE ? s->notes[stage].artifacts : NULL;
}
