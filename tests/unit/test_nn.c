/* nn: gradients against finite differences, schedules, training that learns, stops on NaN and
 * repeats bit for bit. */
#include "test.h"

#include <math.h>

#include "ranksweep/nn.h"

enum { IN = 6, OUT = 4, ROWS = 9 };

static rs_network *make_network(size_t svd_rank) {
  const rs_layer_spec layers[] = {
      {IN, 8, svd_rank, RS_RELU}, {8, 7, svd_rank, RS_RELU}, {7, OUT, 0, RS_LINEAR}};
  rs_network *net;
  assert_ok(rs_network_create(layers, RS_COUNT(layers), &net));
  assert_int_equal(net->size, rs_network_size(layers, RS_COUNT(layers)));
  rs_network_init(net, 3, "test");
  return net;
}

static double loss_of(rs_network *net, rs_workspace *ws, const float *x, const uint8_t *labels,
                      float *gradient) {
  const float *logits = rs_network_forward(net, ws, ROWS, x);
  return rs_softmax_cross_entropy(ROWS, OUT, logits, labels, 1.0f, gradient, NULL);
}

typedef struct problem {
  rs_network *net;
  rs_workspace *ws;
  float x[ROWS * IN];
  uint8_t labels[ROWS];
} problem;

static problem make_problem(size_t svd_rank) {
  problem p = {.net = make_network(svd_rank)};
  rs_stream s = rs_stream_make(5, "test", "x", 0);
  for (size_t i = 0; i < ROWS * IN; i++) p.x[i] = (float)rs_stream_normal(&s, i);
  for (size_t i = 0; i < ROWS; i++) p.labels[i] = (uint8_t)(i % OUT);
  assert_ok(rs_workspace_create(p.net, ROWS, true, &p.ws));
  return p;
}

static double central_difference(problem *p, size_t i, float h) {
  float w = p->net->values[i];
  p->net->values[i] = w + h;
  double above = loss_of(p->net, p->ws, p->x, p->labels, NULL);
  p->net->values[i] = w - h;
  double below = loss_of(p->net, p->ws, p->x, p->labels, NULL);
  p->net->values[i] = w;
  return (above - below) / (2 * h);
}

/* In float32 the differences are coarse, but a wrong formula is off by far more. A parameter at
 * which two widths disagree sits at a kink of a ReLU, where there is no derivative to compare with.
 */
static void check_gradients(size_t svd_rank) {
  problem p = make_problem(svd_rank);
  float *gradients;
  size_t checked = 0;
  assert_ok(rs_new(&gradients, p.net->size, sizeof *gradients));
  loss_of(p.net, p.ws, p.x, p.labels, rs_workspace_output_gradient(p.ws));
  assert_ok(rs_network_backward(p.net, p.ws, ROWS, p.x, gradients, NULL, NULL));
  for (size_t i = 0; i < p.net->size; i++) {
    double wide = central_difference(&p, i, 1e-2f), narrow = central_difference(&p, i, 2e-3f);
    double tolerance = 1e-2 * (1 + fabs(narrow));
    if (fabs(wide - narrow) > tolerance) continue;
    checked++;
    if (fabs(narrow - gradients[i]) > tolerance)
      fail_msg("parameter %zu: gradient %g, finite difference %g", i, (double)gradients[i], narrow);
  }
  assert_true(checked > p.net->size * 8 / 10);
  free(gradients);
  rs_workspace_destroy(p.ws);
  rs_network_destroy(p.net);
}

static void dense_gradients_match_differences(void **state) {
  (void)state;
  check_gradients(0);
}

static void factored_gradients_match_differences(void **state) {
  (void)state;
  check_gradients(3);
}

static void glorot_limits_hold(void **state) {
  (void)state;
  rs_network *net = make_network(0);
  double limit = sqrt(6.0 / (IN + 8)), largest = 0;
  for (size_t i = 0; i < IN * 8; i++) largest = fmax(largest, fabs((double)net->values[i]));
  assert_true(largest <= limit && largest > 0.8 * limit);
  for (size_t i = 0; i < 8; i++) assert_true(net->values[net->layers[0].bias + i] == 0.0f);
  rs_network_destroy(net);
}

