/* The optimizer's step of one block of parameters, over a group. */
#include "ranksweep/nn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  BUCKET = 1 << 16, /* floats that are summed at a time: 256 KiB */
  LEVELS = 3        /* of the tree that adds up to 8 parts of a rank's share */
};

struct rs_update {
  rs_train_spec spec;
  rs_comm *comm;
  float *values;
  size_t size;
  float *gradients, *first_moments, *second_moments; /* [size] */
  float *parts[LEVELS]; /* sums of 1, 2 and 4 parts that wait for their neighbours */
  bool held[LEVELS];
  rs_sums *sums;
  size_t low, high; /* gradients that are ready and not handed on: [low, high) */
  rs_adam adam;
};

/* ---- life ---------------------------------------------------------------------------------- */

static rs_status check_ranks(const rs_update *u) {
  int ranks = rs_comm_size(u->comm);
  if (u->spec.reduction != RS_EXACT || RS_PARTS % ranks == 0) return RS_OK;
  return rs_fail(RS_ERR_USAGE, "exact reduction needs 1, 2, 4 or 8 ranks in a group, got %d",
                 ranks);
}

static rs_status allocate(rs_update *u) {
  RS_TRY(check_ranks(u));
  RS_TRY(rs_new(&u->gradients, u->size, sizeof(float)));
  RS_TRY(rs_new(&u->first_moments, u->size, sizeof(float)));
  if (u->spec.optimizer == RS_ADAM) RS_TRY(rs_new(&u->second_moments, u->size, sizeof(float)));
  int parts = u->spec.reduction == RS_EXACT ? RS_PARTS / rs_comm_size(u->comm) : 1;
  for (int level = 0; 1 << level < parts; level++)
    RS_TRY(rs_new(&u->parts[level], u->size, sizeof(float)));
  return rs_sums_create(u->comm, u->size, u->spec.reduction == RS_EXACT, &u->sums);
}

rs_status rs_update_create(float *values, size_t size, const rs_train_spec *spec, rs_comm *comm,
                           rs_update **out) {
  rs_update *u;
  *out = NULL;
  RS_TRY(rs_new(&u, 1, sizeof *u));
  u->spec = *spec;
  u->comm = comm;
  u->values = values;
  u->size = size;
  rs_status status = allocate(u);
  if (status == RS_OK)
    *out = u;
  else
    rs_update_destroy(u);
  return status;
}

void rs_update_destroy(rs_update *u) {
  if (u == NULL) return;
  rs_sums_destroy(u->sums);
  for (int i = 0; i < LEVELS; i++) free(u->parts[i]);
  free(u->gradients);
  free(u->first_moments);
  free(u->second_moments);
  free(u);
}

/* ---- one step ------------------------------------------------------------------------------ */

float *rs_update_gradients(rs_update *u) {
  return u->gradients;
}

rs_sums *rs_update_sums(rs_update *u) {
  return u->sums;
}

void rs_update_begin(rs_update *u, uint64_t step, double lr) {
  const rs_train_spec *s = &u->spec;
  u->low = u->high = u->size;
  u->adam = (rs_adam){.lr = lr,
                      .beta1 = s->beta1,
                      .beta2 = s->beta2,
                      .epsilon = s->epsilon,
                      .decay = s->decay,
                      .step = step + 1};
}

static void update_range(rs_update *u, size_t first, size_t n) {
  float *w = u->values + first, *g = u->gradients + first, *m = u->first_moments + first;
  if (u->spec.optimizer == RS_ADAM)
    rs_adam_update(&u->adam, n, w, g, m, u->second_moments + first);
  else
    rs_sgd_update(u->adam.lr, u->spec.momentum, u->spec.decay, n, w, g, m);
}

/* Parts pair up as the digits of a binary counter carry: 0 + 1, 2 + 3, then their sums. */
void rs_update_keep_part(rs_update *u) {
  int level = 0;
  for (; u->held[level]; level++) {
    rs_add(u->size, u->gradients, u->parts[level]);
    u->held[level] = false;
  }
  RS_ASSERT(level < LEVELS && u->parts[level] != NULL);
  float *kept = u->gradients;
  u->gradients = u->parts[level];
  u->parts[level] = kept;
  u->held[level] = true;
}

static void add_parts(rs_update *u, size_t first, size_t n) {
  for (int level = 0; level < LEVELS; level++)
    if (u->held[level]) rs_add(n, u->gradients + first, u->parts[level] + first);
}

/* Updates what has arrived; with WAIT, all that is under way. */
static rs_status take_arrived(rs_update *u, bool wait) {
  for (;;) {
    size_t first, n;
    RS_TRY(rs_sums_next(u->sums, wait, &first, &n));
    if (n == 0) return RS_OK;
    if (u->spec.clip_norm <= 0) update_range(u, first, n);
  }
}

/* Hands on what is ready, in buckets from its end. */
static rs_status hand_on(rs_update *u, size_t least) {
  while (u->high > u->low && u->high - u->low >= least) {
    size_t n = u->high - u->low < BUCKET ? u->high - u->low : BUCKET;
    u->high -= n;
    RS_TRY(rs_sums_start(u->sums, u->gradients, u->high, n));
  }
  return RS_OK;
}

rs_status rs_update_ready(void *update, size_t first, size_t size) {
  rs_update *u = update;
  RS_ASSERT(first + size == u->low);
  u->low = first;
  add_parts(u, first, size);
  if (rs_comm_size(u->comm) == 1) { /* at once, while they are in cache */
    if (u->spec.clip_norm <= 0) update_range(u, first, size);
    return RS_OK;
  }
  RS_TRY(hand_on(u, BUCKET));
  return take_arrived(u, false);
}

static void clip(rs_update *u) {
  double norm = sqrt(rs_sum_squares(u->size, u->gradients));
  if (norm > u->spec.clip_norm) rs_scale(u->size, (float)(u->spec.clip_norm / norm), u->gradients);
}

rs_status rs_update_finish(rs_update *u) {
  RS_ASSERT(u->low == 0);
  memset(u->held, 0, sizeof u->held);
  if (rs_comm_size(u->comm) > 1) {
    RS_TRY(hand_on(u, 1));
    RS_TRY(take_arrived(u, true));
  }
  if (u->spec.clip_norm <= 0) return RS_OK;
  clip(u);
  update_range(u, 0, u->size);
  return RS_OK;
}

/* ---- to be continued ----------------------------------------------------------------------- */

static rs_status save_block(rs_bundle *into, const char *name, const float *block, size_t size) {
  float *data;
  RS_TRY(rs_bundle_add(into, name, 1, &size, &data));
  memcpy(data, block, size * sizeof *block);
  return RS_OK;
}

rs_status rs_update_save(const rs_update *u, rs_bundle *into) {
  RS_TRY(save_block(into, "optimizer/m", u->first_moments, u->size));
  if (u->second_moments == NULL) return RS_OK;
  return save_block(into, "optimizer/v", u->second_moments, u->size);
}

static rs_status load_block(const rs_bundle *from, const char *name, float *block, size_t size) {
  const float *data;
  RS_TRY(rs_bundle_get(from, name, size, 0, &data));
  memcpy(block, data, size * sizeof *block);
  return RS_OK;
}

rs_status rs_update_load(rs_update *u, const rs_bundle *from) {
  RS_TRY(load_block(from, "optimizer/m", u->first_moments, u->size));
  if (u->second_moments == NULL) return RS_OK;
  return load_block(from, "optimizer/v", u->second_moments, u->size);
}
