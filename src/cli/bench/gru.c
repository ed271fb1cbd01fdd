/* ranksweep bench gru: a training step of the recurrent denoiser and its parts. */
#include "gru.h"

#include "cli.h"
#include "launch/world.h"

#include "ranksweep/nn.h"
#include "ranksweep/num.h"

#include <getopt.h>
#include <stdlib.h>

static const char help[] =
    "  --threads T         OpenMP threads (default: the cores that this process may use)\n"
    "  --seconds S         time for each figure (default 2)\n\n"
    "Measures a training step of GRU(512), dropout, GRU(256), dense(513) on 16 sequences of 100 "
    "frames of 513\n"
    "numbers, and its recurrent parts against the same products by OpenBLAS. The best of all "
    "repetitions counts.\n";

static const cli_command command = {.name = "bench gru",
                                    .usage = "bench gru [--threads T] [--seconds S]",
                                    .summary = "Measure a training step of a recurrent network."};

enum { FRAMES = 100, ROWS = 16, BINS = 513, WIDE = 512, NARROW = 256, LARGE = 2048 };

typedef struct bench {
  double seconds, peak; /* per figure; rate of a large product, FLOP/s */
} bench;

typedef void (*work)(void *user);

static double best_time(double seconds, work run, void *user) {
  double best = 1e30;
  run(user);
  for (double start = rs_clock_now(); rs_clock_now() - start < seconds;) {
    double begin = rs_clock_now();
    run(user);
    double t = rs_clock_now() - begin;
    if (t < best) best = t;
  }
  return best;
}

static void report(const bench *b, const char *what, double seconds, double flops) {
  printf("%-44s %9.3f ms %8.1f GFLOP/s %5.0f %%\n", what, 1e3 * seconds, flops / seconds * 1e-9,
         100 * flops / seconds / b->peak);
}

static void fill(const char *purpose, size_t n, float scale, float *x) {
  rs_stream s = rs_stream_make(1, "bench", purpose, 0);
  for (size_t i = 0; i < n; i++) x[i] = scale * (2.0f * rs_stream_uniform(&s, i) - 1.0f);
}

/* ---- peak ---------------------------------------------------------------------------------------
 */

static void multiply_large(void *user) {
  float *const *p = user;
  rs_gemm(RS_GEMM_NN, LARGE, LARGE, LARGE, p[0], p[1], p[2], NULL);
}

static rs_status bench_peak(bench *b) {
  const size_t n = (size_t)LARGE * LARGE;
  const double flops = 2.0 * LARGE * (double)n;
  float *block, *p[3];
  RS_TRY(rs_new(&block, 3 * n, sizeof *block));
  for (size_t i = 0; i < 3; i++) p[i] = block + i * n;
  fill("product", 2 * n, 1, block);
  double t = best_time(b->seconds, multiply_large, p);
  b->peak = flops / t;
  report(b, "product 2048 x 2048 x 2048 (peak)", t, flops);
  free(block);
  return RS_OK;
}

/* ---- recurrence ---------------------------------------------------------------------------------
 */

typedef struct recurrence {
  rs_gru_plan *plan;
  rs_gru_pass pass;
  float *kernel, *bias, *start, *dy;
  size_t units;
} recurrence;

static rs_status make_recurrence(size_t units, recurrence *r) {
  const size_t m = (size_t)FRAMES * ROWS, wide = 3 * units;
  *r = (recurrence){.units = units, .pass = {.frames = FRAMES, .rows = ROWS}};
  RS_TRY(rs_gru_plan_create(units, 0, ROWS, true, &r->plan));
  RS_TRY(rs_new(&r->kernel, units * wide, sizeof(float)));
  RS_TRY(rs_new(&r->bias, units, sizeof(float)));
  RS_TRY(rs_new(&r->dy, m * units, sizeof(float)));
  RS_TRY(rs_new(&r->pass.states, (m + ROWS) * units, sizeof(float)));
  RS_TRY(rs_new(&r->pass.gates, m * wide, sizeof(float)));
  RS_TRY(rs_new(&r->pass.products, m * wide, sizeof(float)));
  r->pass.bias = r->bias;
  fill("recurrent", units * wide, 0.05f, r->kernel);
  fill("gradient", m * units, 1, r->dy);
  return RS_OK;
}

