/* The machine that a rank runs on. */
#ifndef RANKSWEEP_SCHED_NODE_H
#define RANKSWEEP_SCHED_NODE_H

enum { NODE_HOST_TEXT = 65, NODE_PROCESSOR_TEXT = 128 }; /* HOST_NAME_MAX is 64 */

/* Plain characters: ranks send it to each other as it is. */
typedef struct node {
  char host[NODE_HOST_TEXT], processor[NODE_PROCESSOR_TEXT];
} node;

/* This process's own; "unknown" where the system does not tell. */
void node_look(node *out);

#endif
