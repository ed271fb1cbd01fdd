/* ranksweep bench scaling: what a step costs one rank, and from that what it would cost on many.
 *
 * Measured: the compute of a step for each size of a rank's share, with the moments at which the
 * gradients of each layer are ready; and, under mpirun, sums over the ranks and whole steps. The
 * rest is the model of scaling.h. */
#include "bench.h"
#include "scaling.h"
#include "launch/world.h"

#include "ranksweep/num.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "  --threads T         OpenMP threads of a rank (default 1 under mpirun, else the cores)\n"
    "  --seconds S         time for each figure (default 1)\n"
    "  --alpha US          latency of a message in microseconds (default 2)\n"
    "  --beta GBS          bandwidth of a link in GB/s (default 12.5: 100 Gbit/s)\n"
    "  --gamma GBS         rate of adding received bytes in GB/s (default 10)\n"
    "  --jitter PERCENT    spread of a rank's compute (standard deviation; default 1)\n\n"
    "Predicts strong scaling (batch 128 over all ranks) and weak scaling (128 a rank) of the\n"
    "784-5x1024-10 network, dense and with factors of svd rank 20, up to 1,024 ranks. Under\n"
    "mpirun it also measures sums and whole steps on these ranks, and sets the prediction beside\n"
    "the measurement: mpirun -n 2 ranksweep bench scaling\n";

enum { SVD_RANK = 20, MOST_RANKS = 1024, REPEATS = 2000, SIZES = 8 };

typedef struct scaling_bench {
  double seconds;
  scaling_network cluster; /* the one that is asked about */
  scaling_network here;    /* of the ranks at hand */
  rs_comm *comm;           /* these */
  rs_images images;
} scaling_bench;

/* ---- one rank's work ------------------------------------------------------------------------ */

/* A network with a workspace of `rows`, and what the optimizer needs. */
typedef struct probe {
  rs_network *net;
  rs_workspace *ws;
  float *x, *gradients, *first, *second;
  size_t rows;
  scaling_work *work; /* sums of times while measuring */
  double began;
} probe;

static void close_probe(probe *p) {
  rs_workspace_destroy(p->ws);
  free(p->x);
  free(p->gradients);
  free(p->first);
  free(p->second);
}

static rs_status open_probe(probe *p) {
  RS_TRY(rs_workspace_create(p->net, p->rows, true, &p->ws));
  RS_TRY(rs_new(&p->x, p->rows * p->net->layers[0].spec.in, sizeof(float)));
  RS_TRY(rs_new(&p->gradients, p->net->size, sizeof(float)));
  RS_TRY(rs_new(&p->first, p->net->size, sizeof(float)));
  RS_TRY(rs_new(&p->second, p->net->size, sizeof(float)));
  rs_stream s = rs_stream_make(1, "bench", "scaling", 0);
  for (size_t i = 0; i < p->rows * p->net->layers[0].spec.in; i++)
    p->x[i] = rs_stream_uniform(&s, i);
  return RS_OK;
}

static rs_status note_ready(void *user, size_t first, size_t size) {
  probe *p = user;
  scaling_work *w = p->work;
  const rs_adam adam = {.lr = 1e-6, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-7, .step = 1};
  w->ready[w->n] += rs_clock_now() - p->began;
  w->bytes[w->n] = (double)(size * sizeof(float));
  double update = rs_clock_now();
  rs_adam_update(&adam, size, p->net->values + first, p->gradients + first, p->first + first,
                 p->second + first);
  update = rs_clock_now() - update;
  w->update[w->n++] += update;
  p->began += update; /* the next layer's moment is without it */
  return RS_OK;
}

static rs_status backward_once(probe *p) {
  (void)rs_network_forward(p->net, p->ws, p->rows, p->x);
  memset(rs_workspace_output_gradient(p->ws), 0, p->rows * 10 * sizeof(float));
  p->work->n = 0;
  p->began = rs_clock_now();
  return rs_network_backward(p->net, p->ws, p->rows, p->x, p->gradients, note_ready, p);
}

/* Means over as many passes as fit into the time. */
static rs_status measure_backward(const scaling_bench *b, rs_network *net, size_t rows,
                                  scaling_work *out) {
  probe p = {.net = net, .rows = rows, .work = out};
  int n = 0;
  rs_status status = open_probe(&p);
  if (status == RS_OK) status = backward_once(&p);
  *out = (scaling_work){0};
  for (double start = rs_clock_now(); status == RS_OK && rs_clock_now() - start < b->seconds; n++)
    status = backward_once(&p);
  for (size_t i = 0; i < out->n; i++) {
    out->ready[i] /= n;
    out->update[i] /= n;
  }
  close_probe(&p);
  return status;
}

