/* Speakers, sounds and the vocal tract of the built-in voices. */
#ifndef RANKSWEEP_DATA_VOICES_H
#define RANKSWEEP_DATA_VOICES_H

#include "ranksweep/data.h"

enum {
  RS_VOICE_FORMANTS = 5,
  RS_VOICE_FRAME = 80 /* samples (5 ms) for which controls stay as they are */
};

/* Numbers of a stream, one after another. */
typedef struct rs_voice_dice {
  rs_stream stream;
  uint64_t at;
} rs_voice_dice;

float rs_voice_between(rs_voice_dice *d, float low, float high);
bool rs_voice_chance(rs_voice_dice *d, float share);

/* What makes a speaker. */
typedef struct rs_voice {
  float pitch;                      /* Hz */
  float melody;                     /* octaves up and down */
  float formant[RS_VOICE_FORMANTS]; /* factors: length of the tract, and its own shape */
  float width;                      /* factor of the formants' bandwidths */
  float open;                       /* share of a period that the glottis is open */
  float tilt;                       /* Hz: the pulse is softened above */
  float breath;                     /* noise while the glottis is open */
  float jitter, shimmer;            /* share by which periods, and their strengths, vary */
  float tempo;                      /* factor of all durations */
  float pause;                      /* chance of one after a word */
  float hiss;                       /* factor of the frequencies of fricatives */
} rs_voice;

rs_voice rs_voice_make(uint64_t seed, const char *stage, uint32_t speaker);

/* One speech sound. */
typedef struct rs_sound {
  float formant[3];        /* Hz, of an average man */
  float voicing, friction; /* amplitudes */
  float hiss;              /* Hz: centre of the friction */
  float seconds;
} rs_sound;

/* Where in a phrase the speaker is; zero-initialise for the start of one. */
typedef struct rs_voice_script {
  int next;      /* what comes: see voice_sounds.c */
  int syllables; /* that are left of the word */
} rs_voice_script;

/* The next sound; *STRESS is the height of its melody, -1 to 1, kept within a syllable. */
rs_sound rs_voice_next_sound(rs_voice_script *script, const rs_voice *voice, rs_voice_dice *d,
                             float *stress);

/* rs_voices_speak with streams of their own for each STAGE. */
void rs_voice_speak(const char *stage, uint64_t seed, uint32_t speaker, uint32_t utterance,
                    size_t n, float *out);

/* Bring x [n] to deviation DEVIATION; zeros stay. */
void rs_voice_level(size_t n, float deviation, float *x);

/* Two poles: a peak at HZ of WIDTH Hz, gain 1 at 0 Hz. */
typedef struct rs_resonator {
  float a, b, c, y1, y2;
} rs_resonator;

void rs_resonator_tune(rs_resonator *r, float hz, float width);

static inline float rs_resonator_step(rs_resonator *r, float x) {
  float y = r->a * x + r->b * r->y1 + r->c * r->y2;
  r->y2 = r->y1;
  r->y1 = y;
  return y;
}

/* White noise in [-1, 1): four numbers a block of the stream. */
typedef struct rs_white {
  rs_stream stream;
  uint64_t block;
  uint32_t words[4];
  unsigned used; /* of words; 0: a new block is due */
} rs_white;

static inline float rs_white_step(rs_white *w) {
  if (w->used == 0) rs_stream_block(&w->stream, w->block++, w->words);
  float x = (float)(int32_t)w->words[w->used] * 0x1p-31f;
  w->used = (w->used + 1) % 4;
  return x;
}

#endif
