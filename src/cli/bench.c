/* ranksweep bench: how near the hot paths are to what the machine can do. */
#include "bench/bench.h"
#include "bench/gru.h"
#include "launch/world.h"

#include "ranksweep/comm.h"
#include "ranksweep/data.h"
#include "ranksweep/num.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "  --threads T         OpenMP threads (default: the cores that this process may use)\n"
    "  --seconds S         time for each figure (default 2)\n\n"
    "Measures large products, then the parts of one training step of the 784-5x1024-10 network "
    "(batch 128), each as a\n"
    "rate and as a share of the fastest large product, and the memory-bound optimizer against a "
    "copy.\n"
    "`bench gru --help`: a training step of a recurrent network.\n";

enum { LARGE = 2048 };

typedef struct bench {
  double seconds, peak; /* per figure; best rate of a large product, FLOP/s */
} bench;

/* ---- timing --------------------------------------------------------------------------------- */

typedef void (*work)(void *user);

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double bench_median(double *times, size_t n) {
  qsort(times, n, sizeof *times, compare);
  return times[n / 2];
}

/* Median time of one call over at least `seconds`. */
static double median_time(double seconds, work run, void *user) {
  enum { MOST = 4096 };
  static double times[MOST];
  size_t n = 0;
  run(user);
  for (double start = rs_clock_now(); n < MOST && (n < 5 || rs_clock_now() - start < seconds);
       n++) {
    double t = rs_clock_now();
    run(user);
    times[n] = rs_clock_now() - t;
  }
  return bench_median(times, n);
}

static void report(const bench *b, const char *what, double seconds, double flops) {
  printf("%-44s %9.3f ms %8.1f GFLOP/s %5.0f %%\n", what, 1e3 * seconds, flops / seconds * 1e-9,
         100 * flops / seconds / b->peak);
}

/* ---- products ------------------------------------------------------------------------------- */

typedef struct product {
  rs_gemm_op op;
  size_t m, n, k;
  float *a, *b, *c;
} product;

static void multiply(void *user) {
  product *p = user;
  rs_gemm(p->op, p->m, p->n, p->k, p->a, p->b, p->c, NULL);
}

static rs_status bench_product(bench *b, const char *what, rs_gemm_op op, size_t m, size_t n,
                               size_t k) {
  product p = {.op = op, .m = m, .n = n, .k = k};
  rs_status status = rs_new(&p.a, m * k, sizeof(float));
  if (status == RS_OK) status = rs_new(&p.b, k * n, sizeof(float));
  if (status == RS_OK) status = rs_new(&p.c, m * n, sizeof(float));
  if (status == RS_OK) {
    rs_stream s = rs_stream_make(1, "bench", what, 0);
    for (size_t i = 0; i < m * k; i++) p.a[i] = rs_stream_uniform(&s, i);
    for (size_t i = 0; i < k * n; i++) p.b[i] = rs_stream_uniform(&s, i);
    double flops = 2.0 * (double)m * (double)n * (double)k,
           t = median_time(b->seconds, multiply, &p);
    if (flops / t > b->peak) b->peak = flops / t;
    report(b, what, t, flops);
  }
  free(p.a);
  free(p.b);
  free(p.c);
  return status;
}

/* ---- memory --------------------------------------------------------------------------------- */

typedef struct blocks {
  size_t n;
  float *w, *g, *m, *v;
} blocks;

static void update(void *user) {
  blocks *b = user;
  rs_adam adam = {.lr = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-7, .step = 1};
  rs_adam_update(&adam, b->n, b->w, b->g, b->m, b->v);
}

static void copy(void *user) {
  blocks *b = user;
#pragma omp parallel for schedule(static)
  for (size_t i = 0; i < b->n; i++) b->w[i] = b->g[i];
}

