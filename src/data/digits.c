/* The built-in source of digit images: strokes, distorted as handwriting is, drawn by their
 * distance. */
#include "ranksweep/data.h"

#include "digits.h"

#include <math.h>

enum {
  SIDE = RS_DIGIT_SIDE,
  PIXELS = RS_DIGIT_PIXELS,
  STEPS = 5 /* straight pieces between two points of a curve */
};

/* ---- chance --------------------------------------------------------------------------------- */

/* Numbers of one image's stream, one after another. */
typedef struct dice {
  rs_stream stream;
  uint64_t at;
} dice;

static float between(dice *d, float low, float high) {
  return low + (high - low) * rs_stream_uniform(&d->stream, d->at++);
}

/* About normal with deviation 1: four bytes of a word summed, mean 510, deviation sqrt(4 (256^2 -
 * 1) / 12). */
static float nearly_normal(uint32_t word) {
  int sum =
      (int)(word & 255) + (int)(word >> 8 & 255) + (int)(word >> 16 & 255) + (int)(word >> 24);
  return (float)(sum - 510) / 147.8f;
}

static float jitter(dice *d) {
  return nearly_normal(rs_stream_u32(&d->stream, d->at++));
}

/* ---- shape ---------------------------------------------------------------------------------- */

/* From the unit square to pixels: a random affine map, and a smooth wave on top (the elastic part).
 */
typedef struct warp {
  float xx, xy, yx, yy, x0, y0;
  float wave[2], turn[2][2], phase[2];
} warp;

static warp random_warp(dice *d) {
  float angle = 0.22f * jitter(d), shear = 0.22f * jitter(d);
  float wide = between(d, 14.0f, 22.0f), high = between(d, 17.0f, 23.0f);
  float c = cosf(angle), s = sinf(angle);
  warp w = {
      .xx = c * wide, .xy = (c * shear - s) * high, .yx = s * wide, .yy = (s * shear + c) * high};
  w.x0 = 14.0f + 1.1f * jitter(d) - 0.5f * (w.xx + w.xy);
  w.y0 = 14.0f + 1.1f * jitter(d) - 0.5f * (w.yx + w.yy);
  for (int i = 0; i < 2; i++) {
    w.wave[i] = between(d, 0.0f, 1.8f);
    w.turn[i][0] = between(d, -5.0f, 5.0f);
    w.turn[i][1] = between(d, -5.0f, 5.0f);
    w.phase[i] = between(d, 0.0f, 6.2831853f);
  }
  return w;
}

static void apply(const warp *w, const float in[2], float out[2]) {
  for (int i = 0; i < 2; i++) {
    float bend = w->wave[i] * sinf(w->turn[i][0] * in[0] + w->turn[i][1] * in[1] + w->phase[i]);
    out[i] = bend + (i == 0 ? w->xx * in[0] + w->xy * in[1] + w->x0
                            : w->yx * in[0] + w->yy * in[1] + w->y0);
  }
}

/* Point at share T between P[1] and P[2] on the Catmull-Rom spline through P[0..3]. */
static void spline(const float p[4][2], float t, float out[2]) {
  for (int i = 0; i < 2; i++)
    out[i] = 0.5f * (2 * p[1][i] + (p[2][i] - p[0][i]) * t +
                     (2 * p[0][i] - 5 * p[1][i] + 4 * p[2][i] - p[3][i]) * t * t +
                     (3 * p[1][i] - p[0][i] - 3 * p[2][i] + p[3][i]) * t * t * t);
}

static void straight(const float p[4][2], float t, float out[2]) {
  for (int i = 0; i < 2; i++) out[i] = p[1][i] + t * (p[2][i] - p[1][i]);
}

/* ---- drawing -------------------------------------------------------------------------------- */

typedef struct pen {
  float radius, softness; /* pixels: half the stroke's width, and width of its edge */
} pen;

