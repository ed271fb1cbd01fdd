/* What a supervisor writes into the journal of a run that has crashed. */
#include "past.h"
#include "ranksweep/sched.h"
#include "ranksweep/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rs_status append(rs_journal *journal, int rank, const char *message) {
  json_t *record = json_pack("{s:s, s:i, s:s}", "is", "crash", "rank", rank, "message", message);
  char *text = record != NULL ? json_dumps(record, JSON_COMPACT) : NULL;
  json_decref(record);
  if (text == NULL) return rs_fail(RS_ERR_NOMEM, "out of memory: a journal record");
  rs_status status = rs_journal_append(journal, text);
  free(text);
  return status;
}

static void describe(const past *p, int rank, rs_crash *out) {
  const json_t *begin = past_running_on(p, rank);
  const char *name = json_string_value(json_object_get(begin, "name"));
  if (begin != NULL) {
    out->blamed = true;
    out->attempt = (int)json_integer_value(json_object_get(begin, "attempt"));
    out->trial = (int)json_integer_value(json_object_get(begin, "trial"));
    snprintf(out->stage, sizeof out->stage, "%s", name != NULL ? name : "?");
  }
  out->progress = past_progress(p) + out->blamed;
}

size_t rs_crash_starts(const char *results) {
  char *path = NULL;
  past *p = NULL;
  size_t starts = 0;
  rs_status status = rs_results_beside(results, ".journal", &path);
  if (status == RS_OK) status = past_create(&p);
  if (status == RS_OK && rs_journal_read(path, past_visit, p, NULL) == RS_OK)
    starts = json_array_size(past_starts(p));
  past_destroy(p);
  free(path);
  return starts;
}

rs_status rs_crash_note(const char *results, size_t starts, int rank, const char *message,
                        rs_crash *out) {
  char *path;
  past *p = NULL;
  rs_journal *journal = NULL;
  *out = (rs_crash){.trial = -1};
  RS_TRY(rs_results_beside(results, ".journal", &path));
  if (!rs_file_exists(path)) { /* it crashed before it had begun */
    free(path);
    return RS_OK;
  }
  rs_status status = past_create(&p);
  if (status == RS_OK) status = rs_journal_open(path, NULL, past_visit, p, &journal, NULL);
  if (status == RS_OK) {
    out->started = json_array_size(past_starts(p)) > starts;
    if (!out->started) rank = -1;
    describe(p, rank, out);
    status = append(journal, rank, message);
    rs_status closed = rs_journal_close(journal);
    if (status == RS_OK) status = closed;
  }
  past_destroy(p);
  free(path);
  return status;
}
