/* Collectives of one group. */
#include "group.h"

#include <stdlib.h>
#include <string.h>

/* ---- life ---------------------------------------------------------------------------------- */

rs_status rs_comm_create_solo(rs_comm **out) {
  RS_TRY(rs_new(out, 1, sizeof **out));
  **out = (rs_comm){.rank = 0, .size = 1, .mpi = MPI_COMM_NULL};
  return RS_OK;
}

rs_status group_check(int code, const char *what) {
  if (code == MPI_SUCCESS) return RS_OK;
  char text[MPI_MAX_ERROR_STRING];
  int length;
  MPI_Error_string(code, text, &length);
  return rs_fail(RS_ERR_LOST, "%s: %s", what, text);
}

rs_status group_wrap(MPI_Comm mpi, rs_comm **out) {
  int size;
  MPI_Comm_size(mpi, &size);
  rs_status status = rs_comm_create_solo(out);
  if (status != RS_OK || size == 1) {
    MPI_Comm_free(&mpi);
    return status;
  }
  (*out)->mpi = mpi;
  (*out)->size = size;
  MPI_Comm_set_errhandler(mpi, MPI_ERRORS_RETURN);
  MPI_Comm_rank(mpi, &(*out)->rank);
  return RS_OK;
}

rs_status rs_comm_create_group(const int *world_ranks, int n, int tag, rs_comm **out) {
  *out = NULL;
  if (n == 1) return rs_comm_create_solo(out);
  MPI_Group world, members;
  MPI_Comm mpi;
  MPI_Comm_group(MPI_COMM_WORLD, &world);
  MPI_Group_incl(world, n, world_ranks, &members);
  rs_status status =
      group_check(MPI_Comm_create_group(MPI_COMM_WORLD, members, tag, &mpi), "forming a group");
  MPI_Group_free(&members);
  MPI_Group_free(&world);
  return status == RS_OK ? group_wrap(mpi, out) : status;
}

rs_status rs_comm_create_node(rs_comm **out) {
  MPI_Comm node, workers;
  int rank;
  *out = NULL;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  RS_TRY(group_check(
      MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &node),
      "finding the ranks of this node"));
  rs_status status = group_check(MPI_Comm_split(node, rank > 0, rank, &workers),
                                 "finding the workers of this node");
  MPI_Comm_free(&node);
  return status == RS_OK ? group_wrap(workers, out) : status;
}

void rs_comm_destroy(rs_comm *c) {
  if (c == NULL) return;
  if (c->size > 1) MPI_Comm_free(&c->mpi);
  free(c);
}

int rs_comm_rank(const rs_comm *c) {
  return c->rank;
}

int rs_comm_size(const rs_comm *c) {
  return c->size;
}

double rs_comm_waited(const rs_comm *c) {
  return c->waited;
}

void rs_comm_set_watch(rs_comm *c, rs_comm_watch watch, void *user) {
  c->watch = watch;
  c->user = user;
}

/* ---- waiting --------------------------------------------------------------------------------- */

/* Open MPI's blocking calls spin, and say nothing for as long as a peer is away. So ranks meet by
 * calls that do not block, and look again and again: at once while the others are near, then after
 * sleeps of an eighth of the time waited. */
static const double EAGER_SECONDS = 100e-6, SHORTEST_SLEEP = 20e-6, LONGEST_SLEEP = 5e-3,
                    WATCH_SECONDS = 1;

group_wait group_wait_begin(void) {
  double now = rs_clock_now();
  return (group_wait){now, now};
}

static double next_sleep(double waited) {
  double sleep = waited / 8;
  if (sleep < SHORTEST_SLEEP) return SHORTEST_SLEEP;
  return sleep < LONGEST_SLEEP ? sleep : LONGEST_SLEEP;
}

void group_wait_more(rs_comm *c, group_wait *w) {
  double now = rs_clock_now(), waited = now - w->start;
  if (c->watch != NULL && now - w->watched > WATCH_SECONDS) {
    w->watched = now;
    c->watch(c->user, waited);
  }
  if (waited > EAGER_SECONDS) rs_clock_sleep(next_sleep(waited));
}

