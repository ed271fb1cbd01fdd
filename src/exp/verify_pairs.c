#include "verify.h"

#include <stdlib.h>
#include <string.h>

/* ---- drawing ----------------------------------------------------------------------------- */

/* Numbers of a stream, one after the other. */
typedef struct draws {
  rs_stream stream;
  uint64_t next;
} draws;

static uint32_t below(draws *d, size_t bound) {
  return rs_stream_below(&d->stream, d->next++, (uint32_t)bound);
}

/* K different numbers below N, in the order in which they are drawn. */
static void choose(draws *d, size_t n, size_t k, uint32_t *out) {
  uint32_t taken[2 * RS_MOST_CLIPS]; /* in ascending order */
  RS_ASSERT(k <= n && k <= 2 * RS_MOST_CLIPS);
  for (size_t i = 0; i < k; i++) {
    uint32_t number = below(d, n - i);
    size_t at = 0;
    for (; at < i && taken[at] <= number; at++) number++;
    memmove(taken + at + 1, taken + at, (i - at) * sizeof *taken);
    taken[at] = out[i] = number;
  }
}

static size_t count_of(const rs_utterances *u, size_t speaker) {
  return u->first[speaker + 1] - u->first[speaker];
}

static void shift(uint32_t *clips, size_t n, size_t by) {
  for (size_t i = 0; i < n; i++) clips[i] += (uint32_t)by;
}

/* Any other speaker than ONE alike, or one of its rivals. */
static size_t draw_other(draws *d, const rs_utterances *u, const rs_rivals *rivals, size_t one) {
  if (rivals != NULL && (double)rs_stream_uniform(&d->stream, d->next++) < rivals->share)
    return rivals->of[one * rivals->count + below(d, rivals->count)];
  size_t other = below(d, u->speakers - 1);
  return other + (other >= one);
}

void rs_pair_draw(const rs_utterances *u, const rs_rivals *rivals, size_t clips, uint64_t seed,
                  const char *stage, uint64_t epoch, uint64_t index, rs_pair *out) {
  const uint64_t most = 3 + 2 * RS_MOST_CLIPS; /* draws of a pair */
  draws d = {rs_stream_make(seed, stage, "pairs", epoch), most * index};
  uint32_t both[2 * RS_MOST_CLIPS];
  size_t one = below(&d, u->speakers), other = one;
  out->same = index % 2 == 0;
  if (out->same) {
    choose(&d, count_of(u, one), 2 * clips, both);
  } else {
    other = draw_other(&d, u, rivals, one);
    choose(&d, count_of(u, one), clips, both);
    choose(&d, count_of(u, other), clips, both + clips);
  }
  memcpy(out->a, both, clips * sizeof *both);
  memcpy(out->b, both + clips, clips * sizeof *both);
  shift(out->a, clips, u->first[one]);
  shift(out->b, clips, u->first[other]);
}

/* ---- trials of a test -------------------------------------------------------------------- */

/* The number of the side CLIP, which is new or has come before. */
static uint32_t side_of(rs_verify_trials *t, const uint32_t *clip) {
  size_t bytes = t->clips * sizeof *clip;
  for (size_t i = 0; i < t->sides; i++)
    if (memcmp(t->clip + i * t->clips, clip, bytes) == 0) return (uint32_t)i;
  memcpy(t->clip + t->sides * t->clips, clip, bytes);
  return (uint32_t)t->sides++;
}

static rs_status allocate(size_t clips, size_t n, rs_verify_trials *out) {
  *out = (rs_verify_trials){.clips = clips, .n = n};
  rs_status status = rs_new(&out->clip, 2 * n * clips, sizeof *out->clip);
  if (status == RS_OK) status = rs_new(&out->pairs, n, sizeof *out->pairs);
  if (status == RS_OK) status = rs_new(&out->same, n, 1);
  if (status != RS_OK) rs_verify_trials_free(out);
  return status;
}

rs_status rs_verify_trials_make(const rs_speakers *speakers, size_t clips, size_t n, uint64_t seed,
                                rs_verify_trials *out) {
  if (speakers->n_trials == 0) return rs_verify_trials_draw(&speakers->test, clips, n, seed, out);
  RS_TRY(allocate(1, speakers->n_trials, out));
  for (size_t i = 0; i < out->n; i++) {
    for (int side = 0; side < 2; side++)
      out->pairs[i][side] = side_of(out, &speakers->pairs[i][side]);
    out->same[i] = speakers->same[i];
  }
  return RS_OK;
}

/* Both sides of a pair are different utterances. */
static rs_status check_counts(const rs_utterances *u, size_t clips) {
  for (size_t k = 0; k < u->speakers; k++)
    if (count_of(u, k) < 2 * clips)
      return rs_fail(RS_ERR_DATA,
                     "speaker %s has %zu utterances to test on: expected at least %zu, two sides "
                     "of %zu",
                     u->part.name[u->first[k]], count_of(u, k), 2 * clips, clips);
  return RS_OK;
}

rs_status rs_verify_trials_draw(const rs_utterances *u, size_t clips, size_t n, uint64_t seed,
                                rs_verify_trials *out) {
  *out = (rs_verify_trials){0};
  RS_TRY(check_counts(u, clips));
  RS_TRY(allocate(clips, n, out));
  for (size_t i = 0; i < n; i++) {
    rs_pair pair;
    rs_pair_draw(u, NULL, clips, seed, "trials", 0, i, &pair);
    out->pairs[i][0] = side_of(out, pair.a);
    out->pairs[i][1] = side_of(out, pair.b);
    out->same[i] = pair.same;
  }
  return RS_OK;
}

void rs_verify_trials_free(rs_verify_trials *t) {
  free(t->clip);
  free(t->pairs);
  free(t->same);
  *t = (rs_verify_trials){0};
}
