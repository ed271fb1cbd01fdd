#include "trial_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct trial_rows {
  const rs_job *job;
  rs_table *table;
  size_t tail; /* index of the first column of trial_tail */
  int *last;   /* by trial: the last stage of its chain; -1: its outcome is known */
  size_t cap_last;
};

/* ---- columns -------------------------------------------------------------------------------- */

/* Columns that the code below addresses by position. */
enum { TRIAL_TRIAL, TRIAL_STATE, TRIAL_ATTEMPTS, TRIAL_FIXED };
static const rs_column trial_head[] = {
    {"trial", RS_COLUMN_INT, NULL, "Number of the trial"},
    {"state", RS_COLUMN_TEXT, NULL, "pending, running, done, failed, stopped or pruned"},
    {"attempts", RS_COLUMN_INT, NULL, "Attempts at the stage that decided the trial"},
};
static const rs_column trial_tail[] = {
    {"parameters", RS_COLUMN_INT, NULL, "Parameters of the model"},
    {"epochs", RS_COLUMN_INT, "epochs", "Epochs trained, over all stages of the trial"},
    {"seconds", RS_COLUMN_FLOAT, "s", "Time of all stages of the trial, shared ones included"},
    {"mpi_ranks", RS_COLUMN_INT, NULL, "MPI ranks that ran the last stage"},
    {"threads", RS_COLUMN_INT, NULL, "OpenMP threads of each of these ranks"},
    {"stage", RS_COLUMN_INT, NULL, "The stage that decided the trial, or that it is at"},
    {"message", RS_COLUMN_TEXT, NULL, "Why it failed, or the last attempt did"},
};
enum {
  TAIL_PARAMETERS,
  TAIL_EPOCHS,
  TAIL_SECONDS,
  TAIL_RANKS,
  TAIL_THREADS,
  TAIL_STAGE,
  TAIL_MESSAGE
};

/* Type of a swept column: numbers as numbers, all else as people write it. */
static rs_column_type column_type(const rs_setting *setting) {
  switch (setting->type) {
  case RS_INT: return RS_COLUMN_INT;
  case RS_FLOAT: return RS_COLUMN_FLOAT;
  default: return RS_COLUMN_TEXT;
  }
}

static rs_status add_swept(trial_rows *t, const char *path) {
  if (rs_table_find(t->table, path) >= 0) return RS_OK;
  const rs_setting *s = rs_settings_entry(rs_job_base(t->job), path);
  rs_str name = {0};
  rs_str_add(&name, s->help);
  if (s->word != NULL && column_type(s) != RS_COLUMN_TEXT)
    rs_str_addf(&name, " 0 stands for %s.", s->word);
  rs_status status = rs_str_status(&name);
  rs_column column = {path, column_type(s), s->unit, name.text};
  if (status == RS_OK) status = rs_table_add_column(t->table, &column);
  rs_str_free(&name);
  return status;
}

static rs_status add_columns(trial_rows *t, const rs_experiment *kind) {
  const rs_dim *dims;
  const rs_point *points;
  size_t n_dims = rs_job_dims(t->job, &dims), n_points = rs_job_points(t->job, &points);
  for (size_t i = 0; i < n_dims; i++) RS_TRY(add_swept(t, dims[i].path));
  for (size_t i = 0; i < n_points; i++)
    for (size_t k = 0; k < points[i].count; k++) RS_TRY(add_swept(t, points[i].paths[k]));
  for (const rs_metric *m = kind->schema.metrics; m != NULL && m->name != NULL; m++) {
    rs_column column = {m->name, RS_COLUMN_FLOAT, m->unit, m->long_name};
    RS_TRY(rs_table_add_column(t->table, &column));
  }
  t->tail = rs_table_columns(t->table);
  for (size_t i = 0; i < RS_COUNT(trial_tail); i++)
    RS_TRY(rs_table_add_column(t->table, &trial_tail[i]));
  return RS_OK;
}

/* ---- life ----------------------------------------------------------------------------------- */

rs_status trial_rows_create(const rs_job *job, const rs_experiment *kind, trial_rows **out) {
  trial_rows *t;
  *out = NULL;
  RS_TRY(rs_new(&t, 1, sizeof *t));
  t->job = job;
  rs_status status = rs_table_create(trial_head, RS_COUNT(trial_head), &t->table);
  if (status == RS_OK) status = add_columns(t, kind);
  if (status != RS_OK) {
    trial_rows_destroy(t);
    return status;
  }
  *out = t;
  return RS_OK;
}

void trial_rows_destroy(trial_rows *t) {
  if (t == NULL) return;
  rs_table_destroy(t->table);
  free(t->last);
  free(t);
}

