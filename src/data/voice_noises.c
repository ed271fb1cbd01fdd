/* The built-in noises. */
#include "voices.h"

#include <math.h>
#include <stdlib.h>

enum {
  TALKERS = 6,
  POLES = 9, /* of pink noise: octaves from 20 Hz to 5 kHz */
  HARMONICS = 16
};

static const float RATE = RS_VOICES_RATE;
static const float LEVEL = 0.1f; /* deviation of every noise */
static const float CLICKS = 12;  /* a second, on average */

static const char *const names[RS_NOISE_KINDS] = {"white", "pink", "babble", "hum", "clicks"};

const char *rs_noise_name(rs_noise_kind kind) {
  return names[kind];
}

/* ---- kinds -------------------------------------------------------------------------------- */

/* Streams of one noise: what it is like, and its samples. */
typedef struct source {
  rs_voice_dice dice;
  rs_white white;
} source;

static void make_white(source *s, size_t n, float *out) {
  for (size_t i = 0; i < n; i++) out[i] = rs_white_step(&s->white);
}

/* White noise through one pole an octave, with gains that make the sum fall by 3 dB an octave. */
static void make_pink(source *s, size_t n, float *out) {
  float share[POLES], gain[POLES], y[POLES] = {0};
  for (int k = 0; k < POLES; k++) {
    float hz = 20 * exp2f((float)k);
    share[k] = 1 - expf(-6.2831853f * hz / RATE);
    gain[k] = 1 / sqrtf(hz);
  }
  for (size_t i = 0; i < n; i++) {
    float x = rs_white_step(&s->white), sum = 0;
    for (int k = 0; k < POLES; k++) {
      y[k] += share[k] * (x - y[k]);
      sum += gain[k] * y[k];
    }
    out[i] = sum;
  }
}

/* 50 or 60 Hz and a little off, harmonics that grow weaker, and a floor of noise. */
static void make_hum(source *s, size_t n, float *out) {
  float strength[HARMONICS], start[HARMONICS];
  float hz = (rs_voice_chance(&s->dice, 0.5f) ? 50 : 60) * rs_voice_between(&s->dice, 0.99f, 1.01f);
  for (int h = 0; h < HARMONICS; h++) {
    strength[h] = rs_voice_between(&s->dice, 0.1f, 1) / (float)(h + 1);
    start[h] = rs_voice_between(&s->dice, 0, 1);
  }
  for (size_t i = 0; i < n; i++) {
    double turns = (double)i * (double)(hz / RATE);
    float sum = 0.01f * rs_white_step(&s->white);
    for (int h = 0; h < HARMONICS; h++) {
      double t = turns * (h + 1) + (double)start[h];
      sum += strength[h] * sinf(6.2831853f * (float)(t - floor(t)));
    }
    out[i] = sum;
  }
}

/* Short rings at random moments, over a floor of noise. */
static void make_clicks(source *s, size_t n, float *out) {
  rs_resonator ring = {0};
  for (size_t i = 0; i < n; i++) {
    float blow = 0;
    if (rs_voice_chance(&s->dice, CLICKS / RATE)) {
      rs_resonator_tune(&ring, rs_voice_between(&s->dice, 800, 6000),
                        rs_voice_between(&s->dice, 150, 900));
      blow = rs_voice_between(&s->dice, 0.3f, 1) / ring.a;
    }
    out[i] = 0.003f * rs_white_step(&s->white) + rs_resonator_step(&ring, blow);
  }
}

static rs_status make_babble(uint64_t seed, uint32_t index, size_t n, float *out) {
  float *voice;
  RS_TRY(rs_new(&voice, n, sizeof *voice));
  for (size_t i = 0; i < n; i++) out[i] = 0;
  for (uint32_t k = 0; k < TALKERS; k++) {
    rs_voice_speak("babble", seed, index * TALKERS + k, 0, n, voice);
    for (size_t i = 0; i < n; i++) out[i] += voice[i];
  }
  free(voice);
  return RS_OK;
}

/* ---- all ---------------------------------------------------------------------------------- */

rs_status rs_voices_noise(uint64_t seed, rs_noise_kind kind, uint32_t index, size_t n, float *out) {
  source s = {.dice.stream = rs_stream_make(seed, names[kind], "noise", index),
              .white.stream = rs_stream_make(seed, names[kind], "samples", index)};
  switch (kind) {
  case RS_NOISE_PINK: make_pink(&s, n, out); break;
  case RS_NOISE_BABBLE: RS_TRY(make_babble(seed, index, n, out)); break;
  case RS_NOISE_HUM: make_hum(&s, n, out); break;
  case RS_NOISE_CLICKS: make_clicks(&s, n, out); break;
  default: make_white(&s, n, out); break;
  }
  rs_voice_level(n, LEVEL, out);
  return RS_OK;
}
