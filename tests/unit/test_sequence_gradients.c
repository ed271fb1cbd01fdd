/* nn: gradients of whole sequence networks against differences of a slow forward pass in double. */
#include "sequence_nets.h"

#include <math.h>

#include "ref_gru.h"

static const rs_sequence_spec averager[] = {
    {.kind = RS_SEQUENCE_DENSE, .in = IN, .out = 6, .svd_rank = 2, .activation = RS_RELU},
    {.kind = RS_SEQUENCE_GRU, .in = 6, .out = 7},
    {.kind = RS_SEQUENCE_MEAN, .in = 7},
    {.kind = RS_SEQUENCE_DENSE, .in = 7, .out = 2, .activation = RS_LINEAR}};

/* ---- a slow forward pass in double --------------------------------------------------------------
 */

enum { MOST = FRAMES * ROWS * 9 };

/* What dropout makes of ones: a network of that layer alone draws the same mask. */
static void dropout_factors(const rs_sequence_layer *l, const rs_sequence_batch *b, float *out) {
  rs_sequence_net *net;
  float ones[MOST];
  size_t n = b->frames * b->rows * l->spec.in;
  for (size_t i = 0; i < n; i++) ones[i] = 1;
  assert_ok(rs_sequence_create(&l->spec, 1, &net));
  rs_sequence_workspace *ws = make_workspace(net, true);
  rs_sequence_batch batch = *b;
  batch.x = ones;
  memcpy(out, rs_sequence_forward(net, ws, &batch), n * sizeof *out);
  rs_sequence_workspace_destroy(ws);
  rs_sequence_destroy(net);
}

static void slow_gru(const rs_sequence_layer *l, const double *w, const rs_sequence_batch *b,
                     const double *x, double *y) {
  double states[MOST + ROWS * 9] = {0};
  rs_ref_gru g = {b->frames,        b->rows, l->spec.in,         l->spec.out,
                  b->lengths,       x,       w + l->base.kernel, w + l->recurrent,
                  w + l->base.bias, states};
  rs_ref_gru_forward(&g);
  memcpy(y, states + b->rows * l->spec.out, b->frames * b->rows * l->spec.out * sizeof *y);
}

/* Factored kernels are multiplied out term by term. */
static void slow_dense(const rs_sequence_layer *l, const double *w, size_t m, const double *x,
                       double *y) {
  size_t in = l->spec.in, out = l->spec.out, d = l->spec.svd_rank;
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < out; j++) {
      double sum = w[l->base.bias + j];
      for (size_t k = 0; k < in; k++) {
        double kernel = d == 0 ? w[l->base.kernel + k * out + j] : 0;
        for (size_t q = 0; q < d; q++)
          kernel += w[l->base.u + k * d + q] * w[l->base.v + q * out + j];
        sum += x[i * in + k] * kernel;
      }
      y[i * out + j] = l->spec.activation == RS_RELU ? fmax(sum, 0) : sum;
    }
}

static void slow_pool(const rs_sequence_layer *l, const rs_sequence_batch *b, const double *x,
                      double *y) {
  size_t n = l->spec.in;
  for (size_t row = 0; row < b->rows; row++)
    for (size_t j = 0; j < n; j++) {
      size_t length = b->lengths != NULL ? b->lengths[row] : b->frames;
      bool last = l->spec.kind == RS_SEQUENCE_LAST;
      y[row * n + j] = 0;
      for (size_t t = last && length > 0 ? length - 1 : 0; t < length; t++)
        y[row * n + j] += x[(t * b->rows + row) * n + j] / (last ? 1.0 : (double)length);
    }
}

