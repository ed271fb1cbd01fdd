/* store: the journal, above all what is left of it after a crash. */
#include "store_files.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "ranksweep/store.h"

static const char *const records[] = {"{\"format\":\"ranksweep-journal\"}",
                                      "{\"event\":\"start\",\"trial\":1}",
                                      "{\"event\":\"done\",\"trial\":1}"};
enum { RECORDS = RS_COUNT(records) };

/* Visits expect the records in order. */
static rs_status expect_next(void *user, const char *payload, size_t line) {
  size_t *seen = user;
  assert_true(*seen < RECORDS);
  assert_string_equal(payload, records[*seen]);
  assert_int_equal(line, ++*seen);
  return RS_OK;
}

static rs_status count(void *user, const char *payload, size_t line) {
  (void)payload, (void)line;
  ++*(size_t *)user;
  return RS_OK;
}

static char *write_journal(void **state, const char *name) {
  char *path = path_in(state, name);
  rs_journal *j;
  size_t seen = 0, torn = 1;
  unlink(path);
  assert_ok(rs_journal_open(path, NULL, expect_next, &seen, &j, &torn));
  assert_int_equal(torn, 0);
  assert_false(rs_journal_dirty(j));
  for (size_t i = 0; i < RECORDS; i++) assert_ok(rs_journal_append(j, records[i]));
  assert_true(rs_journal_dirty(j));
  assert_ok(rs_journal_sync(j));
  assert_false(rs_journal_dirty(j));
  assert_ok(rs_journal_close(j));
  return path;
}

/* Read and open agree; after opening, the file is sound and holds GOOD records. */
static void expect_torn(const char *path, size_t good, size_t bytes) {
  size_t seen = 0, torn;
  rs_journal *j;
  assert_ok(rs_journal_read(path, expect_next, &seen, &torn));
  assert_int_equal(seen, good);
  assert_int_equal(torn, bytes);
  seen = 0;
  assert_ok(rs_journal_open(path, NULL, expect_next, &seen, &j, &torn));
  assert_int_equal(seen, good);
  assert_int_equal(torn, bytes);
  if (good < RECORDS) assert_ok(rs_journal_append(j, records[good]));
  assert_ok(rs_journal_close(j));
  seen = 0;
  assert_ok(rs_journal_read(path, expect_next, &seen, &torn));
  assert_int_equal(seen, good < RECORDS ? good + 1 : good);
  assert_int_equal(torn, 0);
}

static void records_come_back(void **state) {
  char *path = write_journal(state, "round");
  expect_torn(path, RECORDS, 0);
  size_t len;
  char *text = file_bytes(path, &len);
  char expected[64];
  snprintf(expected, sizeof expected, "%016llx {\"format\"",
           (unsigned long long)rs_checksum(records[0], strlen(records[0])));
  assert_memory_equal(text, expected, strlen(expected));
  free(text);
  free(path);
}

static void last_record_cut_at_every_byte(void **state) {
  char *path = write_journal(state, "cut");
  size_t len;
  char *text = file_bytes(path, &len);
  size_t last = len - (17 + strlen(records[RECORDS - 1]) + 1);
  for (size_t keep = last; keep < len; keep++) {
    put_bytes(path, text, keep);
    expect_torn(path, RECORDS - 1, keep - last);
  }
  free(text);
  free(path);
}

static void last_record_damaged_at_every_byte(void **state) {
  char *path = write_journal(state, "last");
  size_t len;
  char *text = file_bytes(path, &len);
  size_t last = len - (17 + strlen(records[RECORDS - 1]) + 1);
  for (size_t i = last; i + 1 < len; i++) {
    text[i] ^= 0x20;
    put_bytes(path, text, len);
    expect_torn(path, RECORDS - 1, len - last);
    text[i] ^= 0x20;
  }
  free(text);
  free(path);
}

static void earlier_record_damaged_is_an_error(void **state) {
  char *path = write_journal(state, "middle"), place[600];
  size_t len, seen, torn;
  char *text = file_bytes(path, &len);
  size_t begin = 17 + strlen(records[0]) + 1, end = begin + 17 + strlen(records[1]) + 1;
  snprintf(place, sizeof place, "%s:2: ", path);
  for (size_t i = begin; i + 1 < end;
       i++) { /* without its newline two records become one, the last */
    rs_journal *j = NULL;
    text[i] ^= 0x01;
    put_bytes(path, text, len);
    seen = 0;
    assert_fails(RS_ERR_DATA, place, rs_journal_read(path, expect_next, &seen, &torn));
    seen = 0;
    assert_fails(RS_ERR_DATA, place, rs_journal_open(path, NULL, expect_next, &seen, &j, &torn));
    assert_null(j);
    text[i] ^= 0x01;
  }
  free(text);
  free(path);
}

