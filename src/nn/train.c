/* Training of a classifier, data-parallel. */
#include "ranksweep/nn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct rs_trainer {
  rs_network *net;
  const rs_images *train;
  rs_train_spec spec;
  rs_comm *comm;
  rs_workspace *ws;
  float *gradients, *first_moments, *second_moments; /* [net->size] */
  float *x;                                          /* [share of a batch, features] */
  uint8_t *labels;
  uint32_t *order; /* of the present epoch */
  uint64_t step, steps_per_epoch;
  double loss_sum; /* over the samples of the epoch so far, of the whole group */
  uint64_t seen, correct;
  bool epoch_ended;
  rs_adam adam; /* with the present step's learning rate */
};

/* ---- life -------------------------------------------------------------------------------------
 */

static rs_status allocate(rs_trainer *t) {
  size_t ranks = (size_t)rs_comm_size(t->comm);
  size_t batch = t->spec.batch < t->train->count ? t->spec.batch : t->train->count;
  size_t share = (batch + ranks - 1) / ranks;
  RS_TRY(rs_workspace_create(t->net, share, true, &t->ws));
  RS_TRY(rs_new(&t->gradients, t->net->size, sizeof(float)));
  RS_TRY(rs_new(&t->first_moments, t->net->size, sizeof(float)));
  if (t->spec.optimizer == RS_ADAM) RS_TRY(rs_new(&t->second_moments, t->net->size, sizeof(float)));
  RS_TRY(rs_new(&t->x, share * t->train->rows * t->train->cols, sizeof(float)));
  RS_TRY(rs_new(&t->labels, share, 1));
  return rs_new(&t->order, t->train->count, sizeof(uint32_t));
}

rs_status rs_trainer_create(rs_network *net, const rs_images *train, const rs_train_spec *spec,
                            rs_comm *comm, rs_trainer **out) {
  rs_trainer *t;
  *out = NULL;
  RS_TRY(rs_new(&t, 1, sizeof *t));
  t->net = net;
  t->train = train;
  t->spec = *spec;
  t->comm = comm;
  t->steps_per_epoch = (train->count + spec->batch - 1) / spec->batch;
  rs_status status = allocate(t);
  if (status != RS_OK) {
    rs_trainer_destroy(t);
    return status;
  }
  *out = t;
  return RS_OK;
}

void rs_trainer_destroy(rs_trainer *t) {
  if (t == NULL) return;
  rs_workspace_destroy(t->ws);
  free(t->gradients);
  free(t->first_moments);
  free(t->second_moments);
  free(t->x);
  free(t->labels);
  free(t->order);
  free(t);
}

/* ---- one step -----------------------------------------------------------------------------------
 */

/* Called as soon as a layer's gradients are complete: sum over the group, then update while they
 * are in cache. */
static rs_status update_range(void *user, size_t first, size_t size) {
  rs_trainer *t = user;
  float *w = t->net->values + first, *g = t->gradients + first, *m = t->first_moments + first;
  RS_TRY(rs_comm_sum_floats(t->comm, g, size));
  if (t->spec.optimizer == RS_ADAM)
    rs_adam_update(&t->adam, size, w, g, m, t->second_moments + first);
  else
    rs_sgd_update(t->adam.lr, t->spec.momentum, t->spec.decay, size, w, g, m);
  return RS_OK;
}

static void begin_epoch(rs_trainer *t) {
  rs_batch_order(t->spec.seed, t->spec.stage, t->step / t->steps_per_epoch,
                 (uint32_t)t->train->count, t->order);
  t->loss_sum = 0;
  t->seen = t->correct = 0;
}

static void prepare_update(rs_trainer *t) {
  const rs_train_spec *s = &t->spec;
  uint64_t total = t->steps_per_epoch * s->epochs;
  uint64_t warmup = (uint64_t)(s->warmup * (double)t->steps_per_epoch + 0.5);
  t->adam = (rs_adam){.lr = rs_learning_rate(s, t->step, total, warmup),
                      .beta1 = s->beta1,
                      .beta2 = s->beta2,
                      .epsilon = s->epsilon,
                      .decay = s->decay,
                      .step = t->step + 1};
}

/* Samples of the present batch: all of it, and this rank's share [first, first + count). */
typedef struct share {
  size_t whole, first, count;
} share;

static share batch_share(const rs_trainer *t) {
  size_t start = (t->step % t->steps_per_epoch) * t->spec.batch, left = t->train->count - start;
  size_t whole = left < t->spec.batch ? left : t->spec.batch;
  size_t rank = (size_t)rs_comm_rank(t->comm), ranks = (size_t)rs_comm_size(t->comm);
  size_t from = whole * rank / ranks, to = whole * (rank + 1) / ranks;
  return (share){whole, start + from, to - from};
}

