/* num: activations, binary cross-entropy and the recurrence: the reference against differences in
 * double, the fast kernels against the reference, and what must not change a bit. */
#include "test.h"

#include <math.h>

#include "ref.h"
#include "ref_gru.h"

/* ---- activations --------------------------------------------------------------------------------
 */

static void activations_are_accurate(void **state) {
  (void)state;
  enum { N = 200001 };
  float *x, *s, *t;
  assert_ok(rs_new(&x, N, sizeof *x));
  assert_ok(rs_new(&s, N, sizeof *s));
  assert_ok(rs_new(&t, N, sizeof *t));
  for (size_t i = 0; i < N; i++) { /* from -80 to 80, dense near zero */
    double p = 2.0 * (double)i / (N - 1) - 1;
    x[i] = (float)(80 * p * p * p * p * p);
  }
  rs_sigmoid(N, x, s);
  rs_tanh(N, x, t);
  for (size_t i = 0; i < N; i++) {
    double want_s = rs_ref_sigmoid(x[i]), want_t = tanh(x[i]);
    if (!(fabs(s[i] - want_s) <= 5e-7 * want_s && fabs(t[i] - want_t) <= 5e-7 * fabs(want_t)))
      fail_msg("at %g: sigmoid %g, expected %g; tanh %g, expected %g", (double)x[i], (double)s[i],
               want_s, (double)t[i], want_t);
  }
  free(x);
  free(s);
  free(t);
}

static void activations_survive_the_extremes(void **state) {
  (void)state;
  float x[] = {NAN, INFINITY, -INFINITY, 1e30f, -1e30f, 0.0f, 1e-30f}, s[7], t[7];
  rs_sigmoid(7, x, s);
  rs_tanh(7, x, t);
  assert_true(isnan(s[0]) && isnan(t[0]));
  assert_true(s[1] == 1 && s[2] >= 0 && s[2] < 1e-30f && s[3] == 1 && s[4] < 1e-30f &&
              s[5] == 0.5f);
  assert_true(t[1] == 1 && t[2] == -1 && t[3] == 1 && t[4] == -1 && t[5] == 0 && t[6] == 1e-30f);
}

/* ---- problems -----------------------------------------------------------------------------------
 */

static double *random_doubles(const char *purpose, size_t n, double scale) {
  double *x;
  assert_ok(rs_new(&x, n, sizeof *x));
  rs_stream s = rs_stream_make(7, "test", purpose, 0);
  /* rounded, so that both versions get the same numbers */
  for (size_t i = 0; i < n; i++) x[i] = (float)(scale * (2.0 * rs_stream_uniform(&s, i) - 1.0));
  return x;
}

static float *to_floats(const double *x, size_t n) {
  float *y;
  assert_ok(rs_new(&y, n, sizeof *y));
  for (size_t i = 0; i < n; i++) y[i] = (float)x[i];
  return y;
}

/* |got - want| <= tolerance, relative to the largest element of WANT. */
static void assert_near(const char *what, const float *got, const double *want, size_t n,
                        double tolerance) {
  double largest = 1e-30;
  for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(want[i]));
  for (size_t i = 0; i < n; i++)
    if (!(fabs(got[i] - want[i]) <= tolerance * largest))
      fail_msg("%s, element %zu: got %g, expected %g", what, i, (double)got[i], want[i]);
}

/* ---- binary cross-entropy -----------------------------------------------------------------------
 */

enum { M = 37, N = 21 };

static void reference_cross_entropy_matches_differences(void **state) {
  (void)state;
  double *x = random_doubles("logits", M * N, 4), *t = random_doubles("targets", M * N, 1);
  double *w = random_doubles("weights", M, 1), g[M * N];
  for (size_t i = 0; i < M * N; i++) t[i] = fabs(t[i]);
  rs_ref_sigmoid_cross_entropy(M, N, x, t, w, 1, g);
  for (size_t i = 0; i < M * N; i++) {
    double at = x[i], h = 1e-5;
    x[i] = at + h;
    double above = rs_ref_sigmoid_cross_entropy(M, N, x, t, w, 1, NULL);
    x[i] = at - h;
    double below = rs_ref_sigmoid_cross_entropy(M, N, x, t, w, 1, NULL);
    x[i] = at;
    assert_true(fabs((above - below) / (2 * h) - g[i]) < 1e-6);
  }
  free(x);
  free(t);
  free(w);
}