static void damaged_line_before_a_torn_one_is_an_error(void **state) {
  char *path = write_journal(state, "two");
  size_t len, seen = 0, torn;
  char *text = file_bytes(path, &len);
  text[len - 3] ^= 1;
  text[len] = '0'; /* in place of the terminating NUL */
  put_bytes(path, text, len + 1);
  assert_fails(RS_ERR_DATA, ":3: wrong checksum", rs_journal_read(path, expect_next, &seen, &torn));
  free(text);
  free(path);
}

static void foreign_files_are_left_alone(void **state) {
  static const char *const texts[] = {"name: mnist", "name: mnist\nseed: 1\n", "0123456789abcdefX"};
  char *path = path_in(state, "foreign");
  for (size_t i = 0; i < RS_COUNT(texts); i++) {
    rs_journal *j;
    size_t seen = 0, len;
    put_bytes(path, texts[i], strlen(texts[i]));
    assert_fails(RS_ERR_DATA, "not a journal", rs_journal_open(path, NULL, count, &seen, &j, NULL));
    char *after = file_bytes(path, &len);
    assert_string_equal(after, texts[i]);
    free(after);
  }
  free(path);
}

static void missing_and_odd_paths(void **state) {
  char *path = path_in(state, "none"), *deep = path_in(state, "no/such/file");
  rs_journal *j;
  size_t seen = 0;
  assert_fails(RS_ERR_IO, path, rs_journal_read(path, count, &seen, NULL));
  assert_fails(RS_ERR_IO, deep, rs_journal_open(deep, NULL, count, &seen, &j, NULL));
  assert_fails(RS_ERR_DATA, "not a regular file", rs_journal_read(*state, count, &seen, NULL));
  assert_fails(RS_ERR_DATA, "not a regular file", rs_journal_read("/dev/zero", count, &seen, NULL));
  assert_ok(rs_journal_close(NULL));
  free(path);
  free(deep);
}

static void second_writer_is_refused(void **state) {
  char *path = write_journal(state, "lock");
  rs_journal *first, *second;
  size_t seen = 0;
  assert_ok(rs_journal_open(path, NULL, count, &seen, &first, NULL));
  assert_fails(RS_ERR_CONFLICT, "in use", rs_journal_open(path, NULL, count, &seen, &second, NULL));
  assert_ok(rs_journal_read(path, count, &seen, NULL));
  assert_ok(rs_journal_close(first));
  assert_ok(rs_journal_open(path, NULL, count, &seen, &second, NULL));
  assert_ok(rs_journal_close(second));
  free(path);
}

static rs_status refuse_second(void *user, const char *payload, size_t line) {
  (void)user, (void)payload;
  return line < 2 ? RS_OK : rs_fail(RS_ERR_CONFLICT, "another job");
}

static void visitor_ends_the_reading(void **state) {
  char *path = write_journal(state, "visit");
  assert_fails(RS_ERR_CONFLICT, ":2: another job",
               rs_journal_read(path, refuse_second, NULL, NULL));
  free(path);
}

/* A limit on the file's size makes write(2) come out short and then fail, as a full disk does. */
static void full_disk_leaves_a_sound_journal(void **state) {
  char *path = write_journal(state, "full");
  struct stat info;
  struct rlimit before, limit;
  rs_journal *j;
  size_t seen = 0, torn;
  assert_int_equal(stat(path, &info), 0);
  assert_ok(rs_journal_open(path, NULL, expect_next, &seen, &j, NULL));
  signal(SIGXFSZ, SIG_IGN);
  getrlimit(RLIMIT_FSIZE, &before);
  limit = before;
  for (rlim_t room = 0; room < 20; room += 5) {
    limit.rlim_cur = (rlim_t)info.st_size + room;
    setrlimit(RLIMIT_FSIZE, &limit);
    rs_status status = rs_journal_append(j, "{\"event\":\"more than there is room for\"}");
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(status, RS_ERR_IO);
    seen = 0;
    assert_ok(rs_journal_read(path, expect_next, &seen, &torn));
    assert_int_equal(seen, RECORDS);
    assert_int_equal(torn, 0);
  }
  assert_ok(rs_journal_append(j, "{}"));
  assert_ok(rs_journal_close(j));
  seen = 0;
  assert_ok(rs_journal_read(path, count, &seen, &torn));
  assert_int_equal(seen, RECORDS + 1);
  free(path);
}

