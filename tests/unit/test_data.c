/* data: IDX files good and bad, MNIST directories, drawn digits, batches. */
#include "test.h"

#include <omp.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "ranksweep/data.h"

/* ---- files ---------------------------------------------------------------------------------- */

static char folder[64];

static const char *in_folder(const char *name) {
  static char path[256];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static void put_file(const char *name, const char *mode, const void *bytes, size_t n, bool packed) {
  if (packed) {
    gzFile file = gzopen(in_folder(name), mode);
    assert_int_equal(gzwrite(file, bytes, (unsigned)n), (int)n);
    gzclose(file);
    return;
  }
  FILE *file = fopen(in_folder(name), mode);
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, n, file), n);
  fclose(file);
}

static void write_file(const char *name, const void *bytes, size_t n, bool packed) {
  put_file(name, "wb", bytes, n, packed);
}

static void append_file(const char *name, const void *bytes, size_t n, bool packed) {
  put_file(name, "ab", bytes, n, packed);
}

static void rename_file(const char *old, const char *new) {
  char from[256];
  snprintf(from, sizeof from, "%s", in_folder(old));
  assert_int_equal(rename(from, in_folder(new)), 0);
}

/* An IDX image of NDIM dimensions followed by N bytes of DATA; its length. */
static size_t make_idx(uint8_t *out, const uint32_t *dims, size_t ndim, const uint8_t *data,
                       size_t n) {
  size_t at = 4;
  memcpy(out, (uint8_t[]){0, 0, 8, (uint8_t)ndim}, 4);
  for (size_t i = 0; i < ndim; i++)
    for (int shift = 24; shift >= 0; shift -= 8) out[at++] = (uint8_t)(dims[i] >> shift);
  memcpy(out + at, data, n);
  return at + n;
}

static void write_idx(const char *name, const uint32_t *dims, size_t ndim, const uint8_t *data,
                      size_t n, bool packed) {
  uint8_t *bytes = malloc(n + 64);
  size_t length = make_idx(bytes, dims, ndim, data, n);
  write_file(name, bytes, length, packed);
  free(bytes);
}

static int empty_folder(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'/*", folder);
  return system(command);
}

static int make_folder(void **state) {
  (void)state;
  strcpy(folder, "/tmp/rs-data-XXXXXX");
  return mkdtemp(folder) != NULL ? 0 : -1;
}

static int drop_folder(void **state) {
  (void)state;
  return empty_folder() == 0 && rmdir(folder) == 0 ? 0 : -1;
}

/* ---- IDX --------------------------------------------------------------------------------------
 */

static void plain_and_packed_files_read_alike(void **state) {
  (void)state;
  uint8_t data[24];
  rs_idx a, b;
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 11);
  write_idx("plain", (uint32_t[]){2, 3, 4}, 3, data, sizeof data, false);
  write_idx("packed", (uint32_t[]){2, 3, 4}, 3, data, sizeof data, true);
  assert_ok(rs_idx_read(in_folder("plain"), &a));
  assert_ok(rs_idx_read(in_folder("packed"), &b));
  assert_int_equal(a.ndim, 3);
  assert_int_equal(a.dims[2], 4);
  assert_int_equal(a.size, 24);
  assert_memory_equal(a.data, data, sizeof data);
  assert_memory_equal(b.data, data, sizeof data);
  rs_idx_free(&a);
  rs_idx_free(&b);
}

static void every_truncation_is_an_error_that_names_the_file(void **state) {
  (void)state;
  uint8_t bytes[64], data[12] = {1, 2, 3};
  size_t n = make_idx(bytes, (uint32_t[]){3, 4}, 2, data, sizeof data);
  rs_idx idx;
  for (size_t cut = 0; cut < n; cut++) {
    for (int packed = 0; packed < 2; packed++) {
      write_file("cut", bytes, cut, packed == 1);
      assert_fails(RS_ERR_DATA, "/cut: byte ", rs_idx_read(in_folder("cut"), &idx));
      assert_null(idx.data);
    }
  }
  bytes[n] = 0;
  write_file("long", bytes, n + 1, false);
  assert_fails(RS_ERR_DATA, "/long: byte ", rs_idx_read(in_folder("long"), &idx));
  write_file("long", bytes, n + 1, true);
  assert_fails(RS_ERR_DATA, "/long: byte ", rs_idx_read(in_folder("long"), &idx));
}