/* Median time of a step of NET in batches of BATCH over COMM. */
static rs_status measure_step(const scaling_bench *b, rs_network *net, size_t batch, rs_comm *comm,
                              double *out, rs_sums_account *sums) {
  rs_train_spec spec = bench_train_spec(batch);
  rs_trainer *trainer;
  double *times = NULL, began = rs_clock_now();
  size_t n = 0;
  RS_TRY(rs_trainer_create_classifier(net, &b->images, &spec, comm, &trainer));
  rs_status status = rs_comm_agree(comm, rs_new(&times, REPEATS, sizeof *times));
  for (double on = 1; status == RS_OK && on > 0 && n < REPEATS; n++) {
    double start = rs_clock_now();
    status = rs_trainer_step(trainer);
    times[n] = rs_clock_now() - start;
    on = rs_clock_now() - began < b->seconds || n < 5; /* all go on while one does */
    if (status == RS_OK) status = rs_comm_sum_doubles(comm, &on, 1);
  }
  if (status == RS_OK) *out = bench_median(times, n);
  rs_train_progress progress;
  rs_trainer_progress(trainer, &progress);
  if (sums != NULL) *sums = progress.sums;
  free(times);
  rs_trainer_destroy(trainer);
  return status;
}

/* What a step with ROWS costs one rank while all the others do the same. */
static rs_status measure_work(const scaling_bench *b, rs_network *net, size_t rows,
                              scaling_work *out) {
  rs_comm *solo;
  double step = 0;
  RS_TRY(rs_comm_create_solo(&solo));
  rs_status status = rs_comm_agree(b->comm, RS_OK);
  if (status == RS_OK) status = measure_backward(b, net, rows, out);
  if (status == RS_OK) status = rs_comm_agree(b->comm, RS_OK);
  if (status == RS_OK) status = measure_step(b, net, rows, solo, &step, NULL);
  rs_comm_destroy(solo);
  RS_TRY(rs_comm_agree(b->comm, status));
  out->forward = step - out->ready[out->n - 1];
  for (size_t i = 0; i < out->n; i++) out->forward -= out->update[i];
  if (out->forward < 0) out->forward = 0;
  return RS_OK;
}

/* ---- the ranks at hand ---------------------------------------------------------------------- */

static rs_status time_sum(const scaling_bench *b, size_t count, double *out) {
  double times[64], *data;
  RS_TRY(rs_comm_agree(b->comm, rs_new(&data, count, sizeof(float))));
  rs_status status = RS_OK;
  for (size_t i = 0; i < RS_COUNT(times) && status == RS_OK; i++) {
    status = rs_comm_agree(b->comm, RS_OK); /* together */
    double start = rs_clock_now();
    if (status == RS_OK) status = rs_comm_sum_floats(b->comm, (float *)data, count);
    times[i] = rs_clock_now() - start;
  }
  free(data);
  if (status == RS_OK) *out = bench_median(times, RS_COUNT(times));
  return status;
}

/* Constants with which recursive doubling takes as long as sums here do. Between ranks of a node
 * the ranks themselves move the bytes: all of it is adding. */
static rs_status measure_network(scaling_bench *b) {
  enum { SMALL = 1, LARGE = 1 << 20 };
  double small, large;
  int steps = 0;
  for (int reached = 1; reached < rs_comm_size(b->comm); reached *= 2) steps++;
  RS_TRY(time_sum(b, SMALL, &small));
  RS_TRY(time_sum(b, LARGE, &large));
  b->here = (scaling_network){.alpha = small / steps, .beta = 1e30};
  b->here.gamma = steps * (LARGE - SMALL) * (double)sizeof(float) / (large - small);
  return RS_OK;
}

/* ---- tables --------------------------------------------------------------------------------- */