static void cross_entropy_matches_the_reference(void **state) {
  (void)state;
  double *x = random_doubles("logits", M * N, 9), *t = random_doubles("targets", M * N, 1);
  double *w = random_doubles("weights", M, 1), want[M * N];
  for (size_t i = 0; i < M * N; i++) t[i] = fabs(t[i]);
  for (size_t i = 0; i < M; i++) w[i] = fabs(w[i]);
  w[3] = 0;
  float *fx = to_floats(x, M * N), *ft = to_floats(t, M * N), *fw = to_floats(w, M), got[M * N];
  double loss_want = rs_ref_sigmoid_cross_entropy(M, N, x, t, w, 0.25, want);
  double loss = rs_sigmoid_cross_entropy(M, N, fx, ft, fw, NULL, 0.25f, got);
  assert_true(fabs(loss - loss_want) < 1e-6 * loss_want);
  assert_near("gradient", got, want, M * N, 1e-6);
  assert_true(rs_sigmoid_cross_entropy(M, N, fx, ft, fw, NULL, 0.25f, NULL) == loss);
  rs_sigmoid_cross_entropy(M, N, fx, ft, fw, NULL, 0.25f, fx); /* in place */
  assert_memory_equal(fx, got, sizeof got);
  free(x);
  free(t);
  free(w);
  free(fx);
  free(ft);
  free(fw);
}

/* Of each row with its own weights: the reference takes one row and element at a time. */
static void emphasis_weighs_elements(void **state) {
  (void)state;
  double *x = random_doubles("logits", M * N, 9), *t = random_doubles("targets", M * N, 1);
  double *e = random_doubles("emphasis", M * N, 1), want = 0, gradient[M * N];
  for (size_t i = 0; i < M * N; i++) {
    t[i] = fabs(t[i]);
    e[i] = fabs(e[i]);
    want += rs_ref_sigmoid_cross_entropy(1, 1, &x[i], &t[i], &e[i], 0.5, &gradient[i]);
  }
  float *fx = to_floats(x, M * N), *ft = to_floats(t, M * N), *fe = to_floats(e, M * N);
  float got[M * N];
  double loss = rs_sigmoid_cross_entropy(M, N, fx, ft, NULL, fe, 0.5f, got);
  assert_true(fabs(loss - want) < 1e-5 * want);
  assert_near("gradient", got, gradient, M * N, 1e-6);
  free(x);
  free(t);
  free(e);
  free(fx);
  free(ft);
  free(fe);
}

static void cross_entropy_survives_large_logits_and_padding(void **state) {
  (void)state;
  float x[4] = {1e30f, -1e30f, NAN, INFINITY}, t[4] = {1, 0, 1, 0}, w[2] = {1, 0}, g[4];
  assert_true(rs_sigmoid_cross_entropy(2, 2, x, t, w, NULL, 1, g) < 1e-30);
  assert_true(fabsf(g[0]) < 1e-30f && fabsf(g[1]) < 1e-30f && g[2] == 0 && g[3] == 0);
  w[1] = 1;
  assert_true(isnan(rs_sigmoid_cross_entropy(2, 2, x, t, w, NULL, 1, g)));
}

/* ---- recurrence ---------------------------------------------------------------------------------
 */

/* One layer in both precisions, states [0] random. Biases of z and r are in the gates' input. */
typedef struct layer {
  rs_ref_gru ref;
  double *x, *kernel, *recurrent, *bias, *dy;
  float *fast_recurrent, *q_bias, *states, *gates, *products, *fast_dy;
  rs_gru_plan *plan;
} layer;

