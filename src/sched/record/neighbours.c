#include "neighbours.h"

#include "ranksweep/run.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct neighbour {
  char *journal, *directory;
  past *past;
} neighbour;

struct neighbours {
  const char *experiment, *fingerprint;
  const rs_log *log;
  neighbour *list;
  size_t count, cap;
};

/* ---- finding ------------------------------------------------------------------------------- */

static void close_neighbour(neighbour *n) {
  past_destroy(n->past);
  free(n->journal);
  free(n->directory);
}

void neighbours_close(neighbours *n) {
  if (n == NULL) return;
  for (size_t i = 0; i < n->count; i++) close_neighbour(&n->list[i]);
  free(n->list);
  free(n);
}

/* FOLDER/NAME.journal and FOLDER/NAME.ckpt, of STEM bytes of NAME. */
static rs_status name_files(neighbour *n, const char *folder, const char *name, int stem) {
  rs_str journal = {0}, directory = {0};
  rs_str_addf(&journal, "%s/%.*s.journal", folder, stem, name);
  rs_str_addf(&directory, "%s/%.*s.ckpt", folder, stem, name);
  rs_status status = rs_str_status(&journal);
  if (status == RS_OK) status = rs_str_status(&directory);
  if (status == RS_OK) status = rs_strdup(&n->journal, journal.text);
  if (status == RS_OK) status = rs_strdup(&n->directory, directory.text);
  rs_str_free(&journal);
  rs_str_free(&directory);
  return status;
}

/* Of another experiment, on the same data: equal experiments are run again to see whether their
 * results are equal. */
static bool is_welcome(const neighbours *all, const neighbour *n) {
  const char *experiment = past_experiment(n->past);
  return experiment != NULL && strcmp(experiment, all->experiment) != 0 &&
         past_check_data(n->past, all->fingerprint, n->journal) == RS_OK;
}

static rs_status look_at(neighbours *all, const char *folder, const char *name, int stem) {
  neighbour n = {0};
  RS_TRY(rs_grow(&all->list, &all->cap, all->count + 1, sizeof *all->list));
  rs_status status = name_files(&n, folder, name, stem);
  if (status == RS_OK) status = past_create(&n.past);
  if (status == RS_OK && rs_journal_read(n.journal, past_visit, n.past, NULL) == RS_OK &&
      is_welcome(all, &n)) {
    all->list[all->count++] = n;
    return RS_OK;
  }
  close_neighbour(&n);
  return status;
}

static int by_name(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

/* In the order of their names: which of two gives a stage must not be chance. */
static rs_status look_around(neighbours *all, const char *folder, const char *own) {
  static const char ending[] = ".journal";
  struct dirent **entries;
  rs_status status = RS_OK;
  int n = scandir(folder, &entries, NULL, by_name);
  for (int i = 0; i < n; i++) {
    const char *name = entries[i]->d_name;
    size_t length = strlen(name), tail = strlen(ending), stem = length > tail ? length - tail : 0;
    if (status == RS_OK && stem > 0 && strcmp(name + stem, ending) == 0 && strcmp(name, own) != 0)
      status = look_at(all, folder, name, (int)stem);
    free(entries[i]);
  }
  if (n >= 0) free(entries);
  return status;
}

rs_status neighbours_open(const char *results, const char *experiment, const char *fingerprint,
                          const rs_log *log, neighbours **out) {
  neighbours *all;
  char *folder = NULL, *journal = NULL;
  *out = NULL;
  RS_TRY(rs_new(&all, 1, sizeof *all));
  *all = (neighbours){.experiment = experiment, .fingerprint = fingerprint, .log = log};
  rs_status status = rs_path_directory(results, &folder);
  if (status == RS_OK) status = rs_results_beside(results, ".journal", &journal);
  if (status == RS_OK) {
    const char *slash = strrchr(journal, '/');
    status = look_around(all, folder, slash != NULL ? slash + 1 : journal);
  }
  free(folder);
  free(journal);
  if (status == RS_OK)
    *out = all;
  else
    neighbours_close(all);
  return status;
}

/* ---- taking -------------------------------------------------------------------------------- */

static bool is_done(const json_t *entry) {
  const char *state = json_string_value(json_object_get(json_object_get(entry, "end"), "state"));
  return state != NULL && strcmp(state, "done") == 0 &&
         !json_is_true(json_object_get(entry, "removed"));
}

/* One file under two names: neither run ever writes into it, and each may remove its own. */
static rs_status link_file(const neighbour *n, rs_id identity, const char *directory) {
  char *from = NULL, *to = NULL;
  rs_status status = rs_stage_path(n->directory, identity, &from);
  if (status == RS_OK) status = rs_stage_path(directory, identity, &to);
  if (status == RS_OK) status = rs_file_make_directory(directory);
  if (status == RS_OK && link(from, to) != 0 && errno != EEXIST)
    status = rs_fail_errno("%s: cannot be linked to %s", from, to);
  if (status == RS_OK) status = rs_file_sync_directory(to);
  free(from);
  free(to);
  return status;
}

/* One of ours would be of an attempt that came to nothing. */
static rs_status link_artifact(const neighbour *n, rs_id identity, const char *directory,
                               const json_t *note) {
  const char *name = json_string_value(json_object_get(note, "name"));
  char *from = NULL, *to = NULL;
  rs_status status =
      rs_stage_artifact_path(n->directory, identity, name != NULL ? name : "", &from);
  if (status == RS_OK) status = rs_stage_artifact_path(directory, identity, name, &to);
  if (status == RS_OK) status = rs_file_make_directory(directory);
  if (status == RS_OK) (void)unlink(to);
  if (status == RS_OK && link(from, to) != 0)
    status = rs_fail_errno("%s: cannot be linked to %s", from, to);
  if (status == RS_OK) status = rs_file_sync_directory(to);
  free(from);
  free(to);
  return status;
}

/* All that END says the stage left. */
static rs_status link_all(const neighbour *n, rs_id identity, const char *directory,
                          const json_t *end) {
  size_t index;
  json_t *note;
  if (json_is_true(json_object_get(end, "output"))) RS_TRY(link_file(n, identity, directory));
  json_array_foreach(json_object_get(end, "artifacts"), index, note)
      RS_TRY(link_artifact(n, identity, directory, note));
  return RS_OK;
}

const json_t *neighbours_take(neighbours *all, rs_id identity, const char *directory,
                              const char **from) {
  for (size_t i = 0; all != NULL && i < all->count; i++) {
    neighbour *n = &all->list[i];
    const json_t *entry = past_stage(n->past, identity);
    if (!is_done(entry)) continue;
    *from = n->journal;
    if (link_all(n, identity, directory, json_object_get(entry, "end")) == RS_OK) return entry;
    rs_logf(all->log, RS_LOG_DEBUG, "a stage of %s is done again: %s", n->journal,
            rs_error_message());
  }
  return NULL;
}
