/* A short-time Fourier transform, a change and the inverse, a block of frames at a time as samples
 * come.
 *
 * `recent` holds the last samples that came, enough for the next frame and for reflecting the
 * signal at its end; `bins` the frames that wait for their block to be full; `sum` and `weight`
 * what is overlapped but not complete yet. */
#include "stft.h"

#include <stdlib.h>
#include <string.h>

struct rs_stft_stream {
  const rs_stft *stft;
  const rs_stft_stream_ops *ops;
  void *user;
  rs_fft_scratch scratch;
  float *piece; /* [window] */

  float *recent; /* [2 * window] */
  size_t kept;   /* samples in `recent`; the last of them is the last that came */
  size_t came;

  size_t block, waiting; /* frames of a whole block, and those in `bins` */
  rs_cfloat *bins;       /* [block, bins] */
  size_t frame;          /* the first in `bins`, or the next to get there */
  float *sum, *weight;   /* [window], from the start of that frame on */
};

/* ---- making ------------------------------------------------------------------------------- */

static rs_status allocate(rs_stft_stream *s) {
  const size_t window = s->stft->window;
  RS_TRY(rs_fft_scratch_create(window, &s->scratch));
  RS_TRY(rs_new(&s->bins, s->block, s->stft->bins * sizeof *s->bins));
  RS_TRY(rs_new(&s->piece, window, sizeof *s->piece));
  RS_TRY(rs_new(&s->recent, 2 * window, sizeof *s->recent));
  RS_TRY(rs_new(&s->sum, window, sizeof *s->sum));
  return rs_new(&s->weight, window, sizeof *s->weight);
}

rs_status rs_stft_stream_create(const rs_stft *stft, size_t block, const rs_stft_stream_ops *ops,
                                void *user, rs_stft_stream **out) {
  *out = NULL;
  RS_ASSERT(block > 0);
  rs_stft_stream *s;
  RS_TRY(rs_new(&s, 1, sizeof *s));
  s->stft = stft;
  s->block = block;
  s->ops = ops;
  s->user = user;
  rs_status status = allocate(s);
  if (status == RS_OK)
    *out = s;
  else
    rs_stft_stream_destroy(s);
  return status;
}

void rs_stft_stream_destroy(rs_stft_stream *s) {
  if (s == NULL) return;
  rs_fft_scratch_free(&s->scratch);
  free(s->bins);
  free(s->piece);
  free(s->recent);
  free(s->sum);
  free(s->weight);
  free(s);
}

/* ---- frames ------------------------------------------------------------------------------- */

static size_t next_frame(const rs_stft_stream *s) {
  return s->frame + s->waiting;
}

/* Samples that must have come before the next frame can be cut: its own, and for the first frame
 * the one after, which its reflected half begins with. */
static size_t needed(const rs_stft_stream *s) {
  const size_t next = next_frame(s);
  return next * s->stft->hop + s->stft->window / 2 + (next == 0);
}

/* The spectrum of the next frame, behind those that wait. Before the end of the signal is known no
 * frame reaches beyond what has come, so that `came` does for the signal's length. */
static void cut_frame(rs_stft_stream *s) {
  ptrdiff_t first = (ptrdiff_t)(next_frame(s) * s->stft->hop) - (ptrdiff_t)(s->stft->window / 2);
  const size_t gone = s->came - s->kept;
  for (size_t i = 0; i < s->stft->window; i++) {
    size_t from = rs_stft_reflect(first + (ptrdiff_t)i, s->came);
    RS_ASSERT(from >= gone);
    s->scratch.time[i] = s->recent[from - gone];
  }
  rs_stft_analyse(s->stft, &s->scratch, s->bins + s->waiting++ * s->stft->bins);
}

/* The first N samples of the overlap are complete: hand them on. LIMIT, counted from the start of
 * frame 0 as positions of samples are here, is where the signal ends. */
static rs_status hand_on(rs_stft_stream *s, size_t n, size_t limit) {
  const size_t half = s->stft->window / 2, start = s->frame * s->stft->hop;
  size_t from = start < half ? half - start : 0, to = n;
  if (start + to > limit) to = limit > start ? limit - start : 0;
  if (from >= to) return RS_OK;
  for (size_t i = from; i < to; i++) s->piece[i] = s->sum[i] / s->weight[i];
  return s->ops->write(s->user, s->piece + from, to - from);
}

static void add_frame(rs_stft_stream *s, const rs_cfloat *bins) {
  rs_stft_synthesise(s->stft, &s->scratch, bins, s->piece);
  for (size_t i = 0; i < s->stft->window; i++) {
    s->sum[i] += s->piece[i];
    s->weight[i] += s->stft->weight[i];
  }
}

static void shift(float *x, size_t window, size_t hop) {
  memmove(x, x + hop, (window - hop) * sizeof *x);
  memset(x + window - hop, 0, hop * sizeof *x);
}

static rs_status advance(rs_stft_stream *s, size_t limit) {
  const size_t window = s->stft->window, hop = s->stft->hop;
  RS_TRY(hand_on(s, hop, limit));
  shift(s->sum, window, hop);
  shift(s->weight, window, hop);
  s->frame++;
  return RS_OK;
}

/* The change of all frames that wait, added to the overlap one after the other; with LAST no frame
 * follows these, and all that is left is complete. */
static rs_status change_block(rs_stft_stream *s, size_t limit, bool last) {
  const size_t count = s->waiting;
  RS_TRY(s->ops->frames(s->user, s->frame, count, s->bins));
  s->waiting = 0;
  for (size_t i = 0; i < count; i++) {
    add_frame(s, s->bins + i * s->stft->bins);
    RS_TRY(last && i + 1 == count ? hand_on(s, s->stft->window, limit) : advance(s, limit));
  }
  return RS_OK;
}

/* ---- samples ------------------------------------------------------------------------------ */

/* Takes what fits; frames that are ready are done, so one window of the past is enough. */
static size_t take(rs_stft_stream *s, const float *x, size_t n) {
  const size_t window = s->stft->window;
  if (s->kept > window) {
    memmove(s->recent, s->recent + s->kept - window, window * sizeof *s->recent);
    s->kept = window;
  }
  size_t room = 2 * window - s->kept;
  size_t count = n < room ? n : room;
  memcpy(s->recent + s->kept, x, count * sizeof *x);
  s->kept += count;
  s->came += count;
  return count;
}

rs_status rs_stft_stream_push(rs_stft_stream *s, const float *x, size_t n) {
  while (n > 0) {
    size_t taken = take(s, x, n);
    x += taken;
    n -= taken;
    while (s->came >= needed(s)) {
      cut_frame(s);
      if (s->waiting == s->block) RS_TRY(change_block(s, SIZE_MAX, false));
    }
  }
  return RS_OK;
}

/* The last frame needs samples beyond the end, so there always is one to cut here. */
rs_status rs_stft_stream_end(rs_stft_stream *s) {
  const size_t limit = s->came + s->stft->window / 2;
  if (s->came == 0) return rs_fail(RS_ERR_DATA, "STFT: expected at least one sample, found none");
  const size_t frames = rs_stft_frames(s->stft, s->came);
  for (bool last = false; !last;) {
    cut_frame(s);
    last = next_frame(s) == frames;
    if (s->waiting == s->block || last) RS_TRY(change_block(s, limit, last));
  }
  return RS_OK;
}
