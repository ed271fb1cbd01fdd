/* store: the results file, ours and what others made of it. */
#include "store_files.h"

#include <math.h>

#include "ranksweep/store.h"

static rs_table *make_table(const rs_column *columns, size_t n, size_t rows) {
  rs_table *t;
  assert_ok(rs_table_create(columns, n, &t));
  for (size_t i = 0; i < rows; i++) assert_ok(rs_table_add_row(t, NULL));
  return t;
}

static rs_table *make_trials(size_t rows) {
  static const rs_column columns[] = {{"trial", RS_COLUMN_INT, NULL, "Trial number"},
                                      {"state", RS_COLUMN_TEXT, NULL, NULL},
                                      {"svd.rank", RS_COLUMN_INT, "1", "Singular values kept"},
                                      {"loss", RS_COLUMN_FLOAT, "nat", NULL},
                                      {"message", RS_COLUMN_TEXT, NULL, NULL}};
  rs_table *t = make_table(columns, RS_COUNT(columns), rows);
  for (size_t r = 0; r < rows; r++) {
    rs_table_set_int(t, r, 0, (int64_t)r);
    assert_ok(rs_table_set_text(t, r, 1, r % 3 ? "done" : "failed"));
    if (r % 3) rs_table_set_float(t, r, 3, 1.0 / (double)r);
    rs_table_set_int(t, r, 2, -(int64_t)r);
  }
  return t;
}

static const struct rs_model_link links[] = {
    {2, "job.ckpt/b.h5"}, {10, "job.ckpt/c.h5"}, {1, "job.ckpt/a.h5"}};

static rs_results make_results(size_t trials, size_t metrics) {
  static const rs_column stage[] = {{"stage", RS_COLUMN_TEXT, NULL, NULL},
                                    {"seconds", RS_COLUMN_FLOAT, "s", NULL}};
  return (rs_results){.state = "running",
                      .job_name = "mnist-\xc3\xa9",
                      .experiment = "svd-compress",
                      .tool_version = RS_VERSION,
                      .created = "2026-03-01T12:34:56Z",
                      .updated = "2026-03-01T12:35:00Z",
                      .job_yaml = "name: mnist\n",
                      .job_resolved = "{\"name\": \"mnist\"}",
                      .trials = make_trials(trials),
                      .stages = make_table(stage, 2, 4),
                      .metrics = make_table(stage, 2, metrics),
                      .provenance = make_table(stage, 1, 1),
                      .n_models = RS_COUNT(links),
                      .models = links};
}

static void free_tables(rs_results *r) {
  rs_table_destroy(r->trials);
  rs_table_destroy(r->stages);
  rs_table_destroy(r->metrics);
  rs_table_destroy(r->provenance);
}

