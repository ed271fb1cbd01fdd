/* num: every kernel against its slow version, over shapes that tile evenly and shapes that do not.
 */
#include "test.h"

#include <math.h>

#include "ref.h"

static float *random_array(const char *purpose, size_t n) {
  float *x;
  assert_ok(rs_new(&x, n, sizeof *x));
  rs_stream s = rs_stream_make(7, "test", purpose, 0);
  for (size_t i = 0; i < n; i++) x[i] = 2.0f * rs_stream_uniform(&s, i) - 1.0f;
  return x;
}

/* |a - b| <= tolerance, relative to the largest element of B. */
static void assert_near(const float *a, const float *b, size_t n, double tolerance) {
  double largest = 1e-30;
  for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs((double)b[i]));
  for (size_t i = 0; i < n; i++)
    if (!(fabs((double)a[i] - b[i]) <= tolerance * largest))
      fail_msg("element %zu: got %g, expected %g", i, (double)a[i], (double)b[i]);
}

static const size_t shapes[][3] = {{1, 1, 1},     {3, 5, 7},      {128, 10, 64},  {17, 300, 33},
                                   {256, 512, 1}, {130, 257, 91}, {784, 40, 128}, {300, 1100, 20}};

static void products_match_their_definition(void **state) {
  (void)state;
  for (size_t i = 0; i < RS_COUNT(shapes); i++) {
    size_t m = shapes[i][0], n = shapes[i][1], k = shapes[i][2];
    float *a = random_array("a", m * k), *b = random_array("b", k * n),
          *bias = random_array("bias", n);
    float *mask = random_array("mask", m * n), *c = random_array("c", m * n),
          *want = random_array("c", m * n);
    for (int op = RS_GEMM_NN; op <= RS_GEMM_TN; op++)
      for (int kind = RS_EPILOGUE_NONE; kind <= RS_EPILOGUE_RELU_MASK; kind++) {
        rs_epilogue e = {(rs_epilogue_kind)kind, bias, mask};
        rs_gemm((rs_gemm_op)op, m, n, k, a, b, c, &e);
        rs_ref_gemm((rs_gemm_op)op, m, n, k, a, b, want, &e);
        assert_near(c, want, m * n, 1e-5);
      }
    free(a);
    free(b);
    free(bias);
    free(mask);
    free(c);
    free(want);
  }
}

/* Through a middle of D: forward (NN) and back to the input (NT), and the gradients of the factors.
 */
static void check_factors(size_t m, size_t in, size_t d, size_t out) {
  float *x = random_array("x", m * in), *u = random_array("u", in * d),
        *v = random_array("v", d * out);
  float *dy = random_array("dy", m * out), *bias = random_array("bias", out);
  float *h = random_array("h", m * d), *y = random_array("y", m * out),
        *dh = random_array("dh", m * d);
  float *dx = random_array("dx", m * in), *du = random_array("du", in * d),
        *dv = random_array("dv", d * out);
  size_t most = m * (in + out) + d * (in + out) + m * d;
  float *middle = random_array("middle", m * d), *want = random_array("want", most);
  const rs_epilogue relu = {RS_EPILOGUE_BIAS_RELU, .bias = bias};
  rs_gemm_chain(RS_GEMM_NN, m, out, d, in, x, u, v, h, y, &relu);
  rs_ref_gemm(RS_GEMM_NN, m, d, in, x, u, middle, NULL);
  assert_near(h, middle, m * d, 1e-5);
  rs_ref_gemm(RS_GEMM_NN, m, out, d, middle, v, want, &relu);
  assert_near(y, want, m * out, 1e-5);
  rs_gemm_chain(RS_GEMM_NT, m, in, d, out, dy, v, u, dh, dx, NULL);
  rs_ref_gemm(RS_GEMM_NT, m, d, out, dy, v, middle, NULL);
  assert_near(dh, middle, m * d, 1e-5);
  rs_ref_gemm(RS_GEMM_NT, m, in, d, middle, u, want, NULL);
  assert_near(dx, want, m * in, 1e-5);
  rs_gemm_factor_gradients(m, in, d, out, x, h, dh, dy, du, dv);
  rs_ref_gemm(RS_GEMM_TN, in, d, m, x, dh, want, NULL);
  assert_near(du, want, in * d, 1e-5);
  rs_ref_gemm(RS_GEMM_TN, d, out, m, h, dy, want, NULL);
  assert_near(dv, want, d * out, 1e-5);
  float *all[] = {x, u, v, dy, bias, h, y, dh, dx, du, dv, middle, want};
  for (size_t i = 0; i < RS_COUNT(all); i++) free(all[i]);
}

