/* base: errors, text, streams, identities and atomic files. */
#include "test.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static void status_messages_stack(void **state) {
  (void)state;
  assert_int_equal(rs_fail(RS_ERR_DATA, "x: %d", 7), RS_ERR_DATA);
  assert_int_equal(rs_error_context(RS_ERR_DATA, "file %s", "a"), RS_ERR_DATA);
  assert_string_equal(rs_error_message(), "file a: x: 7");
  assert_int_equal(rs_error_context(RS_OK, "unused"), RS_OK);
  assert_string_equal(rs_error_message(), "file a: x: 7");
}

static void products_that_overflow_are_refused(void **state) {
  (void)state;
  void *p = &p;
  assert_fails(RS_ERR_NOMEM, "out of memory", rs_new(&p, SIZE_MAX / 2, 3));
  assert_null(p);
}

static void text_grows(void **state) {
  (void)state;
  rs_str s = {0};
  for (int i = 0; i < 1000; i++) rs_str_addf(&s, "%d,", i);
  assert_ok(rs_str_status(&s));
  assert_int_equal(s.len, 10 * 2 + 90 * 3 + 900 * 4);
  assert_string_equal(s.text + s.len - 4, "999,");
  rs_str_free(&s);
}

static void numbers_are_given_in_the_order_of_first_coming(void **state) {
  (void)state;
  static const char *const texts[] = {"b", "a", "b", "", "ab", "a", ""};
  static const uint32_t expected[] = {0, 1, 0, 2, 3, 1, 2};
  rs_numbering n = {0};
  uint32_t number;
  for (size_t i = 0; i < RS_COUNT(texts); i++) {
    assert_ok(rs_numbering_of(&n, texts[i], strlen(texts[i]), &number));
    assert_int_equal(number, expected[i]);
  }
  assert_int_equal(n.count, 4);
  rs_numbering_free(&n);
  assert_int_equal(n.count, 0);
}

static void philox_known_answer(void **state) {
  (void)state;
  /* Random123's kat_vectors: philox4x32 10 rounds, all ones. */
  rs_stream s = {.key = {0xffffffff, 0xffffffff}, .salt = {0xffffffff, 0xffffffff}};
  uint32_t words[4];
  rs_stream_block(&s, UINT64_MAX, words);
  assert_int_equal(words[0], 0x408f276d);
  assert_int_equal(words[1], 0x41c83b0e);
  assert_int_equal(words[2], 0xa20bc7c6);
  assert_int_equal(words[3], 0x6d5451fd);
}

/* Also across the carry from the low to the high word of the position. */
static void blocks_at_once_are_the_blocks_one_by_one(void **state) {
  (void)state;
  rs_stream s = rs_stream_make(9, "train", "dropout1", 5);
  const uint64_t first = 0xfffffffd;
  uint32_t many[19 * 4], one[4];
  rs_stream_blocks(&s, first, 19, many);
  for (size_t i = 0; i < 19; i++) {
    rs_stream_block(&s, first + i, one);
    assert_memory_equal(many + 4 * i, one, sizeof one);
  }
}

static void streams_differ_by_every_part_of_the_key(void **state) {
  (void)state;
  rs_stream base = rs_stream_make(1, "train", "order", 0);
  rs_stream others[] = {
      rs_stream_make(2, "train", "order", 0), rs_stream_make(1, "tune", "order", 0),
      rs_stream_make(1, "train", "init", 0), rs_stream_make(1, "train", "order", 1)};
  for (size_t k = 0; k < RS_COUNT(others); k++)
    assert_int_not_equal(rs_stream_u32(&base, 0), rs_stream_u32(&others[k], 0));
}

static void normals_have_mean_zero_and_deviation_one(void **state) {
  (void)state;
  rs_stream s = rs_stream_make(3, "test", "normal", 0);
  double sum = 0, square = 0;
  enum { N = 100000 };
  for (int i = 0; i < N; i++) {
    double x = rs_stream_normal(&s, (uint64_t)i);
    sum += x;
    square += x * x;
  }
  assert_true(fabs(sum / N) < 0.015);
  assert_true(fabs(square / N - 1.0) < 0.02);
}