static layer make_layer(size_t frames, size_t rows, size_t in, size_t units,
                        const uint32_t *lengths) {
  layer l = {.x = random_doubles("x", frames * rows * in, 1),
             .kernel = random_doubles("kernel", in * 3 * units, 0.8),
             .recurrent = random_doubles("recurrent", units * 3 * units, 2 / sqrt((double)units)),
             .bias = random_doubles("bias", 2 * 3 * units, 0.5),
             .dy = random_doubles("dy", frames * rows * units, 1)};
  double *states = random_doubles("states", (frames + 1) * rows * units, 0.7);
  l.ref =
      (rs_ref_gru){frames, rows, in, units, lengths, l.x, l.kernel, l.recurrent, l.bias, states};
  l.fast_recurrent = to_floats(l.recurrent, units * 3 * units);
  l.q_bias = to_floats(l.bias + 5 * units, units);
  l.states = to_floats(states, (frames + 1) * rows * units);
  l.fast_dy = to_floats(l.dy, frames * rows * units);
  assert_ok(rs_new(&l.gates, frames * rows * 3 * units, sizeof(float)));
  assert_ok(rs_new(&l.products, frames * rows * 3 * units, sizeof(float)));
  assert_ok(rs_gru_plan_create(units, 0, rows, true, &l.plan));
  rs_gru_plan_pack(l.plan, l.fast_recurrent);
  return l;
}

static void free_layer(layer *l) {
  double *wide[] = {l->x, l->kernel, l->recurrent, l->bias, l->dy, l->ref.states};
  float *narrow[] = {l->fast_recurrent, l->q_bias, l->states, l->gates, l->products, l->fast_dy};
  for (size_t i = 0; i < RS_COUNT(wide); i++) free(wide[i]);
  for (size_t i = 0; i < RS_COUNT(narrow); i++) free(narrow[i]);
  rs_gru_plan_destroy(l->plan);
}

/* What the input gives the gates, by the slow product. */
static void fill_gates(layer *l) {
  const rs_ref_gru *g = &l->ref;
  size_t u = g->units;
  for (size_t at = 0; at < g->frames * g->rows; at++)
    for (size_t j = 0; j < 3 * u; j++) {
      double sum = g->bias[j] + (j < 2 * u ? g->bias[3 * u + j] : 0);
      for (size_t i = 0; i < g->in; i++) sum += g->x[at * g->in + i] * g->kernel[i * 3 * u + j];
      l->gates[at * 3 * u + j] = (float)sum;
    }
}

static rs_gru_pass pass_of(const layer *l) {
  return (rs_gru_pass){l->ref.frames, l->ref.rows, l->ref.lengths, l->q_bias,
                       l->states,     l->gates,    l->products};
}

static double *new_doubles(size_t n) {
  double *x;
  assert_ok(rs_new(&x, n, sizeof *x));
  return x;
}

static rs_ref_gru_gradients make_gradients(const rs_ref_gru *g) {
  return (rs_ref_gru_gradients){new_doubles(g->frames * g->rows * g->in),
                                new_doubles(g->in * 3 * g->units),
                                new_doubles(g->units * 3 * g->units), new_doubles(2 * 3 * g->units),
                                new_doubles(g->rows * g->units)};
}

static void free_gradients(rs_ref_gru_gradients *d) {
  free(d->dx);
  free(d->dkernel);
  free(d->drecurrent);
  free(d->dbias);
  free(d->dfirst);
}

static const uint32_t some_lengths[] = {5, 2, 0, 4, 1, 5, 3, 5, 2, 4, 5, 1, 3, 5, 5, 2, 4};

static double weighted_states(const layer *l) {
  const rs_ref_gru *g = &l->ref;
  double sum = 0;
  rs_ref_gru_forward(g);
  for (size_t i = 0; i < g->frames * g->rows * g->units; i++)
    sum += l->dy[i] * g->states[g->rows * g->units + i];
  return sum;
}

static void check_differences(const layer *l, const char *what, double *values, size_t n,
                              const double *gradient) {
  for (size_t i = 0; i < n; i++) {
    double at = values[i], h = 1e-5;
    values[i] = at + h;
    double above = weighted_states(l);
    values[i] = at - h;
    double below = weighted_states(l);
    values[i] = at;
    if (!(fabs((above - below) / (2 * h) - gradient[i]) < 1e-7 * (1 + fabs(gradient[i]))))
      fail_msg("%s, element %zu: gradient %.12g, difference %.12g", what, i, gradient[i],
               (above - below) / (2 * h));
  }
}

