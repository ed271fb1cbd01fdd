/* The record's files: the journal, snapshots of the results, and moving old ones aside. What
 * happens to stages is in stages.c, tables are in tables.c, reading back in past.c. */
#include "state.h"
#include "merge/share.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const double SYNC_SECONDS = 0.2, SNAPSHOT_SECONDS = 2.0, REFRESH_SECONDS = 10.0;
/* Of the time that snapshots may take; large ones come less often. */
static const double SNAPSHOT_SHARE = 0.02;
enum { MANY_REMOVALS = 4 }; /* files that wait for the journal's next sync until it comes early */

/* ---- files ---------------------------------------------------------------------------------- */

/* PATH.STAMP, or with a number behind it when that exists already. */
static rs_status free_name(const char *path, const char *stamp, rs_str *out) {
  rs_str_addf(out, "%s.%s", path, stamp);
  for (int i = 2; rs_str_status(out) == RS_OK && rs_file_exists(out->text); i++) {
    rs_str_clear(out);
    rs_str_addf(out, "%s.%s-%d", path, stamp, i);
  }
  return rs_str_status(out);
}

static rs_status move_aside(const char *path, const char *stamp, const rs_log *log) {
  if (!rs_file_exists(path)) return RS_OK;
  rs_str to = {0};
  rs_status status = free_name(path, stamp, &to);
  if (status == RS_OK && rename(path, to.text) != 0)
    status = rs_fail_errno("%s: cannot move aside to %s", path, to.text);
  if (status == RS_OK) rs_logf(log, RS_LOG_INFO, "moved %s to %s", path, to.text);
  rs_str_free(&to);
  return status;
}

static rs_status ignore_record(void *user, const char *payload, size_t line) {
  (void)user;
  (void)payload;
  (void)line;
  return RS_OK;
}

/* RS_ERR_CONFLICT when another run holds the journal. */
static rs_status check_unused(const char *journal_path, const rs_log *log) {
  rs_journal *journal;
  if (!rs_file_exists(journal_path)) return RS_OK;
  rs_status status = rs_journal_open(journal_path, log, ignore_record, NULL, &journal, NULL);
  if (status == RS_OK) return rs_journal_close(journal);
  return status == RS_ERR_CONFLICT ? status : RS_OK; /* a damaged one may be moved aside */
}

static void stamp_now(char out[RS_CLOCK_TEXT]) {
  rs_clock_utc(out);
  for (char *c = out; *c != '\0'; c++)
    if (*c == ':') *c = '-';
}

/* The journal last: while it is there, what is left belongs to it. */
static rs_status move_all_aside(const char *results, const char *directory, const char *journal,
                                const rs_log *log) {
  char stamp[RS_CLOCK_TEXT];
  stamp_now(stamp);
  RS_TRY(check_unused(journal, log));
  RS_TRY(move_aside(results, stamp, log));
  RS_TRY(move_aside(directory, stamp, log));
  return move_aside(journal, stamp, log);
}

rs_status record_set_aside(const char *results, const rs_log *log) {
  char *directory = NULL, *journal = NULL;
  rs_status status = rs_results_beside(results, ".ckpt", &directory);
  if (status == RS_OK) status = rs_results_beside(results, ".journal", &journal);
  if (status == RS_OK) status = move_all_aside(results, directory, journal, log);
  free(directory);
  free(journal);
  return status;
}

/* Before anything is made beside it. */
static rs_status check_name(const char *results) {
  enum { BESIDE_MAX = 128 }; /* longest name within or beside it, and a temporary's ending */
  struct stat info;
  size_t n = strlen(results);
  bool folder = n > 0 && results[n - 1] == '/';
  if (n > PATH_MAX - BESIDE_MAX)
    return rs_fail(RS_ERR_USAGE, "%.60s...: a path of %zu bytes, at most %d are allowed", results,
                   n, PATH_MAX - BESIDE_MAX);
  if (folder || (stat(results, &info) == 0 && S_ISDIR(info.st_mode)))
    return rs_fail(RS_ERR_USAGE, "%s: is a directory, expected the name of a results file",
                   results);
  return RS_OK;
}

