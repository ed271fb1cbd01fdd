/* Clips one after another in memory that a node shares, with their spectra. */
#ifndef RANKSWEEP_EXP_SOUND_PART_H
#define RANKSWEEP_EXP_SOUND_PART_H

#include "ranksweep/data.h"
#include "ranksweep/dsp.h"

enum { RS_SOUND_NAME = 256 }; /* a folder's name, at most */
typedef char rs_sound_name[RS_SOUND_NAME];

/* Clip i is samples[start[i] .. start[i + 1]) and, where there are spectra, spectrum[frame[i] ..
 * frame[i + 1]). */
typedef struct rs_sound_part {
  size_t count, all_samples, all_frames;
  size_t *start, *frame; /* [count + 1] */
  rs_sound_name *name;   /* of the speaker, or of the kind of noise */
  float *samples;
  rs_cfloat *spectrum; /* [all_frames, bins] */
} rs_sound_part;

static inline size_t rs_sound_samples(const rs_sound_part *p, size_t i) {
  return p->start[i + 1] - p->start[i];
}
static inline size_t rs_sound_frames(const rs_sound_part *p, size_t i) {
  return p->frame[i + 1] - p->frame[i];
}

/* Room for COUNT elements of SIZE bytes at *AT of BLOCK (NULL: only to count), *AT then behind it,
 * at a whole cache line. */
void *rs_sound_place(char *block, size_t *at, size_t count, size_t size);
/* The same for the arrays of P, which has its counts. */
void rs_sound_place_part(rs_sound_part *p, size_t bins, char *block, size_t *at);

/* Samples of a clip of CLIPS. */
size_t rs_clip_length(const rs_clips *clips, size_t i);
/* Clips LIST [count] (NULL: all) of FROM with their names. */
void rs_sound_copy(const rs_clips *from, const size_t *list, rs_sound_part *to);
/* Sum of squares. */
double rs_sound_energy(size_t n, const float *x);

/* Transforms of all clips. */
rs_status rs_sound_transform(const rs_stft *stft, rs_sound_part *p) RS_MUST_CHECK;

/* Transforms of clips that go round: frame k of F = length / hop is centred on sample k * hop of
 * the first F * hop samples, which follow each other without end. ENERGY [all_frames + count]: clip
 * k has F + 1 from frame[k] + k on, the sums of squares of its first 0, 1, ..., F hops. A clip of
 * zeros is RS_ERR_DATA. */
rs_status rs_sound_transform_round(const rs_stft *stft, const rs_stft_spec *spec, rs_sound_part *p,
                                   double *energy) RS_MUST_CHECK;
/* Counts for that: a clip shorter than a hop is RS_ERR_DATA. */
rs_status rs_sound_count_round(const rs_clips *from, size_t hop, rs_sound_part *p) RS_MUST_CHECK;
/* Counts for rs_sound_transform of clips LIST [count]. */
void rs_sound_count(const rs_clips *from, const size_t *list, size_t hop, rs_sound_part *p);

#endif
