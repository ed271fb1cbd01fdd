/* The steps of a training, data-parallel. */
#include "ranksweep/nn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A step: its batch begins at `start` of the order and has `whole` samples, in which this rank has
 * the parts [first, last). Each part's results are summed over the group as they are, in places of
 * their own: adding zeros is exact, so all ranks can then add the parts in one order. */
typedef struct batch {
  size_t start, whole, first, last;
  double sums[3 * RS_PARTS]; /* losses, then counts, then right answers */
  char trouble[256];         /* a loss that is not finite; "" */
} batch;

struct rs_trainer {
  rs_learner learner;
  rs_train_spec spec;
  rs_comm *comm;
  rs_update *update;
  uint32_t *order; /* of the present epoch */
  size_t parts;    /* that a batch is cut into, over all ranks */
  uint64_t step, steps_per_epoch;
  double loss_sum; /* over the epoch so far, of the whole group */
  uint64_t seen, correct;
  bool epoch_ended;
  double lr; /* of the present step */
  batch batch;
};

void rs_learner_close(const rs_learner *l) {
  if (l->user != NULL) l->ops->close(l->user);
}

/* ---- life ---------------------------------------------------------------------------------- */

static rs_status allocate(rs_trainer *t) {
  const rs_learner *l = &t->learner;
  size_t most = t->spec.batch < l->count ? t->spec.batch : l->count;
  RS_TRY(rs_update_create(l->values, l->size, &t->spec, t->comm, &t->update));
  RS_TRY(l->ops->open(l->user, (most + t->parts - 1) / t->parts));
  return rs_new(&t->order, l->count, sizeof(uint32_t));
}

rs_status rs_trainer_create(const rs_learner *learner, const rs_train_spec *spec, rs_comm *comm,
                            rs_trainer **out) {
  rs_trainer *t;
  *out = NULL;
  RS_ASSERT(learner->count > 0);
  rs_status status = rs_new(&t, 1, sizeof *t);
  if (status != RS_OK) {
    rs_learner_close(learner);
    return status;
  }
  t->learner = *learner;
  t->spec = *spec;
  t->comm = comm;
  t->parts = spec->reduction == RS_EXACT ? RS_PARTS : (size_t)rs_comm_size(comm);
  t->steps_per_epoch = (learner->count + spec->batch - 1) / spec->batch;
  status = allocate(t);
  if (status == RS_OK)
    *out = t;
  else
    rs_trainer_destroy(t);
  return status;
}

rs_status rs_trainer_create_classifier(rs_network *net, const rs_images *images,
                                       const rs_train_spec *spec, rs_comm *comm, rs_trainer **out) {
  rs_learner classifier;
  *out = NULL;
  RS_TRY(rs_classifier_create(net, images, &classifier));
  return rs_trainer_create(&classifier, spec, comm, out);
}

void rs_trainer_destroy(rs_trainer *t) {
  if (t == NULL) return;
  rs_update_destroy(t->update);
  rs_learner_close(&t->learner);
  free(t->order);
  free(t);
}

/* ---- one step ------------------------------------------------------------------------------ */

static void begin_epoch(rs_trainer *t) {
  rs_batch_order(t->spec.seed, t->spec.stage, t->step / t->steps_per_epoch,
                 (uint32_t)t->learner.count, t->order);
  t->loss_sum = 0;
  t->seen = t->correct = 0;
}

static double learning_rate(const rs_trainer *t) {
  const rs_train_spec *s = &t->spec;
  uint64_t total = t->steps_per_epoch * s->epochs;
  uint64_t warmup = (uint64_t)(s->warmup * (double)t->steps_per_epoch + 0.5);
  return rs_learning_rate(s, t->step, total, warmup);
}

static batch open_batch(const rs_trainer *t) {
  size_t start = (t->step % t->steps_per_epoch) * t->spec.batch, left = t->learner.count - start;
  size_t rank = (size_t)rs_comm_rank(t->comm), ranks = (size_t)rs_comm_size(t->comm);
  return (batch){.start = start,
                 .whole = left < t->spec.batch ? left : t->spec.batch,
                 .first = t->parts * rank / ranks,
                 .last = t->parts * (rank + 1) / ranks};
}

/* Where its loss goes: fast parts are as many as ranks, and have one place in common. */
static size_t place_of(const rs_trainer *t, size_t part) {
  return t->spec.reduction == RS_EXACT ? part : 0;
}

static void note_trouble(const rs_trainer *t, batch *b, const rs_pass *pass, double loss) {
  if (b->trouble[0] != '\0') return;
  const char *layer = t->learner.ops->not_finite(t->learner.user, pass);
  snprintf(b->trouble, sizeof b->trouble,
           "loss is %g at step %llu of epoch %llu; first layer whose output is not finite: %s",
           loss, (unsigned long long)(t->step % t->steps_per_epoch + 1),
           (unsigned long long)(t->step / t->steps_per_epoch + 1),
           layer != NULL ? layer : "none (the loss alone overflowed)");
}

