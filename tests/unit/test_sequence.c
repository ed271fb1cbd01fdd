/* nn: sequence networks: padding, threads, dropout, streaming, contents. */
#include "sequence_nets.h"

#include <math.h>

static void assert_close(const char *what, const float *got, const float *want, size_t n,
                         double tolerance) {
  for (size_t i = 0; i < n; i++)
    if (!(fabs((double)got[i] - want[i]) <= tolerance * (1 + fabs((double)want[i]))))
      fail_msg("%s, element %zu: got %g, expected %g", what, i, (double)got[i], (double)want[i]);
}

/* ---- padding ------------------------------------------------------------------------------------
 */

/* Forward and backward of BATCH, with the loss's gradient 1 in valid frames and 0 in others. */
static void run_masked(const rs_sequence_net *net, const rs_sequence_batch *batch, float *output,
                       float *gradients) {
  rs_sequence_workspace *ws = make_workspace(net, true);
  size_t out = net->layers[net->n_layers - 1].spec.out, size = output_size(net, batch);
  memcpy(output, rs_sequence_forward(net, ws, batch), size * sizeof *output);
  float *dy = rs_sequence_output_gradient(ws);
  for (size_t i = 0; i < size; i++) {
    size_t frame = i / out / batch->rows, row = i / out % batch->rows;
    dy[i] = batch->lengths == NULL || frame < batch->lengths[row] ? 1 : 0;
  }
  assert_ok(rs_sequence_backward(net, ws, batch, gradients, NULL, NULL));
  rs_sequence_workspace_destroy(ws);
}

static void padding_equals_shorter_sequences(void **state) {
  (void)state;
  enum { OUT = 3 };
  rs_sequence_net *net = make_net(denoiser, RS_COUNT(denoiser));
  float *x = random_array("x", FRAMES * ROWS * IN), output[FRAMES * ROWS * OUT];
  float *all = random_array("g", net->size), *one = random_array("g", net->size);
  float *sum = random_array("g", net->size);
  memset(sum, 0, net->size * sizeof *sum);
  run_masked(net, &(rs_sequence_batch){FRAMES, ROWS, x, lengths, &dropout, false, 0, NULL}, output,
             all);
  for (size_t row = 0; row < ROWS; row++) {
    float alone[FRAMES * IN], alone_output[FRAMES * OUT];
    rs_sequence_dropout d = dropout;
    d.samples = &samples[row];
    for (size_t t = 0; t < lengths[row]; t++)
      memcpy(alone + t * IN, x + (t * ROWS + row) * IN, IN * sizeof *x);
    run_masked(net, &(rs_sequence_batch){lengths[row], 1, alone, NULL, &d, false, 0, NULL},
               alone_output, one);
    for (size_t t = 0; t < lengths[row]; t++)
      assert_close("output", output + (t * ROWS + row) * OUT, alone_output + t * OUT, OUT, 1e-6);
    for (size_t i = 0; i < net->size; i++) sum[i] += one[i];
  }
  assert_close("gradient", all, sum, net->size, 1e-5);
  free(x);
  free(all);
  free(one);
  free(sum);
  rs_sequence_destroy(net);
}

static void what_padding_holds_does_not_matter(void **state) {
  (void)state;
  enum { OUT = 3 };
  rs_sequence_net *net = make_net(denoiser, RS_COUNT(denoiser));
  float *x = random_array("x", FRAMES * ROWS * IN), first[FRAMES * ROWS * OUT],
        second[FRAMES * ROWS * OUT];
  float *one = random_array("g", net->size), *other = random_array("g", net->size);
  const rs_sequence_batch batch = {FRAMES, ROWS, x, lengths, &dropout, false, 0, NULL};
  run_masked(net, &batch, first, one);
  for (size_t t = 0; t < FRAMES; t++)
    for (size_t row = 0; row < ROWS; row++)
      for (size_t i = 0; i < IN && t >= lengths[row]; i++) x[(t * ROWS + row) * IN + i] = 1e6f;
  run_masked(net, &batch, second, other);
  for (size_t t = 0; t < FRAMES; t++)
    for (size_t row = 0; row < ROWS; row++)
      if (t < lengths[row])
        assert_memory_equal(first + (t * ROWS + row) * OUT, second + (t * ROWS + row) * OUT,
                            OUT * sizeof *first);
  assert_memory_equal(one, other, net->size * sizeof *one);
  free(x);
  free(one);
  free(other);
  rs_sequence_destroy(net);
}

