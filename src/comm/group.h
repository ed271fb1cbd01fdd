/* The inside of a group, for the files of this module. */
#ifndef RANKSWEEP_COMM_GROUP_H
#define RANKSWEEP_COMM_GROUP_H

#include "ranksweep/comm.h"

#include <mpi.h>

struct rs_comm {
  int rank, size;
  MPI_Comm mpi;  /* MPI_COMM_NULL: alone */
  double waited; /* s, in collectives and for what runs beside computation */
  rs_comm_watch watch;
  void *user;
};

/* RS_ERR_LOST with MPI's text when CODE says that WHAT failed. */
rs_status group_check(int code, const char *what) RS_MUST_CHECK;

/* A wait by looking again and again: at once at first, then with sleeps in between. Between two
 * looks group_wait_more(). */
typedef struct group_wait {
  double start, watched;
} group_wait;
group_wait group_wait_begin(void);
void group_wait_more(rs_comm *c, group_wait *wait);
void group_wait_end(rs_comm *c, const group_wait *wait); /* counts it */

/* Returns when REQUEST is complete. */
rs_status group_wait_for(rs_comm *c, MPI_Request *request, const char *what) RS_MUST_CHECK;

/* Returns when all ranks have come; without spinning, and watched. Collective. */
rs_status group_meet(rs_comm *c, const char *what) RS_MUST_CHECK;

/* The ranks of MPI, which is taken over, also on failure. */
rs_status group_wrap(MPI_Comm mpi, rs_comm **out) RS_MUST_CHECK;

#endif