static void false_headers_are_told_apart(void **state) {
  (void)state;
  rs_idx idx;
  uint8_t bytes[64], data[12] = {0};
  make_idx(bytes, (uint32_t[]){3, 4}, 2, data, sizeof data);
  bytes[0] = 1;
  assert_fails(RS_ERR_DATA, "x: byte 0", rs_idx_parse("x", bytes, 24, &idx));
  bytes[0] = 0;
  bytes[2] = 0x0d;
  assert_fails(RS_ERR_DATA, "x: byte 2", rs_idx_parse("x", bytes, 24, &idx));
  bytes[2] = 8;
  bytes[3] = 9;
  assert_fails(RS_ERR_DATA, "x: byte 3", rs_idx_parse("x", bytes, 24, &idx));
  size_t n = make_idx(bytes, (uint32_t[]){3, 0}, 2, data, 0);
  assert_fails(RS_ERR_DATA, "found 0", rs_idx_parse("x", bytes, n, &idx));
  n = make_idx(bytes, (uint32_t[]){65536, 65536, 65536, 65536}, 4, data, 12);
  assert_fails(RS_ERR_DATA, "x: byte ", rs_idx_parse("x", bytes, n, &idx));
}

/* Members of a gzip file follow one another as if they were one; anything else after them is
 * damage. */
static void gzip_members_join_and_garbage_does_not(void **state) {
  (void)state;
  uint8_t bytes[64], data[12] = {1, 2, 3};
  size_t n = make_idx(bytes, (uint32_t[]){3, 4}, 2, data, sizeof data);
  rs_idx idx;
  write_file("members", bytes, 9, true);
  append_file("members", bytes + 9, n - 9, true);
  assert_ok(rs_idx_read(in_folder("members"), &idx));
  assert_memory_equal(idx.data, data, sizeof data);
  rs_idx_free(&idx);
  append_file("members", "garbage", 7, false);
  assert_fails(RS_ERR_DATA, "/members: byte ", rs_idx_read(in_folder("members"), &idx));
}

/* A packed file that claims 2 GiB and holds little must not take 2 GiB; one that holds more than it
 * claims must not be unpacked to its end. */
static void claims_do_not_take_memory(void **state) {
  (void)state;
  rs_idx idx;
  uint8_t *zeros = calloc(1, 64 << 20);
  write_idx("claim", (uint32_t[]){2000000000}, 1, zeros, 1000, true);
  double start = rs_clock_now();
  assert_fails(RS_ERR_DATA, "/claim: byte ", rs_idx_read(in_folder("claim"), &idx));
  write_idx("bomb", (uint32_t[]){100}, 1, zeros, 64 << 20, true);
  assert_fails(RS_ERR_DATA, "/bomb: byte ", rs_idx_read(in_folder("bomb"), &idx));
  assert_true(rs_clock_now() - start < 20);
  free(zeros);
}

static void what_is_no_file_is_refused_at_once(void **state) {
  (void)state;
  rs_idx idx;
  assert_fails(RS_ERR_DATA, "regular file", rs_idx_read(folder, &idx));
  assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
  assert_fails(RS_ERR_DATA, "regular file", rs_idx_read(in_folder("pipe"), &idx));
  assert_int_not_equal(rs_idx_read(in_folder("missing"), &idx), RS_OK);
  assert_non_null(strstr(rs_error_message(), "missing"));
}

/* ---- MNIST directories --------------------------------------------------------------------------
 */

static uint8_t pixels[20 * 784];
static const uint8_t labels[20] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};

static void write_mnist(void) {
  for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i % 251);
  assert_int_equal(empty_folder(), 0);
  write_idx("train-images-idx3-ubyte", (uint32_t[]){20, 28, 28}, 3, pixels, sizeof pixels, false);
  write_idx("train-labels-idx1-ubyte.gz", (uint32_t[]){20}, 1, labels, 20, true);
  write_idx("t10k-images-idx3-ubyte.gz", (uint32_t[]){10, 28, 28}, 3, pixels, 7840, true);
  write_idx("t10k-labels-idx1-ubyte", (uint32_t[]){10}, 1, labels, 10, false);
}

