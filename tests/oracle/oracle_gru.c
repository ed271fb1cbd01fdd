/* Our half of gru_against_torch.py: reads weights and a batch from DIRECTORY, makes STEPS steps of
 * Adam, and writes the first step's output and gradients, the losses and the last weights. Raw
 * little-endian arrays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ranksweep/nn.h"

static const char *directory;

static FILE *open_file(const char *name, const char *mode) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  FILE *file = fopen(path, mode);
  if (file == NULL) {
    perror(path);
    exit(1);
  }
  return file;
}

static void write_array(const char *name, const void *data, size_t bytes) {
  FILE *file = open_file(name, "wb");
  fwrite(data, 1, bytes, file);
  fclose(file);
}

static void check(rs_status status) {
  if (status == RS_OK) return;
  fprintf(stderr, "%s\n", rs_error_message());
  exit(1);
}

/* COUNT numbers of four bytes; the caller frees them. */
static void *read_array(const char *name, size_t count) {
  void *data;
  check(rs_new(&data, count, 4));
  FILE *file = open_file(name, "rb");
  if (fread(data, 4, count, file) != count) {
    fprintf(stderr, "%s: too short\n", name);
    exit(1);
  }
  fclose(file);
  return data;
}

typedef struct task {
  rs_sequence_net *net;
  rs_sequence_workspace *ws;
  rs_sequence_batch batch;
  enum { FRAMES, LAST, PAIRS, COSINES } mode;
  size_t out, size;             /* of the output: columns, numbers */
  float *targets, *row_weights; /* of the loss; LAST: the gradient that comes from outside */
  float scale;
  float *gradients, *first_moments, *second_moments;
} task;

/* Every valid frame counts alike, padded ones do not. */
static void weigh_frames(task *t) {
  size_t valid = 0;
  check(rs_new(&t->row_weights, t->size / t->out, sizeof(float)));
  for (size_t i = 0; i < t->batch.frames * t->batch.rows; i++) {
    bool counts = i / t->batch.rows < t->batch.lengths[i % t->batch.rows];
    t->row_weights[i] = counts ? 1.0f : 0.0f;
    valid += counts;
  }
  t->scale = 1.0f / (float)(valid * t->out);
}

/* The loss, with its gradient where backward wants it. LAST: sum of targets times output. */
static double loss_of(task *t, const float *y) {
  float *dy = rs_sequence_output_gradient(t->ws);
  double sum = 0;
  if (t->mode != LAST)
    return (double)t->scale * rs_sigmoid_cross_entropy(t->size / t->out, t->out, y, t->targets,
                                                       t->row_weights, NULL, t->scale, dy);
  memcpy(dy, t->targets, t->size * sizeof *dy);
  for (size_t i = 0; i < t->size; i++) sum += (double)t->targets[i] * y[i];
  return sum;
}

static void train(task *t, size_t steps) {
  double *losses;
  size_t n = t->net->size;
  check(rs_new(&losses, steps, sizeof *losses));
  for (size_t i = 0; i < steps; i++) {
    const float *y = rs_sequence_forward(t->net, t->ws, &t->batch);
    losses[i] = loss_of(t, y);
    if (i == 0) write_array("output.f32", y, t->size * sizeof *y);
    check(rs_sequence_backward(t->net, t->ws, &t->batch, t->gradients, NULL, NULL));
    if (i == 0) write_array("gradients.f32", t->gradients, n * sizeof(float));
    const rs_adam adam = {.lr = 1e-3,
                          .beta1 = 0.9,
                          .beta2 = 0.999,
                          .epsilon = t->mode == PAIRS ? 1e-4 : 1e-7, /* see the script */
                          .step = i + 1};
    rs_adam_update(&adam, n, t->net->values, t->gradients, t->first_moments, t->second_moments);
  }
  write_array("losses.f64", losses, steps * sizeof *losses);
  write_array("trained.f32", t->net->values, n * sizeof(float));
  free(losses);
}

