/* provenance: a row a start, on one host and on several; data that changed between starts. */
#include "test.h"

#include "record/past.h"
#include "tables/provenance.h"
#include "transport.h"

/* ---- rows -------------------------------------------------------------------------------- */

static node nodes[] = {{"n1", "fast"}, {"n2", "slow"}, {"n1", "fast"}};

static json_t *row_of(int ranks, node *where) {
  rs_transport t = {.size = ranks, .nodes = where};
  rs_coordinate_options o = {
      .command_line = "ranksweep run x", .environment = "OMP_NUM_THREADS=2", .threads = 2};
  json_t *row = provenance_row(&o, &t);
  assert_non_null(row);
  return row;
}

static void expect_text(const json_t *row, const char *key, const char *text) {
  const char *got = json_string_value(json_object_get(row, key));
  assert_non_null(got);
  assert_string_equal(got, text);
}

static void hosts_are_counted_and_processors_told_apart(void **state) {
  (void)state;
  json_t *row = row_of(3, nodes);
  expect_text(row, "host", "n1");
  expect_text(row, "hosts", "n1 x2, n2 x1");
  expect_text(row, "cpu", "fast x2, slow x1");
  json_decref(row);
  row = row_of(1, nodes);
  expect_text(row, "hosts", "n1 x1");
  expect_text(row, "cpu", "fast");
  expect_text(row, "data", "");
  expect_text(row, "environment", "OMP_NUM_THREADS=2");
  expect_text(row, "command", "ranksweep run x");
  json_decref(row);
}

static void this_machine_has_a_name(void **state) {
  (void)state;
  node here;
  node_look(&here);
  assert_true(here.host[0] != '\0' && here.processor[0] != '\0');
}

static void the_table_takes_rows_of_older_journals(void **state) {
  (void)state;
  rs_table *t;
  json_t *row = row_of(3, nodes),
         *old = json_pack("{s:s, s:s, s:i}", "time", "2026-01-01T00:00:00Z", "host", "n9",
                          "mpi_ranks", 7);
  assert_ok(provenance_table_create(&t));
  assert_ok(provenance_table_add(t, old));
  assert_ok(provenance_table_add(t, row));
  assert_int_equal(rs_table_rows(t), 2);
  assert_int_equal(rs_table_int(t, 0, (size_t)rs_table_find(t, "mpi_ranks")), 7);
  assert_int_equal(rs_table_int(t, 1, (size_t)rs_table_find(t, "mpi_ranks")), 3);
  for (size_t c = 0; c < rs_table_columns(t); c++) {
    const char *name = rs_table_column(t, c)->name;
    assert_non_null(json_object_get(row, name));
    if (rs_table_column(t, c)->type != RS_COLUMN_TEXT || json_object_get(old, name) != NULL)
      continue;
    assert_string_equal(rs_table_text(t, 0, c), "");
  }
  assert_string_equal(rs_table_text(t, 0, (size_t)rs_table_find(t, "host")), "n9");
  rs_table_destroy(t);
  json_decref(row);
  json_decref(old);
}

/* ---- data -------------------------------------------------------------------------------- */

static const char opened[] = "{\"is\":\"open\",\"format\":\"ranksweep-journal\",\"version\":1}";
static const char begun[] = "{\"is\":\"begin\",\"stage\":\"a\"}";

/* A journal of records, ended by NULL. */
static past *past_of(const char *const *records) {
  past *p;
  assert_ok(past_create(&p));
  for (size_t i = 0; records[i] != NULL; i++) assert_ok(past_visit(p, records[i], i + 1));
  return p;
}

static void data_that_changed_are_named(void **state) {
  (void)state;
  past *p = past_of((const char *const[]){
      opened, "{\"is\":\"start\",\"data\":\"a.gz=01; b=02; c=03\"}", begun,
      "{\"is\":\"start\",\"time\":\"of a version that did not look\"}", NULL});
  assert_ok(past_check_data(p, "a.gz=01; b=02; c=03", "r.h5"));
  assert_ok(past_check_data(p, NULL, "r.h5"));
  assert_fails(RS_ERR_CONFLICT, "r.h5 holds results of other data",
               past_check_data(p, "a.gz=01; b=ff; d=04", "r.h5"));
  assert_non_null(strstr(rs_error_message(), "--fresh"));
  assert_non_null(strstr(rs_error_message(), "\n  b was 02, is ff\n"));
  assert_non_null(strstr(rs_error_message(), "\n  d was not there\n"));
  assert_non_null(strstr(rs_error_message(), "\n  c is not there any more"));
  assert_null(strstr(rs_error_message(), "a.gz"));
  assert_fails(RS_ERR_CONFLICT, "built in was not there", past_check_data(p, "built in", "r.h5"));
  past_destroy(p);
}

static void data_may_change_while_nothing_has_begun(void **state) {
  (void)state;
  past *p = past_of((const char *const[]){opened, "{\"is\":\"start\",\"data\":\"a=01\"}",
                                          "{\"is\":\"start\",\"data\":\"a=02\"}", NULL});
  assert_ok(past_check_data(p, "a=03", "r.h5"));
  assert_ok(past_visit(p, begun, 4));
  assert_ok(past_check_data(p, "a=02", "r.h5")); /* the last start's are those it began with */
  assert_fails(RS_ERR_CONFLICT, "a was 02, is 01", past_check_data(p, "a=01", "r.h5"));
  past_destroy(p);
}

static void older_journals_know_of_no_data(void **state) {
  (void)state;
  past *p = past_of((const char *const[]){opened, "{\"is\":\"start\"}", begun, NULL});
  assert_ok(past_check_data(p, "a=01", "r.h5"));
  past_destroy(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hosts_are_counted_and_processors_told_apart),
      cmocka_unit_test(this_machine_has_a_name),
      cmocka_unit_test(the_table_takes_rows_of_older_journals),
      cmocka_unit_test(data_that_changed_are_named),
      cmocka_unit_test(data_may_change_while_nothing_has_begun),
      cmocka_unit_test(older_journals_know_of_no_data),
  };
  return cmocka_run_group_tests_name("provenance", tests, NULL, NULL);
}
