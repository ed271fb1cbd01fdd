/* comm: memory that the workers of a node share; under mpirun, rank 0 standing for the coordinator.
 */
#include "ranksweep/comm.h"

#include <stdio.h>
#include <string.h>

static int failures;

static void check(bool right, const char *what) {
  if (right) return;
  failures++;
  fprintf(stderr, "FAILED: %s: %s\n", what, rs_error_message());
}

enum { WORDS = 1 << 18 };

static void workers_see_what_the_first_wrote(rs_comm *node) {
  rs_shared *shared;
  check(rs_shared_create(node, WORDS * sizeof(uint32_t), &shared) == RS_OK, "creating");
  uint32_t *words = rs_shared_memory(shared), wrong = 0;
  for (uint32_t i = 0; rs_comm_rank(node) == 0 && i < WORDS; i++) words[i] = 7 * i;
  check(rs_shared_publish(shared) == RS_OK, "publishing");
  for (uint32_t i = 0; i < WORDS; i++) wrong += words[i] != 7 * i;
  check(wrong == 0, "all read what the first wrote");
  check(rs_shared_publish(shared) == RS_OK, "publishing again");
  if (rs_comm_rank(node) == rs_comm_size(node) - 1) words[5] = 99; /* it is one memory */
  check(rs_shared_publish(shared) == RS_OK, "publishing the last one's");
  check(words[5] == 99, "the first reads what the last wrote");
  rs_shared_destroy(shared);
}

int main(int argc, char **argv) {
  int rank, size;
  rs_comm *node;
  if (rs_comm_start(&argc, &argv, &rank, &size) != RS_OK) return 1;
  check(rs_comm_create_node(&node) == RS_OK, "finding the node's workers");
  check(rs_comm_size(node) == (rank == 0 ? 1 : size - 1), "the coordinator is not among them");
  workers_see_what_the_first_wrote(node);
  rs_comm_destroy(node);
  rs_comm_finish();
  return failures > 0;
}