static void factors_match_their_definition(void **state) {
  (void)state;
  check_factors(128, 784, 20, 1024);
  check_factors(70, 530, 9, 600);
  check_factors(1, 3, 2, 5);
  check_factors(7, 40, 33, 36);
}

static void products_do_not_depend_on_threads(void **state) {
  (void)state;
  size_t m = 130, n = 1030, k = 200;
  rs_num_set_threads(3);
  assert_int_equal(rs_num_threads(), 3);
  float *a = random_array("a", m * k), *b = random_array("b", k * n);
  float *one = random_array("c", m * n), *more = random_array("c", m * n);
  for (int op = RS_GEMM_NN; op <= RS_GEMM_TN; op++) {
    rs_num_set_threads(1);
    rs_gemm((rs_gemm_op)op, m, n, k, a, b, one, NULL);
    for (int threads = 2; threads <= 5; threads++) {
      rs_num_set_threads(threads);
      rs_gemm((rs_gemm_op)op, m, n, k, a, b, more, NULL);
      assert_memory_equal(one, more, m * n * sizeof *one);
    }
  }
  rs_num_set_threads(2);
  free(a);
  free(b);
  free(one);
  free(more);
}

/* One tile, but large enough that OpenBLAS would use threads of its own. */
static void single_tiles_do_not_depend_on_threads(void **state) {
  (void)state;
  size_t m = 128, n = 10, k = 4096;
  float *a = random_array("a", m * k), *b = random_array("b", k * n), one[1280], more[1280];
  rs_num_set_threads(1);
  rs_gemm(RS_GEMM_NN, m, n, k, a, b, one, NULL);
  rs_num_set_threads(4);
  rs_gemm(RS_GEMM_NN, m, n, k, a, b, more, NULL);
  assert_memory_equal(one, more, sizeof one);
  rs_num_set_threads(2);
  free(a);
  free(b);
}

static void relu_keeps_nan(void **state) {
  (void)state;
  float a = NAN, b = 1, bias = 0, c = 0;
  rs_gemm(RS_GEMM_NN, 1, 1, 1, &a, &b, &c, &(rs_epilogue){RS_EPILOGUE_BIAS_RELU, &bias, NULL});
  assert_true(isnan(c));
}

static void column_sums_match(void **state) {
  (void)state;
  for (size_t i = 0; i < RS_COUNT(shapes); i++) {
    size_t m = shapes[i][0], n = shapes[i][1];
    float *a = random_array("a", m * n), *got = random_array("s", n), *want = random_array("s", n);
    rs_column_sums(m, n, a, got);
    rs_ref_column_sums(m, n, a, want);
    assert_near(got, want, n, 1e-5);
    free(a);
    free(got);
    free(want);
  }
}