static void reference_gradients_match_differences(void **state) {
  (void)state;
  const uint32_t *lengths[] = {NULL, some_lengths};
  for (size_t k = 0; k < 2; k++) {
    layer l = make_layer(5, 4, 3, 4, lengths[k]);
    rs_ref_gru_gradients d = make_gradients(&l.ref);
    rs_ref_gru_forward(&l.ref);
    rs_ref_gru_backward(&l.ref, l.dy, &d);
    check_differences(&l, "x", l.x, 5 * 4 * 3, d.dx);
    check_differences(&l, "kernel", l.kernel, 3 * 12, d.dkernel);
    check_differences(&l, "recurrent kernel", l.recurrent, 4 * 12, d.drecurrent);
    check_differences(&l, "bias", l.bias, 24, d.dbias);
    check_differences(&l, "first states", l.ref.states, 4 * 4, d.dfirst);
    free_gradients(&d);
    free_layer(&l);
  }
}

/* Gradients of the parameters from those of the two parts, by the slow products. */
static void check_gradients(const layer *l, const rs_ref_gru_gradients *want) {
  const rs_ref_gru *g = &l->ref;
  size_t u = g->units, m = g->frames * g->rows;
  float *x = to_floats(l->x, m * g->in), *kernel = to_floats(want->dkernel, g->in * 3 * u);
  float *recurrent = to_floats(want->drecurrent, u * 3 * u), *bias = to_floats(want->dbias, 6 * u);
  rs_ref_gemm(RS_GEMM_TN, g->in, 3 * u, m, x, l->gates, kernel, NULL);
  rs_ref_gemm(RS_GEMM_TN, u, 3 * u, m, l->states, l->products, recurrent, NULL);
  rs_ref_column_sums(m, 3 * u, l->gates, bias);
  rs_ref_column_sums(m, 3 * u, l->products, bias + 3 * u);
  assert_near("kernel", kernel, want->dkernel, g->in * 3 * u, 5e-6);
  assert_near("recurrent kernel", recurrent, want->drecurrent, u * 3 * u, 5e-6);
  assert_near("bias", bias, want->dbias, 6 * u, 5e-6);
  free(x);
  free(kernel);
  free(recurrent);
  free(bias);
}

/* Shapes that fill tiles, leave rests in rows and units, and have more rows than a tile of sums. */
static void recurrence_matches_the_reference(void **state) {
  (void)state;
  static const size_t shapes[][3] = {{1, 1, 1},  {5, 4, 8},   {5, 17, 19},
                                     {5, 6, 16}, {4, 3, 129}, {2, 70, 9}};
  for (size_t i = 0; i < RS_COUNT(shapes); i++)
    for (size_t padded = 0; padded < 2; padded++) {
      size_t frames = shapes[i][0], rows = shapes[i][1], units = shapes[i][2];
      uint32_t lengths[70];
      for (size_t k = 0; k < rows; k++)
        lengths[k] = (uint32_t)(some_lengths[k % RS_COUNT(some_lengths)] % (frames + 1));
      layer l = make_layer(frames, rows, 6, units, padded ? lengths : NULL);
      rs_ref_gru_gradients d = make_gradients(&l.ref);
      rs_gru_pass pass = pass_of(&l);
      rs_ref_gru_forward(&l.ref);
      fill_gates(&l);
      rs_gru_forward(l.plan, &pass);
      assert_near("states", l.states, l.ref.states, (frames + 1) * rows * units, 2e-6);
      rs_ref_gru_backward(&l.ref, l.dy, &d);
      rs_gru_backward(l.plan, &pass, l.fast_dy);
      check_gradients(&l, &d);
      free_gradients(&d);
      free_layer(&l);
    }
}

