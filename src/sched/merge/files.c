/* Files of stages, from where a share left them to where the joined results are made. */
#include "merge.h"

#include "ranksweep/run.h"
#include "ranksweep/store.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- one file ---------------------------------------------------------------------------------
 */

static rs_status write_whole(int to, const char *bytes, size_t n, const char *path) {
  while (n > 0) {
    ssize_t written = write(to, bytes, n);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return rs_fail_errno("%s: cannot write", path);
    bytes += written;
    n -= (size_t)written;
  }
  return RS_OK;
}

static rs_status pour(int from, int to, const char *from_path, const char *to_path) {
  char block[65536];
  for (;;) {
    ssize_t n = read(from, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return rs_fail_errno("%s: cannot read", from_path);
    if (n == 0) return RS_OK;
    RS_TRY(write_whole(to, block, (size_t)n, to_path));
  }
}

static rs_status copy_to(int from, const char *from_path, const char *temporary, const char *to) {
  int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return rs_fail_errno("%s: cannot create", temporary);
  rs_status status = pour(from, fd, from_path, temporary);
  if (close(fd) != 0 && status == RS_OK) status = rs_fail_errno("%s: cannot close", temporary);
  if (status == RS_OK) return rs_file_commit(temporary, to);
  unlink(temporary);
  return status;
}

static rs_status copy_file(const char *from, const char *to) {
  char *temporary;
  int fd = open(from, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return rs_fail_errno("%s: cannot open", from);
  rs_status status = rs_file_temporary(to, &temporary);
  if (status == RS_OK) status = copy_to(fd, from, temporary, to);
  free(temporary);
  close(fd);
  return status;
}

/* One file under two names: no run writes into a file of a stage, and each may remove its own. */
static rs_status bring(const char *from, const char *to, const char *directory) {
  RS_TRY(rs_file_make_directory(directory));
  if (link(from, to) == 0) return RS_OK;
  if (errno == ENOENT) return rs_fail(RS_ERR_DATA, "%s: is missing, and its stage is done", from);
  return copy_file(from, to); /* another file system, or one without links */
}

/* ---- one stage --------------------------------------------------------------------------------
 */

bool merge_is_done(const json_t *entry) {
  const char *state = json_string_value(json_object_get(json_object_get(entry, "end"), "state"));
  return state != NULL && strcmp(state, "done") == 0;
}

bool merge_has_output(const json_t *entry) {
  return merge_is_done(entry) && !json_is_true(json_object_get(entry, "removed")) &&
         json_is_true(json_object_get(json_object_get(entry, "end"), "output"));
}

static rs_status verify_checkpoint(const char *path) {
  rs_bundle bundle = {0};
  rs_status status = rs_checkpoint_read(path, &bundle, NULL);
  rs_bundle_free(&bundle);
  return status;
}

static rs_status take_output(const merge_input *in, rs_id identity, const char *directory) {
  char *from = NULL, *to = NULL;
  rs_status status = rs_stage_path(in->directory, identity, &from);
  if (status == RS_OK) status = rs_stage_path(directory, identity, &to);
  if (status == RS_OK && !rs_file_exists(from))
    status = rs_fail(RS_ERR_DATA, "%s: is missing, and its stage is done", from);
  if (status == RS_OK) status = verify_checkpoint(from);
  if (status == RS_OK) status = bring(from, to, directory);
  free(from);
  free(to);
  return status;
}

static rs_status verify_artifact(const char *path, const json_t *note) {
  char found[17], *data;
  size_t length;
  const char *expected = json_string_value(json_object_get(note, "checksum"));
  if (!rs_file_exists(path))
    return rs_fail(RS_ERR_DATA, "%s: is missing, and its stage is done", path);
  RS_TRY(rs_file_read(path, RS_MAX_ARTIFACT_BYTES, &data, &length));
  snprintf(found, sizeof found, "%016" PRIx64, rs_checksum(data, length));
  free(data);
  if (expected != NULL && strcmp(found, expected) == 0) return RS_OK;
  return rs_fail(RS_ERR_DATA, "%s: wrong checksum: the file is damaged", path);
}

static rs_status take_artifact(const merge_input *in, rs_id identity, const json_t *note,
                               const char *directory) {
  const char *name = json_string_value(json_object_get(note, "name"));
  char *from = NULL, *to = NULL;
  if (name == NULL) name = "";
  rs_status status = rs_stage_artifact_path(in->directory, identity, name, &from);
  if (status == RS_OK) status = rs_stage_artifact_path(directory, identity, name, &to);
  if (status == RS_OK) status = verify_artifact(from, note);
  if (status == RS_OK) status = bring(from, to, directory);
  free(from);
  free(to);
  return status;
}

rs_status merge_take_stage(const merge_input *in, rs_id identity, const json_t *entry,
                           const char *directory) {
  size_t index;
  json_t *note;
  if (!merge_is_done(entry)) return RS_OK;
  if (merge_has_output(entry)) RS_TRY(take_output(in, identity, directory));
  json_array_foreach(json_object_get(json_object_get(entry, "end"), "artifacts"), index, note)
      RS_TRY(take_artifact(in, identity, note, directory));
  return RS_OK;
}

/* ---- checkpoints ------------------------------------------------------------------------------
 */

typedef struct taker {
  const merge_input *in;
  const json_t *chosen;
  size_t number;
  const char *directory;
} taker;

static rs_status take_checkpoint(void *user, const char *path, const rs_stage_file *file) {
  const taker *t = user;
  char id[RS_ID_TEXT], *to;
  rs_id_format(file->identity, id);
  const json_t *from = json_object_get(t->chosen, id);
  bool done = merge_is_done(past_stage(t->in->past, file->identity));
  bool wanted = file->kind == RS_FILE_STEP || (file->kind == RS_FILE_RESUME && !done);
  if (!wanted || file->writer != 0 || from == NULL || (size_t)json_integer_value(from) != t->number)
    return RS_OK;
  /* A stage that goes on passes over a damaged one. */
  if (file->kind == RS_FILE_STEP) RS_TRY(verify_checkpoint(path));
  const char *slash = strrchr(path, '/');
  RS_TRY(rs_path_join(t->directory, slash != NULL ? slash + 1 : path, &to));
  rs_status status = bring(path, to, t->directory);
  free(to);
  return status;
}

rs_status merge_take_checkpoints(const merge_input *in, const json_t *chosen, size_t number,
                                 const char *directory) {
  taker t = {in, chosen, number, directory};
  return rs_stage_files(in->directory, take_checkpoint, &t);
}

/* ---- removing ---------------------------------------------------------------------------------
 */

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *at) {
  (void)info;
  (void)type;
  (void)at;
  (void)remove(path);
  return 0;
}

void merge_remove_tree(const char *path) {
  enum { OPEN_FOLDERS = 8 };
  (void)nftw(path, remove_entry, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
}