/* A rank may have nothing of a short batch. */
static void no_sequences_give_zero_gradients(void **state) {
  (void)state;
  rs_sequence_net *net = make_net(denoiser, RS_COUNT(denoiser));
  float *gradients = random_array("g", net->size), output[1];
  run_masked(net, &(rs_sequence_batch){FRAMES, 0, output, NULL, NULL, false, 0, NULL}, output,
             gradients);
  for (size_t i = 0; i < net->size; i++) assert_true(gradients[i] == 0);
  free(gradients);
  rs_sequence_destroy(net);
}

/* ---- threads ------------------------------------------------------------------------------------
 */

static void passes_do_not_depend_on_threads(void **state) {
  (void)state;
  enum { T = 7, B = 13, BINS = 65, UNITS = 96, OUT = 3 };
  static const rs_sequence_spec layers[] = {
      {.kind = RS_SEQUENCE_GRU, .in = BINS, .out = UNITS},
      {.kind = RS_SEQUENCE_DROPOUT, .in = UNITS, .rate = 0.25},
      {.kind = RS_SEQUENCE_DENSE, .in = UNITS, .out = BINS, .activation = RS_RELU}};
  static const uint32_t b_samples[B] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  rs_sequence_dropout d = dropout;
  d.samples = b_samples;
  rs_sequence_net *net = make_net(layers, RS_COUNT(layers));
  float *x = random_array("x", T * B * BINS), *outputs[2], *gradients[2];
  const rs_sequence_batch batch = {T, B, x, NULL, &d, false, 0, NULL};
  for (int i = 0; i < 2; i++) {
    rs_sequence_workspace *ws;
    rs_num_set_threads(i == 0 ? 1 : 2);
    outputs[i] = random_array("y", T * B * BINS);
    gradients[i] = random_array("g", net->size);
    assert_ok(rs_sequence_workspace_create(net, T, B, true, &ws));
    memcpy(outputs[i], rs_sequence_forward(net, ws, &batch), T * B * BINS * sizeof(float));
    fill("dy", T * B * BINS, rs_sequence_output_gradient(ws));
    assert_ok(rs_sequence_backward(net, ws, &batch, gradients[i], NULL, NULL));
    rs_sequence_workspace_destroy(ws);
  }
  assert_memory_equal(outputs[0], outputs[1], T * B * BINS * sizeof(float));
  assert_memory_equal(gradients[0], gradients[1], net->size * sizeof(float));
  free(x);
  for (int i = 0; i < 2; i++) {
    free(outputs[i]);
    free(gradients[i]);
  }
  rs_sequence_destroy(net);
}

/* ---- dropout ------------------------------------------------------------------------------------
 */

enum { DROP_T = 20, DROP_B = 8, DROP_N = 301 };

static float *drop_ones(size_t first, size_t rows, uint64_t step, double rate) {
  const rs_sequence_spec spec = {.kind = RS_SEQUENCE_DROPOUT, .in = DROP_N, .rate = rate};
  uint32_t drop_samples[DROP_B];
  rs_sequence_net *net;
  rs_sequence_workspace *ws;
  float *y, *x;
  size_t size = DROP_T * rows * DROP_N;
  for (size_t i = 0; i < rows; i++) drop_samples[i] = (uint32_t)(first + i);
  rs_sequence_dropout d = {1, "test", step, drop_samples};
  assert_ok(rs_new(&x, size, sizeof *x));
  assert_ok(rs_new(&y, size, sizeof *y));
  for (size_t i = 0; i < size; i++) x[i] = 1;
  assert_ok(rs_sequence_create(&spec, 1, &net));
  assert_ok(rs_sequence_workspace_create(net, DROP_T, rows, true, &ws));
  rs_sequence_batch batch = {DROP_T, rows, x, NULL, &d, false, 0, NULL};
  memcpy(y, rs_sequence_forward(net, ws, &batch), size * sizeof *y);
  rs_sequence_workspace_destroy(ws);
  rs_sequence_destroy(net);
  free(x);
  return y;
}