static rs_pass pass_of(const rs_trainer *t, const batch *b, size_t part) {
  size_t first = b->whole * part / t->parts;
  return (rs_pass){.step = t->step,
                   .epoch = t->step / t->steps_per_epoch,
                   .batch = t->order + b->start,
                   .whole = b->whole,
                   .first = first,
                   .n = b->whole * (part + 1) / t->parts - first};
}

static void forward(rs_trainer *t, batch *b, const rs_pass *pass, size_t part) {
  rs_pass_result result = {0};
  if (pass->n == 0) return;
  t->learner.ops->forward(t->learner.user, pass, &result);
  if (!isfinite(result.loss)) note_trouble(t, b, pass, result.loss);
  double *place = b->sums + place_of(t, part);
  place[0] = result.loss;
  place[RS_PARTS] = (double)result.count;
  place[2 * RS_PARTS] = (double)result.correct;
}

static rs_status backward(rs_trainer *t, const rs_pass *pass, rs_gradient_ready ready) {
  const rs_learner *l = &t->learner;
  float *gradients = rs_update_gradients(t->update);
  if (pass->n > 0) return l->ops->backward(l->user, pass, gradients, ready, t->update);
  memset(gradients, 0, l->size * sizeof *gradients);
  return ready != NULL ? ready(t->update, 0, l->size) : RS_OK;
}

/* The sum in a tree of pairs. */
static double add_parts(const double values[RS_PARTS]) {
  double sums[RS_PARTS];
  memcpy(sums, values, sizeof sums);
  for (size_t n = RS_PARTS; n > 1; n /= 2)
    for (size_t i = 0; i < n / 2; i++) sums[i] = sums[2 * i] + sums[2 * i + 1];
  return sums[0];
}

/* With all losses here. Every rank sees that one is not finite; who had it says where. */
static rs_status account(rs_trainer *t, const batch *b) {
  double loss = add_parts(b->sums);
  t->loss_sum += loss;
  t->seen += (uint64_t)add_parts(b->sums + RS_PARTS);
  t->correct += (uint64_t)add_parts(b->sums + 2 * RS_PARTS);
  if (isfinite(loss)) return RS_OK;
  bool mine = b->trouble[0] != '\0';
  return rs_comm_agree(t->comm, mine ? rs_fail(RS_ERR_NUMERIC, "%s", b->trouble) : RS_OK);
}

rs_status rs_trainer_step(rs_trainer *t) {
  if (t->step % t->steps_per_epoch == 0) begin_epoch(t);
  t->lr = learning_rate(t);
  batch *b = &t->batch;
  *b = open_batch(t);
  rs_sums *sums = rs_update_sums(t->update);
  rs_update_begin(t->update, t->step, t->lr);
  for (size_t part = b->first; part + 1 < b->last; part++) {
    rs_pass pass = pass_of(t, b, part);
    forward(t, b, &pass, part);
    RS_TRY(backward(t, &pass, NULL));
    rs_update_keep_part(t->update);
  }
  rs_pass pass = pass_of(t, b, b->last - 1);
  forward(t, b, &pass, b->last - 1);
  RS_TRY(rs_sums_start_doubles(sums, b->sums, RS_COUNT(b->sums)));
  RS_TRY(backward(t, &pass, rs_update_ready));
  RS_TRY(rs_update_finish(t->update));
  if (t->learner.ops->updated != NULL) t->learner.ops->updated(t->learner.user);
  RS_TRY(rs_sums_wait_doubles(sums));
  RS_TRY(account(t, b));
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
      .lr = t->lr,
      .sums = rs_sums_accounts(rs_update_sums(t->update)),
  };
}

/* ---- to be continued ----------------------------------------------------------------------- */

rs_status rs_trainer_save(const rs_trainer *t, rs_bundle *into, rs_train_counters *counters) {
  *counters = (rs_train_counters){t->step, t->seen, t->correct, t->loss_sum};
  RS_TRY(t->learner.ops->save(t->learner.user, into));
  return rs_update_save(t->update, into);
}

rs_status rs_trainer_load(rs_trainer *t, const rs_bundle *from, const rs_train_counters *counters) {
  if (counters->step > t->steps_per_epoch * t->spec.epochs)
    return rs_fail(RS_ERR_DATA, "a checkpoint of step %llu, the training has %llu",
                   (unsigned long long)counters->step,
                   (unsigned long long)(t->steps_per_epoch * t->spec.epochs));
  RS_TRY(t->learner.ops->load(t->learner.user, from));
  RS_TRY(rs_update_load(t->update, from));
  t->step = counters->step;
  if (t->step % t->steps_per_epoch != 0) begin_epoch(t); /* in the middle: the order again */
  t->seen = counters->seen;
  t->correct = counters->correct;
  t->loss_sum = counters->loss_sum;
  return RS_OK;
}