/* The results file that the next snapshot takes the place of: ours, or damaged. */
static rs_status check_replaced(const rs_record *r) {
  rs_results found;
  char stamp[RS_CLOCK_TEXT];
  if (!rs_file_exists(r->results)) return RS_OK;
  rs_status status = rs_results_read(r->results, &found);
  rs_results_free(&found);
  if (status != RS_ERR_DATA)
    return rs_error_context(
        status, "%s is not overwritten; use --fresh to move it aside, or -o for another file",
        r->results);
  rs_logf(r->log, RS_LOG_WARN, "%s; it is made again from the journal", rs_error_message());
  stamp_now(stamp);
  return move_aside(r->results, stamp, r->log);
}

/* ---- journal -------------------------------------------------------------------------------- */

static rs_status check_whole(const rs_record *r) {
  return r->broken ? rs_fail(RS_ERR_IO, "%s: could not be written before", r->journal_path) : RS_OK;
}

rs_status record_append(rs_record *r, json_t *record) {
  char *text = record != NULL ? json_dumps(record, JSON_COMPACT) : NULL;
  json_decref(record);
  if (text == NULL) return rs_fail(RS_ERR_NOMEM, "out of memory: a journal record");
  double began = rs_clock_now();
  rs_status status = check_whole(r);
  if (status == RS_OK) r->broken = (status = rs_journal_append(r->journal, text)) != RS_OK;
  r->spent += rs_clock_now() - began;
  free(text);
  r->news = true;
  return status;
}

rs_status record_sync(rs_record *r) {
  RS_TRY(check_whole(r));
  rs_status status = rs_journal_sync(r->journal);
  r->broken = status != RS_OK;
  return status;
}

static rs_status base_settings(const rs_job *job, json_t **out) {
  char *text;
  RS_TRY(rs_settings_to_json(rs_job_base(job), &text));
  *out = json_loads(text, 0, NULL);
  free(text);
  return *out != NULL ? RS_OK : rs_fail(RS_ERR_NOMEM, "out of memory: the settings");
}

static rs_status append_settings(rs_record *r, json_t *record) {
  if (r->share != NULL && record != NULL) json_object_set(record, "share", r->share);
  return record_append(r, record);
}

static rs_status write_first(rs_record *r) {
  json_t *settings;
  rs_clock_utc(r->created);
  RS_TRY(base_settings(r->job, &settings));
  return append_settings(r, json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:o, s:o}", "is", "open",
                                      "format", "ranksweep-journal", "version", 1, "job",
                                      rs_job_name(r->job), "experiment",
                                      rs_job_schema(r->job)->experiment, "created", r->created,
                                      "settings", settings, "swept", past_swept(r->job)));
}

/* One that could not be begun is not left behind. */
static rs_status begin_journal(rs_record *r) {
  rs_status status = write_first(r);
  if (status != RS_OK && rs_journal_bytes(r->journal) == 0) unlink(r->journal_path);
  return status;
}

static rs_status compact(rs_record *r) {
  size_t before = rs_journal_bytes(r->journal);
  RS_TRY(rs_journal_rewrite(r->journal, past_write, r->past));
  rs_logf(r->log, RS_LOG_INFO, "%s: compacted from %zu to %zu bytes", r->journal_path, before,
          rs_journal_bytes(r->journal));
  return RS_OK;
}

/* Later starts are held against the settings of this one. */
static rs_status continue_journal(rs_record *r) {
  json_t *settings;
  snprintf(r->created, sizeof r->created, "%s", past_opened(r->past));
  RS_TRY(share_check(r->past, r->share, r->results));
  RS_TRY(past_check(r->past, r->job, r->results));
  RS_TRY(past_check_data(r->past, r->fingerprint, r->results));
  RS_TRY(check_replaced(r));
  past_interrupt(r->past);
  if (past_is_long(r->past)) RS_TRY(compact(r));
  RS_TRY(base_settings(r->job, &settings));
  RS_TRY(append_settings(r, json_pack("{s:s, s:o, s:o}", "is", "settings", "settings", settings,
                                      "swept", past_swept(r->job))));
  if (!r->retry_failed) return RS_OK;
  past_forgive(r->past);
  return record_append(r, json_pack("{s:s}", "is", "retry"));
}

static rs_status refuse_lonely(const rs_record *r, const char *what) {
  return rs_fail(RS_ERR_CONFLICT,
                 "%s exists, but its journal %s %s: nothing to continue, and it is not "
                 "overwritten; use --fresh to move it aside, or -o for another file",
                 r->results, r->journal_path, what);
}

