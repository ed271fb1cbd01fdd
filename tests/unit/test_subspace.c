/* num: subspace iteration against LAPACK's whole decomposition. */
#include "test.h"

#include <math.h>
#include <string.h>

#include "ranksweep/num.h"

static float *normals(const char *purpose, size_t n) {
  float *x;
  assert_ok(rs_new(&x, n, sizeof *x));
  rs_stream s = rs_stream_make(7, "test", purpose, 0);
  for (size_t i = 0; i < n; i++) x[i] = (float)rs_stream_normal(&s, i);
  return x;
}

/* [m, n] of rank R, over noise. */
static float *low_rank(size_t m, size_t n, size_t r, float noise) {
  float *a = normals("noise", m * n), *u = normals("u", m * r), *v = normals("v", r * n), *p;
  assert_ok(rs_new(&p, m * n, sizeof *p));
  rs_gemm(RS_GEMM_NN, m, n, r, u, v, p, NULL);
  for (size_t i = 0; i < m * n; i++) a[i] = noise * a[i] + p[i];
  free(u);
  free(v);
  free(p);
  return a;
}

/* ||u v - best approximation of rank d||_F, relative. */
static double distance(size_t m, size_t n, size_t d, const float *a, const float *u,
                       const float *v) {
  size_t k = m < n ? m : n;
  float *full_u, *s, *vt, *left, *right, *ours, *best;
  assert_ok(rs_new(&full_u, m * k, sizeof(float)));
  assert_ok(rs_new(&s, k, sizeof(float)));
  assert_ok(rs_new(&vt, k * n, sizeof(float)));
  assert_ok(rs_new(&left, m * d, sizeof(float)));
  assert_ok(rs_new(&right, d * n, sizeof(float)));
  assert_ok(rs_new(&ours, m * n, sizeof(float)));
  assert_ok(rs_new(&best, m * n, sizeof(float)));
  assert_ok(rs_svd_thin(m, n, a, full_u, s, vt));
  rs_svd_slice(m, n, full_u, s, vt, d, 1.0, left, right);
  rs_gemm(RS_GEMM_NN, m, n, d, left, right, best, NULL);
  rs_gemm(RS_GEMM_NN, m, n, d, u, v, ours, NULL);
  double apart = 0, whole = rs_sum_squares(m * n, best);
  for (size_t i = 0; i < m * n; i++) apart += pow((double)ours[i] - best[i], 2);
  free(full_u);
  free(s);
  free(vt);
  free(left);
  free(right);
  free(ours);
  free(best);
  return sqrt(apart / (whole > 0 ? whole : 1));
}

typedef struct run {
  size_t m, n, d;
  rs_subspace *subspace;
  float *u, *v;
  rs_subspace_report report;
} run;

static run open_run(size_t m, size_t n, size_t d, size_t oversampling) {
  run r = {.m = m, .n = n, .d = d};
  rs_stream s = rs_stream_make(1, "test", "subspace", 0);
  assert_ok(rs_subspace_create(m, n, d, oversampling, &r.subspace));
  rs_subspace_scatter(r.subspace, &s);
  assert_ok(rs_new(&r.u, m * d, sizeof(float)));
  assert_ok(rs_new(&r.v, d * n, sizeof(float)));
  return r;
}

static void go(run *r, const float *a, size_t most, double tolerance) {
  assert_ok(rs_subspace_run(r->subspace, a, most, tolerance, &r->report));
  rs_subspace_factors(r->subspace, r->u, r->v);
}

static void close_run(run *r) {
  rs_subspace_destroy(r->subspace);
  free(r->u);
  free(r->v);
}

static void check_shape(size_t m, size_t n, size_t d, size_t oversampling, float noise) {
  float *a = low_rank(m, n, d, noise);
  run r = open_run(m, n, d, oversampling);
  go(&r, a, 100, 1e-5);
  assert_true(r.report.residual <= 1e-5);
  assert_true(r.report.energy > 0 && r.report.energy <= 1 + 1e-6);
  double apart = distance(m, n, d, a, r.u, r.v);
  if (!(apart < 1e-3)) fail_msg("%zu x %zu at %zu: %g", m, n, d, apart);
  close_run(&r);
  free(a);
}

