/* What is to be joined: is it sound, at rest, and of one job? */
#include "merge.h"
#include "share.h"

#include "ranksweep/store.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- one of them ------------------------------------------------------------------------------
 */

/* A file that is not there is a mistake of the call. */
static rs_status named_wrong(rs_status status) {
  return status == RS_ERR_IO ? rs_fail(RS_ERR_USAGE, "%s", rs_error_message()) : status;
}

/* *NAME, "2/8", is to be freed. */
static rs_status read_results(const char *path, char **name) {
  rs_results r;
  *name = NULL;
  RS_TRY(named_wrong(rs_results_read(path, &r)));
  rs_status status = RS_OK;
  if (r.share == NULL)
    status =
        rs_fail(RS_ERR_CONFLICT, "%s: holds no share of a job: it was run without --share", path);
  else if (r.packed)
    status = rs_fail(RS_ERR_CONFLICT, "%s: is packed; what it was made from can be joined", path);
  else
    status = rs_strdup(name, r.share);
  rs_results_free(&r);
  return status;
}

static rs_status under_way(const merge_input *in) {
  return rs_fail(RS_ERR_CONFLICT, "%s: its run is under way (process %ld on %s)", in->path,
                 in->holder.pid, in->holder.host);
}

static bool is_live(const merge_input *in) {
  return in->holder.present && in->holder.lives > 0;
}

static rs_status look_at_journal(merge_input *in) {
  struct stat info;
  if (stat(in->journal, &info) != 0)
    return rs_fail(RS_ERR_CONFLICT, "%s: its journal %s is not there", in->path, in->journal);
  in->bytes = info.st_size;
  in->changed = info.st_mtim;
  RS_TRY(rs_journal_owner(in->journal, &in->holder));
  return is_live(in) ? under_way(in) : RS_OK;
}

static rs_status read_journal(merge_input *in, const char *name) {
  RS_TRY(rs_journal_read(in->journal, past_visit, in->past, NULL));
  in->share = past_first(in->past) != NULL ? share_of(in->past) : NULL;
  const char *there = share_name(in->share);
  if (there == NULL || strcmp(there, name) != 0)
    return rs_fail(RS_ERR_DATA, "%s: holds share %s, but its journal %s says %s", in->path, name,
                   in->journal, there != NULL ? there : "of none");
  past_interrupt(in->past);
  return RS_OK;
}

static rs_status open_input(const char *path, merge_input *in) {
  char *name;
  *in = (merge_input){.path = path};
  RS_TRY(read_results(path, &name));
  rs_status status = rs_results_beside(path, ".journal", &in->journal);
  if (status == RS_OK) status = rs_results_beside(path, ".ckpt", &in->directory);
  if (status == RS_OK) status = past_create(&in->past);
  if (status == RS_OK) status = look_at_journal(in);
  if (status == RS_OK) status = read_journal(in, name);
  free(name);
  return status;
}

/* ---- do they belong together? -----------------------------------------------------------------
 */

static const char *text_of(const json_t *record, const char *key) {
  const char *text = json_string_value(json_object_get(record, key));
  return text != NULL ? text : "";
}

static json_int_t number_of(const merge_input *in, const char *key) {
  return json_integer_value(json_object_get(in->share, key));
}

