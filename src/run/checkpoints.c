#include "checkpoints.h"

#include "ranksweep/store.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

rs_status checkpoints_open(const char *directory, rs_id identity, const rs_settings *settings,
                           checkpoints *out) {
  char id[RS_ID_TEXT];
  rs_id_format(identity, id);
  *out = (checkpoints){.last_time = rs_clock_now(),
                       .epochs = (size_t)rs_settings_int(settings, "checkpoint.epochs"),
                       .steps = (uint64_t)rs_settings_int(settings, "checkpoint.steps"),
                       .seconds = rs_settings_float(settings, "checkpoint.seconds")};
  out->rows = json_array();
  if (out->rows == NULL) return rs_fail(RS_ERR_NOMEM, "out of memory: rows of metrics");
  for (int i = 0; i < 2; i++) {
    rs_str name = {0};
    rs_str_addf(&name, "%s.%c.h5", id, 'a' + i);
    rs_status status = rs_str_status(&name);
    if (status == RS_OK) status = rs_path_join(directory, name.text, &out->paths[i]);
    rs_str_free(&name);
    RS_TRY(status);
  }
  return RS_OK;
}

void checkpoints_close(checkpoints *c) {
  for (int i = 0; i < 2; i++) free(c->paths[i]);
  json_decref(c->rows);
  *c = (checkpoints){0};
}

/* ---- reading ----------------------------------------------------------------------------------
 */

/* Steps that STATE, {"done": steps, "epoch": epochs, "state": {...}}, counts; false: it is not one.
 */
static bool place_of(const char *state, uint64_t *step, size_t *epoch) {
  json_int_t done, epochs;
  json_t *all = json_loads(state, 0, NULL);
  bool good = json_unpack(all, "{s:I, s:I}", "done", &done, "epoch", &epochs) == 0;
  if (good) {
    *step = (uint64_t)done;
    *epoch = (size_t)epochs;
  }
  json_decref(all);
  return good;
}

/* The stage's own part of STATE as text; the rows go to *ROWS. */
static char *inner_state(const char *state, json_t **rows) {
  json_t *all = json_loads(state, 0, NULL), *found = json_object_get(all, "rows");
  char *text = json_dumps(json_object_get(all, "state"), JSON_COMPACT);
  if (json_is_array(found)) {
    json_decref(*rows);
    *rows = json_incref(found);
  }
  json_decref(all);
  return text;
}

/* Takes file I over BUNDLE and STATE when it is newer than STEP. */
static rs_status take_if_newer(checkpoints *c, int i, rs_bundle *bundle, char **state,
                               int *damaged) {
  rs_bundle found = {0};
  char *text = NULL;
  uint64_t step;
  size_t epoch;
  if (!rs_file_exists(c->paths[i])) return RS_OK;
  rs_status status = rs_checkpoint_read(c->paths[i], &found, &text);
  bool good = status == RS_OK && place_of(text, &step, &epoch);
  if (good && (*state == NULL || step > c->last_step)) {
    rs_bundle_free(bundle);
    free(*state);
    *bundle = found;
    *state = text;
    c->last_step = step;
    c->last_epoch = epoch;
    c->next = 1 - i;
    return RS_OK;
  }
  if (!good) (*damaged)++;
  rs_bundle_free(&found);
  free(text);
  return status == RS_ERR_NOMEM ? status : RS_OK;
}

rs_status checkpoints_load(checkpoints *c, rs_bundle *bundle, char **state, int *damaged) {
  *state = NULL;
  *damaged = 0;
  for (int i = 0; i < 2; i++) RS_TRY(take_if_newer(c, i, bundle, state, damaged));
  if (*state == NULL) return RS_OK;
  char *inner = inner_state(*state, &c->rows);
  free(*state);
  *state = inner;
  return inner != NULL ? RS_OK : rs_fail(RS_ERR_NOMEM, "out of memory: a checkpoint");
}

/* ---- writing ----------------------------------------------------------------------------------
 */

rs_status checkpoints_add_row(checkpoints *c, size_t epoch, uint64_t step, double seconds,
                              const rs_metric_value *values, size_t n) {
  json_t *named = json_object();
  for (size_t i = 0; i < n; i++)
    json_object_set_new(named, values[i].name,
                        isfinite(values[i].value) ? json_real(values[i].value) : json_null());
  json_t *row = json_pack("{s:I, s:I, s:f, s:o}", "epoch", (json_int_t)epoch, "step",
                          (json_int_t)step, "seconds", seconds, "values", named);
  return json_array_append_new(c->rows, row) == 0
             ? RS_OK
             : rs_fail(RS_ERR_NOMEM, "out of memory: a row of metrics");
}

bool checkpoints_due(const checkpoints *c, const rs_stage_progress *p) {
  if (p->done >= p->total || rs_clock_now() - c->last_time < c->seconds) return false;
  return (c->epochs > 0 && p->epoch >= c->last_epoch + c->epochs) ||
         (c->steps > 0 && p->done >= c->last_step + c->steps);
}

rs_status checkpoints_save(checkpoints *c, const rs_stage_progress *progress,
                           const rs_stage_saver *saver) {
  rs_bundle bundle = {0};
  rs_str inner = {0}, state = {0};
  rs_status status = saver->save(saver->user, &bundle, &inner);
  if (status == RS_OK) {
    char *rows = json_dumps(c->rows, JSON_COMPACT);
    rs_str_addf(&state, "{\"done\": %llu, \"epoch\": %zu, \"rows\": %s, \"state\": %s}",
                (unsigned long long)progress->done, progress->epoch, rows != NULL ? rows : "[]",
                inner.text);
    free(rows);
    status = rs_str_status(&state);
  }
  if (status == RS_OK) {
    char *folder;
    status = rs_path_directory(c->paths[c->next], &folder);
    if (status == RS_OK) status = rs_file_make_directories(folder);
    free(folder);
  }
  if (status == RS_OK) status = rs_checkpoint_write(c->paths[c->next], &bundle, state.text);
  if (status == RS_OK) {
    c->next = 1 - c->next;
    c->last_step = progress->done;
    c->last_epoch = progress->epoch;
    c->last_time = rs_clock_now();
  }
  rs_bundle_free(&bundle);
  rs_str_free(&inner);
  rs_str_free(&state);
  return status;
}

void checkpoints_remove(const checkpoints *c) {
  for (int i = 0; i < 2; i++) unlink(c->paths[i]);
}