static void free_recurrence(recurrence *r) {
  rs_gru_plan_destroy(r->plan);
  free(r->kernel);
  free(r->bias);
  free(r->dy);
  free(r->pass.states);
  free(r->pass.gates);
  free(r->pass.products);
}

static void pack(void *user) {
  recurrence *r = user;
  rs_gru_plan_pack(r->plan, r->kernel);
}

/* Gates of the last run are as good an input as any. */
static void run_forward(void *user) {
  recurrence *r = user;
  rs_gru_forward(r->plan, &r->pass);
}

static void run_backward(void *user) {
  recurrence *r = user;
  rs_gru_backward(r->plan, &r->pass, r->dy);
}

static void run_products(void *user) {
  recurrence *r = user;
  size_t u = r->units;
  for (size_t t = 0; t < FRAMES; t++)
    rs_gemm(RS_GEMM_NN, ROWS, 3 * u, u, r->pass.states + t * ROWS * u, r->kernel,
            r->pass.products + t * ROWS * 3 * u, NULL);
}

static void time_part(const bench *b, const char *what, work run, recurrence *r, double flops) {
  char line[64];
  snprintf(line, sizeof line, "GRU(%zu): %s", r->units, what);
  report(b, line, best_time(b->seconds, run, r), flops);
}

static rs_status bench_recurrence(const bench *b, size_t units) {
  recurrence r;
  double flops = 2.0 * FRAMES * ROWS * 3.0 * (double)(units * units);
  rs_status status = make_recurrence(units, &r);
  if (status == RS_OK) {
    pack(&r);
    time_part(b, "100 products alone, OpenBLAS", run_products, &r, flops);
    time_part(b, "100 frames forward", run_forward, &r, flops);
    time_part(b, "100 frames backward", run_backward, &r, flops);
    printf("%-44s %9.3f ms\n", "  packing its kernel", 1e3 * best_time(b->seconds / 4, pack, &r));
  }
  free_recurrence(&r);
  return status;
}

/* ---- training -----------------------------------------------------------------------------------
 */

typedef struct training {
  rs_sequence_net *net;
  rs_sequence_workspace *ws;
  rs_sequence_batch batch;
  rs_sequence_dropout dropout;
  uint32_t samples[ROWS];
  float *x, *targets, *gradients, *first_moments, *second_moments;
  rs_status status;
} training;

static rs_status make_training(training *t) {
  static const rs_sequence_spec layers[] = {
      {.kind = RS_SEQUENCE_GRU, .in = BINS, .out = WIDE},
      {.kind = RS_SEQUENCE_DROPOUT, .in = WIDE, .rate = 0.2},
      {.kind = RS_SEQUENCE_GRU, .in = WIDE, .out = NARROW},
      {.kind = RS_SEQUENCE_DENSE, .in = NARROW, .out = BINS, .activation = RS_LINEAR}};
  const size_t numbers = (size_t)FRAMES * ROWS * BINS;
  RS_TRY(rs_sequence_create(layers, RS_COUNT(layers), &t->net));
  RS_TRY(rs_sequence_init(t->net, 1, "bench"));
  RS_TRY(rs_sequence_workspace_create(t->net, FRAMES, ROWS, true, &t->ws));
  RS_TRY(rs_new(&t->x, numbers, sizeof(float)));
  RS_TRY(rs_new(&t->targets, numbers, sizeof(float)));
  RS_TRY(rs_new(&t->gradients, t->net->size, sizeof(float)));
  RS_TRY(rs_new(&t->first_moments, t->net->size, sizeof(float)));
  RS_TRY(rs_new(&t->second_moments, t->net->size, sizeof(float)));
  fill("x", numbers, 1, t->x);
  for (size_t i = 0; i < numbers; i++) t->targets[i] = t->x[i] > 0.0f ? 1.0f : 0.0f;
  for (uint32_t i = 0; i < ROWS; i++) t->samples[i] = i;
  t->dropout = (rs_sequence_dropout){.seed = 1, .stage = "bench", .samples = t->samples};
  t->batch = (rs_sequence_batch){.frames = FRAMES, .rows = ROWS, .x = t->x, .dropout = &t->dropout};
  return RS_OK;
}

