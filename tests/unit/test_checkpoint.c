/* store: checkpoints, whole and damaged. */
#include "store_files.h"

#include "ranksweep/store.h"

static const char state_text[] = "{\"epoch\": 3, \"note\": \"\xc3\xa9\"}";

static void fill(rs_bundle *b, const char *name, size_t ndim, const size_t *dims) {
  float *data;
  assert_ok(rs_bundle_add(b, name, ndim, dims, &data));
  size_t n = rs_tensor_size(&b->tensors[b->count - 1]);
  for (size_t i = 0; i < n; i++) data[i] = (float)i * 0.5f - (float)b->count;
}

/* Names out of alphabetical order, at three depths, of 1 to 4 dimensions, more than fit a small
 * group. */
static rs_bundle make_bundle(void) {
  rs_bundle b = {0};
  char name[32];
  fill(&b, "z", 1, (size_t[]){3});
  fill(&b, "adam/m/dense", 4, (size_t[]){2, 1, 3, 2});
  fill(&b, "empty", 2, (size_t[]){0, 4});
  for (int i = 12; i > 0; i--) {
    snprintf(name, sizeof name, "dense%d/kernel", i);
    fill(&b, name, 2, (size_t[]){3, 4});
    snprintf(name, sizeof name, "dense%d/bias", i);
    fill(&b, name, 1, (size_t[]){4});
  }
  return b;
}

static bool same(const rs_bundle *a, const rs_bundle *b) {
  bool equal = a->count == b->count;
  for (size_t i = 0; equal && i < a->count; i++) {
    const rs_tensor *x = &a->tensors[i], *y = &b->tensors[i];
    equal = strcmp(x->name, y->name) == 0 && x->ndim == y->ndim &&
            memcmp(x->dims, y->dims, x->ndim * sizeof x->dims[0]) == 0 &&
            memcmp(x->data, y->data, rs_tensor_size(x) * sizeof(float)) == 0;
  }
  return equal;
}

static void comes_back_in_order(void **state) {
  char *path = path_in(state, "round.h5"), *text;
  rs_bundle b = make_bundle(), back = {0};
  assert_ok(rs_checkpoint_write(path, &b, state_text));
  assert_ok(rs_checkpoint_read(path, &back, &text));
  assert_true(same(&b, &back));
  assert_string_equal(text, state_text);
  free(text);
  rs_bundle_free(&back);
  assert_ok(rs_checkpoint_read(path, &back, NULL));
  assert_true(same(&b, &back));
  rs_bundle_free(&back);
  rs_bundle_free(&b);
  free(path);
}

static rs_status expect_next(void *user, const char *name, size_t ndim, const size_t *dims) {
  const rs_tensor **next = user;
  assert_string_equal(name, (*next)->name);
  assert_int_equal(ndim, (*next)->ndim);
  assert_memory_equal(dims, (*next)->dims, ndim * sizeof *dims);
  (*next)++;
  return strcmp(name, "dense7/bias") == 0 ? RS_ERR_STOPPED : RS_OK;
}

static void is_listed_in_order(void **state) {
  char *path = path_in(state, "list.h5");
  rs_bundle b = make_bundle();
  const rs_tensor *next = b.tensors;
  assert_ok(rs_checkpoint_write(path, &b, state_text));
  assert_int_equal(rs_checkpoint_list(path, expect_next, &next), RS_ERR_STOPPED);
  assert_string_equal(next[-1].name, "dense7/bias");
  unlink(path);
  assert_fails(RS_ERR_IO, path, rs_checkpoint_list(path, expect_next, &next));
  rs_bundle_free(&b);
  free(path);
}