static rs_status bench_memory(const bench *b, size_t n) {
  blocks s = {.n = n};
  rs_status status = rs_new(&s.w, n, sizeof(float));
  if (status == RS_OK) status = rs_new(&s.g, n, sizeof(float));
  if (status == RS_OK) status = rs_new(&s.m, n, sizeof(float));
  if (status == RS_OK) status = rs_new(&s.v, n, sizeof(float));
  if (status == RS_OK) {
    double c = median_time(b->seconds, copy, &s), u = median_time(b->seconds, update, &s);
    /* reads w g m v, writes w m v; the copy reads one block and writes one (its target is read as
     * well) */
    printf("%-44s %9.3f ms %8.1f GB/s\n", "copy of all parameters", 1e3 * c, 12e-9 * (double)n / c);
    printf("%-44s %9.3f ms %8.1f GB/s\n", "Adam over all parameters", 1e3 * u,
           28e-9 * (double)n / u);
  }
  free(s.w);
  free(s.g);
  free(s.m);
  free(s.v);
  return status;
}

/* ---- training ------------------------------------------------------------------------------- */

static void step(void *user) {
  (void)!rs_trainer_step(user); /* synthetic data: the loss stays finite */
}

void bench_layers(size_t svd_rank, rs_layer_spec layers[BENCH_LAYERS]) {
  for (size_t i = 0; i < BENCH_HIDDEN; i++)
    layers[i] = (rs_layer_spec){i == 0 ? 784 : BENCH_WIDTH, BENCH_WIDTH, svd_rank, RS_RELU};
  layers[BENCH_HIDDEN] = (rs_layer_spec){BENCH_WIDTH, 10, 0, RS_LINEAR};
}

rs_train_spec bench_train_spec(size_t batch) {
  return (rs_train_spec){.epochs = 1000000,
                         .batch = batch,
                         .lr = 1e-4,
                         .beta1 = 0.9,
                         .beta2 = 0.999,
                         .epsilon = 1e-7,
                         .seed = 1,
                         .stage = "bench"};
}

rs_status bench_images(size_t count, rs_images *out) {
  rs_images_spec spec = {
      .source = RS_IMAGES_DIGITS, .train_limit = count, .test_limit = 1, .seed = 1};
  rs_images test;
  RS_TRY(rs_images_load(&spec, out, &test));
  rs_images_free(&test);
  return RS_OK;
}

static rs_status bench_training(const bench *b, size_t *parameters) {
  rs_layer_spec layers[BENCH_LAYERS];
  rs_train_spec train = bench_train_spec(BENCH_BATCH);
  rs_images images = {0};
  rs_network *net = NULL;
  rs_trainer *trainer = NULL;
  rs_comm *comm = NULL;
  bench_layers(0, layers);
  rs_status status = bench_images(50 * BENCH_BATCH, &images);
  if (status == RS_OK) status = rs_comm_create_solo(&comm);
  if (status == RS_OK) status = rs_network_create(layers, BENCH_LAYERS, &net);
  if (status == RS_OK) {
    rs_network_init(net, 1, "bench");
    status = rs_trainer_create_classifier(net, &images, &train, comm, &trainer);
  }
  if (status == RS_OK) {
    double flops = BENCH_BATCH * rs_network_flops(layers, BENCH_LAYERS, true);
    double t = median_time(2 * b->seconds, step, trainer);
    report(b, "one training step (Adam)", t, flops);
    printf("%-44s %9.2f s\n", "which makes an epoch of 60,000 images", t * 60000 / BENCH_BATCH);
    *parameters = net->size;
  }
  rs_trainer_destroy(trainer);
  rs_network_destroy(net);
  rs_comm_destroy(comm);
  rs_images_free(&images);
  return status;
}

/* ---- projection ----------------------------------------------------------------------------- */

enum { SVD_RANK = 20 };

/* Weights between two projections of a training: of low rank and a little more. */
static void disturb(rs_network *net, uint64_t time) {
  rs_stream s = rs_stream_make(1, "bench", "disturb", time);
  rs_network_forget_factors(net);
  for (size_t i = 0; i < net->size; i++)
    net->values[i] += 1e-4f * (rs_stream_uniform(&s, i) - 0.5f);
}