static void mnist_directories_load_whole_or_in_part(void **state) {
  (void)state;
  write_mnist();
  rs_images_spec spec = {.source = RS_IMAGES_MNIST, .path = folder};
  rs_images train, test, fewer;
  size_t n_train, n_test;
  assert_ok(rs_images_check(&spec));
  assert_ok(rs_images_counts(&spec, &n_train, &n_test));
  assert_int_equal(n_train, 20);
  assert_int_equal(n_test, 10);
  assert_ok(rs_images_load(&spec, &train, &test));
  assert_int_equal(train.count, 20);
  assert_memory_equal(train.pixels, pixels, sizeof pixels);
  assert_memory_equal(test.labels, labels, 10);
  uint64_t whole = train.checksum;
  rs_images_free(&train);
  rs_images_free(&test);
  spec.train_limit = 7;
  assert_ok(rs_images_load(&spec, &fewer, &test));
  assert_int_equal(fewer.count, 7);
  assert_true(fewer.checksum != whole);
  rs_images_free(&fewer);
  rs_images_free(&test);
  spec.train_limit = 21;
  assert_fails(RS_ERR_DATA, "train-images", rs_images_check(&spec));
}

/* Some archives unpack to names with a dot, and one to a directory beside the file. */
static void other_names_of_the_files_are_found(void **state) {
  (void)state;
  write_mnist();
  rs_images_spec spec = {.source = RS_IMAGES_MNIST, .path = folder};
  rename_file("train-images-idx3-ubyte", "train-images.idx3-ubyte");
  rename_file("t10k-images-idx3-ubyte.gz", "t10k-images.idx3-ubyte.gz");
  assert_ok(rs_images_check(&spec));
  assert_int_equal(mkdir(in_folder("train-images-idx3-ubyte"), 0700), 0);
  assert_ok(rs_images_check(&spec));
  unlink(in_folder("train-images.idx3-ubyte"));
  assert_fails(RS_ERR_DATA, "found a directory", rs_images_check(&spec));
}

static void a_path_that_is_no_directory_is_refused(void **state) {
  (void)state;
  rs_images_spec spec = {.source = RS_IMAGES_MNIST};
  assert_fails(RS_ERR_USAGE, "found no path", rs_images_check(&spec));
  spec.path = "";
  assert_fails(RS_ERR_USAGE, "found no path", rs_images_check(&spec));
  write_mnist();
  char file[256];
  snprintf(file, sizeof file, "%s", in_folder("train-images-idx3-ubyte"));
  spec.path = file;
  assert_fails(RS_ERR_DATA, "expected a directory", rs_images_check(&spec));
}

static void both_parts_must_have_one_shape(void **state) {
  (void)state;
  write_mnist();
  rs_images_spec spec = {.source = RS_IMAGES_MNIST, .path = folder};
  rs_images train, test;
  write_idx("t10k-images-idx3-ubyte.gz", (uint32_t[]){10, 14, 56}, 3, pixels, 7840, true);
  assert_fails(RS_ERR_DATA, "expected images of 28 x 28", rs_images_load(&spec, &train, &test));
  assert_null(train.pixels);
}

static void faults_of_mnist_directories_are_named(void **state) {
  (void)state;
  rs_images_spec spec = {.source = RS_IMAGES_MNIST, .path = "/nowhere/at/all"};
  rs_images train, test;
  assert_int_not_equal(rs_images_check(&spec), RS_OK);
  assert_non_null(strstr(rs_error_message(), "/nowhere/at/all"));
  spec.path = folder;
  write_mnist();
  unlink(in_folder("t10k-labels-idx1-ubyte"));
  assert_fails(RS_ERR_DATA, "t10k-labels-idx1-ubyte", rs_images_load(&spec, &train, &test));
  assert_null(train.pixels);
  write_mnist();
  uint8_t bad[20] = {[13] = 10};
  write_idx("train-labels-idx1-ubyte.gz", (uint32_t[]){20}, 1, bad, 20, true);
  assert_fails(RS_ERR_DATA, "label 13", rs_images_load(&spec, &train, &test));
  write_mnist();
  write_idx("train-labels-idx1-ubyte.gz", (uint32_t[]){19}, 1, labels, 19, true);
  assert_fails(RS_ERR_DATA, "train-", rs_images_check(&spec));
  write_mnist();
  write_idx("train-images-idx3-ubyte", (uint32_t[]){20 * 784}, 1, pixels, sizeof pixels, false);
  assert_fails(RS_ERR_DATA, "train-images-idx3-ubyte", rs_images_check(&spec));
}

