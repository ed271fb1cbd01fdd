#include "pace.h"

#include <math.h>

/* The number of the one nearest to WORK in proportion; at least one is known. */
static int nearest(const pace *p, double work) {
  int best = 0;
  for (int i = 1; i < p->n; i++)
    if (fabs(log(p->seen[i].work / work)) < fabs(log(p->seen[best].work / work))) best = i;
  return best;
}

void pace_learn(pace *p, double work, double seconds) {
  int at = p->n > 0 ? nearest(p, work) : 0;
  if (p->n > 0 && p->seen[at].work == work) {
    p->seen[at].seconds = fmax(p->seen[at].seconds, seconds);
    return;
  }
  if (p->n < PACE_MOST) at = p->n++;
  p->seen[at].work = work;
  p->seen[at].seconds = seconds;
}

double pace_expect(const pace *p, double work) {
  if (p->n == 0) return 0;
  int at = nearest(p, work);
  return p->seen[at].seconds * work / p->seen[at].work;
}