/* Median time of projecting all hidden layers after the first, which has no warm start. */
static rs_status time_projection(rs_network *net, rs_svd_method method, int repeats, double *out) {
  const rs_projection_spec spec = {.svd_rank = SVD_RANK,
                                   .method = method,
                                   .iterations = 12,
                                   .oversampling = 12,
                                   .tolerance = 0.01,
                                   .seed = 1,
                                   .stage = "bench"};
  rs_projection *projection = NULL;
  rs_projection_report report;
  rs_comm *comm;
  double times[64];
  RS_TRY(rs_comm_create_solo(&comm));
  rs_status status = rs_projection_create(net, &spec, comm, &projection);
  if (status == RS_OK) status = rs_projection_apply(projection, &report);
  for (int i = 0; i < repeats && status == RS_OK; i++) {
    disturb(net, (uint64_t)i);
    status = rs_projection_apply(projection, &report);
    times[i] = report.seconds;
  }
  if (status == RS_OK) *out = bench_median(times, (size_t)repeats);
  rs_projection_destroy(projection);
  rs_comm_destroy(comm);
  return status;
}

static rs_status bench_projection(void) {
  rs_layer_spec layers[BENCH_LAYERS];
  rs_network *net;
  double whole = 0, warm = 0;
  bench_layers(0, layers);
  RS_TRY(rs_network_create(layers, BENCH_LAYERS, &net));
  rs_network_init(net, 1, "bench");
  rs_status status = time_projection(net, RS_SVD_GESDD, 3, &whole);
  if (status == RS_OK) status = time_projection(net, RS_SVD_SUBSPACE, 21, &warm);
  if (status == RS_OK) {
    printf("%-44s %9.3f ms\n", "projection of five layers, D = 20, gesdd", 1e3 * whole);
    printf("%-44s %9.3f ms %12.1f times faster\n", "projection of five layers, D = 20, subspace",
           1e3 * warm, whole / warm);
  }
  rs_network_destroy(net);
  return status;
}

/* ---- command -------------------------------------------------------------------------------- */

static rs_status bench_all(bench *b) {
  size_t parameters = 0;
  printf("%d thread%s, OpenBLAS kernels %s\n\n", rs_num_threads(), rs_num_threads() == 1 ? "" : "s",
         rs_num_blas_core());
  printf("%-44s %12s %16s %7s\n", "", "time", "rate", "of peak");
  RS_TRY(bench_product(b, "product 2048 x 2048 x 2048 (peak)", RS_GEMM_NN, LARGE, LARGE, LARGE));
  RS_TRY(bench_product(b, "forward   128 x 1024 x 1024", RS_GEMM_NN, BENCH_BATCH, BENCH_WIDTH,
                       BENCH_WIDTH));
  RS_TRY(bench_product(b, "to input  128 x 1024 x 1024 (B^T)", RS_GEMM_NT, BENCH_BATCH, BENCH_WIDTH,
                       BENCH_WIDTH));
  RS_TRY(bench_product(b, "weights  1024 x 1024 x  128 (A^T)", RS_GEMM_TN, BENCH_WIDTH, BENCH_WIDTH,
                       BENCH_BATCH));
  RS_TRY(bench_training(b, &parameters));
  RS_TRY(bench_memory(b, parameters));
  return bench_projection();
}

static int run(int argc, char **argv) {
  static const struct option options[] = {{"threads", required_argument, NULL, 't'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
  bench b = {.seconds = 2};
  if (argc > 1 && strcmp(argv[1], "scaling") == 0) return bench_scaling(argc - 1, argv + 1);
  int threads = world_cores();
  if (argc > 1 && strcmp(argv[1], "gru") == 0) return bench_gru(argc - 1, argv + 1);
  opterr = 0;
  for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
    if (c == 'h') return cli_help(&cli_bench, help);
    if (c == 't')
      threads = atoi(optarg);
    else if (c == 's')
      b.seconds = atof(optarg);
    else
      return cli_usage(&cli_bench, "unknown option %s", argv[optind - 1]);
  }
  if (optind != argc) return cli_usage(&cli_bench, "unexpected argument %s", argv[optind]);
  if (threads < 1 || !(b.seconds > 0)) return cli_usage(&cli_bench, "expected positive numbers");
  rs_num_set_threads(threads);
  rs_status status = bench_all(&b);
  return status == RS_OK ? EXIT_DONE : cli_fail(status);
}

const cli_command cli_bench = {
    .name = "bench",
    .usage = "bench [gru|scaling] [--threads T] [--seconds S]",
    .summary = "Measure the hot paths against the machine.",
    .run = run,
};