static void free_training(training *t) {
  rs_sequence_workspace_destroy(t->ws);
  rs_sequence_destroy(t->net);
  free(t->x);
  free(t->targets);
  free(t->gradients);
  free(t->first_moments);
  free(t->second_moments);
}

static rs_status update_range(void *user, size_t first, size_t size) {
  training *t = user;
  const rs_adam adam = {
      .lr = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-7, .step = t->dropout.step};
  rs_adam_update(&adam, size, t->net->values + first, t->gradients + first,
                 t->first_moments + first, t->second_moments + first);
  return RS_OK;
}

static void forward_only(void *user) {
  training *t = user;
  (void)rs_sequence_forward(t->net, t->ws, &t->batch);
}

static void step(void *user) {
  training *t = user;
  t->dropout.step++;
  const float *logits = rs_sequence_forward(t->net, t->ws, &t->batch);
  rs_sigmoid_cross_entropy((size_t)FRAMES * ROWS, BINS, logits, t->targets, NULL, NULL,
                           1.0f / ((float)FRAMES * ROWS * BINS),
                           rs_sequence_output_gradient(t->ws));
  t->status = rs_sequence_backward(t->net, t->ws, &t->batch, t->gradients, update_range, t);
}

static rs_status bench_training(const bench *b) {
  training t = {0};
  rs_status status = make_training(&t);
  if (status == RS_OK) {
    double forward = best_time(b->seconds, forward_only, &t), whole;
    report(b, "denoiser forward", forward, ROWS * rs_sequence_flops(t.net, FRAMES, false));
    whole = best_time(3 * b->seconds, step, &t);
    report(b, "denoiser, one training step (Adam)", whole,
           ROWS * rs_sequence_flops(t.net, FRAMES, true));
    printf("%-44s %9.0f frames/s\n", "which makes", FRAMES * ROWS / whole);
    status = t.status;
  }
  free_training(&t);
  return status;
}

/* ---- command ------------------------------------------------------------------------------------
 */

static rs_status bench_all(bench *b) {
  printf("%d thread%s, OpenBLAS kernels %s\n\n", rs_num_threads(), rs_num_threads() == 1 ? "" : "s",
         rs_num_blas_core());
  printf("%-44s %12s %16s %7s\n", "", "time", "rate", "of peak");
  RS_TRY(bench_peak(b));
  RS_TRY(bench_recurrence(b, WIDE));
  RS_TRY(bench_recurrence(b, NARROW));
  return bench_training(b);
}

int bench_gru(int argc, char **argv) {
  static const struct option options[] = {{"threads", required_argument, NULL, 't'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
  bench b = {.seconds = 2};
  int threads = world_cores();
  opterr = 0;
  for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
    if (c == 'h') return cli_help(&command, help);
    if (c == 't')
      threads = atoi(optarg);
    else if (c == 's')
      b.seconds = atof(optarg);
    else
      return cli_bad_option(&command, argc, argv, c);
  }
  if (optind != argc) return cli_usage(&command, "unexpected argument %s", argv[optind]);
  if (threads < 1 || !(b.seconds > 0)) return cli_usage(&command, "expected positive numbers");
  rs_num_set_threads(threads);
  rs_status status = bench_all(&b);
  return status == RS_OK ? EXIT_DONE : cli_fail(status);
}
