/* Messages over MPI. Open MPI's blocking receive spins, so both ends poll: eagerly while messages
 * come quickly, then with longer and longer sleeps. A rank that has nothing to do costs well under
 * a hundredth of a core. */
#include "transport.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include <mpi.h>

enum { TAG = 1 };
/* No sched_yield: beside busy processes it gives whole time slices away, while a short sleep is
 * woken at once. */
static const double EAGER_SECONDS = 100e-6, SHORTEST_SLEEP = 20e-6, LONGEST_SLEEP = 5e-3,
                    LONGEST_BURST = 50e-3;

typedef struct outgoing {
  MPI_Request request;
  char *text;
} outgoing;

typedef struct mpi_transport {
  rs_transport base;
  MPI_Comm comm; /* a duplicate: our tags meet nobody else's */
  outgoing *sending;
  size_t n_sending, cap_sending;
  char *buffer; /* of the last message received */
  size_t cap_buffer;
} mpi_transport;

static void reap(mpi_transport *m, bool wait) {
  size_t kept = 0;
  for (size_t i = 0; i < m->n_sending; i++) {
    int done = 0;
    if (wait)
      MPI_Wait(&m->sending[i].request, MPI_STATUS_IGNORE);
    else
      MPI_Test(&m->sending[i].request, &done, MPI_STATUS_IGNORE);
    if (wait || done)
      free(m->sending[i].text);
    else
      m->sending[kept++] = m->sending[i];
  }
  m->n_sending = kept;
}

static void destroy(rs_transport *t) {
  mpi_transport *m = (mpi_transport *)t;
  reap(m, true);
  MPI_Comm_free(&m->comm);
  free(m->sending);
  free(m->buffer);
  free(m->base.nodes);
  free(m);
}

/* Never waits for the receiver: two ends that both send cannot block each other. */
static rs_status send(rs_transport *t, int to, const char *text) {
  mpi_transport *m = (mpi_transport *)t;
  reap(m, false);
  RS_TRY(rs_grow(&m->sending, &m->cap_sending, m->n_sending + 1, sizeof *m->sending));
  outgoing *o = &m->sending[m->n_sending];
  RS_TRY(rs_strdup(&o->text, text));
  if (MPI_Isend(o->text, (int)strlen(text) + 1, MPI_CHAR, to, TAG, m->comm, &o->request) !=
      MPI_SUCCESS) {
    free(o->text);
    return rs_fail(RS_ERR_LOST, "cannot send to rank %d", to);
  }
  m->n_sending++;
  return RS_OK;
}

static rs_status receive_one(mpi_transport *m, MPI_Status *probed, rs_receive receive, void *user) {
  int length;
  MPI_Get_count(probed, MPI_CHAR, &length);
  RS_TRY(rs_grow(&m->buffer, &m->cap_buffer, (size_t)length + 1, 1));
  MPI_Recv(m->buffer, length, MPI_CHAR, probed->MPI_SOURCE, TAG, m->comm, MPI_STATUS_IGNORE);
  m->buffer[length] = '\0';
  receive(user, probed->MPI_SOURCE, m->buffer);
  return RS_OK;
}

/* Open MPI's probe looks first and makes progress after: what has just arrived is seen by the
 * second one. */
static bool probe(mpi_transport *m, MPI_Status *probed) {
  int arrived = 0;
  for (int i = 0; i < 2 && !arrived; i++)
    MPI_Iprobe(MPI_ANY_SOURCE, TAG, m->comm, &arrived, probed);
  return arrived;
}

/* An eighth of the time waited so far: the delay that sleeping adds stays a small share of the
 * other end's own time, and two ends that wait for each other do not lull each other to sleep. */
static double next_sleep(double waited) {
  double sleep = waited / 8;
  if (sleep < SHORTEST_SLEEP) return SHORTEST_SLEEP;
  return sleep < LONGEST_SLEEP ? sleep : LONGEST_SLEEP;
}

static rs_status poll(rs_transport *t, double seconds, rs_receive receive, void *user) {
  mpi_transport *m = (mpi_transport *)t;
  double start = rs_clock_now(), waited = 0;
  reap(m, false);
  for (bool any = false;;) {
    MPI_Status probed;
    if (probe(m, &probed)) {
      any = true;
      RS_TRY(receive_one(m, &probed, receive, user));
      if (rs_clock_now() - start < LONGEST_BURST) continue; /* others want their turn as well */
    }
    waited = rs_clock_now() - start;
    if (any || waited >= seconds) return RS_OK;
    if (waited < EAGER_SECONDS) continue;
    double sleep = next_sleep(waited);
    rs_clock_sleep(sleep < seconds - waited ? sleep : seconds - waited);
  }
}

/* All ranks' nodes to every rank. */
static rs_status gather_nodes(mpi_transport *m) {
  node mine;
  node_look(&mine);
  RS_TRY(rs_new(&m->base.nodes, (size_t)m->base.size, sizeof *m->base.nodes));
  if (MPI_Allgather(&mine, sizeof mine, MPI_BYTE, m->base.nodes, sizeof mine, MPI_BYTE, m->comm) !=
      MPI_SUCCESS)
    return rs_fail(RS_ERR_LOST, "cannot learn where the other ranks run");
  return RS_OK;
}

rs_status rs_transport_create_mpi(rs_transport **out) {
  static const rs_transport_ops ops = {destroy, send, poll};
  mpi_transport *m;
  *out = NULL;
  RS_TRY(rs_new(&m, 1, sizeof *m));
  prctl(PR_SET_TIMERSLACK, 1000UL); /* ns; the default of 50 us would be most of a short sleep */
  MPI_Comm_dup(MPI_COMM_WORLD, &m->comm);
  m->base.ops = &ops;
  MPI_Comm_rank(m->comm, &m->base.rank);
  MPI_Comm_size(m->comm, &m->base.size);
  m->base.first_worker = 1;
  m->base.n_workers = m->base.size - 1;
  rs_status status = gather_nodes(m);
  if (status != RS_OK) {
    destroy(&m->base);
    return status;
  }
  *out = &m->base;
  return RS_OK;
}