static rs_status add_row(text_table *t, int ranks, size_t rows, const scaling_step *s, double alone,
                         bool weak) {
  double speedup = (weak ? ranks : 1) * alone / s->total, hidden = s->sums - s->exposed;
  RS_TRY(text_table_cell(t, "%d", ranks));
  RS_TRY(text_table_cell(t, "%zu", rows));
  RS_TRY(text_table_cell(t, "%.3f", 1e3 * s->compute));
  RS_TRY(text_table_cell(t, "%.3f", 1e3 * s->sums));
  RS_TRY(s->sums > 0 ? text_table_cell(t, "%.0f %%", 100 * hidden / s->sums)
                     : text_table_cell(t, "-"));
  RS_TRY(text_table_cell(t, "%.3f", 1e3 * s->waiting));
  RS_TRY(text_table_cell(t, "%.3f", 1e3 * s->total));
  RS_TRY(text_table_cell(t, "%.1f", speedup));
  return text_table_cell(t, "%.0f %%", 100 * speedup / ranks);
}

static rs_status new_table(text_table **out) {
  static const char *const heads[] = {"ranks",   "rows a rank", "compute ms",
                                      "sums ms", "hidden",      "waiting ms",
                                      "step ms", "speed-up",    "efficiency"};
  RS_TRY(text_table_create(RS_COUNT(heads), out));
  for (size_t i = 0; i < RS_COUNT(heads); i++) {
    text_table_right(*out, i);
    RS_TRY(text_table_cell(*out, "%s", heads[i]));
  }
  return RS_OK;
}

/* WORKS[i]: of 128 >> i rows. */
static rs_status print_predictions(const scaling_bench *b, const scaling_work works[SIZES],
                                   bool weak) {
  text_table *t;
  scaling_step alone = scaling_predict(&works[0], &b->cluster, 1);
  rs_status status = new_table(&t);
  for (int i = 0, ranks = 1; status == RS_OK && ranks <= MOST_RANKS; i++, ranks *= 2) {
    const scaling_work *work = weak ? &works[0] : &works[i < SIZES ? i : SIZES - 1];
    size_t rows = weak || i >= SIZES ? (weak ? BENCH_BATCH : 1) : BENCH_BATCH >> i;
    if (!weak && ranks > BENCH_BATCH) break; /* there is less than a sample for each */
    scaling_step step = scaling_predict(work, &b->cluster, ranks);
    status = add_row(t, ranks, rows, &step, alone.total, weak);
  }
  if (status == RS_OK) text_table_print(t, stdout);
  text_table_destroy(t);
  return status;
}

/* Batch 128 over the ranks at hand. */
static rs_status print_check(const scaling_bench *b, rs_network *net) {
  int ranks = rs_comm_size(b->comm);
  scaling_work work;
  rs_sums_account sums;
  double measured;
  RS_TRY(measure_work(b, net, (size_t)(BENCH_BATCH / ranks), &work));
  RS_TRY(measure_step(b, net, BENCH_BATCH, b->comm, &measured, &sums));
  scaling_step step = scaling_predict(&work, &b->here, ranks);
  if (rs_comm_rank(b->comm) == 0)
    printf("%d ranks here, batch %d over all: predicted %.3f ms a step, measured %.3f ms (%.2f)\n",
           ranks, BENCH_BATCH, 1e3 * step.total, 1e3 * measured, step.total / measured);
  if (rs_comm_rank(b->comm) == 0)
    printf("rank 0 waited for sums in %.0f %% of the time that they were under way\n",
           100 * sums.waited / sums.busy);
  return RS_OK;
}

static rs_status bench_network(const scaling_bench *b, const char *name, size_t svd_rank) {
  rs_layer_spec layers[BENCH_LAYERS];
  scaling_work works[SIZES];
  rs_network *net;
  bool root = rs_comm_rank(b->comm) == 0;
  bench_layers(svd_rank, layers);
  RS_TRY(rs_comm_agree(b->comm, rs_network_create(layers, BENCH_LAYERS, &net)));
  rs_network_init(net, 1, "bench");
  rs_status status = RS_OK;
  for (int i = 0; i < SIZES && status == RS_OK; i++)
    status = measure_work(b, net, BENCH_BATCH >> i, &works[i]);
  if (status == RS_OK && root) {
    printf("\n%s: %zu parameters, %.2f MB of gradients a step\n", name, net->size,
           4e-6 * (double)net->size);
    printf("\nstrong scaling, batch %d over all ranks\n\n", BENCH_BATCH);
    status = print_predictions(b, works, false);
    if (status == RS_OK) printf("\nweak scaling, %d samples a rank\n\n", BENCH_BATCH);
    if (status == RS_OK) status = print_predictions(b, works, true);
    printf("\n");
  }
  status = rs_comm_agree(b->comm, status);
  if (status == RS_OK && rs_comm_size(b->comm) > 1) status = print_check(b, net);
  rs_network_destroy(net);
  return status;
}