void group_wait_end(rs_comm *c, const group_wait *w) {
  c->waited += rs_clock_now() - w->start;
}

rs_status group_wait_for(rs_comm *c, MPI_Request *request, const char *what) {
  group_wait wait = group_wait_begin();
  for (;;) {
    int done;
    RS_TRY(group_check(MPI_Test(request, &done, MPI_STATUS_IGNORE), what));
    if (done) break;
    group_wait_more(c, &wait);
  }
  group_wait_end(c, &wait);
  return RS_OK;
}

rs_status group_meet(rs_comm *c, const char *what) {
  MPI_Request request;
  RS_TRY(group_check(MPI_Ibarrier(c->mpi, &request), what));
  return group_wait_for(c, &request, what);
}

/* ---- collectives ----------------------------------------------------------------------------- */

/* MPI counts are int: long arrays go in pieces. */
enum { PIECE = 1 << 28 };

/* Open MPI's non-blocking sum takes twice as long as the blocking one when there is much to add. So
 * ranks meet before a large one: it then waits for nobody, and may block. */
static rs_status sum_piece(rs_comm *c, void *data, int count, size_t width, MPI_Datatype type) {
  static const char what[] = "all-reduce";
  const size_t small = 65536; /* bytes */
  MPI_Request request;
  if ((size_t)count * width > small) {
    RS_TRY(group_meet(c, what));
    group_wait wait = group_wait_begin();
    int code = MPI_Allreduce(MPI_IN_PLACE, data, count, type, MPI_SUM, c->mpi);
    group_wait_end(c, &wait);
    return group_check(code, what);
  }
  RS_TRY(group_check(MPI_Iallreduce(MPI_IN_PLACE, data, count, type, MPI_SUM, c->mpi, &request),
                     what));
  return group_wait_for(c, &request, what);
}

static rs_status sum(rs_comm *c, void *data, size_t n, size_t width, MPI_Datatype type) {
  if (c->size == 1) return RS_OK;
  for (size_t done = 0; done < n; done += PIECE) {
    int count = (int)(n - done < PIECE ? n - done : PIECE);
    RS_TRY(sum_piece(c, (char *)data + done * width, count, width, type));
  }
  return RS_OK;
}

rs_status rs_comm_sum_floats(rs_comm *c, float *data, size_t n) {
  return sum(c, data, n, sizeof *data, MPI_FLOAT);
}

rs_status rs_comm_sum_doubles(rs_comm *c, double *data, size_t n) {
  return sum(c, data, n, sizeof *data, MPI_DOUBLE);
}

rs_status rs_comm_broadcast(rs_comm *c, int root, void *data, size_t bytes) {
  static const char what[] = "broadcast";
  if (c->size == 1) return RS_OK;
  for (size_t done = 0; done < bytes; done += PIECE) {
    int count = (int)(bytes - done < PIECE ? bytes - done : PIECE);
    MPI_Request request;
    RS_TRY(group_check(MPI_Ibcast((char *)data + done, count, MPI_BYTE, root, c->mpi, &request),
                       what));
    RS_TRY(group_wait_for(c, &request, what));
  }
  return RS_OK;
}

rs_status rs_comm_agree(rs_comm *c, rs_status mine) {
  if (c->size == 1) return mine;
  struct {
    int status, rank;
  } vote = {(int)mine, c->rank}, worst;
  static const char what[] = "agreeing on a status";
  MPI_Request request;
  RS_TRY(
      group_check(MPI_Iallreduce(&vote, &worst, 1, MPI_2INT, MPI_MAXLOC, c->mpi, &request), what));
  RS_TRY(group_wait_for(c, &request, what));
  if (worst.status == RS_OK) return RS_OK;
  char text[1024] = "";
  if (worst.rank == c->rank) strncpy(text, rs_error_message(), sizeof text - 1);
  RS_TRY(rs_comm_broadcast(c, worst.rank, text, sizeof text));
  return rs_fail((rs_status)worst.status, "%s", text);
}