static bool same_text(const char *a, const char *b) {
  return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void expect_same_column(const rs_table *a, const rs_table *b, size_t c) {
  const rs_column *x = rs_table_column(a, c), *y = rs_table_column(b, c);
  assert_string_equal(x->name, y->name);
  assert_int_equal(x->type, y->type);
  assert_true(same_text(x->unit, y->unit));
  assert_true(same_text(x->long_name, y->long_name));
  for (size_t r = 0; r < rs_table_rows(a); r++) {
    double p = rs_table_number(a, r, c), q = rs_table_number(b, r, c);
    assert_true(p == q || (isnan(p) && isnan(q)));
    if (x->type == RS_COLUMN_TEXT)
      assert_string_equal(rs_table_text(a, r, c), rs_table_text(b, r, c));
  }
}

static void expect_same_table(const rs_table *a, const rs_table *b) {
  assert_int_equal(rs_table_rows(a), rs_table_rows(b));
  assert_int_equal(rs_table_columns(a), rs_table_columns(b));
  for (size_t c = 0; c < rs_table_columns(a); c++) expect_same_column(a, b, c);
}

static void expect_same(const rs_results *a, const rs_results *b) {
  assert_string_equal(a->state, b->state);
  assert_string_equal(a->job_name, b->job_name);
  assert_string_equal(a->experiment, b->experiment);
  assert_string_equal(a->tool_version, b->tool_version);
  assert_string_equal(a->created, b->created);
  assert_string_equal(a->updated, b->updated);
  assert_string_equal(a->job_yaml, b->job_yaml);
  assert_string_equal(a->job_resolved, b->job_resolved);
  expect_same_table(a->trials, b->trials);
  expect_same_table(a->stages, b->stages);
  expect_same_table(a->metrics, b->metrics);
  expect_same_table(a->provenance, b->provenance);
}

static void round_trip(const char *path, const rs_results *r) {
  rs_results back;
  assert_ok(rs_results_write(path, r));
  assert_ok(rs_results_read(path, &back));
  expect_same(r, &back);
  rs_results_free(&back);
}

static void comes_back(void **state) {
  char *path = path_in(state, "round.h5");
  rs_results r = make_results(7, 9), back;
  assert_ok(rs_table_set_text(r.trials, 3, 4, "M\xc3\xbcnchen"));
  round_trip(path, &r);
  assert_ok(rs_results_read(path, &back));
  assert_int_equal(back.n_models, 3);
  assert_int_equal(back.models[0].trial, 1); /* in the order of trials */
  assert_int_equal(back.models[2].trial, 10);
  assert_string_equal(back.models[2].file, "job.ckpt/c.h5");
  rs_results_free(&back);
  free_tables(&r);
  free(path);
}

/* ---- what may be absent ------------------------------------------------------------------- */

static rs_table *make_vectors(const char *file) {
  rs_table *t = make_table(rs_vector_columns, RS_VECTOR_COLUMNS, 1);
  rs_table_set_int(t, 0, RS_VECTOR_LENGTH, 3);
  assert_ok(rs_table_set_text(t, 0, RS_VECTOR_NAME, "values_dense1"));
  assert_ok(rs_table_set_text(t, 0, RS_VECTOR_SIGNAL, "values"));
  assert_ok(rs_table_set_text(t, 0, RS_VECTOR_FILE, file));
  assert_ok(rs_table_set_text(t, 0, RS_VECTOR_TENSOR, "dense1/s"));
  return t;
}

static void standing_running_and_vectors_come_back(void **state) {
  char *path = path_in(state, "standing.h5");
  rs_results r = make_results(2, 2), back;
  r.standing = (rs_standing){12.5, NAN, 3, 40, 7, 2};
  r.running = make_trials(3);
  r.vectors = make_vectors("job.ckpt/a.h5");
  round_trip(path, &r);
  assert_ok(rs_results_read(path, &back));
  expect_same_table(r.running, back.running);
  expect_same_table(r.vectors, back.vectors);
  assert_true(back.standing.elapsed == 12.5 && isnan(back.standing.eta));
  assert_int_equal(back.standing.trials_total, 40);
  assert_int_equal(back.standing.workers, 7);
  assert_int_equal(back.standing.idle, 2);
  assert_false(back.packed);
  rs_results_free(&back);
  rs_table_destroy(r.running);
  rs_table_destroy(r.vectors);
  free_tables(&r);
  free(path);
}

static void fill_checkpoint(const char *path) {
  rs_bundle b = {0};
  float *data;
  assert_ok(rs_bundle_add(&b, "dense1/kernel", 2, (const size_t[]){4, 3}, NULL));
  assert_ok(rs_bundle_add(&b, "dense1/s", 1, (const size_t[]){3}, &data));
  for (int i = 0; i < 3; i++) data[i] = (float)(3 - i);
  assert_ok(rs_checkpoint_write(path, &b, "{}"));
  rs_bundle_free(&b);
}

static void expect_vector(const rs_bundle *b, const char *name) {
  assert_int_equal(b->count, 1);
  assert_string_equal(b->tensors[0].name, name);
  assert_int_equal(rs_tensor_size(&b->tensors[0]), 3);
  assert_true(b->tensors[0].data[0] == 3 && b->tensors[0].data[2] == 1);
}

/* Two trials that share a model: it is packed once. */
static void packed_results_hold_their_models(void **state) {
  static const struct rs_model_link models[] = {{1, "packed.part"}, {2, "packed.part"}};
  char *path = path_in(state, "links.h5"), *packed = path_in(state, "packed.h5");
  char *part = path_in(state, "packed.part");
  rs_results r = make_results(3, 2), back;
  rs_bundle model = {0}, vector = {0};
  size_t bytes;
  fill_checkpoint(part);
  r.models = models;
  r.n_models = RS_COUNT(models);
  r.vectors = make_vectors("packed.part");
  assert_ok(rs_results_write(path, &r));
  assert_ok(rs_results_read_vector(path, &r, 0, &vector));
  expect_vector(&vector, "dense1/s");
  rs_bundle_free(&vector);
  assert_ok(rs_results_pack(path, &r, packed, &bytes));
  unlink(part);
  assert_ok(rs_results_read(packed, &back));
  expect_same(&r, &back);
  assert_true(back.packed);
  assert_int_equal(back.n_models, 2);
  assert_null(back.models[1].file);
  assert_ok(rs_results_read_model(packed, &back.models[1], &model));
  assert_int_equal(model.count, 2);
  assert_ok(rs_results_read_vector(packed, &back, 0, &vector));
  expect_vector(&vector, "values");
  assert_fails(RS_ERR_CONFLICT, "packed already", rs_results_pack(packed, &back, path, NULL));
  assert_fails(RS_ERR_DATA, "packed.part",
               rs_results_pack(path, &r, packed, NULL)); /* it is gone */
  rs_results_free(&back);                                /* and the packed file stays as it was: */
  assert_ok(rs_results_read(packed, &back));
  rs_results_free(&back);
  rs_bundle_free(&vector);
  rs_bundle_free(&model);
  rs_table_destroy(r.vectors);
  free_tables(&r);
  free(part);
  free(packed);
  free(path);
}

static void empty_tables_and_texts_come_back(void **state) {
  char *path = path_in(state, "empty.h5");
  rs_results r = make_results(0, 0);
  r.job_name = r.job_yaml = r.created = "";
  r.n_models = 0;
  round_trip(path, &r);
  free_tables(&r);
  free(path);
}

static void large_and_long_tables_come_back(void **state) {
  char *path = path_in(state, "large.h5"), *text;
  rs_results r = make_results(3000, 40000); /* one past what is stored as it is, several chunks */
  assert_ok(rs_new(&text, 40001, 1));
  memset(text, 'm', 40000);
  assert_ok(rs_table_set_text(r.trials, 2999, 4, text)); /* 120 MB of cells: several blocks */
  round_trip(path, &r);
  free_tables(&r);
  free(text);
  free(path);
}

static void equal_content_gives_equal_bytes(void **state) {
  char *path = path_in(state, "equal.h5"), *bytes[2];
  rs_results r = make_results(20, 20000);
  size_t len[2];
  for (int i = 0; i < 2; i++) {
    assert_ok(rs_results_write(path, &r));
    bytes[i] = file_bytes(path, &len[i]);
  }
  expect_no_times(path);
  assert_int_equal(len[0], len[1]);
  assert_memory_equal(bytes[0], bytes[1], len[0]);
  free(bytes[0]);
  free(bytes[1]);
  free_tables(&r);
  free(path);
}

/* Damage to the text "ranksweep" makes it a file of somebody else. */
static void expect_refused(rs_status status) {
  assert_true(status == RS_ERR_DATA || status == RS_ERR_CONFLICT);
}

/* ---- damage ------------------------------------------------------------------------------- */

static void damaged_copies_never_crash(void **state) {
  enum { STEP = 37 };
  char *path = path_in(state, "flip.h5"), *bytes, text[60001] = {0};
  rs_results r = make_results(5, 10), back;
  size_t len;
  memset(text, 'm', sizeof text - 1);
  assert_ok(
      rs_table_set_text(r.trials, 4, 4, text)); /* large enough for chunks, yet quickly read */
  assert_ok(rs_results_write(path, &r));
  bytes = file_bytes(path, &len);
  for (size_t i = 0; i < len; i += STEP) {
    char mask = (char)(i % 2 ? 0xff : 1 << i % 8);
    bytes[i] ^= mask;
    put_bytes(path, bytes, len);
    rs_status status = rs_results_read(path, &back);
    if (status == RS_OK)
      rs_results_free(&back);
    else
      expect_refused(status);
    bytes[i] ^= mask;
  }
  free(bytes);
  free_tables(&r);
  free(path);
}

/* The one part of the file that has no checksum: every byte of it. */
static void damaged_heaps_never_crash(void **state) {
  enum { USED = 512 }; /* bytes at its begin that hold all texts */
  char *path = path_in(state, "heap.h5"), *bytes;
  rs_results r = make_results(1, 1), back;
  size_t len;
  assert_ok(rs_results_write(path, &r));
  bytes = file_bytes(path, &len);
  char *heap = memmem(bytes, len, "GCOL", 4);
  assert_non_null(heap);
  for (size_t i = 0; i < USED; i++) {
    heap[i] ^= (char)0xff;
    put_bytes(path, bytes, len);
    rs_status status = rs_results_read(path, &back);
    if (status == RS_OK)
      rs_results_free(&back);
    else
      expect_refused(status);
    heap[i] ^= (char)0xff;
  }
  free(bytes);
  free_tables(&r);
  free(path);
}

/* The index of the chunks has none either: every byte of its used part. */
static void damaged_chunk_indexes_never_crash(void **state) {
  enum { USED = 72 };
  static const char masks[3] = {(char)0xff, 0x02, 0x40};
  char *path = path_in(state, "index.h5"), *bytes, text[60001] = {0};
  rs_results r = make_results(5, 10), back;
  size_t len;
  memset(text, 'm', sizeof text - 1);
  assert_ok(rs_table_set_text(r.trials, 4, 4, text));
  assert_ok(rs_results_write(path, &r));
  bytes = file_bytes(path, &len);
  char *index = memmem(bytes, len, "TREE", 4);
  assert_non_null(index);
  for (size_t i = 0; i < USED * 3; i++) {
    index[i / 3] ^= masks[i % 3];
    put_bytes(path, bytes, len);
    rs_status status = rs_results_read(path, &back);
    if (status == RS_OK) {
      expect_same(&r, &back);
      rs_results_free(&back);
    } else {
      assert_int_equal(status, RS_ERR_DATA);
    }
    index[i / 3] ^= masks[i % 3];
  }
  free(bytes);
  free_tables(&r);
  free(path);
}

static void truncated_files_are_noticed(void **state) {
  char *path = path_in(state, "short.h5"), *bytes;
  rs_results r = make_results(5, 5), back;
  size_t len;
  assert_ok(rs_results_write(path, &r));
  bytes = file_bytes(path, &len);
  for (size_t keep = 0; keep < len; keep += 101) {
    put_bytes(path, bytes, keep);
    assert_fails(RS_ERR_DATA, path, rs_results_read(path, &back));
    assert_null(back.trials);
  }
  free(bytes);
  free_tables(&r);
  free(path);
}

/* ---- files that others made or changed ---------------------------------------------------- */

static void set_version(hid_t file) {
  int version = RS_RESULTS_VERSION + 1;
  hid_t attribute = H5Aopen(file, "format_version", H5P_DEFAULT);
  H5Awrite(attribute, H5T_NATIVE_INT, &version);
  H5Aclose(attribute);
}

static void delete_metrics(hid_t file) {
  H5Ldelete(file, "metrics", H5P_DEFAULT);
}

static void delete_state(hid_t file) {
  H5Adelete(file, "state");
}

static void add_dataset(hid_t file, const char *name, hid_t type, hsize_t rows, hid_t creation) {
  hid_t space = H5Screate_simple(1, &rows, NULL);
  H5Ldelete(file, name, H5P_DEFAULT);
  H5Dclose(H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT));
  H5Sclose(space);
}

