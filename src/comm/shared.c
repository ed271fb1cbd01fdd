/* Memory shared by the ranks of a node: an MPI-3 window that all of them map. */
#include "group.h"

#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct rs_shared {
  rs_comm *comm;
  void *memory;
  MPI_Win window; /* MPI_WIN_NULL: plain memory */
};

/* Open MPI keeps windows in files here. When there is no room, its rank 0 returns with an error and
 * the others wait for ever, so we have to look before. */
static rs_status check_room(size_t bytes) {
  struct statvfs system;
  const char *directory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  if (statvfs(directory, &system) != 0) return rs_fail_errno("%s", directory);
  double room = (double)system.f_bavail * (double)system.f_frsize, wanted = 1.1 * (double)bytes;
  if (wanted <= room) return RS_OK;
  return rs_fail(RS_ERR_NOMEM, "%s: no room for %zu bytes of shared memory", directory, bytes);
}

/* All of it belongs to rank 0; the others map that. */
static rs_status open_window(rs_shared *s, size_t bytes) {
  static const char what[] = "sharing memory on a node";
  bool root = rs_comm_rank(s->comm) == 0;
  MPI_Aint size, mine = root ? (MPI_Aint)bytes : 0;
  int unit;
  void *own;
  RS_TRY(rs_comm_agree(s->comm, root ? check_room(bytes) : RS_OK));
  RS_TRY(group_check(
      MPI_Win_allocate_shared(mine, 1, MPI_INFO_NULL, s->comm->mpi, &own, &s->window), what));
  MPI_Win_set_errhandler(s->window, MPI_ERRORS_RETURN);
  RS_TRY(group_check(MPI_Win_shared_query(s->window, 0, &size, &unit, &s->memory), what));
  /* Loads and stores need an epoch; one that lasts as long as the window keeps them simple. */
  return group_check(MPI_Win_lock_all(MPI_MODE_NOCHECK, s->window), what);
}

rs_status rs_shared_create(rs_comm *c, size_t bytes, rs_shared **out) {
  rs_shared *s;
  *out = NULL;
  rs_status status = rs_new(&s, 1, sizeof *s);
  RS_TRY(rs_comm_agree(c, status));
  *s = (rs_shared){.comm = c, .window = MPI_WIN_NULL};
  status =
      rs_comm_size(c) > 1 ? rs_comm_agree(c, open_window(s, bytes)) : rs_new(&s->memory, bytes, 1);
  if (status == RS_OK)
    *out = s;
  else
    rs_shared_destroy(s);
  return status;
}

void *rs_shared_memory(const rs_shared *s) {
  return s->memory;
}

rs_status rs_shared_publish(rs_shared *s) {
  static const char what[] = "publishing shared memory";
  if (s->window == MPI_WIN_NULL) return RS_OK;
  RS_TRY(group_check(MPI_Win_sync(s->window), what));
  RS_TRY(group_meet(s->comm, what));
  return group_check(MPI_Win_sync(s->window), what);
}

void rs_shared_destroy(rs_shared *s) {
  if (s == NULL) return;
  if (s->window != MPI_WIN_NULL) {
    MPI_Win_unlock_all(s->window);
    MPI_Win_free(&s->window);
  } else {
    free(s->memory);
  }
  free(s);
}
