/* Are the models and checkpoints there, and their tensors sound? */
#include "ranksweep/exp.h"
#include "ranksweep/run.h"
#include "show/show.h"
#include "verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void count_tensors(verification *v, const rs_bundle *bundle) {
  v->checked.tensors += bundle->count;
  v->checked.bytes += (double)rs_bundle_bytes(bundle);
}

/* ---- what stages left --------------------------------------------------------------------- */

static void check_checkpoint(verification *v, const char *path) {
  rs_bundle bundle = {0};
  if (rs_checkpoint_read(path, &bundle, NULL) != RS_OK) {
    verify_failure(v, path);
    return;
  }
  v->checked.checkpoints++;
  count_tensors(v, &bundle);
  rs_bundle_free(&bundle);
}

static bool is_removed(const json_t *note) {
  return json_is_true(json_object_get(note, "removed"));
}

/* What is on record as removed goes at any moment of a run, after a snapshot without it. */
static bool may_be_gone(const verification *v, const json_t *note) {
  return is_removed(note) && strcmp(v->r.state, "running") == 0;
}

/* Did the stage leave something that has not been removed since? */
static bool has_output(const json_t *note) {
  return json_is_true(json_object_get(note, "output")) && !is_removed(note);
}

/* A done stage whose journal says that it left something must have it; without a journal, what is
 * there is looked at. */
static rs_status check_stage(verification *v, const json_t *notes, size_t row) {
  const char *identity = show_text(v->r.stages, row, "identity");
  const json_t *note = json_object_get(notes, identity);
  rs_str path = {0};
  if (strcmp(show_text(v->r.stages, row, "state"), "done") != 0) return RS_OK;
  if (is_removed(note)) return RS_OK;
  rs_str_addf(&path, "%s/%s.h5", v->directory, identity);
  rs_status status = rs_str_status(&path);
  if (status == RS_OK && (has_output(note) || rs_file_exists(path.text)))
    check_checkpoint(v, path.text);
  rs_str_free(&path);
  return status;
}

/* Checkpoints that people asked to keep. */
static rs_status check_kept(void *user, const char *path, const rs_stage_file *file) {
  if (file->kind == RS_FILE_STEP && file->writer == 0) check_checkpoint(user, path);
  return RS_OK;
}

/* ---- models of trials --------------------------------------------------------------------- */