static void nothing_and_long_states_come_back(void **state) {
  enum { LONG = 300000 };
  char *path = path_in(state, "odd.h5"), *text, *text_back;
  rs_bundle b = {0};
  assert_ok(rs_new(&text, LONG + 1, 1));
  for (size_t n = 0; n <= LONG;
       n += LONG / 4) { /* from "" past HDF5's limit of 64 KiB for small attributes */
    memset(text, 'x', n);
    assert_ok(rs_checkpoint_write(path, &b, text));
    assert_ok(rs_checkpoint_read(path, &b, &text_back));
    assert_string_equal(text, text_back);
    assert_int_equal(b.count, 0);
    free(text_back);
  }
  free(text);
  free(path);
}

static void equal_content_gives_equal_bytes(void **state) {
  char *path = path_in(state, "equal.h5");
  rs_bundle b = make_bundle();
  size_t len[2];
  char *bytes[2];
  for (int i = 0; i < 2; i++) {
    assert_ok(rs_checkpoint_write(path, &b, state_text));
    bytes[i] = file_bytes(path, &len[i]);
  }
  expect_no_times(path);
  assert_int_equal(len[0], len[1]);
  assert_memory_equal(bytes[0], bytes[1], len[0]);
  free(bytes[0]);
  free(bytes[1]);
  rs_bundle_free(&b);
  free(path);
}

/* Damaged copies give RS_ERR_DATA or, where the byte is of no account, the same content. */
static void expect_data_or_error(const char *path, const rs_bundle *expected) {
  rs_bundle back = {0};
  char *text;
  rs_status status = rs_checkpoint_read(path, &back, &text);
  if (status == RS_OK) {
    assert_true(same(expected, &back));
    assert_string_equal(text, state_text);
  } else {
    assert_int_equal(status, RS_ERR_DATA);
    assert_non_null(strstr(rs_error_message(), path));
    assert_null(text);
    assert_null(back.tensors);
  }
  free(text);
  rs_bundle_free(&back);
}

static void flipped_bytes_are_noticed(void **state) {
  enum { STEP = 53 }; /* no divisor of HDF5's alignments */
  char *path = path_in(state, "flip.h5");
  rs_bundle b = make_bundle();
  size_t len;
  assert_ok(rs_checkpoint_write(path, &b, state_text));
  char *bytes = file_bytes(path, &len);
  for (size_t i = 0; i < len; i += STEP) {
    char mask = (char)(i % 2 ? 0xff : 1 << i % 8);
    bytes[i] ^= mask;
    put_bytes(path, bytes, len);
    expect_data_or_error(path, &b);
    bytes[i] ^= mask;
  }
  free(bytes);
  rs_bundle_free(&b);
  free(path);
}

static void truncated_files_are_noticed(void **state) {
  char *path = path_in(state, "short.h5");
  rs_bundle b = make_bundle(), back = {0};
  size_t len;
  assert_ok(rs_checkpoint_write(path, &b, state_text));
  char *bytes = file_bytes(path, &len);
  for (size_t keep = 0; keep < len; keep += 97) {
    put_bytes(path, bytes, keep);
    assert_fails(RS_ERR_DATA, path, rs_checkpoint_read(path, &back, NULL));
  }
  free(bytes);
  rs_bundle_free(&b);
  free(path);
}

static void failures_name_what_is_wrong(void **state) {
  char *path = path_in(state, "named.h5"), *deep = path_in(state, "no/such/file.h5");
  rs_bundle b = {0}, back = {0};
  fill(&b, "dense1/kernel", 2, (size_t[]){8, 8});
  assert_ok(rs_checkpoint_write(path, &b, "{}"));
  size_t len;
  char *bytes = file_bytes(path, &len);
  char *data = memmem(bytes, len, b.tensors[0].data, 64 * sizeof(float));
  assert_non_null(data);
  data[100] ^= 1;
  put_bytes(path, bytes, len);
  assert_fails(RS_ERR_DATA, "dense1/kernel: expected checksum",
               rs_checkpoint_read(path, &back, NULL));
  put_bytes(path, "hello", 5);
  assert_fails(RS_ERR_DATA, "not an HDF5 file", rs_checkpoint_read(path, &back, NULL));
  unlink(path);
  assert_fails(RS_ERR_IO, path, rs_checkpoint_read(path, &back, NULL));
  assert_fails(RS_ERR_IO, deep, rs_checkpoint_write(deep, &b, "{}"));
  assert_fails(RS_ERR_DATA, "not a regular file", rs_checkpoint_read(*state, &back, NULL));
  free(bytes);
  rs_bundle_free(&b);
  free(path);
  free(deep);
}