/* The layout may differ from share to share: it changes no result. */
static void list_settings(const merge_input *a, const merge_input *b, rs_str *out) {
  const json_t *before = json_object_get(past_first(a->past), "settings");
  json_t *now = json_object_get(past_first(b->past), "settings"), *value;
  const char *path;
  json_object_foreach(now, path, value) {
    json_t *old = json_object_get(before, path);
    if (rs_setting_is_layout(path) || (old != NULL && json_equal(old, value))) continue;
    char *from = old != NULL ? json_dumps(old, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    char *to = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    rs_str_addf(out, "\n  %s: %s and %s", path, from != NULL ? from : "?", to != NULL ? to : "?");
    free(from);
    free(to);
  }
}

static rs_status check_settings(const merge_input *a, const merge_input *b) {
  rs_str differences = {0};
  list_settings(a, b, &differences);
  rs_status status = rs_str_status(&differences);
  if (status == RS_OK && differences.len > 0)
    status = rs_fail(RS_ERR_CONFLICT, "%s: not of the same job as %s; settings there and here:%s",
                     b->path, a->path, differences.text);
  rs_str_free(&differences);
  return status;
}

/* Of the last start that knew; "": none did. */
static const char *data_of(const merge_input *in) {
  const json_t *starts = past_starts(in->past);
  for (size_t i = json_array_size(starts); i > 0; i--) {
    const char *text = text_of(json_array_get(starts, i - 1), "data");
    if (text[0] != '\0') return text;
  }
  return "";
}

static rs_status check_pair(const merge_input *a, const merge_input *b) {
  const char *kind = past_experiment(b->past), *first = past_experiment(a->past);
  if (kind == NULL || first == NULL || strcmp(kind, first) != 0)
    return rs_fail(RS_ERR_CONFLICT, "%s: is of experiment %s, %s is of %s", b->path,
                   kind != NULL ? kind : "?", a->path, first != NULL ? first : "?");
  RS_TRY(check_settings(a, b));
  if (strcmp(text_of(a->share, "sweep"), text_of(b->share, "sweep")) != 0)
    return rs_fail(RS_ERR_CONFLICT, "%s: its job has other trials than that of %s", b->path,
                   a->path);
  if (number_of(a, "count") != number_of(b, "count"))
    return rs_fail(RS_ERR_CONFLICT,
                   "%s: is share %s, and %s is share %s: expected shares of equal number", b->path,
                   share_name(b->share), a->path, share_name(a->share));
  if (strcmp(data_of(a), data_of(b)) != 0)
    return rs_fail(RS_ERR_CONFLICT, "%s: was made from other data than %s:\n  %s\n  %s", b->path,
                   a->path, data_of(b), data_of(a));
  return RS_OK;
}

static int by_share(const void *a, const void *b) {
  json_int_t x = number_of(a, "index"), y = number_of(b, "index");
  return (x > y) - (x < y);
}

static rs_status check_together(merge_inputs *inputs) {
  for (size_t i = 1; i < inputs->n; i++) RS_TRY(check_pair(&inputs->list[0], &inputs->list[i]));
  qsort(inputs->list, inputs->n, sizeof *inputs->list, by_share);
  for (size_t i = 1; i < inputs->n; i++) {
    const merge_input *a = &inputs->list[i - 1], *b = &inputs->list[i];
    if (by_share(a, b) == 0)
      return rs_fail(RS_ERR_CONFLICT, "%s and %s: both are share %s", a->path, b->path,
                     share_name(b->share));
  }
  return RS_OK;
}

/* ---- are they at rest? ------------------------------------------------------------------------
 */

static bool in_doubt(const merge_input *in) {
  return in->holder.present && in->holder.lives < 0;
}

/* Does the writer's beat go on? */
static rs_status check_beat(const merge_input *in) {
  rs_journal_holder now;
  RS_TRY(rs_journal_owner(in->journal, &now));
  bool goes_on =
      now.present && (now.beat != in->holder.beat || now.pid != in->holder.pid || now.lives > 0);
  return goes_on ? under_way(in) : RS_OK;
}

/* Of writers on other hosts only their beat tells; all are watched at once. */
static rs_status check_at_rest(const merge_inputs *inputs, const rs_log *log) {
  const double pause = 0.5; /* seconds */
  size_t doubts = 0;
  for (size_t i = 0; i < inputs->n; i++) doubts += in_doubt(&inputs->list[i]);
  if (doubts == 0) return RS_OK;
  rs_logf(
      log, RS_LOG_INFO,
      "%zu of the shares were left by runs on other hosts: watching for %.0f s whether they live",
      doubts, rs_journal_patience());
  for (double began = rs_clock_now(); rs_clock_now() - began < rs_journal_patience();) {
    rs_clock_sleep(pause);
    for (size_t i = 0; i < inputs->n; i++)
      if (in_doubt(&inputs->list[i])) RS_TRY(check_beat(&inputs->list[i]));
  }
  return RS_OK;
}

rs_status merge_inputs_check_unchanged(const merge_inputs *inputs) {
  for (size_t i = 0; i < inputs->n; i++) {
    const merge_input *in = &inputs->list[i];
    merge_input now = {.path = in->path, .journal = in->journal};
    RS_TRY(look_at_journal(&now));
    if (now.bytes != in->bytes || now.changed.tv_sec != in->changed.tv_sec ||
        now.changed.tv_nsec != in->changed.tv_nsec)
      return rs_fail(RS_ERR_CONFLICT, "%s: its run has been continued meanwhile", in->path);
  }
  return RS_OK;
}

/* ---- all of them ------------------------------------------------------------------------------
 */

rs_status merge_inputs_open(const rs_merge_options *o, merge_inputs *out) {
  *out = (merge_inputs){0};
  RS_TRY(rs_new(&out->list, o->n, sizeof *out->list));
  rs_status status = RS_OK;
  while (status == RS_OK && out->n < o->n) {
    status = open_input(o->shares[out->n], &out->list[out->n]);
    out->n++;
  }
  if (status == RS_OK) status = check_together(out);
  if (status == RS_OK) status = check_at_rest(out, o->log);
  if (status != RS_OK) merge_inputs_close(out);
  return status;
}

void merge_inputs_close(merge_inputs *inputs) {
  for (size_t i = 0; i < inputs->n; i++) {
    free(inputs->list[i].journal);
    free(inputs->list[i].directory);
    past_destroy(inputs->list[i].past);
  }
  free(inputs->list);
  *inputs = (merge_inputs){0};
}
