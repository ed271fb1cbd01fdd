#include "part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- counts ------------------------------------------------------------------------------ */

size_t rs_clip_length(const rs_clips *clips, size_t i) {
  return clips->start[i + 1] - clips->start[i];
}

void rs_sound_count(const rs_clips *from, const size_t *list, size_t hop, rs_sound_part *p) {
  for (size_t i = 0; i < p->count; i++) {
    size_t length = rs_clip_length(from, list[i]);
    p->all_samples += length;
    p->all_frames += 1 + (length + hop - 1) / hop;
  }
}

rs_status rs_sound_count_round(const rs_clips *from, size_t hop, rs_sound_part *p) {
  p->count = from->count;
  for (size_t k = 0; k < p->count; k++) {
    size_t length = rs_clip_length(from, k);
    if (length < hop)
      return rs_fail(RS_ERR_DATA, "noise %s: expected at least data.hop, %zu samples, found %zu",
                     from->names[from->label[k]], hop, length);
    p->all_samples += length;
    p->all_frames += length / hop;
  }
  return RS_OK;
}

/* ---- the block --------------------------------------------------------------------------- */

enum { ALIGNMENT = 64 };

void *rs_sound_place(char *block, size_t *at, size_t count, size_t size) {
  void *here = block != NULL ? block + *at : NULL;
  *at += (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  return here;
}

void rs_sound_place_part(rs_sound_part *p, size_t bins, char *block, size_t *at) {
  p->start = rs_sound_place(block, at, p->count + 1, sizeof *p->start);
  p->frame = rs_sound_place(block, at, p->count + 1, sizeof *p->frame);
  p->name = rs_sound_place(block, at, p->count, sizeof *p->name);
  p->samples = rs_sound_place(block, at, p->all_samples, sizeof *p->samples);
  p->spectrum = rs_sound_place(block, at, p->all_frames * bins, sizeof *p->spectrum);
}

/* ---- contents ---------------------------------------------------------------------------- */

void rs_sound_copy(const rs_clips *from, const size_t *list, rs_sound_part *to) {
  to->start[0] = to->frame[0] = 0;
  for (size_t i = 0; i < to->count; i++) {
    size_t clip = list != NULL ? list[i] : i, length = rs_clip_length(from, clip);
    memcpy(to->samples + to->start[i], from->samples + from->start[clip], length * sizeof(float));
    to->start[i + 1] = to->start[i] + length;
    snprintf(to->name[i], RS_SOUND_NAME, "%s", from->names[from->label[clip]]);
  }
}

double rs_sound_energy(size_t n, const float *x) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (size_t i = 0; i < n; i++) sum += (double)x[i] * x[i];
  return sum;
}

rs_status rs_sound_transform(const rs_stft *stft, rs_sound_part *p) {
  for (size_t i = 0; i < p->count; i++) {
    size_t n = rs_sound_samples(p, i);
    p->frame[i + 1] = p->frame[i] + rs_stft_frames(stft, n);
    RS_TRY(rs_stft_forward(stft, n, p->samples + p->start[i],
                           p->spectrum + p->frame[i] * rs_stft_bins(stft)));
  }
  return RS_OK;
}

/* The transform of X [frames * hop], whose end its beginning follows: it is continued on both sides
 * for so many hops that no frame wanted sees the end of the longer signal. */
static rs_status transform_round(const rs_stft *stft, const rs_stft_spec *spec, size_t frames,
                                 const float *x, rs_cfloat *spectrum) {
  size_t n = frames * spec->hop, margin = (spec->window / 2 + spec->hop - 1) / spec->hop;
  size_t samples = n + 2 * margin * spec->hop, bins = rs_stft_bins(stft);
  float *longer;
  rs_cfloat *all = NULL;
  rs_status status = rs_new(&longer, samples, sizeof *longer);
  if (status == RS_OK) status = rs_new(&all, rs_stft_frames(stft, samples) * bins, sizeof *all);
  for (size_t i = 0, from = n - margin * spec->hop % n; status == RS_OK && i < samples; i++)
    longer[i] = x[(from + i) % n];
  if (status == RS_OK) status = rs_stft_forward(stft, samples, longer, all);
  if (status == RS_OK) memcpy(spectrum, all + margin * bins, frames * bins * sizeof *all);
  free(all);
  free(longer);
  return status;
}

rs_status rs_sound_transform_round(const rs_stft *stft, const rs_stft_spec *spec, rs_sound_part *p,
                                   double *energy) {
  for (size_t k = 0; k < p->count; k++) {
    const float *x = p->samples + p->start[k];
    size_t frames = rs_sound_samples(p, k) / spec->hop;
    double *sums = energy + p->frame[k] + k;
    p->frame[k + 1] = p->frame[k] + frames;
    sums[0] = 0;
    for (size_t f = 0; f < frames; f++)
      sums[f + 1] = sums[f] + rs_sound_energy(spec->hop, x + f * spec->hop);
    if (!(sums[frames] > 0))
      return rs_fail(RS_ERR_DATA, "noise %s: expected sound, found silence", p->name[k]);
    RS_TRY(transform_round(stft, spec, frames, x, p->spectrum + p->frame[k] * rs_stft_bins(stft)));
  }
  return RS_OK;
}
