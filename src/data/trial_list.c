/* Lists of pairs of recordings, as published tests of speaker verification have them. */
#include "ranksweep/data.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1 << 28 };

void rs_trial_list_free(rs_trial_list *list) {
  rs_corpus_free(&list->files);
  free(list->pairs);
  free(list->same);
  rs_numbering_free(&list->paths);
  *list = (rs_trial_list){0};
}

/* ---- lines ------------------------------------------------------------------------------- */

/* 1, 0, or -1: WORD is no label. */
static int label_of(const char *word) {
  static const char *const same[] = {"1", "same", "target"};
  static const char *const other[] = {"0", "different", "nontarget"};
  for (size_t i = 0; i < RS_COUNT(same); i++) {
    if (strcmp(word, same[i]) == 0) return 1;
    if (strcmp(word, other[i]) == 0) return 0;
  }
  return -1;
}

/* Two paths and a label in either order; *LABEL -1: it is something else. */
static void split_line(char *line, const char *paths[2], int *label) {
  char *rest, *words[4];
  size_t n = 0;
  *label = -1;
  for (char *w = strtok_r(line, " \t\r", &rest); w != NULL && n < 4;
       w = strtok_r(NULL, " \t\r", &rest))
    words[n++] = w;
  if (n != 3) return;
  size_t first = label_of(words[0]) >= 0 ? 1 : 0;
  *label = label_of(words[first == 1 ? 0 : 2]);
  paths[0] = words[first];
  paths[1] = words[first + 1];
}

static bool is_empty(const char *line) {
  const char *text = line + strspn(line, " \t\r");
  return *text == '\0' || *text == '#';
}

/* ---- files ------------------------------------------------------------------------------- */

/* PATH is taken over. */
static rs_status add_file(rs_corpus *c, char *path, const char *name) {
  rs_status status = rs_grow(&c->files, &c->cap, c->count + 1, sizeof *c->files);
  if (status == RS_OK && !rs_file_exists(path))
    status = rs_fail(RS_ERR_DATA, "there is no file %s", path);
  if (status == RS_OK) status = rs_strdup(&c->files[c->count].label, name);
  if (status != RS_OK) {
    free(path);
    return status;
  }
  c->files[c->count++].path = path;
  return RS_OK;
}

/* Number of the file NAME below ROOT, which is new or has come before. */
static rs_status file_of(rs_trial_list *list, const char *root, const char *name, uint32_t *out) {
  char *path;
  RS_TRY(rs_path_join(root, name, &path));
  rs_status status = rs_numbering_of(&list->paths, path, strlen(path), out);
  if (status == RS_OK && *out == list->files.count) return add_file(&list->files, path, name);
  free(path);
  return status;
}

static rs_status add_line(rs_trial_list *list, const char *root, char *line) {
  const char *paths[2];
  int label;
  split_line(line, paths, &label);
  if (label < 0)
    return rs_fail(RS_ERR_DATA, "expected two paths and 1 or 0 (also same or different, target or "
                                "nontarget), before or behind them");
  RS_TRY(rs_grow(&list->pairs, &list->cap_pairs, list->n + 1, sizeof *list->pairs));
  RS_TRY(rs_grow(&list->same, &list->cap_same, list->n + 1, 1));
  for (int side = 0; side < 2; side++)
    RS_TRY(file_of(list, root, paths[side], &list->pairs[list->n][side]));
  list->same[list->n++] = label == 1;
  return RS_OK;
}

static rs_status check_kinds(const rs_trial_list *list, const char *path) {
  size_t same = 0;
  for (size_t i = 0; i < list->n; i++) same += list->same[i];
  if (same > 0 && same < list->n) return RS_OK;
  return rs_fail(RS_ERR_DATA, "%s: expected pairs of one speaker and of two, found %zu and %zu",
                 path, same, list->n - same);
}

static rs_status read_lines(rs_trial_list *list, const char *path, const char *root, char *text) {
  char *rest = text;
  for (size_t number = 1; rest != NULL; number++) {
    char *line = strsep(&rest, "\n");
    if (is_empty(line)) continue;
    rs_status status = add_line(list, root, line);
    if (status != RS_OK) return rs_error_context(status, "%s:%zu", path, number);
  }
  return check_kinds(list, path);
}

rs_status rs_trial_list_read(const char *path, const char *root, rs_trial_list *out) {
  char *text;
  size_t length;
  *out = (rs_trial_list){0};
  RS_TRY(rs_file_read(path, MOST_BYTES, &text, &length));
  rs_status status = read_lines(out, path, root, text);
  free(text);
  if (status != RS_OK) rs_trial_list_free(out);
  return status == RS_ERR_IO ? RS_ERR_DATA : status;
}