rs_table *trial_rows_table(const trial_rows *t) {
  return t->table;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static rs_status set_swept(trial_rows *t, size_t row, size_t column, const rs_settings *settings) {
  const rs_column *c = rs_table_column(t->table, column);
  const rs_value *value = rs_settings_value(settings, c->name);
  if (value == NULL) return RS_OK;
  if (c->type == RS_COLUMN_INT) {
    rs_table_set_int(t->table, row, column, value->integer);
  } else if (c->type == RS_COLUMN_FLOAT) {
    rs_table_set_float(t->table, row, column, value->real);
  } else {
    rs_str text = {0};
    rs_value_print(value, rs_settings_entry(settings, c->name)->word, &text);
    rs_status status = rs_str_status(&text);
    if (status == RS_OK) status = rs_table_set_text(t->table, row, column, text.text);
    rs_str_free(&text);
    return status;
  }
  return RS_OK;
}

rs_status trial_rows_add(trial_rows *t, const rs_trial *trial) {
  size_t row;
  RS_TRY(rs_grow(&t->last, &t->cap_last, (size_t)trial->index + 1, sizeof *t->last));
  RS_TRY(rs_table_add_row(t->table, &row));
  RS_ASSERT(row == (size_t)trial->index);
  rs_table_set_int(t->table, row, TRIAL_TRIAL, trial->number);
  t->last[row] = trial->chain[trial->length - 1];
  rs_table_set_int(t->table, row, t->tail + TAIL_STAGE, t->last[row]);
  RS_TRY(rs_table_set_text(t->table, row, TRIAL_STATE, "pending"));
  for (size_t i = TRIAL_FIXED; i < rs_table_columns(t->table); i++)
    if (strchr(rs_table_column(t->table, i)->name, '.') != NULL ||
        strcmp(rs_table_column(t->table, i)->name, "seed") == 0)
      RS_TRY(set_swept(t, row, i, trial->settings));
  return RS_OK;
}

/* Finals of every stage of the chain into the trial's columns, later stages over earlier ones. */
static void set_finals(trial_rows *t, const stage_rows *stages, const rs_trial *trial) {
  for (int i = 0; i < trial->length; i++) {
    const char *name;
    json_t *value;
    json_object_foreach(stage_rows_finals(stages, trial->chain[i]), name, value) {
      int column = rs_table_find(t->table, name);
      if (column < 0) continue;
      double number = json_is_number(value) ? json_number_value(value) : NAN;
      if (!isfinite(number)) continue; /* the cell stays as empty as it is */
      if (rs_table_column(t->table, (size_t)column)->type == RS_COLUMN_INT)
        rs_table_set_int(t->table, (size_t)trial->index, (size_t)column, (int64_t)number);
      else
        rs_table_set_float(t->table, (size_t)trial->index, (size_t)column, number);
    }
  }
}

/* How the trial of ROW stands: at STAGE, in STATE. */
static rs_status set_standing(trial_rows *t, const stage_rows *stages, size_t row, int stage,
                              rs_outcome state) {
  const char *message = state != RS_DONE ? stage_rows_message(stages, stage) : "";
  rs_table_set_int(t->table, row, t->tail + TAIL_STAGE, stage);
  rs_table_set_int(t->table, row, TRIAL_ATTEMPTS, stage_rows_attempts(stages, stage));
  RS_TRY(rs_table_set_text(t->table, row, t->tail + TAIL_MESSAGE, message));
  return rs_table_set_text(t->table, row, TRIAL_STATE, outcome_text(state));
}

rs_status trial_rows_end(trial_rows *t, const stage_rows *stages, const rs_trial *trial,
                         rs_outcome outcome, int stage) {
  size_t row = (size_t)trial->index;
  int64_t epochs = 0;
  double seconds = 0;
  for (int i = 0; i < trial->length; i++) {
    epochs += stage_rows_epochs(stages, trial->chain[i]);
    seconds += stage_rows_seconds(stages, trial->chain[i]);
  }
  t->last[row] = -1;
  rs_table_set_int(t->table, row, t->tail + TAIL_EPOCHS, epochs);
  rs_table_set_float(t->table, row, t->tail + TAIL_SECONDS, seconds);
  rs_table_set_int(t->table, row, t->tail + TAIL_RANKS, stage_rows_ranks(stages, stage));
  rs_table_set_int(t->table, row, t->tail + TAIL_THREADS, stage_rows_threads(stages, stage));
  set_finals(t, stages, trial);
  return set_standing(t, stages, row, stage, outcome);
}

/* ---- undecided trials ----------------------------------------------------------------------- */

/* The stage of the chain that ends with LAST which is neither done nor waits for another. */
static int present_stage(const stage_rows *stages, int last) {
  int stage = last;
  for (int up = last; up >= 0; up = stage_rows_parent(stages, up)) {
    if (stage_rows_state(stages, up) == RS_DONE) break;
    stage = up;
  }
  return stage;
}

rs_status trial_rows_refresh(trial_rows *t, const stage_rows *stages) {
  for (size_t row = 0; row < rs_table_rows(t->table); row++) {
    if (t->last[row] < 0) continue;
    int stage = present_stage(stages, t->last[row]);
    RS_TRY(set_standing(t, stages, row, stage, stage_rows_state(stages, stage)));
  }
  return RS_OK;
}

double trial_rows_final(const trial_rows *t, size_t trial, const char *metric) {
  int column = rs_table_find(t->table, metric);
  return column >= 0 ? rs_table_number(t->table, trial, (size_t)column) : NAN;
}