static void softmax_cross_entropy_matches(void **state) {
  (void)state;
  enum { M = 57, C = 10 };
  float *x = random_array("logits", M * C), got[M * C], want[M * C];
  uint8_t labels[M];
  for (size_t i = 0; i < M; i++) labels[i] = (uint8_t)(i * 7 % C);
  for (size_t i = 0; i < M * C; i++) x[i] *= 9.0f;
  x[0] = x[1] = 20.0f; /* a tie: the first counts */
  size_t right, right_want;
  double loss = rs_softmax_cross_entropy(M, C, x, labels, 0.25f, got, &right);
  double loss_want = rs_ref_softmax_cross_entropy(M, C, x, labels, 0.25f, want, &right_want);
  assert_true(fabs(loss - loss_want) < 1e-6 * loss_want);
  assert_int_equal(right, right_want);
  assert_near(got, want, M * C, 1e-5);
  rs_softmax_cross_entropy(M, C, x, labels, 0.25f, x, NULL); /* in place */
  assert_memory_equal(x, got, sizeof got);
  free(x);
}

static void softmax_survives_large_logits(void **state) {
  (void)state;
  float x[3] = {1e30f, -1e30f, 0}, g[3];
  uint8_t label = 0;
  assert_true(rs_softmax_cross_entropy(1, 3, x, &label, 1, g, NULL) == 0.0);
  assert_true(isfinite(g[0]) && isfinite(g[1]) && isfinite(g[2]));
}

static void adam_matches_over_many_steps(void **state) {
  (void)state;
  enum { N = 10007 };
  float *w = random_array("w", N), *m = random_array("zero", N), *v = random_array("zero", N);
  float *w2 = random_array("w", N), *m2 = random_array("zero", N), *v2 = random_array("zero", N);
  memset(m, 0, N * sizeof *m);
  memset(v, 0, N * sizeof *v);
  memset(m2, 0, N * sizeof *m);
  memset(v2, 0, N * sizeof *v);
  for (uint64_t step = 1; step <= 20; step++) {
    char purpose[16];
    snprintf(purpose, sizeof purpose, "g%d", (int)step);
    float *g = random_array(purpose, N);
    rs_adam adam = {
        .lr = 0.01, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-7, .decay = 0.1, .step = step};
    rs_adam_update(&adam, N, w, g, m, v);
    rs_ref_adam_update(&adam, N, w2, g, m2, v2);
    free(g);
  }
  assert_near(w, w2, N, 1e-5);
  assert_near(v, v2, N, 1e-5);
  free(w);
  free(m);
  free(v);
  free(w2);
  free(m2);
  free(v2);
}

static void sgd_matches(void **state) {
  (void)state;
  enum { N = 5000 };
  float *w = random_array("w", N), *m = random_array("m", N), *g = random_array("g", N);
  float *w2 = random_array("w", N), *m2 = random_array("m", N);
  for (int i = 0; i < 5; i++) {
    rs_sgd_update(0.1, 0.9, 0.01, N, w, g, m);
    rs_ref_sgd_update(0.1, 0.9, 0.01, N, w2, g, m2);
  }
  assert_near(w, w2, N, 1e-5);
  free(w);
  free(m);
  free(g);
  free(w2);
  free(m2);
}

/* U diag(S) VT back to A, U and V orthonormal, S descending; any shape. */
static void check_svd(size_t m, size_t n) {
  size_t k = m < n ? m : n;
  float *a = random_array("matrix", m * n), *u = random_array("u", m * k),
        *s = random_array("s", k);
  float *vt = random_array("vt", k * n), *left = random_array("l", m * k),
        *right = random_array("r", k * n);
  float *back = random_array("back", m * n), *gram = random_array("gram", k * k);
  assert_ok(rs_svd_thin(m, n, a, u, s, vt));
  for (size_t i = 0; i + 1 < k; i++) assert_true(s[i] >= s[i + 1] && s[i + 1] >= 0);
  const double shares[] = {1.0, 0.5, 0.0};
  for (size_t i = 0; i < RS_COUNT(shares); i++) {
    rs_svd_slice(m, n, u, s, vt, k, shares[i], left, right);
    rs_ref_gemm(RS_GEMM_NN, m, n, k, left, right, back, NULL);
    assert_near(back, a, m * n, 1e-5);
  }
  rs_ref_gemm(RS_GEMM_TN, k, k, m, u, u, gram, NULL);
  for (size_t i = 0; i < k * k; i++) assert_true(fabs((double)gram[i] - (i % (k + 1) == 0)) < 1e-5);
  free(a);
  free(u);
  free(s);
  free(vt);
  free(left);
  free(right);
  free(back);
  free(gram);
}

