/* A short-time Fourier transform, a change and the inverse, frame by frame as samples come.
 *
 * `recent` holds the last samples that came, enough for the next frame and for reflecting the
 * signal at its end; `sum` and `weight` hold what is overlapped but not complete yet. */
#include "stft.h"

#include <stdlib.h>
#include <string.h>

struct rs_stft_stream {
  const rs_stft *stft;
  const rs_stft_stream_ops *ops;
  void *user;
  rs_fft_scratch scratch;
  rs_cfloat *bins; /* [bins] */
  float *piece;    /* [window] */

  float *recent; /* [2 * window] */
  size_t kept;   /* samples in `recent`; the last of them is the last that came */
  size_t came;

  size_t frame;        /* the next one */
  float *sum, *weight; /* [window], from the start of the next frame on */
};

/* ---- making ------------------------------------------------------------------------------- */

static rs_status allocate(rs_stft_stream *s) {
  const size_t window = s->stft->window;
  RS_TRY(rs_fft_scratch_create(window, &s->scratch));
  RS_TRY(rs_new(&s->bins, s->stft->bins, sizeof *s->bins));
  RS_TRY(rs_new(&s->piece, window, sizeof *s->piece));
  RS_TRY(rs_new(&s->recent, 2 * window, sizeof *s->recent));
  RS_TRY(rs_new(&s->sum, window, sizeof *s->sum));
  return rs_new(&s->weight, window, sizeof *s->weight);
}

rs_status rs_stft_stream_create(const rs_stft *stft, const rs_stft_stream_ops *ops, void *user,
                                rs_stft_stream **out) {
  *out = NULL;
  rs_stft_stream *s;
  RS_TRY(rs_new(&s, 1, sizeof *s));
  s->stft = stft;
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

/* Samples that must have come before the next frame can be cut: its own, and for the first frame
 * the one after, which its reflected half begins with. */
static size_t needed(const rs_stft_stream *s) {
  return s->frame * s->stft->hop + s->stft->window / 2 + (s->frame == 0);
}

/* Before the end of the signal is known no frame reaches beyond what has come, so that `came` does
 * for the signal's length. */
static void cut_frame(rs_stft_stream *s) {
  ptrdiff_t first = (ptrdiff_t)(s->frame * s->stft->hop) - (ptrdiff_t)(s->stft->window / 2);
  const size_t gone = s->came - s->kept;
  for (size_t i = 0; i < s->stft->window; i++) {
    size_t from = rs_stft_reflect(first + (ptrdiff_t)i, s->came);
    RS_ASSERT(from >= gone);
    s->scratch.time[i] = s->recent[from - gone];
  }
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

static void shift(float *x, size_t window, size_t hop) {
  memmove(x, x + hop, (window - hop) * sizeof *x);
  memset(x + window - hop, 0, hop * sizeof *x);
}

/* The change of the next frame, added to the overlap. */
static rs_status add_frame(rs_stft_stream *s) {
  cut_frame(s);
  rs_stft_analyse(s->stft, &s->scratch, s->bins);
  RS_TRY(s->ops->frame(s->user, s->frame, s->bins));
  rs_stft_synthesise(s->stft, &s->scratch, s->bins, s->piece);
  for (size_t i = 0; i < s->stft->window; i++) {
    s->sum[i] += s->piece[i];
    s->weight[i] += s->stft->weight[i];
  }
  return RS_OK;
}

static rs_status advance(rs_stft_stream *s, size_t limit) {
  const size_t window = s->stft->window, hop = s->stft->hop;
  RS_TRY(hand_on(s, hop, limit));
  shift(s->sum, window, hop);
  shift(s->weight, window, hop);
  s->frame++;
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
      RS_TRY(add_frame(s));
      RS_TRY(advance(s, SIZE_MAX));
    }
  }
  return RS_OK;
}

rs_status rs_stft_stream_end(rs_stft_stream *s) {
  const size_t limit = s->came + s->stft->window / 2;
  if (s->came == 0) return rs_fail(RS_ERR_DATA, "STFT: expected at least one sample, found none");
  for (size_t frames = rs_stft_frames(s->stft, s->came); s->frame + 1 < frames;) {
    RS_TRY(add_frame(s));
    RS_TRY(advance(s, limit));
  }
  RS_TRY(add_frame(s));
  return hand_on(s, s->stft->window, limit);
}
