/* Shapes of the drawn digits. */
#ifndef RANKSWEEP_DATA_DIGITS_H
#define RANKSWEEP_DATA_DIGITS_H

#include "ranksweep/data.h"

enum {
  RS_DIGIT_SIDE = 28, /* pixels */
  RS_DIGIT_PIXELS = RS_DIGIT_SIDE * RS_DIGIT_SIDE,
  RS_DIGIT_CLASSES = 10,
  RS_DIGIT_STYLES = 4, /* the most ways to write one digit */
  RS_DIGIT_STROKES = 2,
  RS_DIGIT_POINTS = 12, /* the most in a stroke */
};

/* One movement of the pen through points in a box of 100 x 100, y down. A curve whose last point is
 * its first is closed. */
typedef struct rs_digit_stroke {
  uint8_t count; /* 0: no stroke */
  bool curved;   /* smooth through the points, or straight between them */
  uint8_t xy[RS_DIGIT_POINTS][2];
} rs_digit_stroke;

typedef struct rs_digit_style {
  rs_digit_stroke strokes[RS_DIGIT_STROKES];
} rs_digit_style;

/* Ways to write DIGIT. */
size_t rs_digit_style_count(size_t digit);
const rs_digit_style *rs_digit_style_of(size_t digit, size_t style);

#endif
