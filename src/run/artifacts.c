#include "artifacts.h"

#include "ranksweep/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rs_status check_new(const rs_artifact *a, const rs_stage_report *report) {
  if (report->n_artifacts == RS_MAX_ARTIFACTS)
    return rs_fail(RS_ERR_INTERNAL, "artifact %s: a stage leaves at most %d", a->name,
                   RS_MAX_ARTIFACTS);
  for (size_t i = 0; i < report->n_artifacts; i++)
    if (strcmp(report->artifacts[i].name, a->name) == 0)
      return rs_fail(RS_ERR_INTERNAL, "artifact %s: the stage has left one of that name already",
                     a->name);
  return RS_OK;
}

/* The file is read back: what is on record is what is there. */
static rs_status note(const rs_artifact *a, const char *path, rs_artifact_note *out) {
  char *data;
  RS_TRY(rs_file_read(path, RS_MAX_ARTIFACT_BYTES, &data, &out->bytes));
  out->checksum = rs_checksum(data, out->bytes);
  free(data);
  snprintf(out->name, sizeof out->name, "%s", a->name);
  snprintf(out->long_name, sizeof out->long_name, "%s", a->long_name);
  rs_utf8_repair(out->long_name); /* it goes into JSON, and may have been cut in mid-character */
  return RS_OK;
}

rs_status artifacts_take(const char *directory, rs_id identity, const rs_artifact *a,
                         rs_stage_report *report) {
  char *path;
  RS_TRY(rs_stage_artifact_path(directory, identity, a->name, &path));
  rs_status status = check_new(a, report);
  if (status == RS_OK) status = rs_file_make_directory(directory);
  if (status == RS_OK) status = a->write(a->user, path);
  if (status == RS_OK) status = note(a, path, &report->artifacts[report->n_artifacts]);
  if (status == RS_OK) report->n_artifacts++;
  free(path);
  return status;
}