static void plain_stages(hid_t file) {
  add_dataset(file, "stages", H5T_NATIVE_INT, 3, H5P_DEFAULT);
}

static hid_t one_column(const char *name, hid_t type) {
  hid_t compound = H5Tcreate(H5T_COMPOUND, H5Tget_size(type));
  H5Tinsert(compound, name, 0, type);
  return compound;
}

static void claim_rows(hid_t file, hsize_t rows, hsize_t chunk) {
  hid_t type = one_column("stage", H5T_STD_I64LE), creation = H5Pcreate(H5P_DATASET_CREATE);
  if (chunk > 0) H5Pset_chunk(creation, 1, &chunk);
  add_dataset(file, "stages", type, rows, creation);
  H5Pclose(creation);
  H5Tclose(type);
}

static void claim_many_rows(hid_t file) {
  claim_rows(file, (hsize_t)1 << 50, 0);
}

static void claim_unstored_rows(hid_t file) {
  claim_rows(file, 90 * 1000 * 1000, 1000);
}

static void claim_huge_chunks(hid_t file) {
  claim_rows(file, 90 * 1000 * 1000, 90 * 1000 * 1000);
}

static void retype_trial(hid_t file) {
  hid_t type = one_column("trial", H5T_IEEE_F64LE);
  add_dataset(file, "trials", type, 0, H5P_DEFAULT);
  H5Tclose(type);
}