static void parameters_survive_a_bundle(void **state) {
  (void)state;
  rs_network *net = make_network(3), *copy = make_network(3), *dense = make_network(0);
  rs_bundle b = {0};
  assert_ok(rs_network_save(net, &b));
  memset(copy->values, 0, copy->size * sizeof *copy->values);
  assert_ok(rs_network_load(copy, &b));
  assert_memory_equal(net->values, copy->values, net->size * sizeof *net->values);
  assert_fails(RS_ERR_DATA, "no tensor \"dense1/kernel\"", rs_network_load(dense, &b));
  rs_bundle_free(&b);
  rs_network_destroy(net);
  rs_network_destroy(copy);
  rs_network_destroy(dense);
}

static void schedules_start_and_end_right(void **state) {
  (void)state;
  rs_train_spec spec = {.lr = 2.0, .schedule = RS_COSINE, .lr_final = 0.1};
  assert_true(fabs(rs_learning_rate(&spec, 0, 100, 0) - 2.0) < 1e-12);
  assert_true(fabs(rs_learning_rate(&spec, 50, 100, 0) - 1.1) < 1e-12);
  assert_true(fabs(rs_learning_rate(&spec, 100, 100, 0) - 0.2) < 1e-12);
  assert_true(fabs(rs_learning_rate(&spec, 0, 100, 10) - 0.2) < 1e-12);
  assert_true(fabs(rs_learning_rate(&spec, 10, 100, 10) - 2.0) < 1e-12);
  spec.schedule = RS_LINEAR_DECAY;
  assert_true(fabs(rs_learning_rate(&spec, 25, 100, 0) - 1.55) < 1e-12);
  spec.schedule = RS_CONSTANT;
  assert_true(rs_learning_rate(&spec, 99, 100, 0) == 2.0);
}

/* ---- training -----------------------------------------------------------------------------------
 */

static const rs_train_spec small_training = {
    .epochs = 3,
    .batch = 48, /* does not divide 500: the last batch is short */
    .optimizer = RS_ADAM,
    .lr = 2e-3,
    .beta1 = 0.9,
    .beta2 = 0.999,
    .epsilon = 1e-7,
    .seed = 11,
    .stage = "test"};

/* Trains on drawn digits; the caller frees the network. */
static rs_network *train(const rs_train_spec *spec, rs_status *status,
                         rs_train_progress *progress) {
  const rs_layer_spec layers[] = {{784, 40, 0, RS_RELU}, {40, 10, 0, RS_LINEAR}};
  rs_images_spec source = {
      .source = RS_IMAGES_DIGITS, .train_limit = 500, .test_limit = 10, .seed = 2};
  rs_images images, test;
  rs_network *net;
  rs_trainer *trainer;
  rs_comm *comm;
  assert_ok(rs_images_load(&source, &images, &test));
  assert_ok(rs_comm_create_solo(&comm));
  assert_ok(rs_network_create(layers, 2, &net));
  rs_network_init(net, spec->seed, "test");
  assert_ok(rs_trainer_create_classifier(net, &images, spec, comm, &trainer));
  do {
    *status = rs_trainer_step(trainer);
    rs_trainer_progress(trainer, progress);
  } while (*status == RS_OK && !progress->finished);
  rs_trainer_destroy(trainer);
  rs_comm_destroy(comm);
  rs_images_free(&images);
  rs_images_free(&test);
  return net;
}

static void training_learns_and_counts_every_sample(void **state) {
  (void)state;
  rs_status status;
  rs_train_progress p;
  rs_network *net = train(&small_training, &status, &p);
  assert_int_equal(status, RS_OK);
  assert_int_equal(p.steps_per_epoch, 11);
  assert_int_equal(p.step, 33);
  assert_true(p.epoch_ended && p.epoch == 3);
  assert_true(p.accuracy > 0.5 && p.loss < 1.8);
  rs_network_destroy(net);
}

