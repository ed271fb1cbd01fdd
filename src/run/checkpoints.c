#include "checkpoints.h"

#include "ranksweep/store.h"

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

static char *inner_state(const char *state) {
  json_t *all = json_loads(state, 0, NULL);
  char *text = json_dumps(json_object_get(all, "state"), JSON_COMPACT);
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
  char *inner = inner_state(*state);
  free(*state);
  *state = inner;
  return inner != NULL ? RS_OK : rs_fail(RS_ERR_NOMEM, "out of memory: a checkpoint");
}

/* ---- writing ----------------------------------------------------------------------------------
 */

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
    rs_str_addf(&state, "{\"done\": %llu, \"epoch\": %zu, \"state\": %s}",
                (unsigned long long)progress->done, progress->epoch, inner.text);
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
