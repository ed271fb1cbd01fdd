/* store: what a results file says of artifacts and images, and where it finds them. */
#include "store_files.h"

#include "ranksweep/store.h"

static rs_table *make_table(const rs_column *columns, size_t n, size_t rows) {
  rs_table *t;
  assert_ok(rs_table_create(columns, n, &t));
  for (size_t i = 0; i < rows; i++) assert_ok(rs_table_add_row(t, NULL));
  return t;
}

static rs_results make_results(void) {
  static const rs_column trial[] = {{"trial", RS_COLUMN_INT, NULL, NULL},
                                    {"state", RS_COLUMN_TEXT, NULL, NULL}};
  return (rs_results){.trials = make_table(trial, 2, 1),
                      .stages = make_table(trial, 2, 1),
                      .metrics = make_table(trial, 2, 0),
                      .provenance = make_table(trial, 2, 1)};
}

static void free_tables(rs_results *r) {
  rs_table_destroy(r->trials);
  rs_table_destroy(r->stages);
  rs_table_destroy(r->metrics);
  rs_table_destroy(r->provenance);
  rs_table_destroy(r->artifacts);
  rs_table_destroy(r->vectors);
}

static rs_table *make_vectors(const char *file, size_t columns) {
  rs_table *t = make_table(rs_vector_columns, columns, 1);
  rs_table_set_int(t, 0, RS_VECTOR_LENGTH, 3);
  assert_ok(rs_table_set_text(t, 0, RS_VECTOR_NAME, "values_dense1"));
  assert_ok(rs_table_set_text(t, 0, RS_VECTOR_SIGNAL, "values"));
  assert_ok(rs_table_set_text(t, 0, RS_VECTOR_FILE, file));
  assert_ok(rs_table_set_text(t, 0, RS_VECTOR_TENSOR, "dense1/s"));
  return t;
}

/* ---- artifacts ---------------------------------------------------------------------------- */

static rs_table *make_artifacts(const char *file, const char *data, size_t len) {
  char sum[17];
  rs_table *t = make_table(rs_artifact_columns, RS_ARTIFACT_COLUMNS, 1);
  snprintf(sum, sizeof sum, "%016llx", (unsigned long long)rs_checksum(data, len));
  rs_table_set_int(t, 0, RS_ARTIFACT_STAGE, 4);
  rs_table_set_int(t, 0, RS_ARTIFACT_BYTES, (int64_t)len);
  assert_ok(rs_table_set_text(t, 0, RS_ARTIFACT_NAME, "a.wav"));
  assert_ok(rs_table_set_text(t, 0, RS_ARTIFACT_FILE, file));
  assert_ok(rs_table_set_text(t, 0, RS_ARTIFACT_CHECKSUM, sum));
  return t;
}

static void expect_artifact(const char *path, const rs_results *r, const char *text, size_t len) {
  char *data;
  size_t got;
  assert_ok(rs_results_read_artifact(path, r, 0, &data, &got));
  assert_int_equal(got, len);
  assert_memory_equal(data, text, len);
  free(data);
}

static void artifacts_are_packed(void **state) {
  static const char bytes[] = "any\0bytes";
  char *path = path_in(state, "artifacts.h5"), *packed = path_in(state, "artifacts.packed.h5");
  char *part = path_in(state, "artifact.wav");
  rs_results r = make_results(), back;
  put_bytes(part, bytes, sizeof bytes);
  r.artifacts = make_artifacts("artifact.wav", bytes, sizeof bytes);
  assert_ok(rs_results_write(path, &r));
  assert_ok(rs_results_read(path, &back));
  assert_string_equal(rs_table_text(back.artifacts, 0, RS_ARTIFACT_NAME), "a.wav");
  assert_int_equal(rs_table_int(back.artifacts, 0, RS_ARTIFACT_STAGE), 4);
  expect_artifact(path, &back, bytes, sizeof bytes);
  rs_results_free(&back);
  assert_ok(rs_results_pack(path, &r, packed, NULL));
  unlink(part);
  assert_ok(rs_results_read(packed, &back));
  assert_string_equal(rs_table_text(back.artifacts, 0, RS_ARTIFACT_FILE), "");
  expect_artifact(packed, &back, bytes, sizeof bytes);
  rs_results_free(&back);
  free_tables(&r);
  free(part);
  free(packed);
  free(path);
}

