/* The SLURM job that this process runs in, as its environment and SLURM's commands tell. */
#ifndef RANKSWEEP_CLI_SLURM_H
#define RANKSWEEP_CLI_SLURM_H

#include "ranksweep/base.h"

/* Are we within the allocation of a job (a batch script, salloc)? */
bool slurm_present(void);

/* When the job must have ended, in seconds since the epoch; 0: there is no limit, or no job; NAN:
 * SLURM does not tell. */
double slurm_end_time(void);

/* Tasks that the job asked for, all nodes together; 0: it did not say. */
int slurm_tasks(void);

/* One node of the allocation. */
typedef struct slurm_node {
  char name[256];
  int slots; /* tasks that were given room on it */
  bool lost; /* it does not answer any more */
} slurm_node;

typedef struct slurm_nodes {
  slurm_node *items;
  size_t count;
} slurm_nodes;

/* The nodes of the allocation, in SLURM's order. RS_ERR_IO when SLURM does not tell. */
rs_status slurm_nodes_read(slurm_nodes *nodes) RS_MUST_CHECK;
void slurm_nodes_free(slurm_nodes *nodes);
/* Mark those that SLURM knows to be down, and HOST ("": none), which the launcher has lost. */
void slurm_nodes_lose(slurm_nodes *nodes, const char *host);
/* Slots of the nodes that are left. */
int slurm_nodes_slots(const slurm_nodes *nodes);
/* "h1:2,h3:2": the nodes that are left, as launchers take them. With SLOTS false without ":2". */
void slurm_nodes_list(const slurm_nodes *nodes, bool slots, rs_str *out);

/* "2(x3),1" is 2, 2, 2, 1: the next number of *TEXT in *COUNT, as often as asked; REPEAT begins as
 * 0. False: no more, or not such a text. */
bool slurm_next_count(const char **text, int *repeat, int *count);

#endif
