/* Who speaks, and what is said: speakers, speech sounds, and the order in which they come. */
#include "voices.h"

#include <math.h>

/* ---- chance ------------------------------------------------------------------------------- */

float rs_voice_between(rs_voice_dice *d, float low, float high) {
  return low + (high - low) * rs_stream_uniform(&d->stream, d->at++);
}

bool rs_voice_chance(rs_voice_dice *d, float share) {
  return rs_stream_uniform(&d->stream, d->at++) < share;
}

/* ---- speakers ----------------------------------------------------------------------------- */

/* High voices mostly come from short tracts, so the two are drawn together; what is left is the
 * speaker's own. */
rs_voice rs_voice_make(uint64_t seed, const char *stage, uint32_t speaker) {
  rs_voice_dice d = {.stream = rs_stream_make(seed, stage, "speaker", speaker)};
  const bool high = rs_voice_chance(&d, 0.5f);
  rs_voice v = {.pitch = high ? rs_voice_between(&d, 155, 260) : rs_voice_between(&d, 80, 160),
                .melody = rs_voice_between(&d, 0.08f, 0.3f),
                .width = rs_voice_between(&d, 0.7f, 1.8f),
                .open = rs_voice_between(&d, 0.4f, 0.75f),
                .tilt = rs_voice_between(&d, 600, 4500),
                .breath = rs_voice_between(&d, 0.01f, 0.12f),
                .jitter = rs_voice_between(&d, 0.003f, 0.02f),
                .shimmer = rs_voice_between(&d, 0.01f, 0.1f),
                .tempo = rs_voice_between(&d, 0.75f, 1.3f),
                .pause = rs_voice_between(&d, 0.1f, 0.4f),
                .hiss = rs_voice_between(&d, 0.8f, 1.2f)};
  float tract = high ? rs_voice_between(&d, 1.02f, 1.25f) : rs_voice_between(&d, 0.88f, 1.1f);
  for (int i = 0; i < RS_VOICE_FORMANTS; i++)
    v.formant[i] = tract * rs_voice_between(&d, 0.89f, 1.11f);
  return v;
}

/* ---- sounds ------------------------------------------------------------------------------- */

/* Formants of vowels: averages of men in Peterson and Barney, "Control methods used in a study of
 * the vowels", 1952. */
static const rs_sound vowels[] = {
    {{270, 2290, 3010}, 1, 0, 0, 0.13f}, {{390, 1990, 2550}, 1, 0, 0, 0.10f},
    {{530, 1840, 2480}, 1, 0, 0, 0.12f}, {{660, 1720, 2410}, 1, 0, 0, 0.15f},
    {{730, 1090, 2440}, 1, 0, 0, 0.16f}, {{570, 840, 2410}, 1, 0, 0, 0.15f},
    {{440, 1020, 2240}, 1, 0, 0, 0.10f}, {{300, 870, 2240}, 1, 0, 0, 0.13f},
    {{640, 1190, 2390}, 1, 0, 0, 0.11f}, {{490, 1350, 1690}, 1, 0, 0, 0.14f},
};

static const rs_sound consonants[] = {
    {{320, 1390, 2530}, 0, 0.60f, 6200, 0.11f},     /* s */
    {{320, 1700, 2500}, 0, 0.70f, 3400, 0.11f},     /* sh */
    {{340, 1100, 2080}, 0, 0.25f, 5000, 0.09f},     /* f */
    {{500, 1500, 2500}, 0, 0.20f, 1500, 0.06f},     /* h */
    {{300, 1390, 2530}, 0.35f, 0.35f, 6000, 0.08f}, /* z */
    {{300, 1100, 2080}, 0.45f, 0.12f, 4800, 0.06f}, /* v */
    {{250, 1100, 2200}, 0.50f, 0, 0, 0.08f},        /* m */
    {{250, 1500, 2500}, 0.50f, 0, 0, 0.07f},        /* n */
    {{330, 1050, 2880}, 0.70f, 0, 0, 0.06f},        /* l */
    {{310, 1060, 1380}, 0.70f, 0, 0, 0.07f},        /* r */
    {{290, 610, 2150}, 0.65f, 0, 0, 0.06f},         /* w */
};

/* Stops: what is heard when the mouth opens; before that it is closed and silent. */
static const rs_sound bursts[] = {
    {{400, 1100, 2150}, 0, 0.50f, 1200, 0.02f}, /* p */
    {{400, 1600, 2600}, 0, 0.60f, 4500, 0.03f}, /* t */
    {{300, 1990, 2850}, 0, 0.55f, 2200, 0.03f}, /* k */
};

/* ---- order -------------------------------------------------------------------------------- */

/* Steps of a syllable: rs_voice_script.next. */
enum { ONSET, BURST, VOWEL, CODA, GAP };

static rs_sound pick(const rs_sound *from, size_t n, const rs_voice *v, rs_voice_dice *d) {
  rs_sound s = from[rs_stream_below(&d->stream, d->at++, (uint32_t)n)];
  s.seconds *= v->tempo * rs_voice_between(d, 0.75f, 1.35f);
  s.hiss *= v->hiss;
  return s;
}

/* A closed mouth; its formants are on their way to the next sound. */
static rs_sound silence(float seconds) {
  return (rs_sound){.formant = {400, 1400, 2500}, .hiss = 3000, .seconds = seconds};
}

static rs_sound onset(rs_voice_script *script, const rs_voice *v, rs_voice_dice *d, float *stress) {
  if (script->syllables == 0) script->syllables = 1 + (int)rs_voice_between(d, 0, 3.99f);
  *stress = rs_voice_between(d, -1, 1);
  script->next = rs_voice_chance(d, 0.3f) ? BURST : VOWEL;
  return script->next == BURST ? silence(0.05f * v->tempo)
                               : pick(consonants, RS_COUNT(consonants), v, d);
}

static rs_sound gap(rs_voice_script *script, const rs_voice *v, rs_voice_dice *d) {
  script->next = ONSET;
  if (--script->syllables > 0) return silence(0.005f);
  return silence(rs_voice_chance(d, v->pause) ? v->tempo * rs_voice_between(d, 0.12f, 0.5f)
                                              : 0.02f);
}

rs_sound rs_voice_next_sound(rs_voice_script *script, const rs_voice *v, rs_voice_dice *d,
                             float *stress) {
  switch (script->next) {
  case ONSET: return onset(script, v, d, stress);
  case BURST: script->next = VOWEL; return pick(bursts, RS_COUNT(bursts), v, d);
  case VOWEL:
    script->next = rs_voice_chance(d, 0.35f) ? CODA : GAP;
    return pick(vowels, RS_COUNT(vowels), v, d);
  case CODA: script->next = GAP; return pick(consonants, RS_COUNT(consonants), v, d);
  default: return gap(script, v, d);
  }
}
