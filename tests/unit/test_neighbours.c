/* sched: what is taken over from a neighbour's results: the output, the artifacts, or nothing. */
#include "store_files.h"

#include "record/neighbours.h"
#include "ranksweep/run.h"

static const rs_id ID = {.hi = 7, .lo = 8};
static const char OPEN[] =
    "{\"is\":\"open\",\"format\":\"ranksweep-journal\",\"version\":1,\"experiment\":\"theirs\"}";

/* The neighbour "n", which has done stage ID and left an output and the artifact NAME. */
static void make_neighbour(void **state, const char *name) {
  char *path = path_in(state, "n.journal"), id[RS_ID_TEXT];
  rs_str end = {0};
  rs_journal *journal;
  unlink(path);
  rs_id_format(ID, id);
  rs_str_addf(&end,
              "{\"is\":\"end\",\"stage\":\"%s\",\"attempt\":1,\"state\":\"done\",\"output\":true,"
              "\"artifacts\":[{\"name\":\"%s\",\"bytes\":5}]}",
              id, name);
  assert_ok(rs_journal_open(path, NULL, past_visit, NULL, &journal, NULL));
  assert_ok(rs_journal_append(journal, OPEN));
  assert_ok(rs_journal_append(journal, end.text));
  assert_ok(rs_journal_close(journal));
  rs_str_free(&end);
  free(path);
}

/* DIRECTORY/<identity>.ENDING holds TEXT; NULL: is not there. */
static void put(void **state, const char *directory, const char *ending, const char *text) {
  char *folder = path_in(state, directory), id[RS_ID_TEXT], path[256];
  rs_id_format(ID, id);
  assert_ok(rs_file_make_directories(folder));
  snprintf(path, sizeof path, "%s/%s.%s", folder, id, ending);
  if (text != NULL)
    put_bytes(path, text, strlen(text));
  else
    unlink(path);
  free(folder);
}

static bool holds(void **state, const char *ending, const char *text) {
  char *folder = path_in(state, "own.ckpt"), id[RS_ID_TEXT], path[256], *data;
  size_t len;
  rs_id_format(ID, id);
  snprintf(path, sizeof path, "%s/%s.%s", folder, id, ending);
  bool same = rs_file_read(path, 1000, &data, &len) == RS_OK && strcmp(data, text) == 0;
  free(data);
  free(folder);
  return same;
}

/* Is the stage taken over into own.ckpt? */
static bool take(void **state) {
  char *results = path_in(state, "own.h5"), *folder = path_in(state, "own.ckpt");
  const char *from;
  neighbours *n;
  assert_ok(neighbours_open(results, "ours", NULL, NULL, &n));
  bool taken = neighbours_take(n, ID, folder, &from) != NULL;
  neighbours_close(n);
  free(folder);
  free(results);
  return taken;
}

static void empty(void **state) {
  static const char *const folders[] = {"n.ckpt", "own.ckpt"};
  static const char *const endings[] = {"h5", "x.wav"};
  for (size_t i = 0; i < 4; i++) put(state, folders[i / 2], endings[i % 2], NULL);
  for (size_t i = 0; i < 2; i++) {
    char *folder = path_in(state, folders[i]);
    assert_int_equal(rmdir(folder), 0);
    free(folder);
  }
}

static void artifacts_come_with_the_output(void **state) {
  make_neighbour(state, "x.wav");
  put(state, "n.ckpt", "h5", "output");
  put(state, "n.ckpt", "x.wav", "sound");
  put(state, "own.ckpt", "x.wav", "of an attempt that came to nothing");
  assert_true(take(state));
  assert_true(holds(state, "h5", "output") && holds(state, "x.wav", "sound"));
  empty(state);
}

static void a_stage_whose_artifact_is_gone_is_not_taken(void **state) {
  make_neighbour(state, "x.wav");
  put(state, "n.ckpt", "h5", "output");
  assert_false(take(state));
  empty(state);
}

static void nothing_outside_of_its_folder_is_taken(void **state) {
  make_neighbour(state, "../../x");
  put(state, "n.ckpt", "h5", "output");
  assert_false(take(state));
  empty(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(artifacts_come_with_the_output),
      cmocka_unit_test(a_stage_whose_artifact_is_gone_is_not_taken),
      cmocka_unit_test(nothing_outside_of_its_folder_is_taken),
  };
  return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