static void change(const char *path, void (*edit)(hid_t file)) {
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  assert_true(file >= 0);
  edit(file);
  assert_true(H5Fclose(file) >= 0);
}

static void delete_format(hid_t file) {
  assert_true(H5Adelete(file, "format") >= 0);
}

/* They are sound, and not for us to judge or to replace. */
static void files_of_others_are_in_conflict(void **state) {
  char *path = path_in(state, "others.h5");
  rs_results r = make_results(3, 3), back;
  assert_ok(rs_results_write(path, &r));
  change(path, set_version);
  assert_fails(RS_ERR_CONFLICT, "format_version: expected 1 to", rs_results_read(path, &back));
  assert_ok(rs_results_write(path, &r));
  change(path, delete_format);
  assert_fails(RS_ERR_CONFLICT, "not a results file of ranksweep", rs_results_read(path, &back));
  free_tables(&r);
  free(path);
}

static void unfit_files_are_refused(void **state) {
  static const struct {
    void (*edit)(hid_t file);
    const char *message;
  } cases[] = {
      {delete_metrics, "metrics: table is missing"},
      {delete_state, "attribute \"state\" is missing"},
      {plain_stages, "stages: expected a table"},
      {claim_many_rows, "stages: 1125899906842624 rows"},
      {claim_unstored_rows, "stages: 90000000 rows in chunks of 1000"},
      {claim_huge_chunks, "stages: chunks of 90000000 rows"},
      {retype_trial, "trials: expected a column \"trial\" of whole numbers"},
  };
  char *path = path_in(state, "unfit.h5");
  rs_results r = make_results(3, 3), back;
  for (size_t i = 0; i < RS_COUNT(cases); i++) {
    assert_ok(rs_results_write(path, &r));
    change(path, cases[i].edit);
    assert_fails(RS_ERR_DATA, cases[i].message, rs_results_read(path, &back));
    assert_non_null(strstr(rs_error_message(), path));
  }
  put_bytes(path, "name: mnist\n", 12);
  assert_fails(RS_ERR_DATA, "not an HDF5 file", rs_results_read(path, &back));
  unlink(path);
  assert_fails(RS_ERR_IO, path, rs_results_read(path, &back));
  free_tables(&r);
  free(path);
}

