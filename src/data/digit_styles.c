/* The ways of writing each digit, as the points that the pen passes. */
#include "digits.h"

#define POINTS(...) .count = sizeof((uint8_t[][2]){__VA_ARGS__}) / 2, .xy = {__VA_ARGS__}
#define P(x, y)                                                                                    \
  { x, y }
#define CURVE(...)                                                                                 \
  { .curved = true, POINTS(__VA_ARGS__) }
#define LINE(...)                                                                                  \
  { .curved = false, POINTS(__VA_ARGS__) }
#define STYLE(...)                                                                                 \
  {                                                                                                \
    .strokes = { __VA_ARGS__ }                                                                     \
  }

/* clang-format off */
static const rs_digit_style styles[RS_DIGIT_CLASSES][RS_DIGIT_STYLES] = {
  { /* 0: round, narrow and open, with an overlap at the top */
    STYLE(CURVE(P(50,0), P(24,14), P(15,50), P(24,86), P(50,100), P(76,86), P(85,50), P(76,14), P(50,0))),
    STYLE(CURVE(P(60,2), P(36,12), P(24,50), P(34,90), P(52,99), P(70,85), P(76,45), P(66,12), P(48,5))),
    STYLE(CURVE(P(40,6), P(18,30), P(16,68), P(40,98), P(70,90), P(84,55), P(78,18), P(56,2), P(38,10), P(46,22))),
  },
  { /* 1: a bar, with a flag, with flag and foot, slanted */
    STYLE(LINE(P(50,0), P(50,100))),
    STYLE(LINE(P(30,24), P(56,0), P(54,100))),
    STYLE(LINE(P(32,22), P(52,0), P(52,100)), LINE(P(28,100), P(76,100))),
    STYLE(LINE(P(66,2), P(38,98))),
  },
  { /* 2: flat base, looped base, angular */
    STYLE(CURVE(P(20,25), P(32,5), P(58,0), P(78,18), P(70,45), P(45,70), P(18,98)), LINE(P(18,98), P(82,96))),
    STYLE(CURVE(P(22,22), P(40,3), P(68,6), P(76,28), P(60,58), P(34,88), P(18,92), P(24,80), P(42,84), P(62,97), P(86,90))),
    STYLE(CURVE(P(18,14), P(48,2), P(76,12), P(72,34), P(48,62), P(20,96)), CURVE(P(20,96), P(50,90), P(84,98))),
  },
  { /* 3: two bows, flat top, small loop in the middle */
    STYLE(CURVE(P(20,14), P(46,0), P(72,14), P(70,36), P(44,47)), CURVE(P(44,47), P(74,56), P(80,78), P(54,99), P(18,88))),
    STYLE(LINE(P(20,4), P(76,4), P(46,40)), CURVE(P(46,40), P(72,50), P(80,74), P(56,98), P(20,90))),
    STYLE(CURVE(P(22,14), P(50,0), P(74,18), P(58,42), P(38,50), P(46,44), P(72,54), P(80,78), P(54,100), P(20,86))),
  },
  { /* 4: open, closed, open with a bow */
    STYLE(LINE(P(28,4), P(18,58), P(84,56)), LINE(P(68,8), P(64,100))),
    STYLE(LINE(P(64,100), P(62,0), P(14,66), P(88,66))),
    STYLE(CURVE(P(24,4), P(18,34), P(28,54), P(56,52), P(76,42)), LINE(P(76,4), P(72,50), P(68,100))),
  },
  { /* 5: angular, like an S, roof drawn last */
    STYLE(LINE(P(76,2), P(30,2), P(26,42)), CURVE(P(26,42), P(52,36), P(78,52), P(78,78), P(52,99), P(18,88))),
    STYLE(CURVE(P(78,6), P(46,2), P(28,18), P(34,42), P(60,50), P(78,70), P(60,95), P(22,92))),
    STYLE(CURVE(P(32,4), P(26,42), P(54,38), P(78,60), P(64,94), P(20,92)), LINE(P(32,4), P(80,0))),
  },
  { /* 6: wide, upright, short */
    STYLE(CURVE(P(68,2), P(38,18), P(20,55), P(26,88), P(52,100), P(76,84), P(72,60), P(50,52), P(28,64), P(20,82))),
    STYLE(CURVE(P(50,0), P(30,40), P(22,74), P(40,99), P(68,94), P(76,72), P(58,56), P(34,64), P(24,82))),
    STYLE(CURVE(P(78,10), P(46,12), P(24,42), P(20,76), P(44,99), P(70,88), P(68,64), P(44,58), P(22,76))),
  },
  { /* 7: plain, with a bar, with a serif, bowed */
    STYLE(LINE(P(18,6), P(80,4), P(42,100))),
    STYLE(LINE(P(18,6), P(80,4), P(42,100)), LINE(P(32,52), P(78,48))),
    STYLE(LINE(P(18,22), P(20,4), P(80,4)), CURVE(P(80,4), P(58,40), P(46,100))),
    STYLE(CURVE(P(16,12), P(50,8), P(82,4)), CURVE(P(82,4), P(60,42), P(52,100))),
  },
  { /* 8: in one movement, two rings, open at the top */
    STYLE(CURVE(P(72,14), P(48,0), P(28,18), P(40,40), P(62,56), P(76,78), P(52,100), P(24,80), P(38,56), P(62,40), P(72,14))),
    STYLE(CURVE(P(50,2), P(28,22), P(50,46), P(72,24), P(50,2)), CURVE(P(50,46), P(22,74), P(50,100), P(78,74), P(50,46))),
    STYLE(CURVE(P(70,14), P(44,3), P(30,22), P(44,42), P(68,62), P(72,86), P(46,100), P(26,82), P(40,58), P(64,36), P(76,8))),
  },
  { /* 9: ring and stem, bowed stem in one movement, ring open to the stem */
    STYLE(CURVE(P(74,24), P(52,2), P(26,16), P(24,40), P(48,54), P(74,24)), LINE(P(75,14), P(70,100))),
    STYLE(CURVE(P(72,26), P(50,4), P(26,22), P(34,48), P(60,46), P(74,22), P(75,60), P(60,92), P(28,96))),
    STYLE(CURVE(P(70,12), P(42,4), P(24,28), P(44,50), P(72,32)), LINE(P(74,6), P(60,100))),
  },
};
/* clang-format on */

size_t rs_digit_style_count(size_t digit) {
  size_t n = 0;
  while (n < RS_DIGIT_STYLES && styles[digit][n].strokes[0].count > 0) n++;
  return n;
}

const rs_digit_style *rs_digit_style_of(size_t digit, size_t style) {
  return &styles[digit][style];
}
