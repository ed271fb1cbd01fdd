#include "scaling.h"

#include <math.h>

scaling_sum_time scaling_sum(const scaling_network *net, int ranks, double bytes) {
  if (ranks <= 1) return (scaling_sum_time){0, 0};
  int steps = 0;
  for (int reached = 1; reached < ranks; reached *= 2) steps++;
  double share = (double)(ranks - 1) / ranks;
  scaling_sum_time doubling = {steps * (net->alpha + bytes / net->beta),
                               steps * bytes / net->gamma};
  scaling_sum_time scattered = {2 * steps * net->alpha + 2 * share * bytes / net->beta,
                                share * bytes / net->gamma};
  bool few_steps = doubling.wire + doubling.adding < scattered.wire + scattered.adding;
  return few_steps ? doubling : scattered;
}

scaling_step scaling_predict(const scaling_work *work, const scaling_network *net, int ranks) {
  double wire = 0;  /* when the last sum so far is off the wire */
  double added = 0; /* adding done so far, by which the backward pass is late */
  double backward = work->n > 0 ? work->ready[work->n - 1] : 0, updates = 0;
  scaling_step step = {0};
  for (size_t i = 0; i < work->n; i++) {
    scaling_sum_time sum = scaling_sum(net, ranks, work->bytes[i]);
    wire = fmax(wire, work->ready[i] + added) + sum.wire;
    added += sum.adding;
    step.sums += sum.wire + sum.adding;
  }
  double end = fmax(backward + added, wire);
  /* what arrives early is updated while the last sums are on the wire */
  for (size_t i = 0; i < work->n; i++) updates += work->update[i];
  double last = work->n > 0 ? work->update[work->n - 1] : 0;
  double after = fmax(backward + added + updates, end + last);
  step.compute = work->forward + backward + updates;
  step.exposed = work->forward + after - step.compute;
  step.waiting = net->jitter * sqrt(2 * log(ranks)) * step.compute;
  step.total = step.compute + step.exposed + step.waiting;
  return step;
}