static void it_finds_the_best_approximation(void **state) {
  (void)state;
  check_shape(60, 60, 5, 4, 0.1f);
  check_shape(200, 40, 6, 5, 0.1f);
  check_shape(40, 200, 6, 5, 0.1f);
  check_shape(30, 30, 7, 0, 0.05f);
  check_shape(1, 9, 1, 3, 0.1f);
  check_shape(9, 1, 1, 0, 0.1f);
  check_shape(12, 12, 12, 8, 0.1f); /* all of it */
}

static void a_warm_start_takes_fewer_iterations(void **state) {
  (void)state;
  enum { N = 120, D = 6 };
  float *a = low_rank(N, N, D, 0.3f), *change = normals("change", N * N);
  run cold = open_run(N, N, D, 4);
  go(&cold, a, 200, 1e-4);
  for (size_t i = 0; i < N * N; i++) a[i] += 1e-4f * change[i];
  run other = open_run(N, N, D, 4);
  go(&other, a, 200, 1e-4);
  go(&cold, a, 200, 1e-4);
  assert_true(cold.report.iterations < other.report.iterations);
  assert_true(distance(N, N, D, a, cold.u, cold.v) < 1e-3);
  close_run(&cold);
  close_run(&other);
  free(a);
  free(change);
}

static void a_saved_basis_continues_exactly(void **state) {
  (void)state;
  enum { M = 50, N = 70, D = 4 };
  float *a = low_rank(M, N, D, 0.3f);
  run one = open_run(M, N, D, 3), two = open_run(M, N, D, 3);
  go(&one, a, 2, 0);
  size_t bytes = rs_subspace_width(one.subspace) * N * sizeof(float);
  assert_int_equal(rs_subspace_width(one.subspace), D + 3);
  memcpy(rs_subspace_basis(two.subspace), rs_subspace_basis(one.subspace), bytes);
  go(&one, a, 2, 0);
  go(&two, a, 2, 0);
  assert_memory_equal(one.u, two.u, M * D * sizeof(float));
  assert_memory_equal(one.v, two.v, D * N * sizeof(float));
  close_run(&one);
  close_run(&two);
  free(a);
}

static void few_iterations_say_so(void **state) {
  (void)state;
  float *a = normals("flat", 80 * 80); /* no gap anywhere */
  run r = open_run(80, 80, 8, 2);
  go(&r, a, 1, 1e-6);
  assert_int_equal(r.report.iterations, 1);
  assert_true(r.report.residual > 1e-6);
  close_run(&r);
  free(a);
}

static void degenerate_matrices(void **state) {
  (void)state;
  float *a = low_rank(30, 20, 2, 0); /* rank 2, asked for 5 */
  run r = open_run(30, 20, 5, 3);
  go(&r, a, 50, 1e-4);
  assert_true(distance(30, 20, 5, a, r.u, r.v) < 1e-4);
  memset(a, 0, 30 * 20 * sizeof *a);
  go(&r, a, 50, 1e-4);
  assert_true(rs_sum_squares(30 * 5, r.u) == 0 && r.report.energy == 1);
  a[17] = NAN;
  assert_fails(RS_ERR_NUMERIC, "30 x 20 matrix that holds NaN",
               rs_subspace_run(r.subspace, a, 5, 0, &r.report));
  close_run(&r);
  free(a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_finds_the_best_approximation),
      cmocka_unit_test(a_warm_start_takes_fewer_iterations),
      cmocka_unit_test(a_saved_basis_continues_exactly),
      cmocka_unit_test(few_iterations_say_so),
      cmocka_unit_test(degenerate_matrices),
  };
  return cmocka_run_group_tests_name("subspace", tests, NULL, NULL);
}
