/* What the benchmarks share. */
#ifndef RANKSWEEP_CLI_BENCH_H
#define RANKSWEEP_CLI_BENCH_H

#include "cli.h"

#include "ranksweep/nn.h"

enum { BENCH_BATCH = 128, BENCH_WIDTH = 1024, BENCH_HIDDEN = 5, BENCH_LAYERS = BENCH_HIDDEN + 1 };

/* 784 - 5 x 1024 - 10; SVD_RANK > 0 factors the hidden layers. */
void bench_layers(size_t svd_rank, rs_layer_spec layers[BENCH_LAYERS]);

/* Adam on digits in batches of BATCH. */
rs_train_spec bench_train_spec(size_t batch);
rs_status bench_images(size_t count, rs_images *out) RS_MUST_CHECK;

/* Median of N times, which are put in order. */
double bench_median(double *times, size_t n);

/* ranksweep bench scaling: argv[0] is its name. */
int bench_scaling(int argc, char **argv);

#endif
