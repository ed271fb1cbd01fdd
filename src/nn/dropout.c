/* Dropout (Srivastava et al., 2014) with masks that depend on what is dropped, not on who does it.
 */
#include "sequence.h"

#include <string.h>

/* A unit takes 16 bits of the stream, so a block of four words serves eight units. The block's
 * number is sample, frame and eighth of the units, side by side. */
enum {
  UNITS_PER_BLOCK = 8,
  BLOCK_BITS = 12, /* 2^15 units */
  FRAME_BITS = 20,
  CHUNK = 32 /* blocks drawn at once */
};

static rs_status allocate(const rs_sequence_layer *l, size_t frames, size_t rows, size_t m,
                          bool training, rs_sequence_buffers *b) {
  (void)rows;
  RS_ASSERT(l->spec.rate >= 0 && l->spec.rate < 1);
  RS_ASSERT(l->spec.in <= (size_t)UNITS_PER_BLOCK << BLOCK_BITS && frames <= 1u << FRAME_BITS);
  if (!training) return RS_OK;
  RS_TRY(rs_new(&b->made, m * l->spec.in, sizeof(float)));
  return rs_new(&b->keep, m * l->spec.in, 1);
}

static uint32_t threshold_of(const rs_sequence_spec *s) {
  return (uint32_t)(s->rate * 65536.0 + 0.5);
}

/* Of the rate that was rounded to 16 bits. */
static float scale_of(const rs_sequence_spec *s) {
  return (float)(65536.0 / (65536.0 - threshold_of(s)));
}

/* keep [n] of one frame of one sequence. */
static void draw(const rs_stream *s, uint64_t first, uint32_t threshold, size_t n, uint8_t *keep) {
  uint32_t words[4 * CHUNK];
  uint8_t chunk[UNITS_PER_BLOCK * CHUNK];
  for (size_t unit = 0; unit < n; unit += sizeof chunk) {
    size_t count = n - unit < sizeof chunk ? n - unit : sizeof chunk;
    size_t blocks = (count + UNITS_PER_BLOCK - 1) / UNITS_PER_BLOCK;
    rs_stream_blocks(s, first + unit / UNITS_PER_BLOCK, blocks, words);
    for (size_t i = 0; i < 4 * blocks; i++) {
      chunk[2 * i] = (words[i] & 0xffff) >= threshold;
      chunk[2 * i + 1] = (words[i] >> 16) >= threshold;
    }
    memcpy(keep + unit, chunk, count);
  }
}

static void apply(size_t n, float scale, const uint8_t *keep, const float *x, float *y) {
#pragma omp simd
  for (size_t i = 0; i < n; i++) y[i] = keep[i] ? scale * x[i] : 0.0f;
}

static void forward(const rs_sequence_pass *p) {
  const rs_sequence_dropout *d = p->batch->dropout;
  rs_sequence_buffers *b = p->buffers;
  if (d == NULL) {
    b->output = p->x;
    return;
  }
  RS_ASSERT(b->made != NULL);
  const rs_sequence_spec *spec = &p->layer->spec;
  size_t n = spec->in, rows = p->batch->rows;
  const rs_stream s = rs_stream_make(d->seed, d->stage, p->layer->base.name, d->step);
#pragma omp parallel for schedule(static)
  for (size_t i = 0; i < p->m; i++) {
    uint64_t place = ((uint64_t)d->samples[i % rows] << FRAME_BITS) + i / rows;
    draw(&s, place << BLOCK_BITS, threshold_of(spec), n, b->keep + i * n);
    apply(n, scale_of(spec), b->keep + i * n, p->x + i * n, b->made + i * n);
  }
  b->output = b->made;
}

static void backward(const rs_sequence_pass *p) {
  const rs_sequence_buffers *b = p->buffers;
  size_t n = p->layer->spec.in;
  if (p->dx == NULL) return;
  if (p->batch->dropout == NULL) {
    memcpy(p->dx, b->output_gradient, p->m * n * sizeof *p->dx);
    return;
  }
#pragma omp parallel for schedule(static)
  for (size_t i = 0; i < p->m; i++)
    apply(n, scale_of(&p->layer->spec), b->keep + i * n, b->output_gradient + i * n, p->dx + i * n);
}

const rs_sequence_ops rs_dropout_ops = {
    .name = "dropout", .allocate = allocate, .forward = forward, .backward = backward};