static void fingerprints_are_of_the_bytes_as_stored(void **state) {
  (void)state;
  rs_images_spec spec = {.source = RS_IMAGES_MNIST, .path = folder};
  rs_str text = {0}, wanted = {0};
  char *bytes;
  size_t n;
  write_mnist();
  assert_ok(rs_images_fingerprint(&spec, &text));
  static const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz",
                                      "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte"};
  for (size_t k = 0; k < RS_COUNT(names); k++) {
    assert_ok(rs_file_read(in_folder(names[k]), (size_t)1 << 20, &bytes, &n));
    rs_str_addf(&wanted, "%s%s=%016llx", k > 0 ? "; " : "", names[k],
                (unsigned long long)rs_checksum(bytes, n));
    free(bytes);
  }
  assert_string_equal(text.text, wanted.text);
  unlink(in_folder("t10k-labels-idx1-ubyte"));
  rs_str_clear(&text);
  assert_fails(RS_ERR_DATA, "t10k-labels-idx1-ubyte", rs_images_fingerprint(&spec, &text));
  rs_str_clear(&text);
  assert_ok(rs_images_fingerprint(&(rs_images_spec){.source = RS_IMAGES_DIGITS}, &text));
  assert_string_equal(text.text, "built in");
  rs_str_free(&text);
  rs_str_free(&wanted);
}

static void real_mnist_has_its_numbers(void **state) {
  (void)state;
  const char *root = getenv("RS_TEST_DATA");
  char path[512];
  if (root == NULL) {
    print_message("RS_TEST_DATA is not set\n");
    skip();
  }
  snprintf(path, sizeof path, "%s/mnist", root);
  rs_images_spec spec = {.source = RS_IMAGES_MNIST, .path = path};
  rs_images train, test;
  size_t count[10] = {0};
  assert_ok(rs_images_load(&spec, &train, &test));
  assert_int_equal(train.count, 60000);
  assert_int_equal(test.count, 10000);
  for (size_t i = 0; i < train.count; i++) count[train.labels[i]]++;
  assert_int_equal(count[1], 6742); /* as published */
  assert_int_equal(count[5], 5421);
  rs_images_free(&train);
  rs_images_free(&test);
}

/* ---- digits --------------------------------------------------------------------------------- */

static void digits_are_a_function_of_their_index(void **state) {
  (void)state;
  static uint8_t all[100 * 784], some[10 * 784], all_labels[100], some_labels[10];
  rs_digits_draw(5, "train", 0, 100, all, all_labels);
  rs_digits_draw(5, "train", 50, 10, some, some_labels);
  assert_memory_equal(some, all + 50 * 784, sizeof some);
  assert_memory_equal(some_labels, all_labels + 50, sizeof some_labels);
  omp_set_num_threads(1);
  rs_digits_draw(5, "train", 50, 10, some, some_labels);
  assert_memory_equal(some, all + 50 * 784, sizeof some);
  omp_set_num_threads(2);
  rs_digits_draw(5, "test", 50, 10, some, some_labels);
  assert_memory_not_equal(some, all + 50 * 784, sizeof some);
  rs_digits_draw(6, "train", 50, 10, some, some_labels);
  assert_memory_not_equal(some, all + 50 * 784, sizeof some);
}

static void digits_are_of_all_kinds_and_have_ink(void **state) {
  (void)state;
  enum { N = 2000 };
  static uint8_t drawn[N * 784], drawn_labels[N];
  int count[10] = {0};
  rs_digits_draw(1, "train", 0, N, drawn, drawn_labels);
  for (size_t i = 0; i < N; i++) {
    long ink = 0;
    for (size_t k = 0; k < 784; k++) ink += drawn[i * 784 + k];
    assert_in_range(ink / 255, 15, 400);
    count[drawn_labels[i]]++;
  }
  for (int d = 0; d < 10; d++) assert_in_range(count[d], N / 10 - 60, N / 10 + 60);
}

static void digits_load_as_they_are_drawn(void **state) {
  (void)state;
  static uint8_t drawn[30 * 784], drawn_labels[30];
  rs_images_spec spec = {
      .source = RS_IMAGES_DIGITS, .train_limit = 20, .test_limit = 30, .seed = 9};
  rs_images train, test;
  assert_ok(rs_images_load(&spec, &train, &test));
  assert_int_equal(train.count, 20);
  assert_true(train.checksum != test.checksum);
  rs_digits_draw(9, "test", 0, 30, drawn, drawn_labels);
  assert_memory_equal(test.pixels, drawn, sizeof drawn);
  assert_memory_equal(test.labels, drawn_labels, sizeof drawn_labels);
  rs_images_free(&train);
  rs_images_free(&test);
}

