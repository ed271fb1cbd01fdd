/* What happens to stages and trials, into the journal and the tables. */
#include "leftovers.h"
#include "ranksweep/run.h"
#include "state.h"

#include <stdlib.h>
#include <string.h>

rs_status record_past_starts(rs_record *r) {
  size_t index;
  json_t *row;
  json_array_foreach(past_starts(r->past), index, row) RS_TRY(tables_add_start(r->tables, row));
  return RS_OK;
}

rs_status record_start(rs_record *r, json_t *provenance) {
  RS_TRY(tables_add_start(r->tables, provenance));
  json_object_set_new(provenance, "is", json_string("start"));
  return record_append(r, provenance);
}

/* What a done stage left may have been removed, or someone may have deleted it. */
static rs_status recall_output(rs_record *r, const rs_stage *stage, const json_t *known) {
  char *path;
  bool removed = json_is_true(json_object_get(known, "removed"));
  RS_TRY(rs_stage_path(r->directory, stage->identity, &path));
  bool there = rs_file_exists(path);
  if (!there && !removed)
    rs_logf(r->log, RS_LOG_WARN,
            "%s is missing; its stage %s is done, and runs again only when another one needs it",
            path, stage->spec->name);
  if (!there || removed) (void)tables_drop_output(r->tables, stage->index);
  free(path);
  return RS_OK;
}

/* What another experiment beside this one has done already is known from now on. */
static rs_status adopt(rs_record *r, const rs_stage *stage) {
  const char *from;
  const json_t *entry = neighbours_take(r->neighbours, stage->identity, r->directory, &from);
  if (entry == NULL) return RS_OK;
  rs_logf(r->log, RS_LOG_INFO, "stage %d %s is taken over from %s", stage->index, stage->spec->name,
          from);
  return past_adopt(r->past, stage->identity, entry, r->journal);
}

/* Carries a stage that the journal knows over into the tables. */
static rs_status recall(rs_record *r, const rs_stage *stage) {
  if (past_stage(r->past, stage->identity) == NULL) RS_TRY(adopt(r, stage));
  const json_t *known = past_stage(r->past, stage->identity);
  if (known == NULL) return RS_OK;
  const char *state = json_string_value(json_object_get(json_object_get(known, "end"), "state"));
  r->recalled += state != NULL && strcmp(state, "done") == 0;
  RS_TRY(tables_recall(r->tables, stage->index, known, past_attempts(r->past, stage->identity)));
  return record_has_output(r, stage->index) ? recall_output(r, stage, known) : RS_OK;
}

rs_status record_add_trial(rs_record *r, const rs_plan *plan, const rs_trial *trial) {
  for (int i = 0; i < trial->length; i++) {
    const rs_stage *stage = rs_plan_stage(plan, (size_t)trial->chain[i]);
    if ((size_t)stage->index < stage_rows_count(tables_stages(r->tables))) continue;
    RS_TRY(tables_add_stage(r->tables, stage));
    RS_TRY(recall(r, stage));
  }
  r->news = true;
  return tables_add_trial(r->tables, trial);
}

size_t record_left_out(const rs_record *r) {
  return past_finished(r->past) - r->recalled;
}

rs_outcome record_known(const rs_record *r, int stage, int *attempts) {
  const stage_rows *stages = tables_stages(r->tables);
  rs_outcome state = stage_rows_state(stages, stage);
  *attempts = (int)stage_rows_attempts(stages, stage);
  return state == RS_DONE || state == RS_FAILED ? state : RS_PENDING;
}

static void format_identity(const rs_record *r, int stage, char out[RS_ID_TEXT]) {
  rs_id_format(stage_rows_identity(tables_stages(r->tables), stage), out);
}