static rs_status open_journal(rs_record *r) {
  size_t torn;
  bool results = rs_file_exists(r->results);
  if (results && !rs_file_exists(r->journal_path)) return refuse_lonely(r, "does not");
  RS_TRY(rs_journal_open(r->journal_path, r->log, past_visit, r->past, &r->journal, &torn));
  if (torn > 0)
    rs_logf(r->log, RS_LOG_WARN, "%s: dropped %zu bytes of a record that was cut short",
            r->journal_path, torn);
  if (results && past_opened(r->past) == NULL) return refuse_lonely(r, "holds no whole record");
  return past_opened(r->past) != NULL ? continue_journal(r) : begin_journal(r);
}

/* Creates what the paths of R name, and reads what is there. */
static rs_status open_files(rs_record *r, const rs_coordinate_options *o) {
  char *folder;
  RS_TRY(check_name(o->results));
  RS_TRY(rs_path_directory(o->results, &folder));
  rs_status status = rs_file_make_directories(folder);
  free(folder);
  RS_TRY(status);
  if (o->fresh) RS_TRY(move_all_aside(r->results, r->directory, r->journal_path, r->log));
  RS_TRY(open_journal(r));
  if (!o->fresh)
    RS_TRY(neighbours_open(r->results, rs_job_schema(r->job)->experiment, r->fingerprint, r->log,
                           &r->neighbours));
  return tables_create(o->job, o->kind, share_name(r->share), &r->tables);
}

rs_status record_open(const rs_coordinate_options *o, json_t *share, rs_record **out) {
  rs_record *r;
  *out = NULL;
  rs_status status = rs_new(&r, 1, sizeof *r);
  if (status != RS_OK) {
    json_decref(share);
    return status;
  }
  r->share = share;
  r->log = o->log;
  r->job = o->job;
  r->fingerprint = o->fingerprint;
  r->retry_failed = o->retry_failed;
  status = rs_strdup(&r->results, o->results);
  if (status == RS_OK) status = rs_results_beside(o->results, ".journal", &r->journal_path);
  if (status == RS_OK) status = rs_results_beside(o->results, ".ckpt", &r->directory);
  if (status == RS_OK) status = past_create(&r->past);
  if (status == RS_OK) status = open_files(r, o);
  if (status != RS_OK) {
    record_close(r);
    return status;
  }
  *out = r;
  return RS_OK;
}

void record_close(rs_record *r) {
  if (r == NULL) return;
  if (rs_journal_close(r->journal) != RS_OK && !r->broken) /* that was told */
    rs_logf(r->log, RS_LOG_ERROR, "%s", rs_error_message());
  tables_destroy(r->tables);
  past_destroy(r->past);
  neighbours_close(r->neighbours);
  removals_free(&r->removals);
  json_decref(r->share);
  free(r->results);
  free(r->journal_path);
  free(r->directory);
  free(r);
}

double record_seconds(const rs_record *r) {
  return r->spent;
}

const char *record_directory(const rs_record *r) {
  return r->directory;
}

/* ---- snapshots ------------------------------------------------------------------------------ */

static rs_status snapshot(rs_record *r, const char *state, const rs_run_view *view) {
  double began = rs_clock_now();
  RS_TRY(record_sync(r));
  RS_TRY(tables_write(r->tables, r->results, r->directory, r->created, state, view));
  r->synced = r->snapped = rs_clock_now();
  r->snapshot_cost = r->snapped - began;
  r->spent += r->snapshot_cost;
  r->news = false;
  removals_run(&r->removals, true);
  return RS_OK;
}

bool record_due(const rs_record *r) {
  double age = rs_clock_now() - r->snapped, rest = r->snapshot_cost / SNAPSHOT_SHARE;
  return age > (r->news ? SNAPSHOT_SECONDS : REFRESH_SECONDS) && age > rest;
}

rs_status record_snapshot(rs_record *r, const rs_run_view *view) {
  return snapshot(r, "running", view);
}

rs_status record_flush(rs_record *r) {
  rs_journal_tick(r->journal);
  double now = rs_clock_now();
  bool due = now - r->synced > SYNC_SECONDS || removals_ready(&r->removals) >= MANY_REMOVALS;
  if (!rs_journal_dirty(r->journal) || !due) return RS_OK;
  r->synced = now;
  RS_TRY(record_sync(r));
  removals_run(&r->removals, false);
  r->spent += rs_clock_now() - now;
  return RS_OK;
}

rs_status record_finish(rs_record *r, const char *state, const rs_run_view *view) {
  return snapshot(r, state, view);
}
