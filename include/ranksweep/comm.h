/* comm: collectives of one group of MPI ranks, and the start and end of MPI itself.
 *
 * A group of one needs no MPI: its collectives return at once. "Collective" means: every rank of
 * the group calls it, in the same order, with the same sizes; all get the same status unless a peer
 * died. */
#ifndef RANKSWEEP_COMM_H
#define RANKSWEEP_COMM_H

#include "ranksweep/base.h"

/* ---- the process ----------------------------------------------------------------------------- */

/* Start MPI in this process; WORLD_RANK and WORLD_SIZE may be NULL. Once, before any group of more
 * than one. */
rs_status rs_comm_start(int *argc, char ***argv, int *world_rank, int *world_size) RS_MUST_CHECK;
void rs_comm_finish(void);
/* End every rank of the world at once with exit STATUS, after a failure that nobody can recover
 * from. */
void rs_comm_abort(int status);
/* "Open MPI v4.1.4, ...": first line of the library's version; works without rs_comm_start. */
void rs_comm_library(char *out, size_t size);
/* The same of the headers that this was built with. */
void rs_comm_built_with(char *out, size_t size);

/* Which of the COUNT workers (world ranks from 1 on) of its node this rank is, from 0, and whether
 * all of them gave the same MINE. Collective over the world. */
rs_status rs_comm_place(uint64_t mine, int *index, int *count, bool *alike) RS_MUST_CHECK;

/* ---- groups ---------------------------------------------------------------------------------- */

typedef struct rs_comm rs_comm;

/* The group of this process alone. */
rs_status rs_comm_create_solo(rs_comm **out) RS_MUST_CHECK;

/* The group of N world ranks in the order given, which becomes their order in the group. Collective
 * over those ranks only; TAG tells apart groups that form at the same time and share members. */
rs_status rs_comm_create_group(const int *world_ranks, int n, int tag, rs_comm **out) RS_MUST_CHECK;

/* The workers (world ranks from 1 on) of this rank's node; the coordinator is a group of its own.
 * Collective over the world. */
rs_status rs_comm_create_node(rs_comm **out) RS_MUST_CHECK;
void rs_comm_destroy(rs_comm *c); /* collective; takes NULL */

/* Seconds that this rank has spent in collectives, and waiting for sums that run beside
 * computation. */
double rs_comm_waited(const rs_comm *c);

/* Called about once a second while this rank waits for others inside a collective, with the seconds
 * waited so far: it may tell somebody, but not enter a collective. */
typedef void (*rs_comm_watch)(void *user, double seconds);
void rs_comm_set_watch(rs_comm *c, rs_comm_watch watch, void *user);

int rs_comm_rank(const rs_comm *c);
int rs_comm_size(const rs_comm *c);

/* Element-wise sum over the group, into DATA on every rank. Collective. */
rs_status rs_comm_sum_floats(rs_comm *c, float *data, size_t n) RS_MUST_CHECK;
rs_status rs_comm_sum_doubles(rs_comm *c, double *data, size_t n) RS_MUST_CHECK;

/* The largest status of the group, so that all leave together when one failed: returns RS_OK only
 * when every rank gave RS_OK. A rank that was fine gets the message of one that was not.
 * Collective. */
rs_status rs_comm_agree(rs_comm *c, rs_status mine) RS_MUST_CHECK;

/* BYTES at DATA from ROOT to all. Collective. */
rs_status rs_comm_broadcast(rs_comm *c, int root, void *data, size_t bytes) RS_MUST_CHECK;

/* ---- sums that go on while the ranks compute --------------------------------------------------
 */

/* Sums over a group of pieces of one array, as they become ready. Every rank starts the same pieces
 * in the same order, and gets them back in that order. MPI moves data only inside its calls, so
 * who computes for long polls now and then. */
typedef struct rs_sums rs_sums;

/* For arrays of SIZE floats. ORDERED: the ranks' values are added in the one tree ((0 + 1) + (2 +
 * 3)) + ..., as one process would add them; the group's size is then a power of two. C outlives it.
 */
rs_status rs_sums_create(rs_comm *c, size_t size, bool ordered, rs_sums **out) RS_MUST_CHECK;
void rs_sums_destroy(rs_sums *s); /* takes NULL */

/* Sum DATA[FIRST .. FIRST + N - 1]; it must be left alone until it comes back. */
rs_status rs_sums_start(rs_sums *s, float *data, size_t first, size_t n) RS_MUST_CHECK;
/* The next piece that is complete: *N > 0. When none is: 0, or with WAIT once there are none. */
rs_status rs_sums_next(rs_sums *s, bool wait, size_t *first, size_t *n) RS_MUST_CHECK;

/* The same for a few doubles, one set at a time. */
rs_status rs_sums_start_doubles(rs_sums *s, double *data, size_t n) RS_MUST_CHECK;
rs_status rs_sums_wait_doubles(rs_sums *s) RS_MUST_CHECK;

/* Seconds in which a sum was under way, those of them in which this rank only waited, and bytes
 * summed, all since the start. */
typedef struct rs_sums_account {
  double busy, waited, bytes;
} rs_sums_account;
rs_sums_account rs_sums_accounts(const rs_sums *s);

/* ---- memory that ranks of one node share ---------------------------------------------------- */

/* One block that every rank of a group on one node sees at an address of its own; plain memory in a
 * group of one. */
typedef struct rs_shared rs_shared;

/* BYTES of it, for the ranks of C. RS_ERR_NOMEM on all ranks when the node has no room. Collective.
 */
rs_status rs_shared_create(rs_comm *c, size_t bytes, rs_shared **out) RS_MUST_CHECK;
void *rs_shared_memory(const rs_shared *s);
/* What one rank has written before this call, all may read after it. Collective. */
rs_status rs_shared_publish(rs_shared *s) RS_MUST_CHECK;
void rs_shared_destroy(rs_shared *s); /* collective; before its group; takes NULL */

#endif