static void make_net(task *t, size_t in, size_t first, size_t second, size_t out) {
  const rs_sequence_spec masking[] = {
      {.kind = RS_SEQUENCE_GRU, .in = in, .out = first},
      {.kind = RS_SEQUENCE_GRU, .in = first, .out = second},
      {.kind = RS_SEQUENCE_DENSE, .in = second, .out = out, .activation = RS_LINEAR}};
  const rs_sequence_spec encoding[] = {
      {.kind = RS_SEQUENCE_GRU, .in = in, .out = first},
      {.kind = RS_SEQUENCE_GRU, .in = first, .out = second},
      {.kind = RS_SEQUENCE_LAST, .in = second},
      {.kind = RS_SEQUENCE_DENSE, .in = second, .out = out, .activation = RS_RELU},
      {.kind = RS_SEQUENCE_PAIRS, .in = out}, /* from here on: PAIRS only */
      {.kind = RS_SEQUENCE_DENSE, .in = out, .out = 1, .activation = RS_LINEAR}};
  const rs_sequence_spec comparing[] = {
      encoding[0],
      encoding[1],
      encoding[2],
      {.kind = RS_SEQUENCE_DENSE, .in = second, .out = out, .activation = RS_LINEAR},
      {.kind = RS_SEQUENCE_COSINES, .in = out},
      {.kind = RS_SEQUENCE_DENSE, .in = 1, .out = 1, .activation = RS_LINEAR}};
  size_t n = RS_COUNT(encoding) - (t->mode == LAST ? 2 : 0);
  if (t->mode == FRAMES)
    check(rs_sequence_create(masking, RS_COUNT(masking), &t->net));
  else
    check(rs_sequence_create(t->mode == COSINES ? comparing : encoding, n, &t->net));
  float *start = read_array("start.f32", t->net->size);
  memcpy(t->net->values, start, t->net->size * sizeof *start);
  free(start);
  check(rs_new(&t->gradients, t->net->size, sizeof(float)));
  check(rs_new(&t->first_moments, t->net->size, sizeof(float)));
  check(rs_new(&t->second_moments, t->net->size, sizeof(float)));
}

/* Output and targets of the mode; FRAMES are weighted, pairs count alike. */
static void set_mode(task *t, const char *name, const size_t n[7]) {
  static const char *const names[] = {"frames", "last", "pairs", "cosines"};
  while (t->mode < COSINES && strcmp(name, names[t->mode]) != 0) t->mode++;
  t->out = t->mode >= PAIRS ? 1 : n[6];
  t->size = (t->mode == FRAMES ? n[1] : 1) * n[2] * t->out;
  if (t->mode >= PAIRS) { /* as many as sequences */
    t->batch.n_pairs = n[2];
    t->batch.pairs = read_array("pairs.u32", 2 * n[2]);
    t->scale = 1.0f / (float)n[2];
  }
  t->targets = read_array("targets.f32", t->size);
  if (t->mode == FRAMES) weigh_frames(t);
}

int main(int argc, char **argv) {
  if (argc != 10) {
    fprintf(stderr,
            "usage: oracle_gru DIRECTORY frames|last|pairs|cosines STEPS T B IN UNITS UNITS OUT\n");
    return 2;
  }
  size_t n[7];
  for (int i = 0; i < 7; i++) n[i] = strtoul(argv[3 + i], NULL, 10);
  directory = argv[1];
  task t = {0};
  float *x = read_array("x.f32", n[1] * n[2] * n[3]);
  uint32_t *lengths = read_array("lengths.u32", n[2]);
  rs_num_set_threads(2);
  t.batch = (rs_sequence_batch){.frames = n[1], .rows = n[2], .x = x, .lengths = lengths};
  set_mode(&t, argv[2], n);
  make_net(&t, n[3], n[4], n[5], n[6]);
  check(rs_sequence_workspace_create(t.net, n[1], n[2], true, &t.ws));
  train(&t, n[0]);
  rs_sequence_workspace_destroy(t.ws);
  rs_sequence_destroy(t.net);
  float *arrays[] = {x, t.targets, t.row_weights, t.gradients, t.first_moments, t.second_moments};
  for (size_t i = 0; i < RS_COUNT(arrays); i++) free(arrays[i]);
  free(lengths);
  free((void *)t.batch.pairs);
  return 0;
}
