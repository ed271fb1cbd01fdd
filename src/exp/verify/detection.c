#include "detection.h"

#include <math.h>
#include <stdlib.h>

typedef struct scored {
  float score;
  uint8_t same;
} scored;

/* All scores from the highest on; how many are of each kind. */
typedef struct ranking {
  size_t n, same, other;
  scored *list;
} ranking;

/* ---- ranking ----------------------------------------------------------------------------- */

static int highest_first(const void *a, const void *b) {
  const scored *x = a, *y = b;
  return (x->score < y->score) - (x->score > y->score);
}

static rs_status rank_scores(size_t n, const float *scores, const uint8_t *same, ranking *r) {
  *r = (ranking){.n = n};
  RS_TRY(rs_new(&r->list, n, sizeof *r->list));
  for (size_t i = 0; i < n; i++) {
    if (!isfinite(scores[i]))
      return rs_fail(RS_ERR_DATA, "score %zu of %zu is not finite", i + 1, n);
    r->list[i] = (scored){scores[i], same[i]};
    *(same[i] ? &r->same : &r->other) += 1;
  }
  if (r->same == 0 || r->other == 0)
    return rs_fail(RS_ERR_DATA, "expected pairs of one speaker and of two, got %zu and %zu",
                   r->same, r->other);
  qsort(r->list, n, sizeof *r->list, highest_first);
  return RS_OK;
}

/* ---- operating points --------------------------------------------------------------------- */

/* Everything in list[0 .. accepted) is accepted. */
typedef struct point {
  size_t accepted, hits;
} point;

/* Moves P past the next score and all that equal it: no threshold stands between them. */
static void advance(const ranking *r, point *p) {
  float score = r->list[p->accepted].score;
  while (p->accepted < r->n && r->list[p->accepted].score == score)
    p->hits += r->list[p->accepted++].same;
}

static double miss_of(const ranking *r, const point *p) {
  return 1 - (double)p->hits / (double)r->same;
}

static double alarm_of(const ranking *r, const point *p) {
  return (double)(p->accepted - p->hits) / (double)r->other;
}

/* miss_of - alarm_of times the number of pairs of each kind: exact, so that equal rates are seen.
 */
static double gap_of(const ranking *r, const point *p) {
  return (double)(r->same - p->hits) * (double)r->other -
         (double)(p->accepted - p->hits) * (double)r->same;
}

/* Right decisions, as a share. */
static double accuracy_of(const ranking *r, const point *p) {
  size_t right = p->hits + (r->other - (p->accepted - p->hits));
  return (double)right / (double)r->n;
}

/* Between points A and B the error rates are taken as straight lines; where they cross. */
static void cross(const ranking *r, const point *a, const point *b, rs_detection *out) {
  double before = gap_of(r, a), after = gap_of(r, b);
  double share = before > after ? before / (before - after) : 0;
  out->eer = alarm_of(r, a) + share * (alarm_of(r, b) - alarm_of(r, a));
  out->eer_threshold = r->list[b->accepted - 1].score;
  out->eer_accuracy = accuracy_of(r, b);
}

static void walk(const ranking *r, double threshold, rs_detection *out) {
  const double prior = RS_TARGET_PRIOR, better = prior < 1 - prior ? prior : 1 - prior;
  point p = {0, 0};
  bool crossed = false;
  double least = prior, area = 0;
  out->accuracy = accuracy_of(r, &p);
  while (p.accepted < r->n) {
    point before = p;
    advance(r, &p);
    double hits = (double)before.hits + (double)(p.hits - before.hits) / 2;
    area += hits * (double)((p.accepted - p.hits) - (before.accepted - before.hits));
    least = fmin(least, prior * miss_of(r, &p) + (1 - prior) * alarm_of(r, &p));
    if ((double)r->list[p.accepted - 1].score >= threshold) out->accuracy = accuracy_of(r, &p);
    if (crossed || gap_of(r, &p) > 0) continue;
    cross(r, &before, &p, out);
    crossed = true;
  }
  out->auc = area / ((double)r->same * (double)r->other);
  out->min_dcf = least / better;
}

rs_status rs_detection_measure(size_t n, const float *scores, const uint8_t *same, double threshold,
                               rs_detection *out) {
  ranking r;
  *out = (rs_detection){0};
  rs_status status = rank_scores(n, scores, same, &r);
  if (status == RS_OK) walk(&r, threshold, out);
  free(r.list);
  return status;
}

rs_status rs_detection_curve(size_t n, const float *scores, const uint8_t *same, size_t points,
                             float *accepted, float *rejected) {
  ranking r;
  RS_ASSERT(points > 1);
  rs_status status = rank_scores(n, scores, same, &r);
  point p = {0, 0};
  for (size_t i = 0; status == RS_OK && i < points; i++) {
    size_t wanted = n * i / (points - 1);
    while (p.accepted < wanted) advance(&r, &p);
    accepted[i] = (float)alarm_of(&r, &p);
    rejected[i] = (float)miss_of(&r, &p);
  }
  free(r.list);
  return status;
}