static void permutation_is_one(void **state) {
  (void)state;
  enum { N = 1000 };
  uint32_t order[N];
  bool seen[N] = {false};
  rs_stream s = rs_stream_make(1, "train", "order", 4);
  rs_stream_permutation(&s, N, order);
  int fixed = 0;
  for (uint32_t i = 0; i < N; i++) {
    assert_in_range(order[i], 0, N - 1);
    assert_false(seen[order[i]]);
    seen[order[i]] = true;
    fixed += order[i] == i;
  }
  assert_true(fixed < 10); /* one is expected */
}

static void identities_round_trip(void **state) {
  (void)state;
  rs_id id = rs_id_of("abc", 3), back;
  char text[RS_ID_TEXT];
  rs_id_format(id, text);
  assert_true(rs_id_parse(text, &back));
  assert_true(rs_id_equal(id, back));
  assert_false(rs_id_parse("12", &back));
  text[5] = 'g';
  assert_false(rs_id_parse(text, &back));
}

static void replace_keeps_the_old_file_when_it_fails(void **state) {
  (void)state;
  char directory[] = "/tmp/rs-base-XXXXXX";
  assert_non_null(mkdtemp(directory));
  char *path, *data;
  size_t len;
  assert_ok(rs_path_join(directory, "a/b/file", &path));
  assert_int_equal(rs_file_replace(path, "one", 3), RS_ERR_IO); /* no such directory */
  char *parent;
  assert_ok(rs_path_directory(path, &parent));
  assert_fails(RS_ERR_IO, parent, rs_file_make_directory(parent)); /* nor its parent */
  assert_ok(rs_file_make_directories(parent));
  assert_ok(rs_file_make_directory(parent));
  assert_ok(rs_file_replace(path, "one", 3));
  assert_ok(rs_file_replace(path, "second", 6));
  assert_ok(rs_file_read(path, 100, &data, &len));
  assert_string_equal(data, "second");
  free(data);
  assert_fails(RS_ERR_DATA, "larger than", rs_file_read(path, 3, &data, &len));
  assert_fails(RS_ERR_IO, "directory", rs_file_read(parent, 100, &data, &len));
  unlink(path);
  rmdir(parent);
  parent[strlen(parent) - 2] = '\0';
  rmdir(parent);
  rmdir(directory);
  free(parent);
  free(path);
}

static void checksums_in_pieces_are_those_of_the_whole(void **state) {
  (void)state;
  uint8_t bytes[5000];
  rs_checksum_state *sum;
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * i >> 3);
  for (size_t piece = 1; piece <= sizeof bytes; piece = piece * 7 + 1) {
    assert_ok(rs_checksum_begin(&sum));
    for (size_t at = 0; at < sizeof bytes; at += piece)
      rs_checksum_add(sum, bytes + at, at + piece < sizeof bytes ? piece : sizeof bytes - at);
    assert_true(rs_checksum_end(sum) == rs_checksum(bytes, sizeof bytes));
  }
  assert_ok(rs_checksum_begin(&sum));
  assert_true(rs_checksum_end(sum) == rs_checksum("", 0));
  assert_true(rs_checksum_end(NULL) == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(status_messages_stack),
      cmocka_unit_test(products_that_overflow_are_refused),
      cmocka_unit_test(text_grows),
      cmocka_unit_test(numbers_are_given_in_the_order_of_first_coming),
      cmocka_unit_test(philox_known_answer),
      cmocka_unit_test(blocks_at_once_are_the_blocks_one_by_one),
      cmocka_unit_test(streams_differ_by_every_part_of_the_key),
      cmocka_unit_test(normals_have_mean_zero_and_deviation_one),
      cmocka_unit_test(permutation_is_one),
      cmocka_unit_test(identities_round_trip),
      cmocka_unit_test(replace_keeps_the_old_file_when_it_fails),
      cmocka_unit_test(checksums_in_pieces_are_those_of_the_whole),
  };
  return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
