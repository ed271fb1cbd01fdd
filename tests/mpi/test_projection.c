/* nn: projection onto low rank, under mpirun: the same bits on any number of ranks. */
#include "ranksweep/nn.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static int failures;

static void check(bool right, const char *what, double got) {
  if (right) return;
  failures++;
  fprintf(stderr, "FAILED: %s (%g): %s\n", what, got, rs_error_message());
}

static rs_network *make_network(void) {
  const rs_layer_spec layers[] = {
      {90, 80, 0, RS_RELU}, {80, 120, 0, RS_RELU}, {120, 9, 0, RS_RELU}, {9, 10, 0, RS_LINEAR}};
  rs_network *net;
  check(rs_network_create(layers, RS_COUNT(layers), &net) == RS_OK, "network", 0);
  rs_network_init(net, 3, "test");
  return net;
}

/* As a training between two projections would. */
static void disturb(rs_network *net, uint64_t time) {
  rs_stream s = rs_stream_make(9, "test", "disturb", time);
  rs_network_forget_factors(net);
  for (size_t i = 0; i < net->size; i++) net->values[i] += 2e-3f * (float)rs_stream_normal(&s, i);
}

static rs_network *project(rs_svd_method method, rs_comm *comm, rs_projection_report *report) {
  const rs_projection_spec spec = {.svd_rank = 8,
                                   .method = method,
                                   .iterations = 400,
                                   .oversampling = 6,
                                   .tolerance = 1e-4,
                                   .seed = 1,
                                   .stage = "test"};
  rs_network *net = make_network();
  rs_projection *p;
  check(rs_projection_create(net, &spec, comm, &p) == RS_OK, "projection", 0);
  for (uint64_t i = 0; i < 3; i++) {
    disturb(net, i);
    check(rs_projection_apply(p, report) == RS_OK, "applying", (double)i);
  }
  check(rs_projection_count(p) == 3, "count", (double)rs_projection_count(p));
  rs_projection_destroy(p);
  return net;
}

static double distance(const rs_network *a, const rs_network *b) {
  double apart = 0;
  for (size_t i = 0; i < a->size; i++) apart += pow((double)a->values[i] - b->values[i], 2);
  return sqrt(apart / rs_sum_squares(b->size, b->values));
}

/* A layer whose kernel is NaN on the rank that decomposes it: all learn of it. */
static void trouble_is_everybodys(rs_comm *group) {
  const rs_projection_spec spec = {.svd_rank = 4, .seed = 1, .stage = "test"};
  rs_network *net = make_network();
  rs_projection *p;
  rs_projection_report report;
  net->values[net->layers[1].kernel + 5] = NAN;
  check(rs_projection_create(net, &spec, group, &p) == RS_OK, "projection", 0);
  check(rs_projection_apply(p, &report) == RS_ERR_NUMERIC, "a NaN fails on every rank", 0);
  check(strstr(rs_error_message(), "dense2") != NULL, "with the layer", 0);
  rs_projection_destroy(p);
  rs_network_destroy(net);
}

int main(int argc, char **argv) {
  int size, ranks[64];
  rs_comm *group, *solo;
  rs_network *kept[2];
  if (rs_comm_start(&argc, &argv, NULL, &size) != RS_OK) return 1;
  rs_num_set_threads(1);
  for (int i = 0; i < size; i++) ranks[i] = i;
  check(rs_comm_create_group(ranks, size, 1, &group) == RS_OK, "group", size);
  check(rs_comm_create_solo(&solo) == RS_OK, "solo", 0);
  for (rs_svd_method m = RS_SVD_GESDD; m <= RS_SVD_SUBSPACE; m++) {
    rs_projection_report report, alone;
    rs_network *net = project(m, group, &report), *reference = project(m, solo, &alone);
    check(memcmp(net->values, reference->values, net->size * sizeof(float)) == 0,
          "the same bits as on one rank", m);
    check(report.residual == alone.residual && report.energy == alone.energy, "the same report", m);
    check(m == RS_SVD_GESDD || report.iterations > 0, "it iterates", (double)report.iterations);
    rs_network_destroy(reference);
    kept[m] = net;
  }
  double apart = distance(kept[1], kept[0]);
  check(apart < 2e-3, "subspace and gesdd agree", apart);
  trouble_is_everybodys(group);
  rs_network_destroy(kept[0]);
  rs_network_destroy(kept[1]);
  rs_comm_destroy(solo);
  rs_comm_destroy(group);
  rs_comm_finish();
  return failures > 0;
}