static void training_repeats_bit_for_bit_on_any_threads(void **state) {
  (void)state;
  rs_status status;
  rs_train_progress p;
  rs_num_set_threads(1);
  rs_network *one = train(&small_training, &status, &p);
  rs_num_set_threads(3);
  rs_network *more = train(&small_training, &status, &p);
  assert_memory_equal(one->values, more->values, one->size * sizeof *one->values);
  rs_num_set_threads(2);
  rs_network_destroy(one);
  rs_network_destroy(more);
}

/* Stopped in the middle of an epoch, saved, loaded into a fresh trainer: the same bits as without.
 */
static void training_continues_from_what_it_saved(void **state) {
  (void)state;
  rs_status status;
  rs_train_progress p = {0};
  rs_network *whole = train(&small_training, &status, &p), *first, *second;
  const rs_layer_spec layers[] = {{784, 40, 0, RS_RELU}, {40, 10, 0, RS_LINEAR}};
  rs_images_spec source = {
      .source = RS_IMAGES_DIGITS, .train_limit = 500, .test_limit = 10, .seed = 2};
  rs_images images, test;
  rs_trainer *before, *after;
  rs_comm *comm;
  rs_bundle saved = {0};
  rs_train_counters counters;
  double loss = p.loss;
  assert_ok(rs_images_load(&source, &images, &test));
  assert_ok(rs_comm_create_solo(&comm));
  assert_ok(rs_network_create(layers, 2, &first));
  assert_ok(rs_network_create(layers, 2, &second));
  rs_network_init(first, small_training.seed, "test");
  assert_ok(rs_trainer_create_classifier(first, &images, &small_training, comm, &before));
  for (int i = 0; i < 17; i++) assert_ok(rs_trainer_step(before));
  assert_ok(rs_trainer_save(before, &saved, &counters));
  assert_int_equal(counters.step, 17);
  assert_ok(rs_trainer_create_classifier(second, &images, &small_training, comm, &after));
  assert_ok(rs_trainer_load(after, &saved, &counters));
  do {
    assert_ok(rs_trainer_step(after));
    rs_trainer_progress(after, &p);
  } while (!p.finished);
  assert_true(p.loss == loss);
  assert_memory_equal(whole->values, second->values, whole->size * sizeof *whole->values);
  counters.step = 1000;
  assert_fails(RS_ERR_DATA, "step 1000", rs_trainer_load(after, &saved, &counters));
  rs_bundle_free(&saved);
  rs_trainer_destroy(before);
  rs_trainer_destroy(after);
  rs_network_destroy(whole);
  rs_network_destroy(first);
  rs_network_destroy(second);
  rs_comm_destroy(comm);
  rs_images_free(&images);
  rs_images_free(&test);
}

static void a_loss_that_is_not_finite_names_the_step(void **state) {
  (void)state;
  rs_train_spec wild = small_training;
  rs_status status;
  rs_train_progress p;
  wild.optimizer = RS_SGD;
  wild.lr = 1e30;
  rs_network *net = train(&wild, &status, &p);
  assert_int_equal(status, RS_ERR_NUMERIC);
  assert_non_null(strstr(rs_error_message(), "of epoch 1"));
  assert_non_null(strstr(rs_error_message(), "first layer whose output is not finite: dense"));
  rs_network_destroy(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dense_gradients_match_differences),
      cmocka_unit_test(factored_gradients_match_differences),
      cmocka_unit_test(glorot_limits_hold),
      cmocka_unit_test(parameters_survive_a_bundle),
      cmocka_unit_test(schedules_start_and_end_right),
      cmocka_unit_test(training_learns_and_counts_every_sample),
      cmocka_unit_test(training_repeats_bit_for_bit_on_any_threads),
      cmocka_unit_test(training_continues_from_what_it_saved),
      cmocka_unit_test(a_loss_that_is_not_finite_names_the_step),
  };
  rs_num_set_threads(2);
  return cmocka_run_group_tests_name("nn", tests, NULL, NULL);
}