static void dropout_keeps_its_share_and_the_mean(void **state) {
  (void)state;
  float *y = drop_ones(0, DROP_B, 1, 0.2);
  size_t size = DROP_T * DROP_B * DROP_N, kept = 0;
  for (size_t i = 0; i < size; i++) {
    assert_true(y[i] == 0 || fabs((double)y[i] - 1.25) < 1e-4);
    kept += y[i] != 0;
  }
  double share = (double)kept / (double)size, sigma = sqrt(0.2 * 0.8 / (double)size);
  assert_true(fabs(share - 0.8) < 4 * sigma);
  free(y);
}

static void dropout_masks_do_not_depend_on_the_split(void **state) {
  (void)state;
  float *whole = drop_ones(0, DROP_B, 1, 0.5), *half = drop_ones(4, 4, 1, 0.5);
  for (size_t t = 0; t < DROP_T; t++)
    assert_memory_equal(whole + (t * DROP_B + 4) * DROP_N, half + t * 4 * DROP_N,
                        4 * DROP_N * sizeof *whole);
  free(whole);
  free(half);
}

/* Share of equal elements of two rows of masks; 0.5 when they have nothing to do with each other.
 */
static bool unrelated(const float *a, const float *b, size_t n) {
  size_t equal = 0;
  for (size_t i = 0; i < n; i++) equal += a[i] == b[i];
  return fabs((double)equal / (double)n - 0.5) < 0.15;
}

static void dropout_masks_differ_everywhere(void **state) {
  (void)state;
  float *y = drop_ones(0, DROP_B, 1, 0.5), *next = drop_ones(0, DROP_B, 2, 0.5);
  for (size_t t = 0; t + 1 < DROP_T; t++)
    for (size_t row = 0; row + 1 < DROP_B; row++) {
      const float *at = y + (t * DROP_B + row) * DROP_N;
      assert_true(unrelated(at, at + DROP_N, DROP_N));          /* sequences */
      assert_true(unrelated(at, at + DROP_B * DROP_N, DROP_N)); /* frames */
      assert_true(unrelated(at, next + (at - y), DROP_N));      /* steps */
      assert_true(unrelated(at, at + 8, DROP_N - 8));           /* units */
      assert_true(unrelated(at, at + 1, DROP_N - 1));
    }
  free(y);
  free(next);
}

static void evaluation_drops_nothing(void **state) {
  (void)state;
  const rs_sequence_spec spec = {.kind = RS_SEQUENCE_DROPOUT, .in = IN, .rate = 0.9};
  rs_sequence_net *net = make_net(&spec, 1);
  rs_sequence_workspace *ws = make_workspace(net, false);
  float *x = random_array("x", FRAMES * ROWS * IN);
  rs_sequence_batch batch = {FRAMES, ROWS, x, NULL, NULL, false, 0, NULL};
  assert_memory_equal(rs_sequence_forward(net, ws, &batch), x, FRAMES * ROWS * IN * sizeof *x);
  free(x);
  rs_sequence_workspace_destroy(ws);
  rs_sequence_destroy(net);
}

/* ---- inference ----------------------------------------------------------------------------------
 */

/* In pieces of 2, 1 and 2 frames the same as at once. */
static void pieces_of_a_sequence_continue(void **state) {
  (void)state;
  enum { OUT = 3 };
  static const size_t pieces[] = {2, 1, 2};
  rs_sequence_net *net = make_net(denoiser, RS_COUNT(denoiser));
  rs_sequence_workspace *ws = make_workspace(net, false);
  float *x = random_array("x", FRAMES * ROWS * IN), want[FRAMES * ROWS * OUT];
  rs_sequence_batch batch = {FRAMES, ROWS, x, NULL, NULL, false, 0, NULL};
  memcpy(want, rs_sequence_forward(net, ws, &batch), sizeof want);
  size_t done = 0;
  for (size_t i = 0; i < RS_COUNT(pieces); done += pieces[i++]) {
    batch = (rs_sequence_batch){pieces[i], ROWS, x + done * ROWS * IN, NULL, NULL, i > 0, 0, NULL};
    const float *got = rs_sequence_forward(net, ws, &batch);
    assert_close("piece", got, want + done * ROWS * OUT, pieces[i] * ROWS * OUT, 1e-6);
  }
  free(x);
  rs_sequence_workspace_destroy(ws);
  rs_sequence_destroy(net);
}

