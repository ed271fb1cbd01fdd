/* The small sequence networks that tests use. */
#ifndef RANKSWEEP_SEQUENCE_NETS_H
#define RANKSWEEP_SEQUENCE_NETS_H

#include "test.h"

#include "ranksweep/nn.h"

enum { FRAMES = 5, ROWS = 6, IN = 4 };

static const uint32_t lengths[ROWS] = {5, 2, 4, 0, 5, 1};
static const uint32_t samples[ROWS] = {10, 11, 12, 13, 14, 15};
static const rs_sequence_dropout dropout = {
    .seed = 3, .stage = "test", .step = 7, .samples = samples};

/* The shapes that the experiments use, small. */
static const rs_sequence_spec denoiser[] = {
    {.kind = RS_SEQUENCE_GRU, .in = IN, .out = 9},
    {.kind = RS_SEQUENCE_DROPOUT, .in = 9, .rate = 0.25},
    {.kind = RS_SEQUENCE_GRU, .in = 9, .out = 5},
    {.kind = RS_SEQUENCE_DENSE, .in = 5, .out = 3, .activation = RS_LINEAR}};
static const rs_sequence_spec encoder[] = {
    {.kind = RS_SEQUENCE_GRU, .in = IN, .out = 7},
    {.kind = RS_SEQUENCE_LAST, .in = 7},
    {.kind = RS_SEQUENCE_DENSE, .in = 7, .out = 6, .activation = RS_RELU}};

/* A Siamese network: sequences meet in pairs, some of them in several. */
static const rs_sequence_spec siamese[] = {
    {.kind = RS_SEQUENCE_GRU, .in = IN, .out = 5},
    {.kind = RS_SEQUENCE_STATISTICS, .in = 5},
    {.kind = RS_SEQUENCE_DENSE, .in = 10, .out = 6, .activation = RS_RELU},
    {.kind = RS_SEQUENCE_PAIRS, .in = 6},
    {.kind = RS_SEQUENCE_DENSE, .in = 6, .out = 1, .activation = RS_LINEAR}};
static const rs_sequence_spec distances[] = {
    {.kind = RS_SEQUENCE_GRU, .in = IN, .out = 5},
    {.kind = RS_SEQUENCE_BESIDE, .in = 5},
    {.kind = RS_SEQUENCE_MEAN, .in = 5 + IN},
    {.kind = RS_SEQUENCE_DENSE, .in = 5 + IN, .out = 6, .activation = RS_LINEAR},
    {.kind = RS_SEQUENCE_DISTANCES, .in = 6},
    {.kind = RS_SEQUENCE_DENSE, .in = 1, .out = 1, .activation = RS_LINEAR}};
static const rs_sequence_spec cosines[] = {
    {.kind = RS_SEQUENCE_GRU, .in = IN, .out = 5},
    {.kind = RS_SEQUENCE_STATISTICS, .in = 5},
    {.kind = RS_SEQUENCE_DENSE, .in = 10, .out = 6, .activation = RS_LINEAR},
    {.kind = RS_SEQUENCE_COSINES, .in = 6},
    {.kind = RS_SEQUENCE_DENSE, .in = 1, .out = 1, .activation = RS_LINEAR}};
static const uint32_t pairs[][2] = {{0, 1}, {2, 0}, {4, 5}, {1, 4}};

static inline void fill(const char *purpose, size_t n, float *x) {
  rs_stream s = rs_stream_make(5, "test", purpose, 0);
  for (size_t i = 0; i < n; i++) x[i] = (float)rs_stream_normal(&s, i);
}

static inline float *random_array(const char *purpose, size_t n) {
  float *x;
  assert_ok(rs_new(&x, n, sizeof *x));
  fill(purpose, n, x);
  return x;
}

/* Biases other than zero, so that errors in them show. */
static inline rs_sequence_net *make_net(const rs_sequence_spec *layers, size_t n) {
  rs_sequence_net *net;
  assert_ok(rs_sequence_create(layers, n, &net));
  assert_ok(rs_sequence_init(net, 3, "test"));
  float *noise = random_array("noise", net->size);
  for (size_t i = 0; i < net->size; i++) net->values[i] += 0.1f * noise[i];
  free(noise);
  return net;
}

static inline rs_sequence_workspace *make_workspace(const rs_sequence_net *net, bool training) {
  rs_sequence_workspace *ws;
  assert_ok(rs_sequence_workspace_create(net, FRAMES, ROWS, training, &ws));
  return ws;
}

/* Rows of the output of the first N layers. */
static inline size_t rows_after(const rs_sequence_net *net, size_t n, const rs_sequence_batch *b) {
  size_t rows = b->frames * b->rows;
  for (size_t i = 0; i < n; i++) {
    rs_sequence_kind kind = net->layers[i].spec.kind;
    if (kind == RS_SEQUENCE_LAST || kind == RS_SEQUENCE_MEAN || kind == RS_SEQUENCE_STATISTICS)
      rows = b->rows;
    if (kind >= RS_SEQUENCE_PAIRS) rows = b->n_pairs;
  }
  return rows;
}

static inline size_t output_size(const rs_sequence_net *net, const rs_sequence_batch *b) {
  return rows_after(net, net->n_layers, b) * net->layers[net->n_layers - 1].spec.out;
}

#endif
