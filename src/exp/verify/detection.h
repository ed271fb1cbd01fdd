/* How well scores tell pairs of one speaker from pairs of two. */
#ifndef RANKSWEEP_EXP_DETECTION_H
#define RANKSWEEP_EXP_DETECTION_H

#include "ranksweep/base.h"

typedef struct rs_detection {
  double eer; /* where as large a share of the same is rejected as of the others accepted */
  double eer_threshold; /* scores from it on are accepted there */
  double auc;           /* probability that one of the same scores above one of the others */
  double accuracy, eer_accuracy; /* share of right decisions, at THRESHOLD and at eer_threshold */
  double min_dcf;                /* least detection cost, see rs_detection_measure */
} rs_detection;

/* The least of an operating point's costs, miss * P + false alarm * (1 - P), over that of the
 * better of accepting all and rejecting all (Przybocki and Martin, "NIST speaker recognition
 * evaluation chronicles", 2004). */
#define RS_TARGET_PRIOR 0.05

/* Of SCORES [n], a higher one meaning more alike, and SAME [n], 0 or 1, of which there must be
 * both: else RS_ERR_DATA, as with a score that is not finite. */
rs_status rs_detection_measure(size_t n, const float *scores, const uint8_t *same, double threshold,
                               rs_detection *out) RS_MUST_CHECK;

/* Shares of others accepted and of the same rejected [POINTS] at thresholds from above all scores
 * to below, evenly spread over the ranks of scores; the detection error tradeoff. */
rs_status rs_detection_curve(size_t n, const float *scores, const uint8_t *same, size_t points,
                             float *accepted, float *rejected) RS_MUST_CHECK;

#endif
