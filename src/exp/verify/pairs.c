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
  if (rivals->count > 0 && (double)rs_stream_uniform(&d->stream, d->next++) < rivals->share)
    return rivals->of[one * rivals->count + below(d, rivals->count)];
  size_t other = below(d, u->speakers - 1);
  return other + (other >= one);
}

/* COUNT different utterances of SPEAKER. */
static void draw_utterances(draws *d, const rs_utterances *u, size_t speaker, size_t count,
                            uint32_t *out) {
  choose(d, count_of(u, speaker), count, out);
  shift(out, count, u->first[speaker]);
}

static void set_pair(const uint32_t *a, const uint32_t *b, size_t clips, bool same, rs_pair *out) {
  memcpy(out->a, a, clips * sizeof *a);
  memcpy(out->b, b, clips * sizeof *b);
  out->same = same;
}

enum { MOST_DRAWS = 3 + 4 * RS_MOST_CLIPS }; /* of a pair or a square */

void rs_pair_draw(const rs_utterances *u, const rs_rivals *rivals, size_t clips,
                  const rs_stream *stream, uint64_t index, rs_pair *out) {
  draws d = {*stream, MOST_DRAWS * index};
  uint32_t sides[2 * RS_MOST_CLIPS];
  bool same = index % 2 == 0;
  size_t one = below(&d, u->speakers);
  if (same) {
    draw_utterances(&d, u, one, 2 * clips, sides);
  } else {
    size_t other = draw_other(&d, u, rivals, one);
    draw_utterances(&d, u, one, clips, sides);
    draw_utterances(&d, u, other, clips, sides + clips);
  }
  set_pair(sides, sides + clips, clips, same, out);
}

void rs_pair_draw_square(const rs_utterances *u, const rs_rivals *rivals, size_t clips,
                         const rs_stream *stream, uint64_t index, rs_pair *out) {
  enum { CORNERS = 4 };
  draws d = {*stream, MOST_DRAWS * (index / CORNERS)};
  uint32_t sides[CORNERS * RS_MOST_CLIPS]; /* one, one, other, other */
  size_t one = below(&d, u->speakers), other = draw_other(&d, u, rivals, one);
  draw_utterances(&d, u, one, 2 * clips, sides);
  draw_utterances(&d, u, other, 2 * clips, sides + 2 * clips);
  static const size_t corners[CORNERS][2] = {{0, 1}, {1, 2}, {2, 3}, {3, 0}};
  const size_t *at = corners[index % CORNERS];
  set_pair(sides + at[0] * clips, sides + at[1] * clips, clips, index % 2 == 0, out);
}

/* ---- trials of a test -------------------------------------------------------------------- */

/* SIDES has those that have come before; their number is of the side CLIP. */
static rs_status add_side(rs_verify_trials *t, rs_numbering *sides, const uint32_t *clip,
                          uint32_t *number) {
  size_t bytes = t->clips * sizeof *clip;
  RS_TRY(rs_numbering_of(sides, clip, bytes, number));
  if (*number < t->sides) return RS_OK;
  memcpy(t->clip + t->sides++ * t->clips, clip, bytes);
  return RS_OK;
}

static rs_status add_pair(rs_verify_trials *t, rs_numbering *sides, size_t i, const uint32_t *a,
                          const uint32_t *b, bool same) {
  RS_TRY(add_side(t, sides, a, &t->pairs[i][0]));
  RS_TRY(add_side(t, sides, b, &t->pairs[i][1]));
  t->same[i] = same;
  return RS_OK;
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
  rs_numbering sides = {0};
  rs_status status = allocate(1, speakers->n_trials, out);
  for (size_t i = 0; status == RS_OK && i < out->n; i++)
    status =
        add_pair(out, &sides, i, &speakers->pairs[i][0], &speakers->pairs[i][1], speakers->same[i]);
  rs_numbering_free(&sides);
  return status;
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
  rs_numbering sides = {0};
  rs_status status = allocate(clips, n, out);
  const rs_stream stream = rs_stream_make(seed, "trials", "pairs", 0);
  for (size_t i = 0; status == RS_OK && i < n; i++) {
    rs_pair pair;
    rs_pair_draw(u, &(rs_rivals){0}, clips, &stream, i, &pair);
    status = add_pair(out, &sides, i, pair.a, pair.b, pair.same);
  }
  rs_numbering_free(&sides);
  return status;
}

void rs_verify_trials_free(rs_verify_trials *t) {
  free(t->clip);
  free(t->pairs);
  free(t->same);
  *t = (rs_verify_trials){0};
}
