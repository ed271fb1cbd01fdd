/* Which ready stage starts next, and when idle workers are held for a big group instead. */
#include "machine.h"

#include <limits.h>
#include <string.h>

enum { WORD = 64 };

/* Members that a stage of this queue would get once they are free. */
static int wanted(const rs_sched *s, const ready_queue *q) {
  return q->ranks < s->counts.workers ? q->ranks : s->counts.workers;
}

/* The queue with the first stage, in order of priority, of those that want at most ROOM workers; or
 * NULL. */
static const ready_queue *first_queue(const rs_sched *s, int room) {
  const ready_queue *first = NULL;
  for (size_t i = 0; i < s->n_queues; i++) {
    const ready_queue *q = &s->queues[i];
    if (q->ready.n == 0 || wanted(s, q) > room) continue;
    if (first == NULL || rs_sched_heap_before(&q->ready.entry[0], &first->ready.entry[0]))
      first = q;
  }
  return first;
}

/* SUMS |= SUMS << SHIFT, on a set of WORDS x 64 bits. */
static void add_shifted(uint64_t *sums, size_t words, size_t shift) {
  size_t skip = shift / WORD;
  unsigned bits = shift % WORD;
  for (size_t i = words; i-- > skip;) {
    uint64_t moved = sums[i - skip] << bits;
    if (bits > 0 && i > skip) moved |= sums[i - skip - 1] >> (WORD - bits);
    sums[i] |= moved;
  }
}

/* The numbers below LIMIT that sizes of some running groups add up to, as bits of s->sums. Groups
 * of one size are taken in parcels of 1, 2, 4, ... of them, which make up every number of groups.
 */
static void find_sums(rs_sched *s, size_t limit) {
  size_t words = limit / WORD + 1;
  memset(s->sums, 0, words * sizeof *s->sums);
  s->sums[0] = 1;
  for (size_t size = 1; size < limit; size++) {
    size_t left = (size_t)s->parts[size];
    for (size_t parcel = 1; left > 0; parcel *= 2) {
      if (parcel > left) parcel = left;
      if (parcel * size < limit) add_shifted(s->sums, words, parcel * size);
      left -= parcel;
    }
  }
}

/* How many of the IDLE workers (fewer than WANT) can be given away without delay for the first
 * ready stage, which wants WANT: the rule in ranksweep/sched.h. The stage starts with the end that
 * makes the sum of ended groups reach the deficit; the least sum that does leaves (sum - deficit)
 * workers over. */
static int find_spare(rs_sched *s, int want, int idle) {
  int deficit = want - idle;
  find_sums(s, (size_t)want);
  for (int sum = deficit; sum < want; sum++)
    if (s->sums[sum / WORD] >> (sum % WORD) & 1) return sum - deficit;
  return idle;
}

int rs_sched_choose(rs_sched *s, int *size) {
  int idle = (int)s->idle.n;
  if (s->stopping || s->finished || s->n_ready == 0 || idle == 0) return -1;
  const ready_queue *q = first_queue(s, INT_MAX);
  int want = wanted(s, q);
  if (want > idle) {
    if (first_queue(s, idle) == NULL) return -1;
    q = first_queue(s, find_spare(s, want, idle));
  }
  if (q == NULL) return -1;
  *size = wanted(s, q);
  return q->ready.entry[0].item;
}