/* From the moments: the variance is the mean square less the squared mean. */
static void slow_statistics(const rs_sequence_layer *l, const rs_sequence_batch *b, const double *x,
                            double *y) {
  size_t n = l->spec.in;
  for (size_t row = 0; row < b->rows; row++)
    for (size_t j = 0; j < n; j++) {
      size_t length = b->lengths != NULL ? b->lengths[row] : b->frames;
      double first = 0, second = 0;
      for (size_t t = 0; t < length; t++) {
        double v = x[(t * b->rows + row) * n + j] / (double)length;
        first += v;
        second += v * x[(t * b->rows + row) * n + j];
      }
      y[row * 2 * n + j] = first;
      y[row * 2 * n + n + j] = length > 0 ? sqrt(second - first * first + 1e-6) : 0;
    }
}

static void slow_beside(const rs_sequence_layer *l, const float *inputs, size_t m, const double *x,
                        double *y) {
  size_t n = l->spec.in;
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < n + IN; j++)
      y[i * (n + IN) + j] = j < n ? x[i * n + j] : (double)inputs[i * IN + j - n];
}

static void slow_pairs(const rs_sequence_layer *l, const rs_sequence_batch *b, const double *x,
                       double *y) {
  size_t n = l->spec.in;
  for (size_t i = 0; i < b->n_pairs; i++)
    for (size_t j = 0; j < n; j++)
      y[i * n + j] = fabs(x[b->pairs[i][0] * n + j] - x[b->pairs[i][1] * n + j]);
}

static void slow_distances(const rs_sequence_layer *l, const rs_sequence_batch *b, const double *x,
                           double *y) {
  double each[MOST];
  size_t n = l->spec.in;
  slow_pairs(l, b, x, each);
  for (size_t i = 0; i < b->n_pairs; i++) {
    y[i] = 0;
    for (size_t j = 0; j < n; j++) y[i] += each[i * n + j] / (double)n;
  }
}

static void slow_cosines(const rs_sequence_layer *l, const rs_sequence_batch *b, const double *x,
                         double *y) {
  size_t n = l->spec.in;
  for (size_t i = 0; i < b->n_pairs; i++) {
    double pq = 0, pp = 0, qq = 0;
    for (size_t j = 0; j < n; j++) {
      double p = x[b->pairs[i][0] * n + j], q = x[b->pairs[i][1] * n + j];
      pq += p * q;
      pp += p * p;
      qq += q * q;
    }
    y[i] = pq / sqrt(pp * qq);
  }
}

typedef struct problem {
  rs_sequence_net *net;
  rs_sequence_batch batch;
  float x[FRAMES * ROWS * IN], *dy; /* the loss is the sum of dy times output */
  double values[1024];
  float factors[MOST];
} problem;

static double slow_loss(const problem *p) {
  double x[MOST], y[MOST], loss = 0;
  for (size_t i = 0; i < FRAMES * ROWS * IN; i++) x[i] = p->x[i];
  for (size_t i = 0; i < p->net->n_layers; i++) {
    const rs_sequence_layer *l = &p->net->layers[i];
    size_t m = rows_after(p->net, i, &p->batch);
    switch (l->spec.kind) {
    case RS_SEQUENCE_GRU: slow_gru(l, p->values, &p->batch, x, y); break;
    case RS_SEQUENCE_DENSE: slow_dense(l, p->values, m, x, y); break;
    case RS_SEQUENCE_DROPOUT:
      for (size_t k = 0; k < m * l->spec.in; k++) y[k] = p->factors[k] * x[k];
      break;
    case RS_SEQUENCE_BESIDE: slow_beside(l, p->x, m, x, y); break;
    case RS_SEQUENCE_LAST:
    case RS_SEQUENCE_MEAN: slow_pool(l, &p->batch, x, y); break;
    case RS_SEQUENCE_STATISTICS: slow_statistics(l, &p->batch, x, y); break;
    case RS_SEQUENCE_PAIRS: slow_pairs(l, &p->batch, x, y); break;
    case RS_SEQUENCE_DISTANCES: slow_distances(l, &p->batch, x, y); break;
    case RS_SEQUENCE_COSINES: slow_cosines(l, &p->batch, x, y); break;
    }
    memcpy(x, y, sizeof x);
  }
  for (size_t i = 0; i < output_size(p->net, &p->batch); i++) loss += p->dy[i] * x[i];
  return loss;
}

