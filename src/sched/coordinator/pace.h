/* How long stages take from one checkpoint to the next, by what others of their kind took. No
 * clock.
 */
#ifndef RANKSWEEP_SCHED_PACE_H
#define RANKSWEEP_SCHED_PACE_H

enum { PACE_MOST = 8 };

/* All zero: nothing is known. */
typedef struct pace {
  int n;
  struct {
    double work, seconds;
  } seen[PACE_MOST];
} pace;

/* A stage of WORK > 0 (of one of its workers; any unit) took SECONDS from its start or an epoch's
 * end to an epoch's end, or in all when it has no epochs. Of equal work the longest time counts. */
void pace_learn(pace *p, double work, double seconds);

/* What a stage of WORK will take: as the one nearest to it in size, in proportion. 0: not known. */
double pace_expect(const pace *p, double work);

#endif
