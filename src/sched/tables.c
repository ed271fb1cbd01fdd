#include "tables.h"

#include "metrics.h"
#include "ranksweep/run.h"
#include "ranksweep/store.h"
#include "standing.h"
#include "vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct stage_notes {
  rs_id identity;
  const char *kind;
  const rs_stage_vectors *vectors; /* still to be looked for in its output; NULL: none */
  json_t *finals;                  /* {name: value} of the last attempt that gave a result */
  bool output;
  int64_t last_step; /* of its rows of metrics; -1: none */
} stage_notes;

struct tables {
  const rs_job *job;
  const rs_experiment *kind;
  rs_table *trials, *stages, *provenance;
  metrics *metrics;
  vectors *vectors;
  stage_notes *notes; /* by stage */
  size_t cap_notes;
  struct rs_model_link *models;
  size_t n_models, cap_models;
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
    {"stage", RS_COLUMN_INT, NULL, "The stage that decided the trial"},
    {"message", RS_COLUMN_TEXT, NULL, "Why it failed"},
};

enum {
  STAGE_STAGE,
  STAGE_KIND,
  STAGE_PARENT,
  STAGE_STATE,
  STAGE_IDENTITY,
  STAGE_SECONDS,
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
    {"mpi_ranks", RS_COLUMN_INT, NULL, "MPI ranks of its group"},
    {"threads", RS_COLUMN_INT, NULL, "OpenMP threads of each rank"},
    {"attempts", RS_COLUMN_INT, NULL, "Attempts so far"},
    {"epochs", RS_COLUMN_INT, "epochs", "Epochs trained"},
    {"message", RS_COLUMN_TEXT, NULL, "Why the last attempt failed"},
};

static const rs_column provenance_columns[] = {
    {"time", RS_COLUMN_TEXT, NULL, "When this start was (UTC)"},
    {"command", RS_COLUMN_TEXT, NULL, "Command line"},
    {"version", RS_COLUMN_TEXT, NULL, "Version of ranksweep"},
    {"host", RS_COLUMN_TEXT, NULL, "Host of the coordinator"},
    {"cpu", RS_COLUMN_TEXT, NULL, "Its processor"},
    {"mpi_ranks", RS_COLUMN_INT, NULL, "MPI ranks, the coordinator included"},
    {"threads", RS_COLUMN_INT, NULL, "OpenMP threads of a worker; 0: the cores it may use"},
    {"mpi", RS_COLUMN_TEXT, NULL, "MPI library"},
    {"blas", RS_COLUMN_TEXT, NULL, "OpenBLAS build"},
    {"blas_core", RS_COLUMN_TEXT, NULL, "Kernels that OpenBLAS chose"},
};

/* Type of a swept column: numbers as numbers, all else as people write it. */
static rs_column_type column_type(const rs_setting *setting) {
  switch (setting->type) {
  case RS_INT: return RS_COLUMN_INT;
  case RS_FLOAT: return RS_COLUMN_FLOAT;
  default: return RS_COLUMN_TEXT;
  }
}

static rs_status add_swept(tables *t, const char *path) {
  if (rs_table_find(t->trials, path) >= 0) return RS_OK;
  const rs_setting *s = rs_settings_entry(rs_job_base(t->job), path);
  rs_str name = {0};
  rs_str_add(&name, s->help);
  if (s->word != NULL && column_type(s) != RS_COLUMN_TEXT)
    rs_str_addf(&name, " 0 stands for %s.", s->word);
  rs_status status = rs_str_status(&name);
  rs_column column = {path, column_type(s), s->unit, name.text};
  if (status == RS_OK) status = rs_table_add_column(t->trials, &column);
  rs_str_free(&name);
  return status;
}

static rs_status add_trial_columns(tables *t) {
  const rs_dim *dims;
  const rs_point *points;
  size_t n_dims = rs_job_dims(t->job, &dims), n_points = rs_job_points(t->job, &points);
  for (size_t i = 0; i < n_dims; i++) RS_TRY(add_swept(t, dims[i].path));
  for (size_t i = 0; i < n_points; i++)
    for (size_t k = 0; k < points[i].count; k++) RS_TRY(add_swept(t, points[i].paths[k]));
  for (const rs_metric *m = t->kind->schema.metrics; m != NULL && m->name != NULL; m++) {
    rs_column column = {m->name, RS_COLUMN_FLOAT, m->unit, m->long_name};
    RS_TRY(rs_table_add_column(t->trials, &column));
  }
  for (size_t i = 0; i < RS_COUNT(trial_tail); i++)
    RS_TRY(rs_table_add_column(t->trials, &trial_tail[i]));
  return RS_OK;
}

