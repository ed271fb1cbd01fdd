/* Collectives of one group. */
#include "ranksweep/comm.h"

#include <stdlib.h>
#include <string.h>

#include <mpi.h>

struct rs_comm {
  int rank, size;
  MPI_Comm mpi; /* MPI_COMM_NULL: alone */
};

/* ---- life ---------------------------------------------------------------------------------- */

rs_status rs_comm_create_solo(rs_comm **out) {
  RS_TRY(rs_new(out, 1, sizeof **out));
  **out = (rs_comm){.rank = 0, .size = 1, .mpi = MPI_COMM_NULL};
  return RS_OK;
}

static rs_status check(int code, const char *what) {
  if (code == MPI_SUCCESS) return RS_OK;
  char text[MPI_MAX_ERROR_STRING];
  int length;
  MPI_Error_string(code, text, &length);
  return rs_fail(RS_ERR_LOST, "%s: %s", what, text);
}

rs_status rs_comm_create_group(const int *world_ranks, int n, int tag, rs_comm **out) {
  RS_TRY(rs_comm_create_solo(out));
  if (n == 1) return RS_OK;
  MPI_Group world, members;
  MPI_Comm_group(MPI_COMM_WORLD, &world);
  MPI_Group_incl(world, n, world_ranks, &members);
  rs_status status =
      check(MPI_Comm_create_group(MPI_COMM_WORLD, members, tag, &(*out)->mpi), "forming a group");
  MPI_Group_free(&members);
  MPI_Group_free(&world);
  if (status != RS_OK) {
    free(*out);
    *out = NULL;
    return status;
  }
  MPI_Comm_set_errhandler((*out)->mpi, MPI_ERRORS_RETURN);
  MPI_Comm_rank((*out)->mpi, &(*out)->rank);
  MPI_Comm_size((*out)->mpi, &(*out)->size);
  return RS_OK;
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

/* ---- collectives ----------------------------------------------------------------------------- */

/* MPI counts are int: long arrays go in pieces. */
enum { PIECE = 1 << 28 };

static rs_status sum(rs_comm *c, void *data, size_t n, size_t width, MPI_Datatype type) {
  if (c->size == 1) return RS_OK;
  for (size_t done = 0; done < n; done += PIECE) {
    int count = (int)(n - done < PIECE ? n - done : PIECE);
    RS_TRY(check(
        MPI_Allreduce(MPI_IN_PLACE, (char *)data + done * width, count, type, MPI_SUM, c->mpi),
        "all-reduce"));
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
  if (c->size == 1) return RS_OK;
  for (size_t done = 0; done < bytes; done += PIECE) {
    int count = (int)(bytes - done < PIECE ? bytes - done : PIECE);
    RS_TRY(check(MPI_Bcast((char *)data + done, count, MPI_BYTE, root, c->mpi), "broadcast"));
  }
  return RS_OK;
}

rs_status rs_comm_agree(rs_comm *c, rs_status mine) {
  if (c->size == 1) return mine;
  struct {
    int status, rank;
  } vote = {(int)mine, c->rank}, worst;
  RS_TRY(
      check(MPI_Allreduce(&vote, &worst, 1, MPI_2INT, MPI_MAXLOC, c->mpi), "agreeing on a status"));
  if (worst.status == RS_OK) return RS_OK;
  char text[1024] = "";
  if (worst.rank == c->rank) strncpy(text, rs_error_message(), sizeof text - 1);
  RS_TRY(rs_comm_broadcast(c, worst.rank, text, sizeof text));
  return rs_fail((rs_status)worst.status, "%s", text);
}
