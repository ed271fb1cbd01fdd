/* Forward and backward passes of sequence networks. */
#include "sequence.h"

#include <math.h>
#include <stdlib.h>

struct rs_sequence_workspace {
  size_t frames, rows; /* at most */
  size_t n_layers;
  bool training;
  size_t last_frames, last_rows, last_pairs; /* of the last forward */
  rs_sequence_buffers *buffers;              /* [n_layers] */
};

/* Rows of the input of layer I: a frame of a sequence each, after pooling a sequence each, then a
 * pair each. */
static size_t input_rows(const rs_sequence_net *net, size_t i, size_t frames, size_t rows,
                         size_t pairs) {
  size_t count = frames * rows;
  for (size_t k = 0; k < i; k++) {
    const rs_sequence_ops *ops = rs_sequence_ops_of(net->layers[k].spec.kind);
    if (ops->pools) count = rows;
    if (ops->pairs) count = pairs;
  }
  return count;
}

/* ---- life -------------------------------------------------------------------------------------
 */

static rs_status allocate(const rs_sequence_net *net, rs_sequence_workspace *ws) {
  RS_TRY(rs_new(&ws->buffers, net->n_layers, sizeof *ws->buffers));
  ws->n_layers = net->n_layers;
  for (size_t i = 0; i < net->n_layers; i++) {
    const rs_sequence_layer *l = &net->layers[i];
    rs_sequence_buffers *b = &ws->buffers[i];
    size_t m = input_rows(net, i, ws->frames, ws->rows, ws->rows);
    RS_TRY(rs_sequence_ops_of(l->spec.kind)->allocate(l, ws->frames, ws->rows, m, ws->training, b));
    size_t size = input_rows(net, i + 1, ws->frames, ws->rows, ws->rows) * l->spec.out;
    if (ws->training) RS_TRY(rs_new(&b->output_gradient, size, sizeof(float)));
  }
  return RS_OK;
}

rs_status rs_sequence_workspace_create(const rs_sequence_net *net, size_t frames, size_t rows,
                                       bool training, rs_sequence_workspace **out) {
  rs_sequence_workspace *ws;
  *out = NULL;
  RS_TRY(rs_new(&ws, 1, sizeof *ws));
  ws->frames = frames;
  ws->rows = rows;
  ws->training = training;
  rs_status status = allocate(net, ws);
  if (status != RS_OK) {
    rs_sequence_workspace_destroy(ws);
    return status;
  }
  *out = ws;
  return RS_OK;
}

static void free_buffers(rs_sequence_buffers *b) {
  rs_gru_plan_destroy(b->plan);
  free(b->made);
  free(b->output_gradient);
  free(b->inner);
  free(b->inner_gradient);
  free(b->gates);
  free(b->products);
  free(b->bias);
  free(b->keep);
}

void rs_sequence_workspace_destroy(rs_sequence_workspace *ws) {
  if (ws == NULL) return;
  for (size_t i = 0; i < ws->n_layers; i++) free_buffers(&ws->buffers[i]);
  free(ws->buffers);
  free(ws);
}

float *rs_sequence_output_gradient(rs_sequence_workspace *ws) {
  return ws->buffers[ws->n_layers - 1].output_gradient;
}

/* ---- passes -------------------------------------------------------------------------------------
 */

static rs_sequence_pass pass_of(const rs_sequence_net *net, rs_sequence_workspace *ws,
                                const rs_sequence_batch *batch, size_t i) {
  return (rs_sequence_pass){.layer = &net->layers[i],
                            .values = net->values,
                            .batch = batch,
                            .m = input_rows(net, i, batch->frames, batch->rows, batch->n_pairs),
                            .frames_before = ws->last_frames,
                            .buffers = &ws->buffers[i],
                            .x = i > 0 ? ws->buffers[i - 1].output : batch->x};
}

static bool lengths_fit(const rs_sequence_batch *b) {
  for (size_t row = 0; row < b->rows; row++)
    if (rs_sequence_length(b, row) > b->frames) return false;
  return true;
}

const float *rs_sequence_forward(const rs_sequence_net *net, rs_sequence_workspace *ws,
                                 const rs_sequence_batch *batch) {
  RS_ASSERT(ws->n_layers == net->n_layers);
  RS_ASSERT(batch->frames <= ws->frames && batch->rows <= ws->rows && batch->n_pairs <= ws->rows);
  RS_ASSERT(lengths_fit(batch));
  RS_ASSERT(!batch->continues || batch->rows == ws->last_rows);
  for (size_t i = 0; i < net->n_layers; i++) {
    rs_sequence_pass p = pass_of(net, ws, batch, i);
    const rs_sequence_ops *ops = rs_sequence_ops_of(p.layer->spec.kind);
    if (ops->pairs && batch->n_pairs == 0) break; /* nothing is to be paired */
    ops->forward(&p);
  }
  ws->last_frames = batch->frames;
  ws->last_rows = batch->rows;
  ws->last_pairs = batch->n_pairs;
  return ws->buffers[net->n_layers - 1].output;
}

const float *rs_sequence_layer_output(const rs_sequence_workspace *ws, size_t layer) {
  RS_ASSERT(layer < ws->n_layers);
  return ws->buffers[layer].output;
}

const char *rs_sequence_not_finite(const rs_sequence_net *net, const rs_sequence_workspace *ws) {
  for (size_t i = 0; i < net->n_layers; i++) {
    size_t rows = input_rows(net, i + 1, ws->last_frames, ws->last_rows, ws->last_pairs);
    if (!isfinite(rs_sum_squares(rows * net->layers[i].spec.out, ws->buffers[i].output)))
      return net->layers[i].base.name;
  }
  return NULL;
}

rs_status rs_sequence_backward(const rs_sequence_net *net, rs_sequence_workspace *ws,
                               const rs_sequence_batch *batch, float *gradients,
                               rs_gradient_ready ready, void *user) {
  RS_ASSERT(ws->training);
  RS_ASSERT(batch->frames == ws->last_frames && batch->rows == ws->last_rows);
  for (size_t i = net->n_layers; i-- > 0;) {
    const rs_layer *l = &net->layers[i].base;
    rs_sequence_pass p = pass_of(net, ws, batch, i);
    p.dx = i > 0 ? ws->buffers[i - 1].output_gradient : NULL;
    p.gradients = gradients;
    rs_sequence_ops_of(p.layer->spec.kind)->backward(&p);
    if (ready != NULL && l->size > 0) RS_TRY(ready(user, l->first, l->size));
  }
  return RS_OK;
}
