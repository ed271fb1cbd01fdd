/* Which speakers sound most like which: where hard pairs come from. */
#include "verify.h"

#include <math.h>
#include <stdlib.h>

enum { BANDS = 40, CEPSTRA = 20 };

/* Mean cepstra [CEPSTRA] of all frames of SPEAKER. */
static void mean_cepstra(const rs_mel *mel, const rs_utterances *u, size_t bins, size_t speaker,
                         double *mean) {
  float energies[BANDS], cepstra[CEPSTRA];
  size_t first = u->part.frame[u->first[speaker]], last = u->part.frame[u->first[speaker + 1]];
  for (size_t c = 0; c < CEPSTRA; c++) mean[c] = 0;
  for (size_t f = first; f < last; f++) {
    rs_mel_log_energies(mel, u->part.spectrum + f * bins, energies);
    rs_mel_cepstra(mel, energies, cepstra);
    for (size_t c = 0; c < CEPSTRA; c++) mean[c] += (double)cepstra[c] / (double)(last - first);
  }
}

typedef struct rival {
  double distance;
  uint32_t speaker;
} rival;

static int nearest_first(const void *a, const void *b) {
  const rival *x = a, *y = b;
  if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
  return (x->speaker > y->speaker) - (x->speaker < y->speaker);
}

static double distance(const double *a, const double *b) {
  double sum = 0;
  for (size_t c = 0; c < CEPSTRA; c++) sum += (a[c] - b[c]) * (a[c] - b[c]);
  return sum;
}

/* The others of SPEAKER into ALL [speakers - 1], then the first of them to OUT. */
static void find(size_t speakers, size_t speaker, const double *means, rival *all, size_t count,
                 uint32_t *out) {
  size_t n = 0;
  for (size_t k = 0; k < speakers; k++)
    if (k != speaker)
      all[n++] = (rival){distance(means + speaker * CEPSTRA, means + k * CEPSTRA), (uint32_t)k};
  qsort(all, n, sizeof *all, nearest_first);
  for (size_t i = 0; i < count; i++) out[i] = all[i].speaker;
}

rs_status rs_rivals_find(const rs_front *front, const rs_utterances *u, double share,
                         rs_rivals *out) {
  double *means = NULL;
  rival *all = NULL;
  rs_mel *mel = NULL;
  *out = (rs_rivals){.share = share, .count = (u->speakers + 2) / 4};
  if (out->count == 0) out->count = 1;
  rs_status status = rs_mel_create(front->rate, front->bins, BANDS, CEPSTRA, &mel);
  if (status == RS_OK) status = rs_new(&means, u->speakers * CEPSTRA, sizeof *means);
  if (status == RS_OK) status = rs_new(&all, u->speakers, sizeof *all);
  if (status == RS_OK) status = rs_new(&out->of, u->speakers * out->count, sizeof *out->of);
  for (size_t k = 0; status == RS_OK && k < u->speakers; k++)
    mean_cepstra(mel, u, front->bins, k, means + k * CEPSTRA);
  for (size_t k = 0; status == RS_OK && k < u->speakers; k++)
    find(u->speakers, k, means, all, out->count, out->of + k * out->count);
  rs_mel_destroy(mel);
  free(means);
  free(all);
  if (status != RS_OK) rs_rivals_free(out);
  return status;
}

void rs_rivals_free(rs_rivals *r) {
  free(r->of);
  *r = (rs_rivals){0};
}
