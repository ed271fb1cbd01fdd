/* Evaluation of a classifier, shared out over a group. */
#include "ranksweep/nn.h"

#include <stdlib.h>

enum { CHUNK = 500 }; /* rows a pass: large products, small activations */

static void evaluate_range(const rs_network *net, const rs_images *images, size_t first,
                           size_t last, rs_workspace *ws, float *x, uint8_t *labels,
                           double sums[2]) {
  for (size_t i = first; i < last; i += CHUNK) {
    size_t count = last - i < CHUNK ? last - i : CHUNK, correct;
    rs_images_range(images, i, count, x, labels);
    const float *logits = rs_network_forward(net, ws, count, x);
    sums[0] +=
        rs_softmax_cross_entropy(count, images->classes, logits, labels, 0.0f, NULL, &correct);
    sums[1] += (double)correct;
  }
}

rs_status rs_evaluate(const rs_network *net, const rs_images *images, rs_comm *comm, double *loss,
                      double *accuracy) {
  size_t rank = (size_t)rs_comm_rank(comm), ranks = (size_t)rs_comm_size(comm);
  size_t first = images->count * rank / ranks, last = images->count * (rank + 1) / ranks;
  rs_workspace *ws = NULL;
  float *x = NULL;
  uint8_t labels[CHUNK];
  double sums[2] = {0, 0};
  rs_status status = rs_workspace_create(net, CHUNK, false, &ws);
  if (status == RS_OK) status = rs_new(&x, CHUNK * images->rows * images->cols, sizeof *x);
  if (status == RS_OK) evaluate_range(net, images, first, last, ws, x, labels, sums);
  status = rs_comm_agree(comm, status);
  if (status == RS_OK) status = rs_comm_sum_doubles(comm, sums, 2);
  *loss = sums[0] / (double)images->count;
  *accuracy = sums[1] / (double)images->count;
  free(x);
  rs_workspace_destroy(ws);
  return status;
}