/* Another `state`, one more attribute, object, model inside the file, and a column of an unknown
 * kind. */
static void add_unknown_things(hid_t file) {
  hid_t text = H5Tcopy(H5T_C_S1), scalar = H5Screate(H5S_SCALAR);
  const char *value = "complete";
  H5Tset_size(text, H5T_VARIABLE);
  H5Adelete(file, "state");
  for (const char *const *name = (const char *const[]){"note", "state", NULL}; *name != NULL;
       name++) {
    hid_t attribute = H5Acreate2(file, *name, text, scalar, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, text, &value);
    H5Aclose(attribute);
  }
  H5Gclose(H5Gcreate2(file, "plots", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Gclose(H5Gcreate2(file, "models/77", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Gclose(H5Gcreate2(file, "models/notes", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  hid_t type = H5Tcreate(H5T_COMPOUND, 24);
  H5Tinsert(type, "stage", 0, H5T_STD_I32BE);
  H5Tinsert(type, "blob", 4, text);
  H5Tinsert(type, "loss", 12, H5T_IEEE_F32LE);
  add_dataset(file, "stages", type, 0, H5P_DEFAULT);
  H5Tclose(type);
  H5Sclose(scalar);
  H5Tclose(text);
}

static void unknown_things_are_passed_over(void **state) {
  char *path = path_in(state, "extra.h5");
  rs_results r = make_results(3, 3), back;
  assert_ok(rs_results_write(path, &r));
  change(path, add_unknown_things);
  assert_ok(rs_results_read(path, &back));
  assert_string_equal(back.state, "complete");
  assert_int_equal(rs_table_columns(back.stages), 2);
  assert_string_equal(rs_table_column(back.stages, 1)->name, "loss");
  assert_int_equal(back.n_models, 4);
  assert_int_equal(back.models[3].trial, 77);
  assert_null(back.models[3].file);
  rs_results_free(&back);
  free_tables(&r);
  free(path);
}

static void failed_write_keeps_the_old_file(void **state) {
  char *deep = path_in(state, "no/such/file.h5");
  rs_results r = make_results(3, 3);
  assert_fails(RS_ERR_IO, deep, rs_results_write(deep, &r));
  free_tables(&r);
  free(deep);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(comes_back),
      cmocka_unit_test(standing_running_and_vectors_come_back),
      cmocka_unit_test(packed_results_hold_their_models),
      cmocka_unit_test(empty_tables_and_texts_come_back),
      cmocka_unit_test(large_and_long_tables_come_back),
      cmocka_unit_test(equal_content_gives_equal_bytes),
      cmocka_unit_test(damaged_copies_never_crash),
      cmocka_unit_test(damaged_heaps_never_crash),
      cmocka_unit_test(damaged_chunk_indexes_never_crash),
      cmocka_unit_test(truncated_files_are_noticed),
      cmocka_unit_test(files_of_others_are_in_conflict),
      cmocka_unit_test(unfit_files_are_refused),
      cmocka_unit_test(unknown_things_are_passed_over),
      cmocka_unit_test(failed_write_keeps_the_old_file),
  };
  return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
