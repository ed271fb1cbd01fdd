/* Identities and checksums over xxHash. */
#include "ranksweep/base.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

bool rs_id_equal(rs_id a, rs_id b) {
  return a.hi == b.hi && a.lo == b.lo;
}

void rs_id_format(rs_id id, char out[RS_ID_TEXT]) {
  snprintf(out, RS_ID_TEXT, "%016" PRIx64 "%016" PRIx64, id.hi, id.lo);
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool rs_id_parse(const char *text, rs_id *out) {
  uint64_t halves[2] = {0, 0};
  if (strlen(text) != RS_ID_TEXT - 1) return false;
  for (int i = 0; i < RS_ID_TEXT - 1; i++) {
    int digit = hex_digit(text[i]);
    if (digit < 0) return false;
    halves[i / 16] = halves[i / 16] << 4 | (uint64_t)digit;
  }
  *out = (rs_id){halves[0], halves[1]};
  return true;
}

rs_id rs_id_of(const void *data, size_t bytes) {
  XXH128_hash_t h = XXH3_128bits(data, bytes);
  return (rs_id){h.high64, h.low64};
}

uint64_t rs_checksum(const void *data, size_t bytes) {
  return XXH3_64bits(data, bytes);
}

/* ---- in pieces ---------------------------------------------------------------------------- */

struct rs_checksum_state {
  XXH3_state_t *xxh; /* of its own alignment */
};

rs_status rs_checksum_begin(rs_checksum_state **out) {
  *out = NULL;
  RS_TRY(rs_new(out, 1, sizeof **out));
  (*out)->xxh = XXH3_createState();
  if ((*out)->xxh != NULL && XXH3_64bits_reset((*out)->xxh) == XXH_OK) return RS_OK;
  (void)rs_checksum_end(*out);
  *out = NULL;
  return rs_fail(RS_ERR_NOMEM, "out of memory: the state of a checksum");
}

void rs_checksum_add(rs_checksum_state *s, const void *data, size_t bytes) {
  XXH3_64bits_update(s->xxh, data, bytes);
}

uint64_t rs_checksum_end(rs_checksum_state *s) {
  if (s == NULL) return 0;
  uint64_t sum = s->xxh != NULL ? XXH3_64bits_digest(s->xxh) : 0;
  XXH3_freeState(s->xxh);
  free(s);
  return sum;
}