/* Lowers the squared distance of each pixel near the piece A-B. */
static void draw_piece(const float a[2], const float b[2], float reach, float nearest[PIXELS]) {
  float dx = b[0] - a[0], dy = b[1] - a[1], length2 = dx * dx + dy * dy + 1e-9f;
  int left = (int)floorf(fminf(a[0], b[0]) - reach), right = (int)ceilf(fmaxf(a[0], b[0]) + reach);
  int top = (int)floorf(fminf(a[1], b[1]) - reach), bottom = (int)ceilf(fmaxf(a[1], b[1]) + reach);
  for (int y = top < 0 ? 0 : top; y <= bottom && y < SIDE; y++)
    for (int x = left < 0 ? 0 : left; x <= right && x < SIDE; x++) {
      float px = (float)x - a[0], py = (float)y - a[1], t = (px * dx + py * dy) / length2;
      t = t < 0 ? 0 : t > 1 ? 1 : t;
      float ex = px - t * dx, ey = py - t * dy, d2 = ex * ex + ey * ey;
      if (d2 < nearest[y * SIDE + x]) nearest[y * SIDE + x] = d2;
    }
}

static void draw_stroke(const rs_digit_stroke *s, dice *d, const warp *w, float reach,
                        float nearest[PIXELS]) {
  float points[RS_DIGIT_POINTS][2], last[2];
  for (size_t i = 0; i < s->count; i++)
    for (int k = 0; k < 2; k++) points[i][k] = 0.01f * s->xy[i][k] + 0.030f * jitter(d);
  apply(w, points[0], last);
  for (size_t i = 0; i + 1 < s->count; i++) {
    const size_t before = i > 0 ? i - 1 : 0, after = i + 2 < s->count ? i + 2 : i + 1;
    const size_t around[4] = {before, i, i + 1, after};
    float p[4][2], at[2], next[2];
    for (int k = 0; k < 4; k++) {
      p[k][0] = points[around[k]][0];
      p[k][1] = points[around[k]][1];
    }
    for (int step = 1; step <= STEPS; step++) {
      if (s->curved)
        spline(p, (float)step / STEPS, at);
      else
        straight(p, (float)step / STEPS, at);
      apply(w, at, next);
      draw_piece(last, next, reach, nearest);
      last[0] = next[0];
      last[1] = next[1];
    }
  }
}

/* Ink by distance, then contrast and noise of the sensor. */
static void expose(dice *d, const pen *p, const float nearest[PIXELS], uint8_t *pixels) {
  float contrast = between(d, 190.0f, 255.0f), grain = between(d, 0.0f, 30.0f);
  d->at = (d->at + 3) / 4 * 4;
  for (size_t i = 0; i < PIXELS; i += 4) {
    uint32_t words[4];
    rs_stream_block(&d->stream, d->at / 4 + i / 4, words);
    for (size_t k = 0; k < 4; k++) {
      float ink = (p->radius - sqrtf(nearest[i + k])) / p->softness + 0.5f;
      ink = ink < 0 ? 0 : ink > 1 ? 1 : ink;
      float value = contrast * ink + grain * nearly_normal(words[k]);
      pixels[i + k] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + 0.5f);
    }
  }
}

static void draw_digit(dice *d, uint8_t *pixels, uint8_t *label) {
  float nearest[PIXELS];
  *label = (uint8_t)rs_stream_below(&d->stream, d->at++, RS_DIGIT_CLASSES);
  uint32_t style = rs_stream_below(&d->stream, d->at++, (uint32_t)rs_digit_style_count(*label));
  const rs_digit_stroke *strokes = rs_digit_style_of(*label, style)->strokes;
  warp w = random_warp(d);
  pen p = {.radius = between(d, 0.7f, 2.0f), .softness = between(d, 0.9f, 1.9f)};
  float reach = p.radius + p.softness;
  for (size_t i = 0; i < PIXELS; i++) nearest[i] = 1e6f;
  for (size_t i = 0; i < RS_DIGIT_STROKES && strokes[i].count > 0; i++)
    draw_stroke(&strokes[i], d, &w, reach, nearest);
  expose(d, &p, nearest, pixels);
}

void rs_digits_draw(uint64_t seed, const char *part, size_t first, size_t count, uint8_t *pixels,
                    uint8_t *labels) {
#pragma omp parallel for schedule(static) if (count > 16)
  for (size_t i = 0; i < count; i++) {
    dice d = {.stream = rs_stream_make(seed, "digits", part, first + i)};
    draw_digit(&d, pixels + i * PIXELS, labels + i);
  }
}
