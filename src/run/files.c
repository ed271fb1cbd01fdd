/* The names of the files that stages leave. */
#include "ranksweep/run.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- paths -------------------------------------------------------------------------------- */

/* DIRECTORY/<identity>SUFFIX */
static rs_status path_of(const char *directory, rs_id identity, const char *suffix, char **out) {
  char id[RS_ID_TEXT];
  rs_str name = {0};
  *out = NULL;
  rs_id_format(identity, id);
  rs_str_addf(&name, "%s%s", id, suffix);
  rs_status status = rs_str_status(&name);
  if (status == RS_OK) status = rs_path_join(directory, name.text, out);
  rs_str_free(&name);
  return status;
}

rs_status rs_stage_path(const char *directory, rs_id identity, char **out) {
  return path_of(directory, identity, ".h5", out);
}

rs_status rs_stage_resume_path(const char *directory, rs_id identity, int which, char **out) {
  return path_of(directory, identity, which == 0 ? ".a.h5" : ".b.h5", out);
}

rs_status rs_stage_step_path(const char *directory, rs_id identity, uint64_t step, char **out) {
  rs_str suffix = {0};
  *out = NULL;
  rs_str_addf(&suffix, ".step%llu.h5", (unsigned long long)step);
  rs_status status = rs_str_status(&suffix);
  if (status == RS_OK) status = path_of(directory, identity, suffix.text, out);
  rs_str_free(&suffix);
  return status;
}

/* ---- names of artifacts ------------------------------------------------------------------- */

static bool ends_with(const char *name, size_t n, const char *ending) {
  size_t tail = strlen(ending);
  return n >= tail && memcmp(name + n - tail, ending, tail) == 0;
}

/* Is it, or could it come to be, the name of another file of a stage? */
static bool is_reserved(const char *name, size_t n) {
  return strncmp(name, "h5", 2) == 0 || strncmp(name, "step", 4) == 0 ||
         ends_with(name, n, ".h5") || memmem(name, n, ".tmp.", 5) != NULL;
}

/* NAME being its first N bytes. */
static bool is_artifact_name(const char *name, size_t n) {
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  return n > 0 && n <= RS_MAX_ARTIFACT_NAME && name[0] != '.' && strspn(name, allowed) >= n &&
         !is_reserved(name, n);
}

rs_status rs_stage_artifact_path(const char *directory, rs_id identity, const char *name,
                                 char **out) {
  rs_str suffix = {0};
  *out = NULL;
  if (!is_artifact_name(name, strlen(name)))
    return rs_fail(RS_ERR_INTERNAL,
                   "\"%.80s\": expected the name of an artifact: up to %d letters, digits, '.', "
                   "'_' and '-', and not one that other files of stages may have",
                   name, RS_MAX_ARTIFACT_NAME);
  rs_str_addf(&suffix, ".%s", name);
  rs_status status = rs_str_status(&suffix);
  if (status == RS_OK) status = path_of(directory, identity, suffix.text, out);
  rs_str_free(&suffix);
  return status;
}

/* ---- reading names ------------------------------------------------------------------------ */

/* Moves *AT behind WORD when that is what stands there. */
static bool skip(const char **at, const char *word) {
  size_t n = strlen(word);
  if (strncmp(*at, word, n) != 0) return false;
  *at += n;
  return true;
}

/* A number as printf writes it, *AT then behind it. */
static bool read_number(const char **at, uint64_t *out) {
  enum { DIGITS = 19 };
  size_t n = strspn(*at, "0123456789");
  if (n == 0 || n > DIGITS || (n > 1 && **at == '0')) return false;
  *out = strtoull(*at, NULL, 10);
  *at += n;
  return true;
}

/* The identity in lower case, as rs_id_format writes it. */
static bool read_identity(const char **at, rs_id *out) {
  char id[RS_ID_TEXT], again[RS_ID_TEXT];
  if (strlen(*at) < RS_ID_TEXT - 1) return false;
  memcpy(id, *at, RS_ID_TEXT - 1);
  id[RS_ID_TEXT - 1] = '\0';
  *at += RS_ID_TEXT - 1;
  if (!rs_id_parse(id, out)) return false;
  rs_id_format(*out, again);
  return strcmp(id, again) == 0;
}

/* Takes ".tmp.<pid>" off the end of NAME: *LENGTH bytes are before it. */
static bool read_writer(const char *name, size_t *length, int *writer) {
  static const char mark[] = ".tmp.";
  const char *at = NULL;
  uint64_t process;
  *length = strlen(name);
  for (const char *next = name; (next = strstr(next, mark)) != NULL; next++) at = next;
  if (at == NULL) return true;
  *length = (size_t)(at - name);
  at += sizeof mark - 1;
  if (!read_number(&at, &process) || process == 0 || process > INT32_MAX) return false;
  *writer = (int)process;
  return *at == '\0';
}

static bool is(const char *name, size_t length, const char *word) {
  return length == strlen(word) && memcmp(name, word, length) == 0;
}

/* ".step<N>.h5" of LENGTH bytes. */
static bool read_step(const char *name, size_t length, uint64_t *step) {
  const char *at = name;
  return skip(&at, ".step") && read_number(&at, step) && skip(&at, ".h5") && at == name + length;
}

bool rs_stage_file_parse(const char *name, rs_stage_file *out) {
  size_t n;
  *out = (rs_stage_file){0};
  if (!read_identity(&name, &out->identity) || !read_writer(name, &n, &out->writer)) return false;
  out->kind = RS_FILE_OUTPUT;
  if (is(name, n, ".h5")) return true;
  out->kind = RS_FILE_RESUME;
  if (is(name, n, ".a.h5") || is(name, n, ".b.h5")) return true;
  out->kind = RS_FILE_STEP;
  if (read_step(name, n, &out->step)) return true;
  out->kind = RS_FILE_ARTIFACT;
  return n > 0 && name[0] == '.' && is_artifact_name(name + 1, n - 1);
}

static rs_status visit_entry(const char *directory, const char *name, rs_stage_file_visit visit,
                             void *user) {
  rs_stage_file file;
  char *path;
  if (!rs_stage_file_parse(name, &file)) return RS_OK;
  RS_TRY(rs_path_join(directory, name, &path));
  rs_status status = visit(user, path, &file);
  free(path);
  return status;
}

rs_status rs_stage_files(const char *directory, rs_stage_file_visit visit, void *user) {
  DIR *folder = opendir(directory);
  if (folder == NULL && errno == ENOENT) return RS_OK;
  if (folder == NULL) return rs_fail_errno("%s: cannot list", directory);
  rs_status status = RS_OK;
  for (struct dirent *e; status == RS_OK && (e = readdir(folder)) != NULL;)
    status = visit_entry(directory, e->d_name, visit, user);
  closedir(folder);
  return status;
}