static void factored_networks_match_their_product(void **state) {
  (void)state;
  enum { UNITS = 21, D = 3 };
  const rs_sequence_spec factored = {RS_SEQUENCE_GRU, IN, UNITS, D, RS_LINEAR, 0};
  const rs_sequence_spec whole = {RS_SEQUENCE_GRU, IN, UNITS, 0, RS_LINEAR, 0};
  rs_sequence_net *net = make_net(&factored, 1), *product = make_net(&whole, 1);
  const rs_sequence_layer *f = net->layers, *w = product->layers;
  rs_gemm(RS_GEMM_NN, IN, 3 * UNITS, D, net->values + f->base.u, net->values + f->base.v,
          product->values + w->base.kernel, NULL);
  rs_gemm(RS_GEMM_NN, UNITS, 3 * UNITS, D, net->values + f->recurrent_u,
          net->values + f->recurrent_v, product->values + w->recurrent, NULL);
  memcpy(product->values + w->base.bias, net->values + f->base.bias, 6 * UNITS * sizeof(float));
  rs_sequence_workspace *ws = make_workspace(net, false), *other = make_workspace(product, false);
  rs_sequence_workspace *none;
  float *x = random_array("x", FRAMES * ROWS * IN);
  rs_sequence_batch batch = {FRAMES, ROWS, x, lengths, NULL, false, 0, NULL};
  assert_close("output", rs_sequence_forward(net, ws, &batch),
               rs_sequence_forward(product, other, &batch), FRAMES * ROWS * UNITS, 2e-6);
  assert_fails(RS_ERR_USAGE, "gru1: a recurrent layer of svd rank 3",
               rs_sequence_workspace_create(net, FRAMES, ROWS, true, &none));
  assert_null(none);
  free(x);
  rs_sequence_workspace_destroy(ws);
  rs_sequence_workspace_destroy(other);
  rs_sequence_destroy(net);
  rs_sequence_destroy(product);
}

static void a_nan_names_its_layer(void **state) {
  (void)state;
  rs_sequence_net *net = make_net(denoiser, RS_COUNT(denoiser));
  rs_sequence_workspace *ws = make_workspace(net, false);
  float *x = random_array("x", FRAMES * ROWS * IN);
  rs_sequence_batch batch = {FRAMES, ROWS, x, NULL, NULL, false, 0, NULL};
  (void)rs_sequence_forward(net, ws, &batch);
  assert_null(rs_sequence_not_finite(net, ws));
  net->values[net->layers[2].recurrent] = NAN;
  (void)rs_sequence_forward(net, ws, &batch);
  assert_string_equal(rs_sequence_not_finite(net, ws), "gru2");
  free(x);
  rs_sequence_workspace_destroy(ws);
  rs_sequence_destroy(net);
}

/* ---- contents -----------------------------------------------------------------------------------
 */

static void parameters_have_names_and_survive_a_bundle(void **state) {
  (void)state;
  static const char *const names[] = {
      "gru1/kernel", "gru1/recurrent_kernel", "gru1/bias",  "gru2/kernel", "gru2/recurrent_kernel",
      "gru2/bias",   "dense1/kernel",         "dense1/bias"};
  rs_sequence_net *net = make_net(denoiser, RS_COUNT(denoiser)),
                  *copy = make_net(denoiser, RS_COUNT(denoiser)),
                  *other = make_net(encoder, RS_COUNT(encoder));
  rs_bundle b = {0};
  assert_int_equal(net->n_params, RS_COUNT(names));
  for (size_t i = 0; i < RS_COUNT(names); i++) assert_string_equal(net->params[i].name, names[i]);
  assert_ok(rs_sequence_save(net, &b));
  assert_int_equal(rs_bundle_find(&b, "gru1/bias")->dims[0], 2);
  assert_int_equal(rs_bundle_find(&b, "gru1/bias")->dims[1], 27);
  memset(copy->values, 0, copy->size * sizeof *copy->values);
  assert_ok(rs_sequence_load(copy, &b));
  assert_memory_equal(net->values, copy->values, net->size * sizeof *net->values);
  assert_fails(RS_ERR_DATA, "tensor \"gru1/kernel\"", rs_sequence_load(other, &b));
  rs_bundle_free(&b);
  rs_sequence_destroy(net);
  rs_sequence_destroy(copy);
  rs_sequence_destroy(other);
}