static double difference(problem *p, size_t i) {
  double at = p->values[i], h = 1e-6;
  p->values[i] = at + h;
  double above = slow_loss(p);
  p->values[i] = at - h;
  double below = slow_loss(p);
  p->values[i] = at;
  return (above - below) / (2 * h);
}

static void check_gradients(const rs_sequence_spec *layers, size_t n, const uint32_t *frames) {
  problem p = {.net = make_net(layers, n)};
  fill("x", RS_COUNT(p.x), p.x);
  p.batch = (rs_sequence_batch){FRAMES, ROWS, p.x, frames, &dropout, false, RS_COUNT(pairs), pairs};
  p.dy = random_array("dy", output_size(p.net, &p.batch));
  assert_true(p.net->size <= RS_COUNT(p.values));
  for (size_t i = 0; i < p.net->size; i++) p.values[i] = p.net->values[i];
  for (size_t i = 0; i < n; i++)
    if (layers[i].kind == RS_SEQUENCE_DROPOUT)
      dropout_factors(&p.net->layers[i], &p.batch, p.factors);
  rs_sequence_workspace *ws = make_workspace(p.net, true);
  float *gradients = random_array("gradients", p.net->size);
  const float *y = rs_sequence_forward(p.net, ws, &p.batch);
  double loss = 0;
  for (size_t i = 0; i < output_size(p.net, &p.batch); i++) loss += (double)p.dy[i] * y[i];
  assert_true(fabs(loss - slow_loss(&p)) < 1e-4);
  memcpy(rs_sequence_output_gradient(ws), p.dy, output_size(p.net, &p.batch) * sizeof *p.dy);
  assert_ok(rs_sequence_backward(p.net, ws, &p.batch, gradients, NULL, NULL));
  for (size_t i = 0; i < p.net->size; i++) {
    double want = difference(&p, i);
    if (!(fabs(gradients[i] - want) < 2e-5 * (1 + fabs(want))))
      fail_msg("parameter %zu: gradient %g, difference %g", i, (double)gradients[i], want);
  }
  free(gradients);
  free(p.dy);
  rs_sequence_workspace_destroy(ws);
  rs_sequence_destroy(p.net);
}

static void denoiser_gradients_match_differences(void **state) {
  (void)state;
  check_gradients(denoiser, RS_COUNT(denoiser), NULL);
  check_gradients(denoiser, RS_COUNT(denoiser), lengths);
}

static void encoder_gradients_match_differences(void **state) {
  (void)state;
  check_gradients(encoder, RS_COUNT(encoder), NULL);
  check_gradients(encoder, RS_COUNT(encoder), lengths);
}

static void averager_gradients_match_differences(void **state) {
  (void)state;
  check_gradients(averager, RS_COUNT(averager), NULL);
  check_gradients(averager, RS_COUNT(averager), lengths);
}

static void siamese_gradients_match_differences(void **state) {
  (void)state;
  check_gradients(siamese, RS_COUNT(siamese), NULL);
  check_gradients(siamese, RS_COUNT(siamese), lengths);
  check_gradients(distances, RS_COUNT(distances), NULL);
  check_gradients(distances, RS_COUNT(distances), lengths);
  check_gradients(cosines, RS_COUNT(cosines), NULL);
  check_gradients(cosines, RS_COUNT(cosines), lengths);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(denoiser_gradients_match_differences),
      cmocka_unit_test(encoder_gradients_match_differences),
      cmocka_unit_test(averager_gradients_match_differences),
      cmocka_unit_test(siamese_gradients_match_differences),
  };
  rs_num_set_threads(2);
  return cmocka_run_group_tests_name("sequence_gradients", tests, NULL, NULL);
}