/* ---- life ----------------------------------------------------------------------------------- */

rs_status tables_create(const rs_job *job, const rs_experiment *kind, tables **out) {
  tables *t;
  *out = NULL;
  RS_TRY(rs_new(&t, 1, sizeof *t));
  t->job = job;
  t->kind = kind;
  rs_status status = rs_table_create(trial_head, RS_COUNT(trial_head), &t->trials);
  if (status == RS_OK) status = add_trial_columns(t);
  if (status == RS_OK) status = rs_table_create(stage_columns, RS_COUNT(stage_columns), &t->stages);
  if (status == RS_OK)
    status = rs_table_create(provenance_columns, RS_COUNT(provenance_columns), &t->provenance);
  if (status == RS_OK) status = metrics_create(kind->metrics, &t->metrics);
  if (status == RS_OK) status = vectors_create(&t->vectors);
  if (status != RS_OK) {
    tables_destroy(t);
    return status;
  }
  *out = t;
  return RS_OK;
}

void tables_destroy(tables *t) {
  if (t == NULL) return;
  size_t n = t->stages != NULL ? rs_table_rows(t->stages) : 0;
  for (size_t i = 0; i < n; i++) json_decref(t->notes[i].finals);
  for (size_t i = 0; i < t->n_models; i++) free((char *)t->models[i].file);
  rs_table_destroy(t->trials);
  rs_table_destroy(t->stages);
  rs_table_destroy(t->provenance);
  metrics_destroy(t->metrics);
  vectors_destroy(t->vectors);
  free(t->notes);
  free(t->models);
  free(t);
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

/* ---- rows ----------------------------------------------------------------------------------- */

static rs_status set_value(rs_table *table, size_t row, const rs_column *column, size_t index,
                           const json_t *value) {
  switch (column->type) {
  case RS_COLUMN_INT: rs_table_set_int(table, row, index, json_integer_value(value)); return RS_OK;
  case RS_COLUMN_FLOAT:
    rs_table_set_float(table, row, index, json_number_value(value));
    return RS_OK;
  case RS_COLUMN_TEXT: break;
  }
  const char *text = json_string_value(value);
  return rs_table_set_text(table, row, index, text != NULL ? text : "");
}

rs_status tables_add_start(tables *t, const json_t *provenance) {
  size_t row;
  RS_TRY(rs_table_add_row(t->provenance, &row));
  for (size_t i = 0; i < RS_COUNT(provenance_columns); i++)
    RS_TRY(set_value(t->provenance, row, &provenance_columns[i], i,
                     json_object_get(provenance, provenance_columns[i].name)));
  return RS_OK;
}

rs_status tables_add_stage(tables *t, const rs_stage *stage) {
  size_t row;
  char id[RS_ID_TEXT];
  RS_TRY(rs_grow(&t->notes, &t->cap_notes, (size_t)stage->index + 1, sizeof *t->notes));
  RS_TRY(rs_table_add_row(t->stages, &row));
  RS_ASSERT(row == (size_t)stage->index);
  t->notes[row] = (stage_notes){.identity = stage->identity,
                                .kind = stage->spec->name,
                                .vectors = t->kind->stages[stage->step]->vectors,
                                .last_step = -1};
  rs_id_format(stage->identity, id);
  rs_table_set_int(t->stages, row, STAGE_STAGE, stage->index);
  rs_table_set_int(t->stages, row, STAGE_PARENT, stage->parent);
  rs_table_set_float(t->stages, row, STAGE_SECONDS, 0);
  RS_TRY(rs_table_set_text(t->stages, row, STAGE_KIND, stage->spec->name));
  RS_TRY(rs_table_set_text(t->stages, row, STAGE_STATE, "pending"));
  return rs_table_set_text(t->stages, row, STAGE_IDENTITY, id);
}

static rs_status set_swept(tables *t, size_t row, size_t column, const rs_settings *settings) {
  const rs_column *c = rs_table_column(t->trials, column);
  const rs_value *value = rs_settings_value(settings, c->name);
  if (value == NULL) return RS_OK;
  if (c->type == RS_COLUMN_INT) {
    rs_table_set_int(t->trials, row, column, value->integer);
  } else if (c->type == RS_COLUMN_FLOAT) {
    rs_table_set_float(t->trials, row, column, value->real);
  } else {
    rs_str text = {0};
    rs_value_print(value, rs_settings_entry(settings, c->name)->word, &text);
    rs_status status = rs_str_status(&text);
    if (status == RS_OK) status = rs_table_set_text(t->trials, row, column, text.text);
    rs_str_free(&text);
    return status;
  }
  return RS_OK;
}

rs_status tables_add_trial(tables *t, const rs_trial *trial) {
  size_t row;
  RS_TRY(rs_table_add_row(t->trials, &row));
  RS_ASSERT(row == (size_t)trial->index);
  rs_table_set_int(t->trials, row, TRIAL_TRIAL, trial->index);
  rs_table_set_int(t->trials, row, (size_t)rs_table_find(t->trials, "stage"),
                   trial->chain[trial->length - 1]);
  RS_TRY(rs_table_set_text(t->trials, row, TRIAL_STATE, "pending"));
  for (size_t i = TRIAL_FIXED; i < rs_table_columns(t->trials); i++)
    if (strchr(rs_table_column(t->trials, i)->name, '.') != NULL ||
        strcmp(rs_table_column(t->trials, i)->name, "seed") == 0)
      RS_TRY(set_swept(t, row, i, trial->settings));
  return RS_OK;
}

size_t tables_stages(const tables *t) {
  return rs_table_rows(t->stages);
}

rs_id tables_identity(const tables *t, int stage) {
  return t->notes[stage].identity;
}

const char *tables_message(const tables *t, int stage) {
  return rs_table_text(t->stages, (size_t)stage, STAGE_MESSAGE);
}

/* ---- what happens to stages ----------------------------------------------------------------- */

static rs_status set_stage_state(tables *t, int stage, const char *state) {
  return rs_table_set_text(t->stages, (size_t)stage, STAGE_STATE, state);
}

rs_outcome tables_stage_state(const tables *t, int stage, int *attempts) {
  rs_outcome state = outcome_parse(rs_table_text(t->stages, (size_t)stage, STAGE_STATE));
  *attempts = (int)rs_table_int(t->stages, (size_t)stage, STAGE_ATTEMPTS);
  return state == RS_DONE || state == RS_FAILED ? state : RS_PENDING;
}

void tables_begin(tables *t, int stage, int attempt, int ranks) {
  size_t row = (size_t)stage;
  rs_table_set_int(t->stages, row, STAGE_ATTEMPTS, attempt);
  rs_table_set_int(t->stages, row, STAGE_RANKS, ranks);
  (void)!set_stage_state(t, stage, "running"); /* a text that short always fits */
}

rs_status tables_add_metrics(tables *t, int stage, const json_t *message) {
  int64_t epoch = json_integer_value(json_object_get(message, "epoch"));
  int64_t step = json_integer_value(json_object_get(message, "step"));
  stage_notes *notes = &t->notes[stage];
  if (step <= notes->last_step) metrics_rewind(t->metrics, stage, step);
  notes->last_step = step;
  rs_table_set_int(t->stages, (size_t)stage, STAGE_EPOCHS, epoch);
  return metrics_add(t->metrics, stage, message);
}

rs_status tables_set_result(tables *t, int stage, const json_t *result) {
  size_t row = (size_t)stage;
  stage_notes *notes = &t->notes[row];
  json_decref(notes->finals);
  notes->finals = json_incref(json_object_get(result, "finals"));
  notes->output = json_is_true(json_object_get(result, "output"));
  rs_table_set_float(t->stages, row, STAGE_SECONDS,
                     json_number_value(json_object_get(result, "seconds")));
  rs_table_set_int(t->stages, row, STAGE_THREADS,
                   json_integer_value(json_object_get(result, "threads")));
  const char *message = json_string_value(json_object_get(result, "message"));
  return rs_table_set_text(t->stages, row, STAGE_MESSAGE, message != NULL ? message : "");
}

json_t *tables_end(tables *t, int stage, rs_outcome outcome) {
  size_t row = (size_t)stage;
  const stage_notes *notes = &t->notes[row];
  if (set_stage_state(t, stage, outcome_text(outcome)) != RS_OK) return NULL;
  return json_pack("{s:s, s:I, s:f, s:I, s:I, s:s, s:b, s:o}", "state", outcome_text(outcome),
                   "attempt", (json_int_t)rs_table_int(t->stages, row, STAGE_ATTEMPTS), "seconds",
                   rs_table_float(t->stages, row, STAGE_SECONDS), "ranks",
                   (json_int_t)rs_table_int(t->stages, row, STAGE_RANKS), "threads",
                   (json_int_t)rs_table_int(t->stages, row, STAGE_THREADS), "message",
                   tables_message(t, stage), "output", (int)notes->output, "finals",
                   notes->finals != NULL ? json_incref(notes->finals) : json_object());
}

rs_status tables_recall(tables *t, int stage, const json_t *known, int attempts) {
  size_t index;
  json_t *row;
  json_array_foreach(json_object_get(known, "metrics"), index, row)
      RS_TRY(tables_add_metrics(t, stage, row));
  const json_t *end = json_object_get(known, "end");
  const char *state = json_string_value(json_object_get(end, "state"));
  if (state == NULL || (strcmp(state, "done") != 0 && strcmp(state, "failed") != 0)) {
    const char *message = json_string_value(json_object_get(known, "message"));
    rs_table_set_int(t->stages, (size_t)stage, STAGE_ATTEMPTS, attempts);
    return rs_table_set_text(t->stages, (size_t)stage, STAGE_MESSAGE,
                             message != NULL ? message : "");
  }
  RS_TRY(tables_set_result(t, stage, end));
  tables_begin(t, stage, (int)json_integer_value(json_object_get(end, "attempt")),
               (int)json_integer_value(json_object_get(end, "ranks")));
  return set_stage_state(t, stage, state);
}

/* ---- what happens to trials ----------------------------------------------------------------- */

/* Finals of every stage of the chain into the trial's columns, later stages over earlier ones. */
static void set_finals(tables *t, const rs_trial *trial) {
  for (int i = 0; i < trial->length; i++) {
    const char *name;
    json_t *value;
    json_object_foreach(t->notes[trial->chain[i]].finals, name, value) {
      int column = rs_table_find(t->trials, name);
      if (column < 0) continue;
      double number = json_is_number(value) ? json_number_value(value) : NAN;
      if (!isfinite(number)) continue; /* the cell stays as empty as it is */
      if (rs_table_column(t->trials, (size_t)column)->type == RS_COLUMN_INT)
        rs_table_set_int(t->trials, (size_t)trial->index, (size_t)column, (int64_t)number);
      else
        rs_table_set_float(t->trials, (size_t)trial->index, (size_t)column, number);
    }
  }
}

static rs_status link_model(tables *t, const rs_trial *trial) {
  int last = trial->chain[trial->length - 1];
  if (!t->notes[last].output) return RS_OK;
  RS_TRY(rs_grow(&t->models, &t->cap_models, t->n_models + 1, sizeof *t->models));
  struct rs_model_link *link = &t->models[t->n_models];
  char *file;
  RS_TRY(rs_stage_path("", t->notes[last].identity, &file));
  *link = (struct rs_model_link){.trial = trial->index, .file = file};
  t->n_models++;
  return RS_OK;
}

rs_status tables_end_trial(tables *t, const rs_trial *trial, rs_outcome outcome, int stage) {
  rs_table *table = t->trials;
  size_t row = (size_t)trial->index, first = (size_t)rs_table_find(table, "parameters") + 1;
  int64_t epochs = 0;
  double seconds = 0;
  for (int i = 0; i < trial->length; i++) {
    epochs += rs_table_int(t->stages, (size_t)trial->chain[i], STAGE_EPOCHS);
    seconds += rs_table_float(t->stages, (size_t)trial->chain[i], STAGE_SECONDS);
  }
  /* epochs, seconds, mpi_ranks, threads, stage, message: in the order of trial_tail */
  rs_table_set_int(table, row, first, epochs);
  rs_table_set_float(table, row, first + 1, seconds);
  rs_table_set_int(table, row, first + 2, rs_table_int(t->stages, (size_t)stage, STAGE_RANKS));
  rs_table_set_int(table, row, first + 3, rs_table_int(t->stages, (size_t)stage, STAGE_THREADS));
  rs_table_set_int(table, row, first + 4, stage);
  rs_table_set_int(table, row, TRIAL_ATTEMPTS,
                   rs_table_int(t->stages, (size_t)stage, STAGE_ATTEMPTS));
  RS_TRY(rs_table_set_text(table, row, first + 5,
                           outcome == RS_FAILED ? tables_message(t, stage) : ""));
  RS_TRY(rs_table_set_text(table, row, TRIAL_STATE, outcome_text(outcome)));
  set_finals(t, trial);
  return outcome == RS_DONE ? link_model(t, trial) : RS_OK;
}

double tables_final(const tables *t, size_t trial, const char *metric) {
  int column = rs_table_find(t->trials, metric);
  return column >= 0 ? rs_table_number(t->trials, trial, (size_t)column) : NAN;
}

/* ---- the file ------------------------------------------------------------------------------- */

static const char *last_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

/* Models with their path from the results file: "<directory's name>/<identity>.h5". */
static rs_status resolve_models(const tables *t, const char *directory,
                                struct rs_model_link **out) {
  const char *name = last_name(directory);
  RS_TRY(rs_new(out, t->n_models, sizeof **out));
  for (size_t i = 0; i < t->n_models; i++) {
    char *file;
    (*out)[i] = (struct rs_model_link){.trial = t->models[i].trial};
    RS_TRY(rs_path_join(name, t->models[i].file, &file));
    (*out)[i].file = file;
  }
  return RS_OK;
}

/* /job/resolved: every setting of the base, and what the search is for. */
static rs_status resolved_job(const rs_job *job, char **out) {
  const rs_objective *objectives;
  size_t n = rs_job_objectives(job, &objectives);
  char *settings;
  *out = NULL;
  RS_TRY(rs_settings_to_json(rs_job_base(job), &settings));
  json_t *all = json_loads(settings, 0, NULL), *wanted = json_object();
  for (size_t i = 0; i < n; i++)
    json_object_set_new(wanted, objectives[i].metric,
                        json_string(objectives[i].maximize ? "max" : "min"));
  json_object_set_new(all, "sweep.objectives", wanted);
  *out = json_dumps(all, JSON_INDENT(1));
  free(settings);
  json_decref(all);
  return *out != NULL ? RS_OK : rs_fail(RS_ERR_NOMEM, "out of memory: the resolved job");
}

/* Notes the vectors of stages that have ended since the last time. */
static rs_status look_for_vectors(tables *t, const char *directory) {
  for (size_t i = 0; i < rs_table_rows(t->stages); i++) {
    stage_notes *notes = &t->notes[i];
    if (notes->vectors == NULL || !notes->output) continue;
    if (strcmp(rs_table_text(t->stages, i, STAGE_STATE), "done") != 0) continue;
    const rs_stage_vectors *spec = notes->vectors;
    notes->vectors = NULL;
    RS_TRY(vectors_look(t->vectors, (int)i, notes->kind, spec, directory, notes->identity));
  }
  return RS_OK;
}

/* What a snapshot has that is made for it alone. */
typedef struct extras {
  char *resolved;
  struct rs_model_link *models;
  rs_table *metrics, *running, *vectors;
} extras;

static rs_status make_extras(tables *t, const char *directory, const rs_run_view *view, extras *e) {
  RS_TRY(look_for_vectors(t, directory));
  RS_TRY(resolved_job(t->job, &e->resolved));
  RS_TRY(metrics_table(t->metrics, &e->metrics));
  RS_TRY(standing_running(view, &e->running));
  RS_TRY(vectors_table(t->vectors, last_name(directory), &e->vectors));
  return resolve_models(t, directory, &e->models);
}

static void free_extras(const tables *t, extras *e) {
  for (size_t i = 0; e->models != NULL && i < t->n_models; i++) free((char *)e->models[i].file);
  free(e->models);
  free(e->resolved);
  rs_table_destroy(e->metrics);
  rs_table_destroy(e->running);
  rs_table_destroy(e->vectors);
}

rs_status tables_write(tables *t, const char *path, const char *directory, const char *created,
                       const char *state, const rs_run_view *view) {
  char updated[RS_CLOCK_TEXT];
  extras e = {0};
  rs_clock_utc(updated);
  rs_status status = make_extras(t, directory, view, &e);
  if (status == RS_OK) {
    rs_results results = {.state = state,
                          .job_name = rs_job_name(t->job),
                          .experiment = t->kind->schema.experiment,
                          .tool_version = RS_VERSION,
                          .created = created,
                          .updated = updated,
                          .job_yaml = rs_job_yaml(t->job),
                          .job_resolved = e.resolved,
                          .trials = t->trials,
                          .stages = t->stages,
                          .metrics = e.metrics,
                          .provenance = t->provenance,
                          .running = e.running,
                          .vectors = e.vectors,
                          .standing = standing_of(view),
                          .n_models = t->n_models,
                          .models = e.models};
    status = rs_results_write(path, &results);
  }
  free_extras(t, &e);
  return status;
}