/* A record of a stage's beginning, WHAT being "begin" or "redo". */
static rs_status append_begin(rs_record *r, const char *what, const rs_stage *stage, int trial,
                              const rs_command *start) {
  char id[RS_ID_TEXT];
  json_t *workers = json_array();
  for (int i = 0; i < start->n_workers; i++)
    json_array_append_new(workers, json_integer(start->workers[i]));
  rs_id_format(stage->identity, id);
  return record_append(r, json_pack("{s:s, s:s, s:s, s:i, s:i, s:o}", "is", what, "stage", id,
                                    "name", stage->spec->name, "trial", trial, "attempt",
                                    start->attempt, "workers", workers));
}

/* Files of an earlier life that still wait would take the new ones with them. */
static rs_status run_removals_of(rs_record *r, rs_id identity) {
  if (!removals_has(&r->removals, identity)) return RS_OK;
  RS_TRY(record_sync(r));
  removals_run(&r->removals, true);
  return RS_OK;
}

rs_status record_begin(rs_record *r, const rs_stage *stage, int trial, const rs_command *start) {
  stage_rows *stages = tables_stages(r->tables);
  if (stage_rows_is_redone(stages, stage->index)) {
    RS_TRY(run_removals_of(r, stage->identity));
    return append_begin(r, "redo", stage, trial, start);
  }
  stage_rows_begin(stages, stage->index, start->attempt, start->n_workers);
  return append_begin(r, "begin", stage, trial, start);
}

rs_status record_metrics(rs_record *r, int stage, const json_t *message) {
  char id[RS_ID_TEXT];
  stage_rows *stages = tables_stages(r->tables);
  if (stage_rows_is_redone(stages, stage)) return RS_OK; /* the same rows as the first time */
  format_identity(r, stage, id);
  RS_TRY(tables_add_metrics(r->tables, stage, message));
  return record_append(r, json_pack("{s:s, s:s, s:O, s:O, s:O, s:O}", "is", "metrics", "stage", id,
                                    "epoch", json_object_get(message, "epoch"), "step",
                                    json_object_get(message, "step"), "seconds",
                                    json_object_get(message, "seconds"), "values",
                                    json_object_get(message, "values")));
}

rs_status record_result(rs_record *r, int stage, const json_t *message) {
  stage_rows *stages = tables_stages(r->tables);
  const char *text = json_string_value(json_object_get(message, "message"));
  if (stage_rows_is_redone(stages, stage)) {
    if (json_integer_value(json_object_get(message, "status")) == RS_OK)
      stage_rows_set_artifacts(stages, stage, json_object_get(message, "artifacts"));
    return stage_rows_redone(stages, stage, false, text != NULL ? text : "");
  }
  return stage_rows_result(stages, stage, message);
}

rs_status record_failed(rs_record *r, int stage, const json_t *message) {
  char id[RS_ID_TEXT];
  if (stage_rows_is_redone(tables_stages(r->tables), stage)) return RS_OK;
  format_identity(r, stage, id);
  return record_append(r, json_pack("{s:s, s:s, s:O, s:O}", "is", "failed", "stage", id, "attempt",
                                    json_object_get(message, "attempt"), "message",
                                    json_object_get(message, "message")));
}

/* A record of one of STAGE's that says no more than WHAT. */
static rs_status append_short(rs_record *r, const char *what, int stage) {
  char id[RS_ID_TEXT];
  format_identity(r, stage, id);
  return record_append(r, json_pack("{s:s, s:s}", "is", what, "stage", id));
}

/* Its checkpoints, which would be needed if the record of its end got lost; and at once, since what
 * comes next may need their room. */
static rs_status drop_checkpoints(rs_record *r, int stage) {
  rs_id identity = stage_rows_identity(tables_stages(r->tables), stage);
  for (int i = 0; i < 2; i++) {
    char *path;
    RS_TRY(rs_stage_resume_path(r->directory, identity, i, &path));
    if (rs_file_exists(path))
      RS_TRY(removals_add(&r->removals, path, identity, false));
    else
      free(path);
  }
  if (!removals_has(&r->removals, identity)) return RS_OK;
  RS_TRY(record_sync(r));
  removals_run(&r->removals, false);
  return RS_OK;
}

