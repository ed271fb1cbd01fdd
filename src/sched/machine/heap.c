/* The heap behind the ready stages and the idle workers. */
#include "heap.h"

bool rs_sched_heap_before(const rs_heap_entry *a, const rs_heap_entry *b) {
  if (a->level != b->level) return a->level < b->level;
  if (a->weight != b->weight) return a->weight > b->weight;
  return a->item < b->item;
}

static void put(rs_heap *h, int *at, size_t place, rs_heap_entry entry) {
  h->entry[place] = entry;
  at[entry.item] = (int)place + 1;
}

/* Put ENTRY where it belongs on the way through PLACE, which is free: up towards the top or else
 * down. */
static void settle(rs_heap *h, int *at, size_t place, rs_heap_entry entry) {
  while (place > 0 && rs_sched_heap_before(&entry, &h->entry[(place - 1) / 2])) {
    put(h, at, place, h->entry[(place - 1) / 2]);
    place = (place - 1) / 2;
  }
  for (size_t child = 2 * place + 1; child < h->n; child = 2 * place + 1) {
    if (child + 1 < h->n && rs_sched_heap_before(&h->entry[child + 1], &h->entry[child])) child++;
    if (!rs_sched_heap_before(&h->entry[child], &entry)) break;
    put(h, at, place, h->entry[child]);
    place = child;
  }
  put(h, at, place, entry);
}

void rs_sched_heap_push(rs_heap *h, int *at, rs_heap_entry entry) {
  RS_ASSERT(h->n < h->cap && at[entry.item] == 0);
  h->n++;
  settle(h, at, h->n - 1, entry);
}

void rs_sched_heap_remove(rs_heap *h, int *at, int item) {
  RS_ASSERT(at[item] > 0 && (size_t)at[item] <= h->n);
  size_t place = (size_t)at[item] - 1;
  rs_heap_entry last = h->entry[--h->n];
  at[item] = 0;
  if (place < h->n) settle(h, at, place, last);
}

void rs_sched_heap_reweigh(rs_heap *h, int *at, int item, double weight) {
  RS_ASSERT(at[item] > 0 && (size_t)at[item] <= h->n);
  size_t place = (size_t)at[item] - 1;
  rs_heap_entry entry = h->entry[place];
  entry.weight = weight;
  settle(h, at, place, entry);
}
