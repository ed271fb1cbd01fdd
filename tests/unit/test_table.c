/* store: tables in memory. */
#include "test.h"

#include <math.h>

#include "ranksweep/store.h"

static const rs_column columns[] = {{"trial", RS_COLUMN_INT, NULL, "Trial"},
                                    {"loss", RS_COLUMN_FLOAT, "nat", NULL},
                                    {"state", RS_COLUMN_TEXT, NULL, NULL}};

static rs_table *make(size_t rows) {
  rs_table *t;
  assert_ok(rs_table_create(columns, RS_COUNT(columns), &t));
  for (size_t i = 0, row; i < rows; i++) {
    assert_ok(rs_table_add_row(t, &row));
    assert_int_equal(row, i);
  }
  return t;
}

static void new_cells_are_empty(void **state) {
  (void)state;
  rs_table *t = make(100);
  assert_int_equal(rs_table_rows(t), 100);
  assert_int_equal(rs_table_int(t, 99, 0), 0);
  assert_true(isnan(rs_table_float(t, 99, 1)));
  assert_string_equal(rs_table_text(t, 99, 2), "");
  rs_table_destroy(t);
}

static void cells_are_overwritten_and_owned(void **state) {
  (void)state;
  rs_table *t = make(3);
  char text[] = "done";
  rs_table_set_int(t, 1, 0, INT64_MIN);
  rs_table_set_float(t, 1, 1, -0.5);
  assert_ok(rs_table_set_text(t, 1, 2, "failed"));
  assert_ok(rs_table_set_text(t, 1, 2, text));
  text[0] = 'x';
  assert_true(rs_table_int(t, 1, 0) == INT64_MIN);
  assert_true(rs_table_float(t, 1, 1) == -0.5);
  assert_string_equal(rs_table_text(t, 1, 2), "done");
  assert_string_equal(rs_table_text(t, 0, 2), "");
  assert_ok(rs_table_set_text(t, 1, 2, rs_table_text(t, 1, 2))); /* its own text */
  assert_string_equal(rs_table_text(t, 1, 2), "done");
  assert_ok(rs_table_set_text(t, 1, 2, NULL));
  assert_string_equal(rs_table_text(t, 1, 2), "");
  rs_table_destroy(t);
}

static void columns_are_copied_and_found(void **state) {
  (void)state;
  char name[] = "svd.rank";
  rs_table *t = make(5);
  const rs_column *loss = rs_table_column(t, 1);
  assert_ok(rs_table_add_column(t, &(rs_column){.name = name, .type = RS_COLUMN_FLOAT}));
  for (char more[] = "a"; more[0] <= 'z'; more[0]++)
    assert_ok(rs_table_add_column(t, &(rs_column){.name = more, .type = RS_COLUMN_TEXT}));
  name[0] = 'x';
  assert_int_equal(rs_table_find(t, "svd.rank"), 3);
  assert_int_equal(rs_table_find(t, "svd"), -1);
  assert_true(isnan(rs_table_float(t, 4, 3)));
  assert_string_equal(rs_table_text(t, 4, 20), "");
  assert_ptr_equal(loss, rs_table_column(t, 1)); /* still where it was */
  assert_string_equal(loss->unit, "nat");
  assert_null(loss->long_name);
  assert_int_equal(rs_table_columns(t), 4 + 26);
  rs_table_destroy(t);
}

static void any_cell_is_a_number(void **state) {
  (void)state;
  rs_table *t = make(1);
  rs_table_set_int(t, 0, 0, 7);
  rs_table_set_float(t, 0, 1, 0.25);
  assert_ok(rs_table_set_text(t, 0, 2, "3"));
  assert_true(rs_table_number(t, 0, 0) == 7.0);
  assert_true(rs_table_number(t, 0, 1) == 0.25);
  assert_true(isnan(rs_table_number(t, 0, 2)));
  rs_table_destroy(t);
}

static void many_rows_keep_their_cells(void **state) {
  (void)state;
  enum { N = 200000 };
  rs_table *t = make(0);
  for (size_t i = 0, row; i < N; i++) {
    assert_int_equal(rs_table_add_row(t, &row), RS_OK);
    rs_table_set_int(t, row, 0, (int64_t)i);
  }
  for (size_t i = 0; i < N; i += 997) assert_int_equal(rs_table_int(t, i, 0), i);
  assert_true(isnan(rs_table_float(t, N - 1, 1)));
  rs_table_destroy(t);
  rs_table_destroy(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(new_cells_are_empty),
      cmocka_unit_test(cells_are_overwritten_and_owned),
      cmocka_unit_test(columns_are_copied_and_found),
      cmocka_unit_test(any_cell_is_a_number),
      cmocka_unit_test(many_rows_keep_their_cells),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
