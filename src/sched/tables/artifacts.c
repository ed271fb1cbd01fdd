#include "artifacts.h"

#include "ranksweep/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

json_t *artifact_note(const char *name, const char *long_name, size_t bytes, uint64_t checksum) {
  char digits[17];
  snprintf(digits, sizeof digits, "%016" PRIx64, checksum);
  return json_pack("{s:s, s:s, s:I, s:s}", "name", name, "long_name", long_name, "bytes",
                   (json_int_t)bytes, "checksum", digits);
}

static const char *text_of(const json_t *note, const char *key) {
  const char *text = json_string_value(json_object_get(note, key));
  return text != NULL ? text : "";
}

static rs_status add_row(rs_table *t, int stage, rs_id identity, const json_t *note,
                         const char *folder) {
  size_t row;
  char *file;
  RS_TRY(rs_stage_artifact_path(folder, identity, text_of(note, "name"), &file));
  rs_status status = rs_table_add_row(t, &row);
  if (status == RS_OK) status = rs_table_set_text(t, row, RS_ARTIFACT_FILE, file);
  free(file);
  RS_TRY(status);
  rs_table_set_int(t, row, RS_ARTIFACT_STAGE, stage);
  rs_table_set_int(t, row, RS_ARTIFACT_BYTES, json_integer_value(json_object_get(note, "bytes")));
  RS_TRY(rs_table_set_text(t, row, RS_ARTIFACT_NAME, text_of(note, "name")));
  RS_TRY(rs_table_set_text(t, row, RS_ARTIFACT_CHECKSUM, text_of(note, "checksum")));
  return rs_table_set_text(t, row, RS_ARTIFACT_LONG_NAME, text_of(note, "long_name"));
}

static rs_status add_stage(rs_table *t, const stage_rows *stages, int stage, const char *folder) {
  size_t index;
  json_t *note;
  rs_id identity = stage_rows_identity(stages, stage);
  json_array_foreach(stage_rows_artifacts(stages, stage), index, note)
      RS_TRY(add_row(t, stage, identity, note, folder));
  return RS_OK;
}

rs_status artifacts_table(const stage_rows *stages, const char *folder, rs_table **out) {
  rs_table *t;
  *out = NULL;
  RS_TRY(rs_table_create(rs_artifact_columns, RS_ARTIFACT_COLUMNS, &t));
  rs_status status = RS_OK;
  for (size_t i = 0; status == RS_OK && i < stage_rows_count(stages); i++)
    status = add_stage(t, stages, (int)i, folder);
  if (status == RS_OK && rs_table_rows(t) > 0)
    *out = t;
  else
    rs_table_destroy(t);
  return status;
}
