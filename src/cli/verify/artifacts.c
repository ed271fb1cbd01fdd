/* Are the files for people there, as they were when they were written? */
#include "show/show.h"
#include "verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Is the artifact in ROW one of LIST, as the journal has it? */
static bool is_listed(const rs_table *t, size_t row, const json_t *list) {
  size_t index;
  json_t *note;
  json_array_foreach(list, index, note) {
    const char *name = json_string_value(json_object_get(note, "name"));
    const char *sum = json_string_value(json_object_get(note, "checksum"));
    if (name != NULL && strcmp(name, rs_table_text(t, row, RS_ARTIFACT_NAME)) == 0)
      return sum != NULL && strcmp(sum, rs_table_text(t, row, RS_ARTIFACT_CHECKSUM)) == 0 &&
             json_integer_value(json_object_get(note, "bytes")) ==
                 rs_table_int(t, row, RS_ARTIFACT_BYTES);
  }
  return false;
}

static void check_row(verification *v, const verify_stages *stages, const json_t *notes,
                      size_t row) {
  const rs_table *t = v->r.artifacts;
  const char *name = rs_table_text(t, row, RS_ARTIFACT_NAME);
  char place[64];
  char *data;
  size_t len, stage_row;
  snprintf(place, sizeof place, "/artifacts, row %zu", row);
  if (v->r.packed != (rs_table_text(t, row, RS_ARTIFACT_FILE)[0] == '\0'))
    verify_fault(v, v->path, place, "%s: %s", name,
                 v->r.packed ? "a link in a packed file" : "expected the name of a file");
  else if (rs_results_read_artifact(v->path, &v->r, row, &data, &len) != RS_OK)
    verify_failure(v, v->path);
  else {
    v->checked.artifacts++;
    free(data);
  }
  if (!verify_stages_find(stages, rs_table_int(t, row, RS_ARTIFACT_STAGE), &stage_row))
    verify_fault(v, v->path, place, "%s is of stage %" PRId64 ", which there is not", name,
                 rs_table_int(t, row, RS_ARTIFACT_STAGE));
  else if (notes != NULL && strcmp(v->r.state, "running") != 0) {
    const json_t *note = json_object_get(notes, show_text(v->r.stages, stage_row, "identity"));
    if (!is_listed(t, row, json_object_get(note, "artifacts")))
      verify_fault(v, v->path, place, "%s: the journal does not have it so", name);
  }
}

static size_t count_of_stage(const rs_table *t, int64_t stage) {
  size_t n = 0;
  for (size_t row = 0; t != NULL && row < rs_table_rows(t); row++)
    n += rs_table_int(t, row, RS_ARTIFACT_STAGE) == stage;
  return n;
}

/* A done stage has all of those in the journal. */
static void check_stage(verification *v, const json_t *notes, size_t row) {
  char place[64];
  const json_t *note = json_object_get(notes, show_text(v->r.stages, row, "identity"));
  size_t there = json_array_size(json_object_get(note, "artifacts"));
  if (there == 0 || strcmp(show_text(v->r.stages, row, "state"), "done") != 0) return;
  size_t here = count_of_stage(v->r.artifacts, show_int(v->r.stages, row, "stage", -1));
  snprintf(place, sizeof place, "/stages, row %zu", row);
  if (here < there)
    verify_fault(v, v->path, place, "%zu artifacts, but the journal has %zu", here, there);
}

void verify_artifacts(verification *v, const verify_stages *stages, const json_t *notes) {
  const rs_table *t = v->r.artifacts;
  for (size_t row = 0; t != NULL && row < rs_table_rows(t); row++) check_row(v, stages, notes, row);
  for (size_t row = 0; notes != NULL && row < rs_table_rows(v->r.stages); row++)
    check_stage(v, notes, row);
}
