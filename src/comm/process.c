/* Start and end of MPI. */
#include "ranksweep/comm.h"

#include <stdio.h>
#include <string.h>

#include <mpi.h>

rs_status rs_comm_start(int *argc, char ***argv, int *world_rank, int *world_size) {
  int provided, rank, size;
  if (MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS)
    return rs_fail(RS_ERR_IO, "MPI did not start");
  if (provided < MPI_THREAD_FUNNELED)
    return rs_fail(RS_ERR_IO,
                   "this MPI library does not allow threads beside the one that calls it");
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (world_rank != NULL) *world_rank = rank;
  if (world_size != NULL) *world_size = size;
  return RS_OK;
}

void rs_comm_finish(void) {
  MPI_Finalize();
}

void rs_comm_abort(int status) {
  MPI_Abort(MPI_COMM_WORLD, status);
}

void rs_comm_library(char *out, size_t size) {
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length;
  MPI_Get_library_version(text, &length);
  text[strcspn(text, ",\n")] = '\0';
  snprintf(out, size, "%s", text);
}

void rs_comm_built_with(char *out, size_t size) {
#ifdef OMPI_MAJOR_VERSION
  snprintf(out, size, "Open MPI v%d.%d.%d", OMPI_MAJOR_VERSION, OMPI_MINOR_VERSION,
           OMPI_RELEASE_VERSION);
#else
  snprintf(out, size, "MPI %d.%d", MPI_VERSION, MPI_SUBVERSION);
#endif
}

rs_status rs_comm_place(uint64_t mine, int *index, int *count, bool *alike) {
  MPI_Comm node;
  int rank, worker, before = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  worker = rank > 0;
  if (MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &node) !=
      MPI_SUCCESS)
    return rs_fail(RS_ERR_LOST, "cannot find the ranks of this node");
  /* The smallest and, as the complement's smallest, the largest of the workers' numbers. */
  uint64_t ends[2] = {worker ? mine : UINT64_MAX, worker ? ~mine : UINT64_MAX};
  MPI_Allreduce(MPI_IN_PLACE, ends, 2, MPI_UINT64_T, MPI_MIN, node);
  *alike = ends[0] == ~ends[1];
  MPI_Exscan(&worker, &before, 1, MPI_INT, MPI_SUM, node);
  MPI_Allreduce(&worker, count, 1, MPI_INT, MPI_SUM, node);
  MPI_Comm_rank(node, &rank);
  *index = rank == 0 ? 0 : before; /* Exscan leaves rank 0's result undefined */
  MPI_Comm_free(&node);
  return RS_OK;
}
