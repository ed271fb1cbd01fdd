/* Activations of one number, written so that the compiler makes vectors of the loops around them:
 * no calls, no branches, no tables. A NaN stays one. Polynomials are minimax fits of our own, to
 * the error given, in the variable and on the interval given. */
#ifndef RANKSWEEP_NUM_ACTIVATION_H
#define RANKSWEEP_NUM_ACTIVATION_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* e^x, relative error below 2e-7, for x cut to [-87, 87], where it is a normal number.
 * e^x = 2^n e^r with n = round(x / log 2), |r| <= log(2) / 2, and e^r = 1 + r + r^2 q(r). */
static inline float exp_cut(float x) {
  const float rounder = 0x1.8p23f;                        /* pushes the fraction out */
  const float high = 0x1.62e4p-1f, low = 0x1.7f7d1cp-20f; /* log 2: n * high is exact */
  x = x < -87.0f ? -87.0f : x;
  x = x > 87.0f ? 87.0f : x;
  float shifted = x * 0x1.715476p+0f + rounder, n = shifted - rounder;
  float r = (x - n * high) - n * low;
  float q = 0.00139504862f; /* 3e-9 in e^r */
  q = q * r + 0.00836888786f;
  q = q * r + 0.0416662059f;
  q = q * r + 0.166665189f;
  q = q * r + 0.50000001f;
  uint32_t bits;
  float scale;
  memcpy(&bits, &shifted, sizeof bits); /* n in its low bits */
  bits = (bits + 127) << 23;
  memcpy(&scale, &bits, sizeof scale);
  return (r * r * q + r + 1.0f) * scale;
}

static inline float sigmoid_of(float x) {
  return 1.0f / (1.0f + exp_cut(-x));
}

/* Near zero 1 - 2 / (e^2x + 1) would lose digits: x + x^3 p(x^2) there. */
static inline float tanh_of(float x) {
  float square = x * x, size = fabsf(x);
  float p = -0.00571703656f; /* 4e-9 in tanh(x) / x up to 0.625 */
  p = p * square + 0.020650579f;
  p = p * square - 0.0537434953f;
  p = p * square + 0.133314912f;
  p = p * square - 0.333332839f;
  float near = x + x * square * p, far = 1.0f - 2.0f / (exp_cut(2.0f * size) + 1.0f);
  return size < 0.625f ? near : copysignf(far, x);
}

/* log(1 + y), relative error below 2e-7, for y in [0, 1]. */
static inline float log1p_unit(float y) {
  float p = -0.00333873087f; /* 4e-9 in log(1 + y) / y */
  p = p * y + 0.0202777704f;
  p = p * y - 0.0577591448f;
  p = p * y + 0.106845373f;
  p = p * y - 0.153532779f;
  p = p * y + 0.196924549f;
  p = p * y - 0.249573472f;
  p = p * y + 0.333302757f;
  p = p * y - 0.499999142f;
  p = p * y + 0.999999996f;
  return p * y;
}

#endif