/* ---- command -------------------------------------------------------------------------------- */

static void print_network(const char *where, const scaling_network *n) {
  printf("%s: %.1f us a message", where, 1e6 * n->alpha);
  if (n->beta < 1e20) printf(", %.1f GB/s on the wire", 1e-9 * n->beta);
  printf(", %.1f GB/s of adding, jitter %.1f %%\n", 1e-9 * n->gamma, 100 * n->jitter);
}

static rs_status bench_all(scaling_bench *b) {
  bool root = rs_comm_rank(b->comm) == 0;
  RS_TRY(rs_comm_agree(b->comm, bench_images(8 * BENCH_BATCH, &b->images)));
  if (rs_comm_size(b->comm) > 1) RS_TRY(measure_network(b));
  if (root) {
    printf("%d rank%s, %d thread%s each\n", rs_comm_size(b->comm),
           rs_comm_size(b->comm) == 1 ? "" : "s", rs_num_threads(),
           rs_num_threads() == 1 ? "" : "s");
    print_network("network asked about", &b->cluster);
    if (rs_comm_size(b->comm) > 1) print_network("sums here", &b->here);
  }
  RS_TRY(bench_network(b, "784-5x1024-10, dense", 0));
  return bench_network(b, "784-5x1024-10, factors of svd rank 20", SVD_RANK);
}

static rs_status open_ranks(int argc, char **argv, rs_comm **out) {
  int rank, size;
  if (!world_launched()) return rs_comm_create_solo(out);
  RS_TRY(rs_comm_start(&argc, &argv, &rank, &size));
  int *all;
  RS_TRY(rs_new(&all, (size_t)size, sizeof *all));
  for (int i = 0; i < size; i++) all[i] = i;
  rs_status status = rs_comm_create_group(all, size, 0, out);
  free(all);
  return status;
}

static int run(scaling_bench *b, int argc, char **argv, int threads) {
  rs_status status = open_ranks(argc, argv, &b->comm);
  if (status != RS_OK) return cli_fail(status);
  rs_num_set_threads(threads > 0 ? threads : world_launched() ? 1 : world_cores());
  status = bench_all(b);
  int code = status == RS_OK ? EXIT_DONE : cli_fail(status);
  rs_images_free(&b->images);
  rs_comm_destroy(b->comm);
  if (world_launched()) rs_comm_finish();
  return code;
}

int bench_scaling(int argc, char **argv) {
  static const struct option options[] = {
      {"threads", required_argument, NULL, 't'}, {"seconds", required_argument, NULL, 's'},
      {"alpha", required_argument, NULL, 'a'},   {"beta", required_argument, NULL, 'b'},
      {"gamma", required_argument, NULL, 'g'},   {"jitter", required_argument, NULL, 'j'},
      {"help", no_argument, NULL, 'h'},          {0}};
  scaling_bench b = {.seconds = 1,
                     .cluster = {.alpha = 2e-6, .beta = 12.5e9, .gamma = 10e9, .jitter = 0.01}};
  int threads = 0;
  opterr = 0;
  for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
    switch (c) {
    case 'h': return cli_help(&cli_bench, help);
    case 't': threads = atoi(optarg); break;
    case 's': b.seconds = atof(optarg); break;
    case 'a': b.cluster.alpha = 1e-6 * atof(optarg); break;
    case 'b': b.cluster.beta = 1e9 * atof(optarg); break;
    case 'g': b.cluster.gamma = 1e9 * atof(optarg); break;
    case 'j': b.cluster.jitter = 1e-2 * atof(optarg); break;
    default: return cli_usage(&cli_bench, "unknown option %s", argv[optind - 1]);
    }
  }
  if (optind != argc) return cli_usage(&cli_bench, "unexpected argument %s", argv[optind]);
  if (threads < 0 || !(b.seconds > 0) || !(b.cluster.alpha >= 0) || !(b.cluster.beta > 0) ||
      !(b.cluster.gamma > 0) || !(b.cluster.jitter >= 0))
    return cli_usage(&cli_bench, "expected positive numbers");
  return run(&b, argc, argv, threads);
}
