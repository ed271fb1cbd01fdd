/* The files that a trial's stages left for people. */
#include "show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool is_of_chain(const show_chain *c, int64_t stage) {
  for (size_t i = 0; i < c->count; i++)
    if (c->numbers[i] == stage) return true;
  return false;
}

/* Where it is, from where the results file is looked at; or its place inside. */
static rs_status put_place(text_table *t, const rs_results *r, size_t row, const char *folder) {
  const char *file = rs_table_text(r->artifacts, row, RS_ARTIFACT_FILE);
  rs_str inside = {0};
  char *path = NULL;
  rs_status status = RS_OK;
  if (file[0] == '\0') {
    rs_str_addf(&inside, "/files/%" PRId64 "-%s in it",
                rs_table_int(r->artifacts, row, RS_ARTIFACT_STAGE),
                rs_table_text(r->artifacts, row, RS_ARTIFACT_NAME));
    status = rs_str_status(&inside);
  } else {
    status = rs_path_join(strcmp(folder, ".") != 0 ? folder : "", file, &path);
  }
  if (status == RS_OK) status = show_put_text(t, path != NULL ? path : inside.text);
  rs_str_free(&inside);
  free(path);
  return status;
}

static rs_status put_row(text_table *t, const rs_results *r, size_t row, const char *folder) {
  char size[32];
  print_bytes(size, sizeof size, (double)rs_table_int(r->artifacts, row, RS_ARTIFACT_BYTES));
  RS_TRY(text_table_cell(t, "%" PRId64, rs_table_int(r->artifacts, row, RS_ARTIFACT_STAGE)));
  RS_TRY(text_table_cell(t, "%s", size));
  RS_TRY(put_place(t, r, row, folder));
  return show_put_text(t, rs_table_text(r->artifacts, row, RS_ARTIFACT_LONG_NAME));
}

static rs_status fill(text_table *t, const rs_results *r, const char *folder, const show_chain *c,
                      size_t *listed) {
  static const char *const heads[] = {"stage", "size", "file", "what it is"};
  for (size_t i = 0; i < RS_COUNT(heads); i++) RS_TRY(text_table_cell(t, "%s", heads[i]));
  text_table_right(t, 0);
  text_table_right(t, 1);
  for (size_t row = 0; row < rs_table_rows(r->artifacts); row++) {
    if (!is_of_chain(c, rs_table_int(r->artifacts, row, RS_ARTIFACT_STAGE))) continue;
    RS_TRY(put_row(t, r, row, folder));
    ++*listed;
  }
  return RS_OK;
}

rs_status show_artifacts_print(const rs_results *r, const char *path, const show_chain *c) {
  text_table *t;
  char *folder;
  size_t listed = 0;
  if (r->artifacts == NULL) return RS_OK;
  RS_TRY(rs_path_directory(path, &folder));
  rs_status status = text_table_create(4, &t);
  if (status == RS_OK) {
    status = fill(t, r, folder, c, &listed);
    if (status == RS_OK && listed > 0) putchar('\n');
    if (status == RS_OK && listed > 0) text_table_print(t, stdout);
    text_table_destroy(t);
  }
  free(folder);
  return status;
}