/* What a stage left is there again. Its artifacts are those of this time: by another layout they
 * may differ in the last bits. */
static rs_status append_restored(rs_record *r, int stage) {
  char id[RS_ID_TEXT];
  json_t *artifacts = stage_rows_artifacts(tables_stages(r->tables), stage);
  format_identity(r, stage, id);
  json_t *record = json_pack("{s:s, s:s}", "is", "restored", "stage", id);
  if (record != NULL && artifacts != NULL) json_object_set(record, "artifacts", artifacts);
  return record_append(r, record);
}

/* When it has failed, its first result still stands, and the next start tries again. */
static rs_status end_again(rs_record *r, int stage, rs_outcome outcome) {
  if (outcome != RS_DONE) return RS_OK;
  RS_TRY(stage_rows_redone(tables_stages(r->tables), stage, true, ""));
  RS_TRY(append_restored(r, stage));
  return drop_checkpoints(r, stage);
}

rs_status record_end(rs_record *r, int stage, rs_outcome outcome) {
  char id[RS_ID_TEXT];
  stage_rows *stages = tables_stages(r->tables);
  if (stage_rows_is_redone(stages, stage)) return end_again(r, stage, outcome);
  json_t *end = stage_rows_end(stages, stage, outcome);
  if (end == NULL) return rs_fail(RS_ERR_NOMEM, "out of memory: a journal record");
  format_identity(r, stage, id);
  json_object_set_new(end, "is", json_string("end"));
  json_object_set_new(end, "stage", json_string(id));
  RS_TRY(record_append(r, end));
  return outcome == RS_DONE ? drop_checkpoints(r, stage) : RS_OK;
}

bool record_has_output(const rs_record *r, int stage) {
  return stage_rows_has_output(tables_stages(r->tables), stage);
}

bool record_lacks_output(const rs_record *r, int stage) {
  return stage_rows_lacks_output(tables_stages(r->tables), stage);
}

rs_status record_remove(rs_record *r, int stage) {
  rs_id identity = stage_rows_identity(tables_stages(r->tables), stage);
  char *path;
  RS_TRY(rs_stage_path(r->directory, identity, &path));
  rs_status status = append_short(r, "removed", stage);
  if (status != RS_OK) {
    free(path);
    return status;
  }
  return removals_add(&r->removals, path, identity, tables_drop_output(r->tables, stage));
}

void record_redo(rs_record *r, int stage) {
  stage_rows_redo(tables_stages(r->tables), stage);
}

rs_status record_crash(rs_record *r, int stage, const char *message) {
  char id[RS_ID_TEXT];
  format_identity(r, stage, id);
  RS_TRY(record_append(
      r, json_pack("{s:s, s:s, s:s}", "is", "crash", "stage", id, "message", message)));
  return record_sync(r);
}

rs_status record_trial(rs_record *r, const rs_trial *trial, rs_outcome outcome, int stage) {
  RS_TRY(tables_end_trial(r->tables, trial, outcome, stage));
  r->news = true;
  return RS_OK;
}

double record_final(const rs_record *r, size_t trial, const char *metric) {
  return tables_final(r->tables, trial, metric);
}

const char *record_message(const rs_record *r, int stage) {
  return stage_rows_message(tables_stages(r->tables), stage);
}

void record_clean(rs_record *r) {
  size_t removed;
  if (leftovers_remove(r->directory, tables_stages(r->tables), r->past, &removed) != RS_OK)
    rs_logf(r->log, RS_LOG_WARN, "files left over are not removed: %s", rs_error_message());
  else if (removed > 0)
    rs_logf(r->log, RS_LOG_INFO, "removed %zu files that were left over from %s", removed,
            r->directory);
}