static int by_number(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

/* Row of the stage that left the model of the trial in ROW: its last one, or one above it. */
static bool find_model_stage(const verification *v, const verify_stages *stages, size_t row,
                             size_t *stage_row) {
  const rs_experiment *kind = rs_experiment_find(v->r.experiment);
  const rs_stage_spec *specs[RS_MAX_STAGES];
  size_t up = kind != NULL ? rs_experiment_specs(kind, specs) - 1 - rs_experiment_model(kind) : 0;
  int64_t stage = show_int(v->r.trials, row, "stage", -1);
  if (!verify_stages_find(stages, stage, stage_row)) return false;
  for (; up > 0; up--) {
    stage = show_int(v->r.stages, *stage_row, "parent", -1);
    if (!verify_stages_find(stages, stage, stage_row)) return false;
  }
  return true;
}

static rs_status check_link(verification *v, const struct rs_model_link *model, const char *place,
                            const char *identity) {
  char *directory, *path = NULL;
  RS_TRY(rs_path_directory(v->path, &directory));
  rs_status status = rs_path_join(directory, model->file, &path);
  const char *name = last_part(model->file);
  if (status == RS_OK && !rs_file_exists(path))
    verify_fault(v, v->path, place, "links to %s, which is missing", model->file);
  else if (status == RS_OK &&
           (strlen(name) != strlen(identity) + 3 || strncmp(name, identity, strlen(identity)) != 0))
    verify_fault(v, v->path, place, "links to %s: expected what stage %s left", model->file,
                 identity);
  free(path);
  free(directory);
  return status;
}

static void check_inside(verification *v, const struct rs_model_link *model) {
  rs_bundle bundle = {0};
  if (rs_results_read_model(v->path, model, &bundle) != RS_OK) {
    verify_failure(v, v->path);
    return;
  }
  count_tensors(v, &bundle);
  rs_bundle_free(&bundle);
}

static rs_status check_model(verification *v, const struct rs_model_link *model,
                             const verify_stages *stages, const json_t *notes, size_t trial_row) {
  char place[64];
  size_t stage_row;
  snprintf(place, sizeof place, "/models/%" PRId64, model->trial);
  v->checked.models++;
  if (model->file == NULL && !v->r.packed)
    verify_fault(v, v->path, place, "expected a link");
  else if (model->file != NULL && v->r.packed)
    verify_fault(v, v->path, place, "a link in a packed file");
  else if (model->file == NULL)
    check_inside(v, model);
  else if (find_model_stage(v, stages, trial_row, &stage_row)) {
    const char *identity = show_text(v->r.stages, stage_row, "identity");
    if (!may_be_gone(v, json_object_get(notes, identity)))
      return check_link(v, model, place, identity);
  }
  return RS_OK;
}

/* Does the done trial in ROW lack a model that was left? */
static void check_absent(verification *v, const verify_stages *stages, const json_t *notes,
                         size_t row) {
  size_t stage_row;
  if (strcmp(show_text(v->r.trials, row, "state"), "done") != 0) return;
  if (!find_model_stage(v, stages, row, &stage_row)) return;
  const json_t *note = json_object_get(notes, show_text(v->r.stages, stage_row, "identity"));
  if (has_output(note))
    verify_fault(v, v->path, "/models", "trial %" PRId64 " is done and has a model, but no link",
                 show_int(v->r.trials, row, "trial", -1));
}

/* Models come in the order of their trials. */
static rs_status check_models(verification *v, const verify_stages *stages, const json_t *notes) {
  size_t n = rs_table_rows(v->r.trials), found = 0;
  for (size_t row = 0; row < n; row++) {
    int64_t trial = show_int(v->r.trials, row, "trial", -1);
    const struct rs_model_link *model =
        v->r.n_models == 0 ? NULL
                           : bsearch(&trial, v->r.models, v->r.n_models, sizeof *v->r.models,
                                     by_number); /* `trial` is the first member */
    if (model == NULL) {
      check_absent(v, stages, notes, row);
      continue;
    }
    found++;
    RS_TRY(check_model(v, model, stages, notes, row));
  }
  if (found < v->r.n_models)
    verify_fault(v, v->path, "/models", "%zu of %zu are of trials that there are not",
                 v->r.n_models - found, v->r.n_models);
  return RS_OK;
}

/* ---- plotted vectors ---------------------------------------------------------------------- */

static bool vector_may_be_gone(const verification *v, const json_t *notes, size_t row) {
  rs_stage_file file;
  char id[RS_ID_TEXT];
  if (!rs_stage_file_parse(last_part(rs_table_text(v->r.vectors, row, RS_VECTOR_FILE)), &file))
    return false;
  rs_id_format(file.identity, id);
  return may_be_gone(v, json_object_get(notes, id));
}

static void check_vector(verification *v, const json_t *notes, size_t row) {
  rs_bundle bundle = {0};
  if (vector_may_be_gone(v, notes, row)) return;
  v->checked.vectors++;
  if (rs_results_read_vector(v->path, &v->r, row, &bundle) != RS_OK) {
    verify_failure(v, v->path);
    return;
  }
  if (v->r.packed) count_tensors(v, &bundle);
  rs_bundle_free(&bundle);
}

rs_status verify_files(verification *v, const verify_stages *stages, const json_t *notes) {
  for (size_t row = 0; !v->r.packed && row < rs_table_rows(v->r.stages); row++)
    RS_TRY(check_stage(v, notes, row));
  if (!v->r.packed) RS_TRY(rs_stage_files(v->directory, check_kept, v));
  RS_TRY(check_models(v, stages, notes));
  for (size_t row = 0; v->r.vectors != NULL && row < rs_table_rows(v->r.vectors); row++)
    check_vector(v, notes, row);
  return RS_OK;
}