/* Through the factors, the same as through their product. */
static void factors_match_their_product(void **state) {
  (void)state;
  enum { FRAMES = 5, ROWS = 9, UNITS = 21, D = 5 };
  layer l = make_layer(FRAMES, ROWS, 6, UNITS, some_lengths);
  double *first = random_doubles("first", UNITS * D, 0.7),
         *second = random_doubles("second", D * 3 * UNITS, 0.7);
  float *fast_first = to_floats(first, UNITS * D), *fast_second = to_floats(second, D * 3 * UNITS);
  rs_gru_plan *plan;
  for (size_t i = 0; i < UNITS; i++)
    for (size_t j = 0; j < 3 * UNITS; j++) {
      double sum = 0;
      for (size_t k = 0; k < D; k++) sum += first[i * D + k] * second[k * 3 * UNITS + j];
      l.recurrent[i * 3 * UNITS + j] = sum;
    }
  assert_ok(rs_gru_plan_create(UNITS, D, ROWS, false, &plan));
  rs_gru_plan_pack_factors(plan, fast_first, fast_second);
  rs_gru_pass pass = pass_of(&l);
  pass.products = NULL;
  fill_gates(&l);
  rs_gru_forward(plan, &pass);
  rs_ref_gru_forward(&l.ref);
  assert_near("states", l.states, l.ref.states, (FRAMES + 1) * ROWS * UNITS, 2e-6);
  rs_gru_plan_destroy(plan);
  free(first);
  free(second);
  free(fast_first);
  free(fast_second);
  free_layer(&l);
}

static void recurrence_does_not_depend_on_threads(void **state) {
  (void)state;
  enum { FRAMES = 4, ROWS = 17, UNITS = 75 };
  layer one = make_layer(FRAMES, ROWS, 6, UNITS, NULL);
  for (int threads = 2; threads <= 3; threads++) {
    layer more = make_layer(FRAMES, ROWS, 6, UNITS, NULL), *layers[] = {&one, &more};
    one.states[0] = more.states[0]; /* both start anew: gates are overwritten */
    for (int i = 0; i < 2; i++) {
      rs_num_set_threads(i == 0 ? 1 : threads);
      rs_gru_pass pass = pass_of(layers[i]);
      fill_gates(layers[i]);
      rs_gru_forward(layers[i]->plan, &pass);
      rs_gru_backward(layers[i]->plan, &pass, layers[i]->fast_dy);
    }
    assert_memory_equal(one.states, more.states, (FRAMES + 1) * ROWS * UNITS * sizeof(float));
    assert_memory_equal(one.gates, more.gates, FRAMES * ROWS * 3 * UNITS * sizeof(float));
    assert_memory_equal(one.products, more.products, FRAMES * ROWS * 3 * UNITS * sizeof(float));
    free_layer(&more);
  }
  rs_num_set_threads(2);
  free_layer(&one);
}

/* ---- orthonormal rows ---------------------------------------------------------------------------
 */

static void orthonormal_rows_are(void **state) {
  (void)state;
  enum { ROWS = 20, COLUMNS = 60 };
  double *start = random_doubles("rows", ROWS * COLUMNS, 1);
  float *a = to_floats(start, ROWS * COLUMNS), *b = to_floats(start, ROWS * COLUMNS),
        gram[ROWS * ROWS];
  assert_ok(rs_orthonormal_rows(ROWS, COLUMNS, a));
  rs_ref_gemm(RS_GEMM_NT, ROWS, ROWS, COLUMNS, a, a, gram, NULL);
  for (size_t i = 0; i < ROWS * ROWS; i++)
    assert_true(fabs((double)gram[i] - (i % (ROWS + 1) == 0)) < 1e-5);
  double along = 0; /* R's diagonal is positive: the first row keeps its direction */
  for (size_t j = 0; j < COLUMNS; j++) along += a[j] * start[j];
  assert_true(along > 0);
  rs_num_set_threads(1);
  assert_ok(rs_orthonormal_rows(ROWS, COLUMNS, b));
  rs_num_set_threads(2);
  assert_memory_equal(a, b, ROWS * COLUMNS * sizeof *a);
  free(start);
  free(a);
  free(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(activations_are_accurate),
      cmocka_unit_test(activations_survive_the_extremes),
      cmocka_unit_test(reference_cross_entropy_matches_differences),
      cmocka_unit_test(cross_entropy_matches_the_reference),
      cmocka_unit_test(emphasis_weighs_elements),
      cmocka_unit_test(cross_entropy_survives_large_logits_and_padding),
      cmocka_unit_test(reference_gradients_match_differences),
      cmocka_unit_test(recurrence_matches_the_reference),
      cmocka_unit_test(factors_match_their_product),
      cmocka_unit_test(recurrence_does_not_depend_on_threads),
      cmocka_unit_test(orthonormal_rows_are),
  };
  rs_num_set_threads(2);
  return cmocka_run_group_tests_name("gru", tests, NULL, NULL);
}