static void payloads_are_limited(void **state) {
  enum { LIMIT = 16 * 1024 * 1024 };
  char *path = path_in(state, "long"), *payload;
  rs_journal *j;
  size_t seen = 0, torn, len;
  assert_ok(rs_new(&payload, LIMIT + 2, 1));
  memset(payload, 'x', LIMIT + 1);
  assert_ok(rs_journal_open(path, NULL, count, &seen, &j, NULL));
  assert_fails(RS_ERR_INTERNAL, "at most", rs_journal_append(j, payload));
  payload[LIMIT] = '\0';
  assert_ok(rs_journal_append(j, payload));
  assert_ok(rs_journal_append(j, ""));
  assert_ok(rs_journal_close(j));
  assert_ok(rs_journal_read(path, count, &seen, &torn));
  assert_int_equal(seen, 2);
  char *text = file_bytes(path, &len); /* one byte more in the long line */
  memmove(text + 101, text + 100, len - 101);
  put_bytes(path, text, len);
  assert_fails(RS_ERR_DATA, ":1: record is longer", rs_journal_read(path, count, &seen, &torn));
  unlink(path);
  free(text);
  free(payload);
  free(path);
}

/* ---- writing it anew ------------------------------------------------------------------------- */

static rs_status keep_two(void *user, rs_journal *to) {
  bool *fails = user;
  RS_TRY(rs_journal_append(to, records[0]));
  RS_TRY(rs_journal_append(to, records[1]));
  return *fails ? rs_fail(RS_ERR_NOMEM, "as told") : RS_OK;
}

static void is_written_anew_whole_or_not_at_all(void **state) {
  char *path = path_in(state, "anew.journal");
  rs_journal *j;
  size_t seen = 0;
  bool fails = true;
  unlink(path);
  assert_ok(rs_journal_open(path, NULL, count, &seen, &j, NULL));
  for (int i = 0; i < 10; i++) assert_ok(rs_journal_append(j, records[0]));
  assert_fails(RS_ERR_NOMEM, "as told", rs_journal_rewrite(j, keep_two, &fails));
  assert_ok(rs_journal_append(j, records[0]));
  assert_ok(rs_journal_read(path, count, &seen, NULL));
  assert_int_equal(seen, 11);
  fails = false;
  assert_ok(rs_journal_rewrite(j, keep_two, &fails));
  assert_ok(rs_journal_append(j, records[2]));
  assert_ok(rs_journal_close(j));
  seen = 0;
  assert_ok(rs_journal_read(path, expect_next, &seen, NULL));
  assert_int_equal(seen, RECORDS);
  free(path);
}

static void its_owner_is_known(void **state) {
  char *path = path_in(state, "owner.journal");
  rs_journal *j;
  rs_journal_holder holder;
  size_t seen = 0;
  assert_ok(rs_journal_open(path, NULL, count, &seen, &j, NULL));
  assert_ok(rs_journal_owner(path, &holder));
  assert_true(holder.present && holder.lives == 1 && holder.pid == getpid());
  assert_ok(rs_journal_close(j));
  assert_ok(rs_journal_owner(path, &holder));
  assert_false(holder.present);
  free(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(records_come_back),
      cmocka_unit_test(last_record_cut_at_every_byte),
      cmocka_unit_test(last_record_damaged_at_every_byte),
      cmocka_unit_test(earlier_record_damaged_is_an_error),
      cmocka_unit_test(damaged_line_before_a_torn_one_is_an_error),
      cmocka_unit_test(foreign_files_are_left_alone),
      cmocka_unit_test(missing_and_odd_paths),
      cmocka_unit_test(second_writer_is_refused),
      cmocka_unit_test(visitor_ends_the_reading),
      cmocka_unit_test(full_disk_leaves_a_sound_journal),
      cmocka_unit_test(payloads_are_limited),
      cmocka_unit_test(is_written_anew_whole_or_not_at_all),
      cmocka_unit_test(its_owner_is_known),
  };
  return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
