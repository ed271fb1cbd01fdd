/* Counter-based random streams over Random123's Philox4x32-10. */
#include "ranksweep/base.h"

#include <math.h>
#include <string.h>

#include <Random123/philox.h>

rs_stream rs_stream_make(uint64_t seed, const char *stage, const char *purpose, uint64_t index) {
  /* Key: seed and names; half of the 128-bit counter: the index, which leaves 2^64 blocks a stream.
   */
  struct {
    uint64_t seed, stage, purpose;
  } names = {seed, rs_checksum(stage, strlen(stage)), rs_checksum(purpose, strlen(purpose))};
  uint64_t key = rs_checksum(&names, sizeof names);
  return (rs_stream){.key = {(uint32_t)key, (uint32_t)(key >> 32)},
                     .salt = {(uint32_t)index, (uint32_t)(index >> 32)}};
}

void rs_stream_block(const rs_stream *s, uint64_t i, uint32_t out[4]) {
  philox4x32_ctr_t counter = {{(uint32_t)i, (uint32_t)(i >> 32), s->salt[0], s->salt[1]}};
  philox4x32_key_t key = {{s->key[0], s->key[1]}};
  philox4x32_ctr_t words = philox4x32(counter, key);
  memcpy(out, words.v, sizeof words.v);
}

/* LANES blocks, one a lane: Philox4x32-10 as in Random123, whose own code the compiler does not
 * turn into vectors. */
enum { LANES = 8 };

static void blocks_of_lanes(const rs_stream *s, uint64_t first, uint32_t out[LANES * 4]) {
#pragma omp simd
  for (uint32_t lane = 0; lane < LANES; lane++) {
    uint64_t i = first + lane;
    uint32_t c0 = (uint32_t)i, c1 = (uint32_t)(i >> 32), c2 = s->salt[0], c3 = s->salt[1];
    uint32_t k0 = s->key[0], k1 = s->key[1];
    for (int round = 0; round < 10; round++) {
      uint64_t p0 = (uint64_t)c0 * PHILOX_M4x32_0, p1 = (uint64_t)c2 * PHILOX_M4x32_1;
      c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
      c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
      c1 = (uint32_t)p1;
      c3 = (uint32_t)p0;
      k0 += PHILOX_W32_0;
      k1 += PHILOX_W32_1;
    }
    out[lane * 4] = c0;
    out[lane * 4 + 1] = c1;
    out[lane * 4 + 2] = c2;
    out[lane * 4 + 3] = c3;
  }
}

void rs_stream_blocks(const rs_stream *s, uint64_t first, size_t n, uint32_t *out) {
  size_t whole = n - n % LANES;
  for (size_t i = 0; i < whole; i += LANES) blocks_of_lanes(s, first + i, out + i * 4);
  for (size_t i = whole; i < n; i++) rs_stream_block(s, first + i, out + i * 4);
}

uint32_t rs_stream_u32(const rs_stream *s, uint64_t i) {
  uint32_t words[4];
  rs_stream_block(s, i / 4, words);
  return words[i % 4];
}

float rs_stream_uniform(const rs_stream *s, uint64_t i) {
  return (float)(rs_stream_u32(s, i) >> 8) * 0x1p-24f;
}

double rs_stream_normal(const rs_stream *s, uint64_t i) {
  /* Box-Muller on 53-bit uniforms; u in (0, 1] keeps the logarithm finite. */
  uint32_t w[4];
  rs_stream_block(s, i, w);
  double u = ((double)(((uint64_t)w[0] << 21) ^ (w[1] >> 11)) + 1.0) * 0x1p-53;
  double v = (double)(((uint64_t)w[2] << 21) ^ (w[3] >> 11)) * 0x1p-53;
  return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

uint32_t rs_stream_below(const rs_stream *s, uint64_t i, uint32_t bound) {
  /* Multiply-shift: bias below bound / 2^32, of no weight for data orders. */
  return (uint32_t)(((uint64_t)rs_stream_u32(s, i) * bound) >> 32);
}

void rs_stream_permutation(const rs_stream *s, uint32_t n, uint32_t *out) {
  for (uint32_t i = 0; i < n; i++) out[i] = i;
  for (uint32_t i = n; i > 1; i--) {
    uint32_t j = rs_stream_below(s, i - 1, i);
    uint32_t swap = out[i - 1];
    out[i - 1] = out[j];
    out[j] = swap;
  }
}