static void svd_rebuilds_the_matrix(void **state) {
  (void)state;
  check_svd(20, 20);
  check_svd(31, 12);
  check_svd(12, 31);
  check_svd(1, 9);
}

/* Eckart and Young: the truncation's squared error is the sum of the squares that are left out. */
static void truncation_leaves_the_tail(void **state) {
  (void)state;
  enum { M = 24, N = 17, D = 5 };
  float *a = random_array("matrix", M * N), u[M * N], s[N], vt[N * N], left[M * D], right[D * N],
        c[M * N];
  assert_ok(rs_svd_thin(M, N, a, u, s, vt));
  rs_svd_slice(M, N, u, s, vt, D, 1.0, left, right);
  rs_ref_gemm(RS_GEMM_NN, M, N, D, left, right, c, NULL);
  for (size_t i = 0; i < M * N; i++) c[i] -= a[i];
  double error = rs_sum_squares(M * N, c), tail = rs_sum_squares(N - D, s + D);
  assert_true(fabs(error - tail) < 1e-4 * tail);
  free(a);
}

static void svd_of_nan_is_an_error(void **state) {
  (void)state;
  float a[4] = {1, 2, NAN, 4}, u[4], s[2], vt[4];
  assert_fails(RS_ERR_NUMERIC, "2 x 2 matrix that holds NaN", rs_svd_thin(2, 2, a, u, s, vt));
}

static void bundles_check_shapes(void **state) {
  (void)state;
  rs_bundle b = {0};
  const float *data;
  float *made;
  assert_ok(rs_bundle_add(&b, "dense1/kernel", 2, (size_t[]){3, 4}, &made));
  assert_ok(rs_bundle_add(&b, "dense1/bias", 1, (size_t[]){4}, NULL));
  made[11] = 5;
  assert_ok(rs_bundle_get(&b, "dense1/kernel", 3, 4, &data));
  assert_true(data[11] == 5);
  assert_fails(RS_ERR_DATA, "expected [4, 3]", rs_bundle_get(&b, "dense1/kernel", 4, 3, &data));
  assert_fails(RS_ERR_DATA, "no tensor \"dense2/bias\"",
               rs_bundle_get(&b, "dense2/bias", 4, 0, &data));
  assert_fails(RS_ERR_NOMEM, "too large",
               rs_bundle_add(&b, "x", 2, (size_t[]){SIZE_MAX / 2, 3}, NULL));
  assert_int_equal(rs_bundle_bytes(&b), 16 * sizeof(float));
  rs_bundle_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(products_match_their_definition),
      cmocka_unit_test(factors_match_their_definition),
      cmocka_unit_test(products_do_not_depend_on_threads),
      cmocka_unit_test(single_tiles_do_not_depend_on_threads),
      cmocka_unit_test(relu_keeps_nan),
      cmocka_unit_test(column_sums_match),
      cmocka_unit_test(softmax_cross_entropy_matches),
      cmocka_unit_test(softmax_survives_large_logits),
      cmocka_unit_test(adam_matches_over_many_steps),
      cmocka_unit_test(sgd_matches),
      cmocka_unit_test(svd_rebuilds_the_matrix),
      cmocka_unit_test(truncation_leaves_the_tail),
      cmocka_unit_test(svd_of_nan_is_an_error),
      cmocka_unit_test(bundles_check_shapes),
  };
  rs_num_set_threads(2);
  return cmocka_run_group_tests_name("num", tests, NULL, NULL);
}
