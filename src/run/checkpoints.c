#include "checkpoints.h"

#include "ranksweep/run.h"
#include "ranksweep/store.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

static rs_status read_settings(const rs_settings *settings, checkpoints *c) {
  rs_checkpoint_keep keep;
  RS_TRY(rs_checkpoint_every_parse(rs_settings_text(settings, "checkpoint.every"), &c->every));
  RS_TRY(rs_checkpoint_keep_parse(rs_settings_text(settings, "checkpoint.keep"), &keep));
  c->least_seconds = rs_settings_float(settings, "checkpoint.least_seconds");
  c->keep = keep.kind == RS_KEEP_LAST ? keep.count : 0;
  return RS_OK;
}

rs_status checkpoints_open(const char *directory, rs_id identity, const rs_settings *settings,
                           checkpoints *out) {
  *out = (checkpoints){.identity = identity, .last_time = rs_clock_now()};
  RS_TRY(read_settings(settings, out));
  RS_TRY(rs_strdup(&out->directory, directory));
  out->rows = json_array();
  if (out->rows == NULL) return rs_fail(RS_ERR_NOMEM, "out of memory: rows of metrics");
  for (int i = 0; i < 2; i++) RS_TRY(rs_stage_resume_path(directory, identity, i, &out->paths[i]));
  return RS_OK;
}

void checkpoints_close(checkpoints *c) {
  for (int i = 0; i < 2; i++) free(c->paths[i]);
  free(c->directory);
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
  /* Only damage is passed over: a newer version's file, or an unreadable one, may be whole. */
  return status == RS_ERR_DATA ? RS_OK : status;
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
  double age = rs_clock_now() - c->last_time;
  if (p->done >= p->total) return false;
  if (c->every.seconds > 0 && age >= c->every.seconds) return true;
  if (age < c->least_seconds) return false;
  return (c->every.epochs > 0 && p->epoch >= c->last_epoch + c->every.epochs) ||
         (c->every.steps > 0 && p->done >= c->last_step + c->every.steps);
}

/* What goes into a checkpoint: the stage's tensors, and its state with what is ours around it. */
static rs_status gather(const checkpoints *c, const rs_stage_progress *progress,
                        const rs_stage_saver *saver, rs_bundle *bundle, rs_str *state) {
  rs_str inner = {0};
  rs_status status = saver->save(saver->user, bundle, &inner);
  if (status == RS_OK) {
    char *rows = json_dumps(c->rows, JSON_COMPACT);
    rs_str_addf(state, "{\"done\": %llu, \"epoch\": %zu, \"rows\": %s, \"state\": %s}",
                (unsigned long long)progress->done, progress->epoch, rows != NULL ? rows : "[]",
                inner.text);
    free(rows);
    status = rs_str_status(state);
  }
  rs_str_free(&inner);
  return status;
}

/* ---- those that stay ------------------------------------------------------------------------ */

typedef struct steps {
  rs_id identity;
  uint64_t *list;
  size_t count, cap;
} steps;

static rs_status note_step(void *user, const char *path, const rs_stage_file *file) {
  steps *s = user;
  (void)path;
  if (file->kind != RS_FILE_STEP || file->writer != 0 || !rs_id_equal(file->identity, s->identity))
    return RS_OK;
  RS_TRY(rs_grow(&s->list, &s->cap, s->count + 1, sizeof *s->list));
  s->list[s->count++] = file->step;
  return RS_OK;
}

static int latest_first(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x < y) - (x > y);
}

/* Only the last ones, those of earlier attempts included. */
static rs_status drop_earlier_steps(const checkpoints *c) {
  steps s = {.identity = c->identity};
  char *path;
  rs_status status = rs_stage_files(c->directory, note_step, &s);
  if (s.count > 0) qsort(s.list, s.count, sizeof *s.list, latest_first);
  for (size_t i = c->keep; status == RS_OK && i < s.count; i++) {
    status = rs_stage_step_path(c->directory, c->identity, s.list[i], &path);
    if (status == RS_OK) unlink(path);
    free(path);
  }
  free(s.list);
  return status;
}

/* The checkpoint FROM under a name of its own: as a link, which costs nothing and outlives the
 * replacement of FROM, or written again where there are no links. */
static rs_status keep_step(const checkpoints *c, const char *from, uint64_t step,
                           const rs_bundle *bundle, const char *state) {
  char *path;
  if (c->keep == 0) return RS_OK;
  RS_TRY(rs_stage_step_path(c->directory, c->identity, step, &path));
  unlink(path);
  rs_status status = RS_OK;
  if (link(from, path) != 0) status = rs_checkpoint_write(path, bundle, state);
  free(path);
  return status == RS_OK ? drop_earlier_steps(c) : status;
}

/* ---- saving --------------------------------------------------------------------------------- */

static rs_status write_next(checkpoints *c, const rs_stage_progress *progress,
                            const rs_bundle *bundle, const char *state) {
  const char *path = c->paths[c->next];
  RS_TRY(rs_file_make_directory(c->directory));
  RS_TRY(rs_checkpoint_write(path, bundle, state));
  c->next = 1 - c->next;
  return keep_step(c, path, progress->done, bundle, state);
}

rs_status checkpoints_save(checkpoints *c, const rs_stage_progress *progress,
                           const rs_stage_saver *saver) {
  rs_bundle bundle = {0};
  rs_str state = {0};
  double began = rs_clock_now();
  rs_status status = gather(c, progress, saver, &bundle, &state);
  if (status == RS_OK) status = write_next(c, progress, &bundle, state.text);
  if (status == RS_OK || status == RS_ERR_IO) { /* a disk that is full is not tried at each step */
    c->last_step = progress->done;
    c->last_epoch = progress->epoch;
  }
  c->last_time = rs_clock_now();
  c->spent += c->last_time - began;
  rs_bundle_free(&bundle);
  rs_str_free(&state);
  return status;
}
