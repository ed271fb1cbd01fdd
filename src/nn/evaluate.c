/* Evaluation of a classifier, shared out over a group. */
#include "ranksweep/nn.h"

#include <stdlib.h>

enum { CHUNK = 500 }; /* rows a pass: large products, small activations */

typedef struct evaluation {
  const rs_network *net;
  const rs_images *images;
  rs_workspace *ws;
  float *x;
  size_t chunks;
  double *losses, *correct; /* [chunks] */
} evaluation;

static void evaluate_chunk(const evaluation *e, size_t chunk) {
  const rs_images *images = e->images;
  uint8_t labels[CHUNK];
  size_t first = chunk * CHUNK, left = images->count - first, right;
  size_t count = left < CHUNK ? left : CHUNK;
  rs_images_range(images, first, count, e->x, labels);
  const float *logits = rs_network_forward(e->net, e->ws, count, e->x);
  e->losses[chunk] =
      rs_softmax_cross_entropy(count, images->classes, logits, labels, 0.0f, NULL, &right);
  e->correct[chunk] = (double)right;
}

static rs_status open_evaluation(const rs_network *net, const rs_images *images, evaluation *e) {
  *e = (evaluation){.net = net, .images = images, .chunks = (images->count + CHUNK - 1) / CHUNK};
  RS_TRY(rs_workspace_create(net, CHUNK, false, &e->ws));
  RS_TRY(rs_new(&e->x, CHUNK * images->rows * images->cols, sizeof *e->x));
  RS_TRY(rs_new(&e->losses, 2 * e->chunks, sizeof *e->losses));
  e->correct = e->losses + e->chunks;
  return RS_OK;
}

/* Chunks depend on the images alone, and are added in their order: the same bits on any number of
 * ranks. */
rs_status rs_evaluate(const rs_network *net, const rs_images *images, rs_comm *comm, double *loss,
                      double *accuracy) {
  size_t rank = (size_t)rs_comm_rank(comm), ranks = (size_t)rs_comm_size(comm);
  double loss_sum = 0, correct = 0;
  evaluation e;
  rs_status status = open_evaluation(net, images, &e);
  size_t last = e.chunks * (rank + 1) / ranks;
  for (size_t chunk = e.chunks * rank / ranks; status == RS_OK && chunk < last; chunk++)
    evaluate_chunk(&e, chunk);
  status = rs_comm_agree(comm, status);
  if (status == RS_OK) status = rs_comm_sum_doubles(comm, e.losses, 2 * e.chunks);
  for (size_t chunk = 0; status == RS_OK && chunk < e.chunks; chunk++) {
    loss_sum += e.losses[chunk];
    correct += e.correct[chunk];
  }
  *loss = loss_sum / (double)images->count;
  *accuracy = correct / (double)images->count;
  free(e.losses);
  free(e.x);
  rs_workspace_destroy(e.ws);
  return status;
}