/* Tensor "w" of PATH made anew as a dataset that claims DIMS but has nothing stored. */
static void claim(const char *path, hid_t type, int ndim, const hsize_t *dims) {
  uint64_t zero = 0;
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), space = H5Screate_simple(ndim, dims, NULL);
  H5Ldelete(file, "model/w", H5P_DEFAULT);
  hid_t dataset = H5Dcreate2(file, "model/w", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  hid_t one = H5Screate(H5S_SCALAR);
  for (const char *const *name = (const char *const[]){"index", "checksum", NULL}; *name != NULL;
       name++) {
    hid_t attribute = H5Acreate2(dataset, *name, H5T_STD_U64LE, one, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(attribute, H5T_NATIVE_UINT64, &zero);
    H5Aclose(attribute);
  }
  H5Sclose(one);
  H5Dclose(dataset);
  H5Sclose(space);
  assert_true(H5Fclose(file) >= 0);
}

/* It may be whole, so nobody may pass it over as if it were damaged. */
static void newer_versions_are_in_conflict(void **state) {
  char *path = path_in(state, "newer.h5");
  rs_bundle b = make_bundle(), back = {0};
  int version = 99;
  assert_ok(rs_checkpoint_write(path, &b, state_text));
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  hid_t attribute = H5Aopen(file, "format_version", H5P_DEFAULT);
  assert_true(H5Awrite(attribute, H5T_NATIVE_INT, &version) >= 0);
  H5Aclose(attribute);
  assert_true(H5Fclose(file) >= 0);
  assert_fails(RS_ERR_CONFLICT, "got 99", rs_checkpoint_read(path, &back, NULL));
  rs_bundle_free(&b);
  free(path);
}

static void claimed_sizes_are_checked(void **state) {
  char *path = path_in(state, "claim.h5");
  rs_bundle b = {0}, back = {0};
  const hsize_t huge[4] = {(hsize_t)1 << 40, 1, 1, 1}, wrap[4] = {1 << 20, 1 << 20, 1 << 20, 1},
                five[5] = {1, 1, 1, 1, 1};
  fill(&b, "w", 1, (size_t[]){4});
  assert_ok(rs_checkpoint_write(path, &b, "{}"));
  claim(path, H5T_IEEE_F32LE, 1, huge);
  assert_fails(RS_ERR_DATA, "w: what is stored", rs_checkpoint_read(path, &back, NULL));
  claim(path, H5T_IEEE_F32LE, 3, wrap);
  assert_fails(RS_ERR_DATA, "w: what is stored", rs_checkpoint_read(path, &back, NULL));
  claim(path, H5T_IEEE_F32LE, 5, five);
  assert_fails(RS_ERR_DATA, "1 to 4 dimensions", rs_checkpoint_read(path, &back, NULL));
  claim(path, H5T_IEEE_F64LE, 1, five);
  assert_fails(RS_ERR_DATA, "expected contiguous float32", rs_checkpoint_read(path, &back, NULL));
  rs_bundle_free(&b);
  free(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(comes_back_in_order),
      cmocka_unit_test(is_listed_in_order),
      cmocka_unit_test(nothing_and_long_states_come_back),
      cmocka_unit_test(equal_content_gives_equal_bytes),
      cmocka_unit_test(flipped_bytes_are_noticed),
      cmocka_unit_test(truncated_files_are_noticed),
      cmocka_unit_test(failures_name_what_is_wrong),
      cmocka_unit_test(newer_versions_are_in_conflict),
      cmocka_unit_test(claimed_sizes_are_checked),
  };
  return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