static void damaged_artifacts_are_refused(void **state) {
  char *path = path_in(state, "lost.h5"), *part = path_in(state, "lost.wav"), *data;
  rs_results r = make_results();
  size_t len;
  r.artifacts = make_artifacts("lost.wav", "sound", 5);
  assert_fails(RS_ERR_DATA, "lost.wav", rs_results_read_artifact(path, &r, 0, &data, &len));
  put_bytes(part, "soun", 4);
  assert_fails(RS_ERR_DATA, "expected 5 bytes", rs_results_read_artifact(path, &r, 0, &data, &len));
  put_bytes(part, "sounds", 6);
  assert_fails(RS_ERR_DATA, "larger than", rs_results_read_artifact(path, &r, 0, &data, &len));
  put_bytes(part, "Sound", 5);
  assert_fails(RS_ERR_DATA, "a.wav of stage 4: expected checksum",
               rs_results_read_artifact(path, &r, 0, &data, &len));
  for (int64_t size = -1; size < 3; size += 2) {
    rs_table_set_int(r.artifacts, 0, RS_ARTIFACT_BYTES, size < 0 ? size : INT64_MAX);
    assert_fails(RS_ERR_DATA, "row 0", rs_results_read_artifact(path, &r, 0, &data, &len));
    assert_null(data);
  }
  free_tables(&r);
  free(part);
  free(path);
}

/* ---- images ------------------------------------------------------------------------------- */

/* Of a file from before there were images, its table lacks columns. */
static void vectors_without_the_later_columns_are_read(void **state) {
  char *path = path_in(state, "before.h5");
  rs_results r = make_results(), back;
  r.running = make_vectors("job.ckpt/a.h5", RS_VECTOR_FIRST_COLUMNS);
  assert_ok(rs_results_write(path, &r));
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  assert_true(H5Lmove(file, "running", file, "plots/vectors", H5P_DEFAULT, H5P_DEFAULT) >= 0);
  assert_true(H5Fclose(file) >= 0);
  assert_ok(rs_results_read(path, &back));
  assert_int_equal(rs_table_columns(back.vectors), RS_VECTOR_COLUMNS);
  assert_string_equal(rs_table_text(back.vectors, 0, RS_VECTOR_SIGNAL), "values");
  assert_string_equal(rs_table_text(back.vectors, 0, RS_VECTOR_Y), "");
  rs_results_free(&back);
  rs_table_destroy(r.running);
  free_tables(&r);
  free(path);
}

static void an_image_must_have_the_shape_of_its_row(void **state) {
  char *path = path_in(state, "image.h5"), *part = path_in(state, "image.part");
  rs_results r = make_results();
  rs_bundle b = {0};
  assert_ok(rs_bundle_add(&b, "e/mask", 2, (const size_t[]){4, 3}, NULL));
  assert_ok(rs_bundle_add(&b, "e/y", 1, (const size_t[]){4}, NULL));
  assert_ok(rs_bundle_add(&b, "e/x", 1, (const size_t[]){3}, NULL));
  assert_ok(rs_checkpoint_write(part, &b, "{}"));
  rs_bundle_free(&b);
  r.vectors = make_vectors("image.part", RS_VECTOR_COLUMNS);
  assert_ok(rs_table_set_text(r.vectors, 0, RS_VECTOR_TENSOR, "e/mask"));
  assert_fails(RS_ERR_DATA, "expected the shape [3]", rs_results_read_vector(path, &r, 0, &b));
  assert_ok(rs_table_set_text(r.vectors, 0, RS_VECTOR_Y, "e/y"));
  assert_ok(rs_table_set_text(r.vectors, 0, RS_VECTOR_X, "e/x"));
  assert_fails(RS_ERR_DATA, "expected the shape [0, 3]", rs_results_read_vector(path, &r, 0, &b));
  rs_table_set_int(r.vectors, 0, RS_VECTOR_Y_LENGTH, 4);
  assert_ok(rs_results_read_vector(path, &r, 0, &b));
  assert_int_equal(b.count, 3);
  rs_bundle_free(&b);
  assert_ok(rs_table_set_text(r.vectors, 0, RS_VECTOR_X, "e/none"));
  assert_fails(RS_ERR_DATA, "e/none", rs_results_read_vector(path, &r, 0, &b));
  assert_int_equal(b.count, 0);
  free_tables(&r);
  free(part);
  free(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(artifacts_are_packed),
      cmocka_unit_test(damaged_artifacts_are_refused),
      cmocka_unit_test(vectors_without_the_later_columns_are_read),
      cmocka_unit_test(an_image_must_have_the_shape_of_its_row),
  };
  return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
