/* Sums over a group beside the computation. */
#include "group.h"

#include <stdlib.h>

enum {
  MOST_DOUBLED = 4, /* ranks up to which recursive doubling moves little more than is needed */
  TAGS = 16384      /* of pieces under way at a time */
};

static const char what[] = "summing gradients";

typedef struct piece {
  float *data;
  size_t first, n;
  int tag, distance; /* to the partner of the present exchange; 0: one request does it all */
  MPI_Request requests[2];
  bool done;
} piece;

struct rs_sums {
  rs_comm *comm;
  bool doubling;
  float *received; /* [size]: the partner's values, at the place of one's own */
  piece *pieces;   /* under way, oldest first, from `head` on */
  size_t head, count, cap;
  int next_tag;
  MPI_Request doubles;
  rs_sums_account account;
  double began; /* since when something is under way */
};

/* ---- life ---------------------------------------------------------------------------------- */

rs_status rs_sums_create(rs_comm *c, size_t size, bool ordered, rs_sums **out) {
  rs_sums *s;
  bool power = (c->size & (c->size - 1)) == 0;
  *out = NULL;
  if (ordered && !power)
    return rs_fail(RS_ERR_USAGE, "ordered sums need 1, 2, 4, 8, ... ranks, got %d", c->size);
  RS_TRY(rs_new(&s, 1, sizeof *s));
  s->comm = c;
  s->doubling = ordered || (power && c->size <= MOST_DOUBLED);
  s->doubles = MPI_REQUEST_NULL;
  rs_status status = s->doubling ? rs_new(&s->received, size, sizeof *s->received) : RS_OK;
  if (status == RS_OK)
    *out = s;
  else
    rs_sums_destroy(s);
  return status;
}

/* Pieces that are still under way belong to a run that is given up: MPI keeps their requests. */
void rs_sums_destroy(rs_sums *s) {
  if (s == NULL) return;
  free(s->received);
  free(s->pieces);
  free(s);
}

rs_sums_account rs_sums_accounts(const rs_sums *s) {
  return s->account;
}

/* ---- one piece ----------------------------------------------------------------------------- */

static void add(size_t n, float *restrict to, const float *restrict from) {
#pragma omp simd
  for (size_t i = 0; i < n; i++) to[i] += from[i];
}

static rs_status exchange(rs_sums *s, piece *p) {
  int partner = s->comm->rank ^ p->distance, n = (int)p->n;
  RS_TRY(group_check(MPI_Irecv(s->received + p->first, n, MPI_FLOAT, partner, p->tag, s->comm->mpi,
                               &p->requests[0]),
                     what));
  return group_check(
      MPI_Isend(p->data, n, MPI_FLOAT, partner, p->tag, s->comm->mpi, &p->requests[1]), what);
}

static rs_status begin(rs_sums *s, piece *p) {
  if (s->comm->size == 1) {
    p->done = true;
    return RS_OK;
  }
  p->distance = s->doubling;
  if (s->doubling) return exchange(s, p);
  p->requests[1] = MPI_REQUEST_NULL;
  return group_check(MPI_Iallreduce(MPI_IN_PLACE, p->data, (int)p->n, MPI_FLOAT, MPI_SUM,
                                    s->comm->mpi, &p->requests[0]),
                     what);
}

/* After an exchange both partners hold the same sum of their two values; a + b is b + a. */
static rs_status go_on(rs_sums *s, piece *p) {
  int complete = 0;
  if (p->done) return RS_OK;
  RS_TRY(group_check(MPI_Testall(2, p->requests, &complete, MPI_STATUSES_IGNORE), what));
  if (!complete) return RS_OK;
  if (s->doubling) {
    add(p->n, p->data, s->received + p->first);
    p->distance *= 2;
    if (p->distance < s->comm->size) return exchange(s, p);
  }
  p->done = true;
  return RS_OK;
}

/* ---- all of them --------------------------------------------------------------------------- */

static rs_status poll(rs_sums *s) {
  for (size_t i = 0; i < s->count; i++) RS_TRY(go_on(s, &s->pieces[s->head + i]));
  return RS_OK;
}

rs_status rs_sums_start(rs_sums *s, float *data, size_t first, size_t n) {
  if (s->count == 0) {
    s->head = 0;
    s->began = rs_clock_now();
  }
  RS_TRY(rs_grow(&s->pieces, &s->cap, s->head + s->count + 1, sizeof *s->pieces));
  piece *p = &s->pieces[s->head + s->count];
  *p = (piece){.data = data + first, .first = first, .n = n, .tag = s->next_tag};
  s->next_tag = (s->next_tag + 1) % TAGS;
  s->count++;
  s->account.bytes += (double)(n * sizeof *data);
  return begin(s, p);
}

static rs_status wait_for_first(rs_sums *s) {
  group_wait wait = group_wait_begin();
  RS_TRY(poll(s));
  if (s->pieces[s->head].done) return RS_OK;
  while (!s->pieces[s->head].done) {
    group_wait_more(s->comm, &wait);
    RS_TRY(poll(s));
  }
  group_wait_end(s->comm, &wait);
  s->account.waited += rs_clock_now() - wait.start;
  return RS_OK;
}

rs_status rs_sums_next(rs_sums *s, bool wait, size_t *first, size_t *n) {
  *first = *n = 0;
  if (s->count == 0) return RS_OK;
  RS_TRY(wait ? wait_for_first(s) : poll(s));
  const piece *p = &s->pieces[s->head];
  if (!p->done) return RS_OK;
  *first = p->first;
  *n = p->n;
  s->head++;
  s->count--;
  if (s->count == 0) s->account.busy += rs_clock_now() - s->began;
  return RS_OK;
}

rs_status rs_sums_start_doubles(rs_sums *s, double *data, size_t n) {
  if (s->comm->size == 1) return RS_OK;
  return group_check(
      MPI_Iallreduce(MPI_IN_PLACE, data, (int)n, MPI_DOUBLE, MPI_SUM, s->comm->mpi, &s->doubles),
      what);
}

rs_status rs_sums_wait_doubles(rs_sums *s) {
  return s->comm->size == 1 ? RS_OK : group_wait_for(s->comm, &s->doubles, what);
}