static void numbers_of_digits_have_defaults_and_a_limit(void **state) {
  (void)state;
  rs_images_spec spec = {.source = RS_IMAGES_DIGITS};
  size_t train, test;
  assert_ok(rs_images_counts(&spec, &train, &test));
  assert_int_equal(train, 10000);
  assert_int_equal(test, 2000);
  spec.test_limit = 100000000;
  assert_fails(RS_ERR_USAGE, "test images, found 100000000", rs_images_check(&spec));
}

/* ---- batches -------------------------------------------------------------------------------- */

static void batches_gather_what_they_name(void **state) {
  (void)state;
  write_mnist();
  rs_images images = {.count = 20,
                      .rows = 28,
                      .cols = 28,
                      .classes = 10,
                      .pixels = pixels,
                      .labels = (uint8_t *)labels};
  static float x[3 * 784];
  uint8_t got[3];
  rs_images_gather(&images, (uint32_t[]){19, 0, 7}, 3, x, got);
  assert_int_equal(got[2], 7);
  for (size_t k = 0; k < 784; k++) assert_true(x[784 + k] == (float)pixels[k] / 255.0f);
  static float y[784];
  rs_images_range(&images, 19, 1, y, got);
  assert_memory_equal(x, y, sizeof y);
}

/* Enough samples for the threads, and every value of a byte. */
static void large_batches_are_exact(void **state) {
  (void)state;
  enum { N = 512, SIZE = 256 };
  static uint8_t ramp[N * SIZE], classes[N], got[N];
  static uint32_t index[N];
  static float x[N * SIZE], y[N * SIZE];
  for (size_t i = 0; i < N * SIZE; i++) ramp[i] = (uint8_t)(i + i / SIZE);
  for (uint32_t i = 0; i < N; i++) {
    classes[i] = (uint8_t)(i % 10);
    index[i] = N - 1 - i;
  }
  rs_images images = {.count = N, .rows = 16, .cols = 16, .pixels = ramp, .labels = classes};
  rs_images_range(&images, 0, N, x, got);
  assert_memory_equal(got, classes, N);
  for (size_t i = 0; i < N * SIZE; i++) assert_true(x[i] == (float)ramp[i] / 255.0f);
  rs_images_gather(&images, index, N, y, got);
  for (size_t i = 0; i < N; i++) {
    assert_int_equal(got[i], classes[N - 1 - i]);
    assert_memory_equal(y + i * SIZE, x + (N - 1 - i) * SIZE, SIZE * sizeof *x);
  }
}

static void orders_depend_on_the_epoch(void **state) {
  (void)state;
  uint32_t a[50], b[50];
  rs_batch_order(1, "train", 0, 50, a);
  rs_batch_order(1, "train", 1, 50, b);
  assert_memory_not_equal(a, b, sizeof a);
  rs_batch_order(1, "train", 0, 50, b);
  assert_memory_equal(a, b, sizeof a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plain_and_packed_files_read_alike),
      cmocka_unit_test(every_truncation_is_an_error_that_names_the_file),
      cmocka_unit_test(false_headers_are_told_apart),
      cmocka_unit_test(gzip_members_join_and_garbage_does_not),
      cmocka_unit_test(claims_do_not_take_memory),
      cmocka_unit_test(what_is_no_file_is_refused_at_once),
      cmocka_unit_test(mnist_directories_load_whole_or_in_part),
      cmocka_unit_test(other_names_of_the_files_are_found),
      cmocka_unit_test(a_path_that_is_no_directory_is_refused),
      cmocka_unit_test(both_parts_must_have_one_shape),
      cmocka_unit_test(faults_of_mnist_directories_are_named),
      cmocka_unit_test(fingerprints_are_of_the_bytes_as_stored),
      cmocka_unit_test(real_mnist_has_its_numbers),
      cmocka_unit_test(digits_are_a_function_of_their_index),
      cmocka_unit_test(digits_are_of_all_kinds_and_have_ink),
      cmocka_unit_test(digits_load_as_they_are_drawn),
      cmocka_unit_test(numbers_of_digits_have_defaults_and_a_limit),
      cmocka_unit_test(batches_gather_what_they_name),
      cmocka_unit_test(large_batches_are_exact),
      cmocka_unit_test(orders_depend_on_the_epoch),
  };
  return cmocka_run_group_tests_name("data", tests, make_folder, drop_folder);
}
