#include "mlp.h"

#include "images.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const rs_setting rs_exp_mlp_settings[] = {
    {.path = "model.hidden",
     .type = RS_INTS,
     .initial = "[1024, 1024, 1024, 1024, 1024]",
     .min = 1,
     .max = 65536,
     .unit = "units",
     .help = "Widths of the hidden layers, first to last (at most 32)."},
    RS_EXP_TRAIN_SIZES("10", "128"),
    {0},
};

const rs_metric rs_exp_mlp_metrics[] = {
    {"train_loss", "nat", "Mean training loss of the epoch"},
    {"train_accuracy", NULL, "Training accuracy during the epoch"},
    {"test_loss", "nat", "Test loss after the epoch"},
    {"test_accuracy", NULL, "Test accuracy after the epoch"},
    {"lr", NULL, "Learning rate of the last step"},
    {0},
};

/* ---- shape --------------------------------------------------------------------------------------
 */

rs_mlp_shape rs_exp_mlp_shape(const rs_settings *s, size_t svd_rank) {
  const int64_t *hidden;
  size_t n = rs_settings_ints(s, "model.hidden", &hidden), in = RS_MLP_INPUTS;
  RS_ASSERT(n < RS_MLP_MAX_LAYERS);
  rs_mlp_shape shape = {.n = n + 1};
  for (size_t i = 0; i < n; i++) {
    shape.layers[i] = (rs_layer_spec){in, (size_t)hidden[i], svd_rank, RS_RELU};
    in = (size_t)hidden[i];
  }
  shape.layers[n] = (rs_layer_spec){in, RS_MLP_CLASSES, 0, RS_LINEAR};
  return shape;
}

void rs_exp_check_svd_rank(const rs_settings *s, rs_problems *problems) {
  const int64_t *hidden;
  size_t n = rs_settings_ints(s, "model.hidden", &hidden);
  if (n == 0 || n >= RS_MLP_MAX_LAYERS) {
    rs_problem_add(problems, rs_settings_place(s, "model.hidden"),
                   "expected 1 to %d hidden layers, got %zu", RS_MLP_MAX_LAYERS - 1, n);
    return;
  }
  size_t d = (size_t)rs_settings_int(s, "svd.rank");
  rs_mlp_shape shape = rs_exp_mlp_shape(s, 0);
  for (size_t i = 0; i < n; i++) {
    size_t in = shape.layers[i].in, out = shape.layers[i].out, most = in < out ? in : out;
    if (d <= most) continue;
    rs_problem_add(
        problems, rs_settings_place(s, "svd.rank"),
        "svd.rank %zu is more than layer dense%zu [%zu, %zu] has: expected 1 to %zu or full", d,
        i + 1, in, out, most);
    return;
  }
}

/* ---- costs --------------------------------------------------------------------------------------
 */

enum { LEAST_ROWS = 16 }; /* of a batch, for a rank to be worth its sums */

static size_t widest_sum(const rs_mlp_shape *shape) {
  size_t sum = 0;
  for (size_t i = 0; i < shape->n; i++) sum += shape->layers[i].out + shape->layers[i].svd_rank;
  return sum;
}

static rs_status image_counts(const rs_settings *s, double *train, double *test) {
  rs_images_spec spec = rs_exp_image_spec(s);
  size_t n_train, n_test;
  RS_TRY(rs_images_counts(&spec, &n_train, &n_test));
  *train = (double)n_train;
  *test = (double)n_test;
  return RS_OK;
}

rs_status rs_exp_evaluation_cost(const rs_settings *s, const rs_mlp_shape *shape, rs_cost *out) {
  double train, test;
  RS_TRY(image_counts(s, &train, &test));
  double parameters = (double)rs_network_size(shape->layers, shape->n);
  *out = (rs_cost){.parameters = parameters,
                   .flops = test * rs_network_flops(shape->layers, shape->n, false),
                   .bytes = 4.0 * parameters + (train + test) * (RS_MLP_INPUTS + 1) +
                            4.0 * 500 * (double)(widest_sum(shape) + RS_MLP_INPUTS)};
  return RS_OK;
}

rs_status rs_exp_training_cost(const rs_settings *s, const rs_mlp_shape *shape, rs_cost *out) {
  double train, test, epochs = (double)rs_settings_int(s, "train.epochs");
  double batch = (double)rs_settings_int(s, "train.batch");
  RS_TRY(image_counts(s, &train, &test));
  RS_TRY(rs_exp_evaluation_cost(s, shape, out));
  out->flops = epochs * (out->flops + train * rs_network_flops(shape->layers, shape->n, true));
  /* gradients and two moments; activations and their gradients */
  out->bytes += 12.0 * out->parameters + 8.0 * batch * (double)widest_sum(shape);
  out->ranks = (int)fmin(batch / LEAST_ROWS, 1024);
  return RS_OK;
}

/* ---- tensors of layers --------------------------------------------------------------------------
 */

rs_status rs_exp_find(const rs_bundle *from, size_t number, const char *tensor, size_t rows,
                      size_t cols, const float **data) {
  char name[2 * RS_NAME_BYTES];
  snprintf(name, sizeof name, "dense%zu/%s", number, tensor);
  return rs_bundle_get(from, name, rows, cols, data);
}

rs_status rs_exp_append(rs_bundle *into, size_t number, const char *tensor, size_t rows,
                        size_t cols, float **data) {
  char name[2 * RS_NAME_BYTES];
  snprintf(name, sizeof name, "dense%zu/%s", number, tensor);
  return rs_bundle_add(into, name, cols > 0 ? 2 : 1, (size_t[]){rows, cols}, data);
}
