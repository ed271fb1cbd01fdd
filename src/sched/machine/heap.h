/* A binary heap of numbered items that knows where each item is, so that any of them can be raised
 * or removed.
 *
 * The places are in an array beside the heap, at[item] = place + 1 or 0 for an item in no heap:
 * heaps that never hold the same item at once share one array. The caller reserves `entry` for all
 * items before it pushes them; so nothing here can fail. */
#ifndef RANKSWEEP_SCHED_MACHINE_HEAP_H
#define RANKSWEEP_SCHED_MACHINE_HEAP_H

#include "ranksweep/base.h"

/* First come lower levels, then greater weights (not NaN), then lower items. */
typedef struct rs_heap_entry {
  double weight;
  int level;
  int item;
} rs_heap_entry;

typedef struct rs_heap {
  rs_heap_entry *entry; /* entry[0] is the first in order */
  size_t n, cap;
} rs_heap;

bool rs_sched_heap_before(const rs_heap_entry *a, const rs_heap_entry *b);
void rs_sched_heap_push(rs_heap *h, int *at, rs_heap_entry entry);
void rs_sched_heap_remove(rs_heap *h, int *at, int item);

/* Give an item of the heap another weight. */
void rs_sched_heap_reweigh(rs_heap *h, int *at, int item, double weight);

#endif