static rs_status not_finite(const rs_trainer *t, size_t rows, double loss) {
  const char *layer = rs_workspace_not_finite(t->net, t->ws, rows);
  return rs_fail(
      RS_ERR_NUMERIC,
      "loss is %g at step %llu of epoch %llu; first layer whose output is not finite: %s", loss,
      (unsigned long long)(t->step % t->steps_per_epoch + 1),
      (unsigned long long)(t->step / t->steps_per_epoch + 1),
      layer != NULL ? layer : "none (the loss alone overflowed)");
}

static rs_status account(rs_trainer *t, const share *s, double loss, size_t correct) {
  double sums[2] = {loss, (double)correct};
  RS_TRY(rs_comm_sum_doubles(t->comm, sums, 2));
  if (!isfinite(sums[0])) return not_finite(t, s->count, sums[0]);
  t->loss_sum += sums[0];
  t->correct += (uint64_t)sums[1];
  t->seen += s->whole;
  return RS_OK;
}

rs_status rs_trainer_step(rs_trainer *t) {
  if (t->step % t->steps_per_epoch == 0) begin_epoch(t);
  prepare_update(t);
  share s = batch_share(t);
  size_t correct;
  rs_images_gather(t->train, t->order + s.first, s.count, t->x, t->labels);
  const float *logits = rs_network_forward(t->net, t->ws, s.count, t->x);
  double loss =
      rs_softmax_cross_entropy(s.count, t->train->classes, logits, t->labels, 1.0f / (float)s.whole,
                               rs_workspace_output_gradient(t->ws), &correct);
  RS_TRY(account(t, &s, loss, correct));
  RS_TRY(rs_network_backward(t->net, t->ws, s.count, t->x, t->gradients, update_range, t));
  t->step++;
  t->epoch_ended = t->step % t->steps_per_epoch == 0;
  return RS_OK;
}

void rs_trainer_progress(const rs_trainer *t, rs_train_progress *out) {
  double seen = t->seen > 0 ? (double)t->seen : 1.0;
  *out = (rs_train_progress){
      .step = t->step,
      .steps_per_epoch = t->steps_per_epoch,
      .epoch = (size_t)(t->step / t->steps_per_epoch),
      .epochs = t->spec.epochs,
      .epoch_ended = t->epoch_ended,
      .finished = t->step >= t->steps_per_epoch * t->spec.epochs,
      .loss = t->loss_sum / seen,
      .accuracy = (double)t->correct / seen,
      .lr = t->adam.lr,
  };
}

/* ---- to be continued --------------------------------------------------------------------------
 */

static rs_status save_block(rs_bundle *into, const char *name, const float *block, size_t size) {
  float *data;
  RS_TRY(rs_bundle_add(into, name, 1, &size, &data));
  memcpy(data, block, size * sizeof *block);
  return RS_OK;
}

rs_status rs_trainer_save(const rs_trainer *t, rs_bundle *into, rs_train_counters *counters) {
  *counters = (rs_train_counters){t->step, t->seen, t->correct, t->loss_sum};
  RS_TRY(rs_network_save(t->net, into));
  RS_TRY(save_block(into, "optimizer/m", t->first_moments, t->net->size));
  if (t->second_moments == NULL) return RS_OK;
  return save_block(into, "optimizer/v", t->second_moments, t->net->size);
}

static rs_status load_block(const rs_bundle *from, const char *name, float *block, size_t size) {
  const float *data;
  RS_TRY(rs_bundle_get(from, name, size, 0, &data));
  memcpy(block, data, size * sizeof *block);
  return RS_OK;
}

rs_status rs_trainer_load(rs_trainer *t, const rs_bundle *from, const rs_train_counters *counters) {
  if (counters->step > t->steps_per_epoch * t->spec.epochs)
    return rs_fail(RS_ERR_DATA, "a checkpoint of step %llu, the training has %llu",
                   (unsigned long long)counters->step,
                   (unsigned long long)(t->steps_per_epoch * t->spec.epochs));
  RS_TRY(rs_network_load(t->net, from));
  RS_TRY(load_block(from, "optimizer/m", t->first_moments, t->net->size));
  if (t->second_moments != NULL)
    RS_TRY(load_block(from, "optimizer/v", t->second_moments, t->net->size));
  t->step = counters->step;
  if (t->step % t->steps_per_epoch != 0) begin_epoch(t); /* in the middle: the order again */
  t->seen = counters->seen;
  t->correct = counters->correct;
  t->loss_sum = counters->loss_sum;
  return RS_OK;
}
