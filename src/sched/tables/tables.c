#include "tables.h"

#include "artifacts.h"
#include "metrics.h"
#include "provenance.h"
#include "ranksweep/run.h"
#include "ranksweep/store.h"
#include "standing.h"
#include "trial_rows.h"
#include "vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct notes {
  const rs_stage_op *op; /* says what of its output is plotted */
  bool looked;           /* for that */
  int64_t last_step;     /* of its rows of metrics; -1: none */
} notes;

struct tables {
  const char *share;
  const rs_job *job;
  const rs_experiment *kind;
  trial_rows *trials;
  stage_rows *stages;
  rs_table *provenance;
  metrics *metrics;
  vectors *vectors;
  notes *notes; /* by stage */
  size_t cap_notes;
  struct model {
    int trial, stage;
  } * models; /* of done trials, those that are gone included */
  size_t n_models, cap_models;
};

/* ---- life ----------------------------------------------------------------------------------- */

rs_status tables_create(const rs_job *job, const rs_experiment *kind, const char *share,
                        tables **out) {
  tables *t;
  *out = NULL;
  RS_TRY(rs_new(&t, 1, sizeof *t));
  t->job = job;
  t->kind = kind;
  t->share = share;
  rs_status status = trial_rows_create(job, kind, &t->trials);
  if (status == RS_OK) status = stage_rows_create(&t->stages);
  if (status == RS_OK) status = provenance_table_create(&t->provenance);
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
  trial_rows_destroy(t->trials);
  stage_rows_destroy(t->stages);
  rs_table_destroy(t->provenance);
  metrics_destroy(t->metrics);
  vectors_destroy(t->vectors);
  free(t->notes);
  free(t->models);
  free(t);
}

/* ---- rows ----------------------------------------------------------------------------------- */

rs_status tables_add_start(tables *t, const json_t *provenance) {
  return provenance_table_add(t->provenance, provenance);
}

rs_status tables_add_stage(tables *t, const rs_stage *stage) {
  RS_TRY(rs_grow(&t->notes, &t->cap_notes, (size_t)stage->index + 1, sizeof *t->notes));
  t->notes[stage->index] = (notes){.op = t->kind->stages[stage->step], .last_step = -1};
  return stage_rows_add(t->stages, stage);
}

rs_status tables_add_trial(tables *t, const rs_trial *trial) {
  return trial_rows_add(t->trials, trial);
}

stage_rows *tables_stages(tables *t) {
  return t->stages;
}

rs_status tables_add_metrics(tables *t, int stage, const json_t *message) {
  int64_t step = json_integer_value(json_object_get(message, "step"));
  notes *n = &t->notes[stage];
  if (step <= n->last_step) metrics_rewind(t->metrics, stage, step);
  n->last_step = step;
  stage_rows_trained(t->stages, stage, json_integer_value(json_object_get(message, "epoch")));
  return metrics_add(t->metrics, stage, message);
}

rs_status tables_recall(tables *t, int stage, const json_t *known, int attempts) {
  size_t index;
  json_t *row;
  json_array_foreach(json_object_get(known, "metrics"), index, row)
      RS_TRY(tables_add_metrics(t, stage, row));
  return stage_rows_recall(t->stages, stage, known, attempts);
}

static rs_status note_model(tables *t, const rs_trial *trial) {
  int stage = trial->chain[rs_experiment_model(t->kind)];
  if (!stage_rows_has_output(t->stages, stage) && !stage_rows_lacks_output(t->stages, stage))
    return RS_OK;
  RS_TRY(rs_grow(&t->models, &t->cap_models, t->n_models + 1, sizeof *t->models));
  t->models[t->n_models++] = (struct model){trial->number, stage};
  return RS_OK;
}

bool tables_drop_output(tables *t, int stage) {
  t->notes[stage].looked = false; /* it may come back */
  vectors_drop(t->vectors, stage);
  return stage_rows_drop_output(t->stages, stage);
}

rs_status tables_end_trial(tables *t, const rs_trial *trial, rs_outcome outcome, int stage) {
  RS_TRY(trial_rows_end(t->trials, t->stages, trial, outcome, stage));
  return outcome == RS_DONE ? note_model(t, trial) : RS_OK;
}

double tables_final(const tables *t, size_t trial, const char *metric) {
  return trial_rows_final(t->trials, trial, metric);
}

/* ---- the file ------------------------------------------------------------------------------- */

static const char *last_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

/* Models that are there with their path from the results file: "<directory's name>/<identity>.h5".
 */
static rs_status resolve_models(tables *t, const char *directory, struct rs_model_link **out,
                                size_t *n) {
  const char *name = last_name(directory);
  RS_TRY(rs_new(out, t->n_models, sizeof **out));
  for (size_t i = 0; i < t->n_models; i++) {
    char *file;
    int stage = t->models[i].stage;
    if (!stage_rows_has_output(t->stages, stage)) continue;
    RS_TRY(rs_stage_path(name, stage_rows_identity(t->stages, stage), &file));
    (*out)[(*n)++] = (struct rs_model_link){.trial = t->models[i].trial, .file = file};
    stage_rows_link_output(t->stages, stage);
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
  for (int i = 0; (size_t)i < stage_rows_count(t->stages); i++) {
    notes *n = &t->notes[i];
    bool plotted = n->op->vectors != NULL || n->op->images != NULL;
    if (!plotted || n->looked || !stage_rows_has_output(t->stages, i)) continue;
    n->looked = true;
    stage_rows_link_output(t->stages, i);
    RS_TRY(vectors_look(t->vectors, i, n->op, directory, stage_rows_identity(t->stages, i)));
  }
  return RS_OK;
}

/* What a snapshot has that is made for it alone. */
typedef struct extras {
  char *resolved;
  struct rs_model_link *models;
  size_t n_models;
  rs_table *metrics, *running, *vectors, *artifacts;
} extras;

static rs_status make_extras(tables *t, const char *directory, const rs_run_view *view, extras *e) {
  RS_TRY(trial_rows_refresh(t->trials, t->stages));
  RS_TRY(look_for_vectors(t, directory));
  RS_TRY(resolved_job(t->job, &e->resolved));
  RS_TRY(metrics_table(t->metrics, &e->metrics));
  RS_TRY(standing_running(view, &e->running));
  RS_TRY(vectors_table(t->vectors, last_name(directory), &e->vectors));
  RS_TRY(artifacts_table(t->stages, last_name(directory), &e->artifacts));
  return resolve_models(t, directory, &e->models, &e->n_models);
}

static void free_extras(extras *e) {
  for (size_t i = 0; i < e->n_models; i++) free((char *)e->models[i].file);
  free(e->models);
  free(e->resolved);
  rs_table_destroy(e->metrics);
  rs_table_destroy(e->running);
  rs_table_destroy(e->vectors);
  rs_table_destroy(e->artifacts);
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
                          .share = t->share,
                          .trials = trial_rows_table(t->trials),
                          .stages = stage_rows_table(t->stages),
                          .metrics = e.metrics,
                          .provenance = t->provenance,
                          .running = e.running,
                          .vectors = e.vectors,
                          .artifacts = e.artifacts,
                          .standing = standing_of(view),
                          .n_models = e.n_models,
                          .models = e.models};
    status = rs_results_write(path, &results);
  }
  free_extras(&e);
  return status;
}
