/* The built-in source of speech: a pulse of air and noise through the resonances of a moving mouth
 * (source and filter; Klatt, "Software for a cascade/parallel formant synthesizer", 1980). */
#include "voices.h"

#include <math.h>

static const float RATE = RS_VOICES_RATE;

/* Bandwidths of the formants, and centres of the two that are the same in all sounds, Hz. */
static const float widths[RS_VOICE_FORMANTS] = {60, 90, 130, 200, 250};
static const float upper_formants[2] = {3400, 4500};

/* Shares of the way to their aims that controls go in a frame: mouth, strengths, melody. */
static const float MOVE = 0.22f, FADE = 0.4f, GLIDE = 0.12f;

/* Share of the noise that is heard without any sound: no recording is without it. */
static const float ROOM = 0.001f;

/* ---- parts -------------------------------------------------------------------------------- */

void rs_resonator_tune(rs_resonator *r, float hz, float width) {
  const float turn = 6.2831853f / RATE;
  if (hz > 0.47f * RATE) hz = 0.47f * RATE;
  float radius = expf(-0.5f * turn * width);
  r->c = -radius * radius;
  r->b = 2 * radius * cosf(turn * hz);
  r->a = 1 - r->b - r->c;
}

void rs_voice_level(size_t n, float deviation, float *x) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)x[i] * x[i];
  if (sum <= 0) return;
  const float gain = deviation / (float)sqrt(sum / (double)n);
  for (size_t i = 0; i < n; i++) x[i] *= gain;
}

/* ---- state -------------------------------------------------------------------------------- */

/* The glottis, period by period. */
typedef struct glottis {
  float phase, step; /* of the period, 0 to 1; and in a sample */
  float strength;
  float soft, soften; /* the pulse after its low-pass filter, and the filter's coefficient */
} glottis;

typedef struct mouth {
  const rs_voice *voice;
  rs_voice_dice dice;
  rs_white white;
  rs_voice_script script;

  rs_sound sound;     /* where the controls are going */
  int frames;         /* that are left of it */
  float stress, fall; /* of the melody, octaves: of the syllable, and along the utterance */

  float formant[RS_VOICE_FORMANTS], pitch, voicing, friction, hiss; /* where they are */
  glottis glottis;
  rs_resonator tract[RS_VOICE_FORMANTS], teeth;
} mouth;

/* ---- controls, every frame ---------------------------------------------------------------- */

static float aim_of(const mouth *m, int i) {
  return m->voice->formant[i] * (i < 3 ? m->sound.formant[i] : upper_formants[i - 3]);
}

static void next_sound(mouth *m) {
  m->sound = rs_voice_next_sound(&m->script, m->voice, &m->dice, &m->stress);
  m->frames = 1 + (int)(m->sound.seconds * RATE / RS_VOICE_FRAME);
  if (m->sound.friction > 0) m->hiss = m->sound.hiss;
}

static void move(mouth *m) {
  if (m->frames-- <= 0) next_sound(m);
  for (int i = 0; i < RS_VOICE_FORMANTS; i++) {
    m->formant[i] += MOVE * (aim_of(m, i) - m->formant[i]);
    rs_resonator_tune(&m->tract[i], m->formant[i], widths[i] * m->voice->width);
  }
  rs_resonator_tune(&m->teeth, m->hiss, 0.3f * m->hiss + 200);
  m->voicing += FADE * (m->sound.voicing - m->voicing);
  m->friction += FADE * (m->sound.friction - m->friction);
  float aim = m->voice->pitch * exp2f(m->voice->melody * m->stress - m->fall);
  m->pitch += GLIDE * (aim - m->pitch);
  m->fall += 0.0004f;
  if (m->fall > 0.25f) m->fall = 0;
}

/* ---- sound, every sample ------------------------------------------------------------------ */

/* Derivative of the flow t^2 - t^3 through the open glottis (Rosenberg, "Effect of glottal pulse
 * shape on the quality of natural vowels", 1971), with the steps from period to period uneven. */
static float pulse(mouth *m, float noise) {
  glottis *g = &m->glottis;
  g->phase += g->step;
  if (g->phase >= 1) {
    g->phase -= 1;
    g->step = m->pitch / RATE * (1 + m->voice->jitter * rs_voice_between(&m->dice, -1.7f, 1.7f));
    g->strength = 1 + m->voice->shimmer * rs_voice_between(&m->dice, -1.7f, 1.7f);
  }
  float t = g->phase / m->voice->open, flow = 0;
  if (t < 1) flow = g->strength * (2 * t - 3 * t * t) + m->voice->breath * noise;
  g->soft += g->soften * (flow - g->soft);
  return g->soft;
}

static float sample(mouth *m) {
  float noise = rs_white_step(&m->white);
  float x = m->voicing * pulse(m, noise);
  for (int i = 0; i < RS_VOICE_FORMANTS; i++) x = rs_resonator_step(&m->tract[i], x);
  /* The difference to the noise itself is a peak with nothing at 0 Hz, as of air at an edge. */
  float edge = rs_resonator_step(&m->teeth, noise) - noise;
  return x + 0.18f * m->friction * edge + ROOM * noise;
}

/* ---- utterances --------------------------------------------------------------------------- */

/* Speakers are a little different every day. */
static rs_voice of_the_day(uint64_t seed, const char *stage, uint32_t speaker, rs_voice_dice *d) {
  rs_voice v = rs_voice_make(seed, stage, speaker);
  v.pitch *= rs_voice_between(d, 0.94f, 1.06f);
  v.tempo *= rs_voice_between(d, 0.9f, 1.1f);
  v.tilt *= rs_voice_between(d, 0.85f, 1.2f);
  v.breath *= rs_voice_between(d, 0.7f, 1.4f);
  return v;
}

static void begin(mouth *m) {
  next_sound(m);
  for (int i = 0; i < RS_VOICE_FORMANTS; i++) m->formant[i] = aim_of(m, i);
  if (m->hiss == 0) m->hiss = 3000;
  m->pitch = m->voice->pitch;
  m->glottis.step = m->pitch / RATE;
  m->glottis.strength = 1;
  m->glottis.soften = 1 - expf(-6.2831853f * m->voice->tilt / RATE);
}

/* To an even loudness, as far as no sample is clipped. */
static void set_level(rs_voice_dice *d, size_t n, float *out) {
  rs_voice_level(n, rs_voice_between(d, 0.05f, 0.12f), out);
  float most = 0.95f;
  for (size_t i = 0; i < n; i++) most = fmaxf(most, fabsf(out[i]));
  for (size_t i = 0; most > 0.95f && i < n; i++) out[i] *= 0.95f / most;
}

void rs_voice_speak(const char *stage, uint64_t seed, uint32_t speaker, uint32_t utterance,
                    size_t n, float *out) {
  const uint64_t index = (uint64_t)speaker << 32 | utterance;
  mouth m = {.dice.stream = rs_stream_make(seed, stage, "utterance", index),
             .white.stream = rs_stream_make(seed, stage, "breath", index)};
  const rs_voice voice = of_the_day(seed, stage, speaker, &m.dice);
  m.voice = &voice;
  begin(&m);
  for (size_t i = 0; i < n; i++) {
    if (i % RS_VOICE_FRAME == 0) move(&m);
    out[i] = sample(&m);
  }
  set_level(&m.dice, n, out);
}

void rs_voices_speak(uint64_t seed, uint32_t speaker, uint32_t utterance, size_t n, float *out) {
  rs_voice_speak("voices", seed, speaker, utterance, n, out);
}
