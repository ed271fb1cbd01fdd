/* Results of shares become the results of the job: a journal of all that they know, the files that
 * it speaks of, and the results file that a run would make from them. All of it grows in a folder
 * beside its place and is moved there at the end, the results file last. */
#include "coordinator/state.h"
#include "merge.h"
#include "share.h"

#include "ranksweep/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Results, their journal and their checkpoints. */
typedef struct places {
  char *results, *journal, *directory;
} places;

typedef struct merger {
  const rs_merge_options *options;
  rs_merge_summary *summary;
  merge_inputs inputs;
  places target, draft;
  char *folder;   /* of the draft */
  json_t *chosen; /* by identity: number of the input that a stage is taken from */
  rs_job *job;
} merger;

/* ---- names ------------------------------------------------------------------------------------
 */

static rs_status name_places(const char *results, places *out) {
  RS_TRY(rs_strdup(&out->results, results));
  RS_TRY(rs_results_beside(results, ".journal", &out->journal));
  return rs_results_beside(results, ".ckpt", &out->directory);
}

static void free_places(places *p) {
  free(p->results);
  free(p->journal);
  free(p->directory);
}

static bool same_file(const char *a, const char *b) {
  struct stat x, y;
  return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Nothing there is overwritten, and what is read is not moved away. */
static rs_status check_target(const merger *m) {
  const places *t = &m->target;
  struct stat info;
  size_t n = strlen(t->results);
  if (n == 0 || t->results[n - 1] == '/' || (stat(t->results, &info) == 0 && S_ISDIR(info.st_mode)))
    return rs_fail(RS_ERR_USAGE, "%s: is a directory, expected the name of a results file",
                   t->results);
  for (size_t i = 0; i < m->inputs.n; i++)
    if (same_file(t->results, m->inputs.list[i].path) ||
        same_file(t->journal, m->inputs.list[i].journal))
      return rs_fail(RS_ERR_CONFLICT, "%s: is one of the shares; -o names another file",
                     t->results);
  const char *const names[] = {t->results, t->journal, t->directory};
  for (size_t i = 0; i < RS_COUNT(names) && !m->options->force; i++)
    if (rs_file_exists(names[i]))
      return rs_fail(RS_ERR_CONFLICT,
                     "%s exists and is not overwritten; --force moves it aside, -o names another "
                     "file",
                     names[i]);
  return RS_OK;
}

/* The draft has the names of the target, which its links are made of, in a folder of its own. */
static rs_status make_draft(merger *m) {
  char *parent = NULL, *results = NULL;
  const char *slash = strrchr(m->target.results, '/');
  rs_status status = rs_path_directory(m->target.results, &parent);
  if (status == RS_OK) status = rs_file_make_directories(parent);
  if (status == RS_OK) status = rs_file_temporary(m->target.results, &m->folder);
  if (status == RS_OK) {
    merge_remove_tree(m->folder); /* of a process that had our number and was killed */
    status = rs_file_make_directory(m->folder);
  }
  if (status == RS_OK)
    status = rs_path_join(m->folder, slash != NULL ? slash + 1 : m->target.results, &results);
  if (status == RS_OK) status = name_places(results, &m->draft);
  free(parent);
  free(results);
  return status;
}

/* ---- the journal ------------------------------------------------------------------------------
 */

static const char *text_of(const json_t *record, const char *key) {
  const char *text = json_string_value(json_object_get(record, key));
  return text != NULL ? text : "";
}

/* What one share knows of a stage against what another does: a stage that one has given up may be
 * continued from where another was stopped or killed. */
static int worth_of(const json_t *entry) {
  enum { FAILED, UNFINISHED, REMOVED, DONE };
  const char *end = text_of(json_object_get(entry, "end"), "state");
  if (merge_is_done(entry)) return json_is_true(json_object_get(entry, "removed")) ? REMOVED : DONE;
  return strcmp(end, "failed") == 0 ? FAILED : UNFINISHED;
}

static bool is_better(const json_t *a, const json_t *b) {
  if (worth_of(a) != worth_of(b)) return worth_of(a) > worth_of(b);
  return !merge_is_done(a) && json_array_size(json_object_get(a, "metrics")) >
                                  json_array_size(json_object_get(b, "metrics"));
}

static const json_t *entry_in(const merger *m, size_t input, const char *id) {
  return json_object_get(past_all(m->inputs.list[input].past), id);
}

static rs_status choose_one(merger *m, size_t input, const char *id, const json_t *entry) {
  const json_t *before = json_object_get(m->chosen, id);
  if (before != NULL) {
    const json_t *rival = entry_in(m, (size_t)json_integer_value(before), id);
    m->summary->again += merge_is_done(rival) && merge_is_done(entry);
    if (!is_better(entry, rival)) return RS_OK;
  }
  if (json_object_set_new(m->chosen, id, json_integer((json_int_t)input)) == 0) return RS_OK;
  return rs_fail(RS_ERR_NOMEM, "out of memory: names of stages");
}

/* Each stage once, from the share that got furthest with it; of equals the first. */
static rs_status choose(merger *m) {
  const char *id;
  json_t *entry;
  m->chosen = json_object();
  for (size_t i = 0; i < m->inputs.n; i++) {
    json_t *all = (json_t *)past_all(m->inputs.list[i].past);
    json_object_foreach(all, id, entry) RS_TRY(choose_one(m, i, id, entry));
  }
  m->summary->stages = json_object_size(m->chosen);
  return RS_OK;
}

static rs_status append(rs_journal *journal, const json_t *record) {
  char *text = record != NULL ? json_dumps(record, JSON_COMPACT) : NULL;
  if (text == NULL) return rs_fail(RS_ERR_NOMEM, "out of memory: a journal record");
  rs_status status = rs_journal_append(journal, text);
  free(text);
  return status;
}

/* As of a job that has no shares, begun when the first of them was. */
static rs_status append_first(const merger *m, rs_journal *journal) {
  json_t *first = json_copy((json_t *)past_first(m->inputs.list[0].past));
  json_object_del(first, "share");
  for (size_t i = 1; i < m->inputs.n; i++) {
    const json_t *other = past_first(m->inputs.list[i].past);
    if (strcmp(text_of(other, "created"), text_of(first, "created")) < 0)
      json_object_set(first, "created", json_object_get(other, "created"));
  }
  rs_status status = append(journal, first);
  json_decref(first);
  return status;
}

/* The one with the earliest time of those that come next in each share; NULL: there is none. */
static const json_t *next_start(const merger *m, size_t *at) {
  const json_t *best = NULL;
  size_t from = 0;
  for (size_t i = 0; i < m->inputs.n; i++) {
    const json_t *start = json_array_get(past_starts(m->inputs.list[i].past), at[i]);
    if (start == NULL ||
        (best != NULL && strcmp(text_of(start, "time"), text_of(best, "time")) >= 0))
      continue;
    best = start;
    from = i;
  }
  at[from] += best != NULL;
  return best;
}

static rs_status append_starts(const merger *m, rs_journal *journal) {
  size_t *at;
  const json_t *start;
  RS_TRY(rs_new(&at, m->inputs.n, sizeof *at));
  rs_status status = RS_OK;
  while (status == RS_OK && (start = next_start(m, at)) != NULL) status = append(journal, start);
  free(at);
  return status;
}

static rs_status append_stages(const merger *m, rs_journal *journal) {
  past *all;
  const char *id;
  json_t *input;
  rs_id identity;
  RS_TRY(past_create(&all));
  rs_status status = RS_OK;
  json_object_foreach(m->chosen, id, input) {
    if (status == RS_OK && rs_id_parse(id, &identity))
      status =
          past_adopt(all, identity, entry_in(m, (size_t)json_integer_value(input), id), journal);
  }
  past_destroy(all);
  return status;
}

static rs_status ignore_record(void *user, const char *payload, size_t line) {
  (void)user;
  (void)payload;
  (void)line;
  return RS_OK;
}

static rs_status write_journal(const merger *m) {
  rs_journal *journal;
  RS_TRY(rs_journal_open(m->draft.journal, m->options->log, ignore_record, NULL, &journal, NULL));
  rs_status status = append_first(m, journal);
  if (status == RS_OK) status = append_starts(m, journal);
  if (status == RS_OK) status = append_stages(m, journal);
  rs_status closed = rs_journal_close(journal);
  return status != RS_OK ? status : closed;
}

/* ---- the files --------------------------------------------------------------------------------
 */

static rs_status take_files(const merger *m) {
  const char *id;
  json_t *input;
  rs_id identity;
  json_object_foreach(m->chosen, id, input) {
    size_t i = (size_t)json_integer_value(input);
    if (rs_id_parse(id, &identity))
      RS_TRY(
          merge_take_stage(&m->inputs.list[i], identity, entry_in(m, i, id), m->draft.directory));
  }
  for (size_t i = 0; i < m->inputs.n; i++)
    RS_TRY(merge_take_checkpoints(&m->inputs.list[i], m->chosen, i, m->draft.directory));
  return RS_OK;
}

/* ---- the results file -------------------------------------------------------------------------
 */

static rs_status read_job(merger *m) {
  const merge_input *in = &m->inputs.list[0];
  const json_t *list = json_object_get(in->share, "overrides");
  const char *yaml = text_of(in->share, "yaml"), **overrides;
  size_t n = json_array_size(list);
  RS_TRY(rs_new(&overrides, n, sizeof *overrides));
  for (size_t i = 0; i < n; i++) {
    const char *text = json_string_value(json_array_get(list, i));
    overrides[i] = text != NULL ? text : "";
  }
  rs_status status = rs_job_parse_checked(in->path, yaml, strlen(yaml), overrides, n,
                                          rs_experiment_schemas(), &m->job);
  free(overrides);
  return rs_error_context(status, "%s: the job that it was run with", in->path);
}

/* Another version of the program may see other work in the same job. */
static rs_status check_sweep(const merger *m) {
  const merge_input *in = &m->inputs.list[0];
  const rs_stage_spec *specs[RS_MAX_STAGES];
  const rs_experiment *kind = rs_experiment_find(rs_job_schema(m->job)->experiment);
  size_t n = rs_experiment_specs(kind, specs);
  char sweep[RS_ID_TEXT];
  rs_share_map map;
  RS_TRY(rs_share_map_create(m->job, specs, n, (rs_share){1, 1}, &map));
  rs_id_format(map.sweep, sweep);
  rs_share_map_free(&map);
  if (strcmp(sweep, text_of(in->share, "sweep")) == 0) return RS_OK;
  return rs_fail(RS_ERR_CONFLICT,
                 "%s: this version of ranksweep (%s) makes other stages of its job: it was run by "
                 "another one",
                 in->path, RS_VERSION);
}

static rs_status write_results(const merger *m) {
  rs_transport *t;
  rs_run_summary s;
  rs_coordinate_options options = {.job = m->job,
                                   .kind = rs_experiment_find(rs_job_schema(m->job)->experiment),
                                   .results = m->draft.results};
  RS_TRY(rs_transport_create_local(&t));
  rs_status status = coordinator_make_results(&options, t, &s);
  rs_transport_destroy(t);
  m->summary->trials = s.trials;
  m->summary->done = s.done;
  m->summary->failed = s.failed;
  return status;
}

/* ---- into place -------------------------------------------------------------------------------
 */

static rs_status move(const char *from, const char *to) {
  rs_fault_point("rename", to);
  if (rename(from, to) != 0) return rs_fail_errno("%s: cannot rename to %s", from, to);
  rs_fault_point("renamed", to);
  return RS_OK;
}

/* Checkpoints alone are nothing to anyone, and a journal without results is continued by a run; so
 * there is no moment at which something wrong could be taken for the results. */
static rs_status move_all(const places *from, const places *to) {
  bool files = rs_file_exists(from->directory);
  if (files) RS_TRY(move(from->directory, to->directory));
  rs_status status = move(from->journal, to->journal);
  if (status == RS_OK) {
    status = move(from->results, to->results);
    if (status == RS_OK) return rs_file_sync_directory(to->results);
    (void)rename(to->journal, from->journal);
  }
  if (files) (void)rename(to->directory, from->directory);
  return status;
}

/* Names in DIRECTORY, onto the disk. */
static rs_status sync_names(const char *directory) {
  char *inside;
  if (!rs_file_exists(directory)) return RS_OK;
  RS_TRY(rs_path_join(directory, "x", &inside));
  rs_status status = rs_file_sync_directory(inside);
  free(inside);
  return status;
}

static rs_status put_in_place(const merger *m) {
  RS_TRY(sync_names(m->draft.directory));
  RS_TRY(sync_names(m->folder));
  RS_TRY(merge_inputs_check_unchanged(&m->inputs));
  RS_TRY(check_target(m));
  if (m->options->force) RS_TRY(record_set_aside(m->target.results, m->options->log));
  return move_all(&m->draft, &m->target);
}

/* ---- all of it --------------------------------------------------------------------------------
 */

/* Shares that are not there. */
static rs_status list_absent(merger *m) {
  rs_merge_summary *s = m->summary;
  size_t next = 0;
  s->shares = (int)json_integer_value(json_object_get(m->inputs.list[0].share, "count"));
  for (int share = 1; share <= s->shares; share++) {
    const json_t *note = next < m->inputs.n ? m->inputs.list[next].share : NULL;
    if (json_integer_value(json_object_get(note, "index")) == share) {
      next++;
      continue;
    }
    rs_str_addf(&s->absent, "%s%d", s->missing > 0 ? ", " : "", share);
    s->missing++;
  }
  return rs_str_status(&s->absent);
}

static rs_status merge(merger *m) {
  RS_TRY(merge_inputs_open(m->options, &m->inputs));
  RS_TRY(name_places(m->options->results, &m->target));
  RS_TRY(check_target(m));
  RS_TRY(list_absent(m));
  RS_TRY(read_job(m));
  RS_TRY(check_sweep(m));
  RS_TRY(choose(m));
  RS_TRY(make_draft(m));
  RS_TRY(take_files(m));
  RS_TRY(write_journal(m));
  RS_TRY(write_results(m));
  return put_in_place(m);
}

rs_status rs_merge(const rs_merge_options *options, rs_merge_summary *out) {
  *out = (rs_merge_summary){0};
  merger m = {.options = options, .summary = out};
  RS_ASSERT(options->n > 0);
  rs_status status = merge(&m);
  if (m.folder != NULL) merge_remove_tree(m.folder);
  rs_job_destroy(m.job);
  json_decref(m.chosen);
  merge_inputs_close(&m.inputs);
  free_places(&m.target);
  free_places(&m.draft);
  free(m.folder);
  return status;
}