static void first_values_are_as_they_should(void **state) {
  (void)state;
  enum { UNITS = 32 };
  const rs_sequence_spec spec = {.kind = RS_SEQUENCE_GRU, .in = IN, .out = UNITS};
  rs_sequence_net *net;
  double limit = sqrt(6.0 / (IN + 3 * UNITS)), largest = 0;
  assert_ok(rs_sequence_create(&spec, 1, &net));
  assert_ok(rs_sequence_init(net, 1, "test"));
  const rs_sequence_layer *l = net->layers;
  const float *r = net->values + l->recurrent;
  for (size_t i = 0; i < IN * 3 * UNITS; i++)
    largest = fmax(largest, fabs((double)net->values[l->base.kernel + i]));
  assert_true(largest <= limit && largest > 0.95 * limit);
  for (size_t i = 0; i < UNITS; i++)
    for (size_t k = 0; k < UNITS; k++) {
      double dot = 0;
      for (size_t j = 0; j < 3 * UNITS; j++)
        dot += (double)r[i * 3 * UNITS + j] * r[k * 3 * UNITS + j];
      assert_true(fabs(dot - (i == k)) < 1e-5);
    }
  for (size_t i = 0; i < 6 * UNITS; i++) assert_true(net->values[l->base.bias + i] == 0);
  rs_sequence_destroy(net);
}

typedef struct ranges {
  size_t end, calls;
} ranges;

/* Each range ends where the one before began. */
static rs_status note_range(void *user, size_t first, size_t size) {
  ranges *r = user;
  assert_int_equal(first + size, r->end);
  r->end = first;
  r->calls++;
  return RS_OK;
}

static rs_status stop_at_once(void *user, size_t first, size_t size) {
  (void)user;
  (void)first;
  (void)size;
  return rs_fail(RS_ERR_LOST, "stopped");
}

static void ranges_come_last_first(void **state) {
  (void)state;
  rs_sequence_net *net = make_net(denoiser, RS_COUNT(denoiser));
  rs_sequence_workspace *ws = make_workspace(net, true);
  float *x = random_array("x", FRAMES * ROWS * IN), *g = random_array("g", net->size);
  rs_sequence_batch batch = {FRAMES, ROWS, x, NULL, &dropout, false, 0, NULL};
  ranges r = {.end = net->size};
  (void)rs_sequence_forward(net, ws, &batch);
  assert_ok(rs_sequence_backward(net, ws, &batch, g, note_range, &r));
  assert_int_equal(r.end, 0);
  assert_int_equal(r.calls, 3);
  assert_fails(RS_ERR_LOST, "stopped",
               rs_sequence_backward(net, ws, &batch, g, stop_at_once, NULL));
  free(x);
  free(g);
  rs_sequence_workspace_destroy(ws);
  rs_sequence_destroy(net);
}

static void operations_are_counted(void **state) {
  (void)state;
  rs_sequence_net *net = make_net(encoder, RS_COUNT(encoder));
  double gru = 2.0 * 3 * 7 * (IN + 7), input = 2.0 * 3 * 7 * IN, dense = 2.0 * 7 * 6;
  assert_true(fabs(rs_sequence_flops(net, 10, false) - (10 * gru + dense)) < 1e-9);
  assert_true(fabs(rs_sequence_flops(net, 10, true) - (30 * gru - 10 * input + 3 * dense)) < 1e-9);
  rs_sequence_destroy(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(padding_equals_shorter_sequences),
      cmocka_unit_test(what_padding_holds_does_not_matter),
      cmocka_unit_test(no_sequences_give_zero_gradients),
      cmocka_unit_test(passes_do_not_depend_on_threads),
      cmocka_unit_test(dropout_keeps_its_share_and_the_mean),
      cmocka_unit_test(dropout_masks_do_not_depend_on_the_split),
      cmocka_unit_test(dropout_masks_differ_everywhere),
      cmocka_unit_test(evaluation_drops_nothing),
      cmocka_unit_test(pieces_of_a_sequence_continue),
      cmocka_unit_test(factored_networks_match_their_product),
      cmocka_unit_test(a_nan_names_its_layer),
      cmocka_unit_test(parameters_have_names_and_survive_a_bundle),
      cmocka_unit_test(first_values_are_as_they_should),
      cmocka_unit_test(ranges_come_last_first),
      cmocka_unit_test(operations_are_counted),
  };
  rs_num_set_threads(2);
  return cmocka_run_group_tests_name("sequence", tests, NULL, NULL);
}
