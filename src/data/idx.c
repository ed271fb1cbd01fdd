/* The IDX format (Y. LeCun, "The MNIST database of handwritten digits"): two zero bytes, a type,
 * the number of dimensions, each dimension as 32 bits big-endian, then the data, last dimension
 * fastest. */
#include "idx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  MAGIC_BYTES = 4,
  DIMENSION_BYTES = 4,
  TYPE_UNSIGNED_BYTE = 0x08,
};

/* First step of the memory for unzipped data, whose true length nobody knows. */
static const size_t FIRST_GRANT = (size_t)1 << 20;

static size_t header_bytes(const rs_idx *idx) {
  return MAGIC_BYTES + DIMENSION_BYTES * idx->ndim;
}

void rs_idx_shape(const rs_idx *idx, char out[RS_IDX_SHAPE_TEXT]) {
  size_t used = 0;
  out[0] = '\0';
  for (size_t k = 0; k < idx->ndim; k++)
    used += (size_t)snprintf(out + used, RS_IDX_SHAPE_TEXT - used, "%s%zu", k > 0 ? " x " : "",
                             idx->dims[k]);
}

/* ---- header ------------------------------------------------------------------------------- */

static rs_status read_exactly(rs_bytes *from, size_t offset, const char *what, uint8_t *into,
                              size_t n) {
  size_t got;
  RS_TRY(rs_bytes_read(from, into, n, &got));
  if (got == n) return RS_OK;
  return rs_fail(RS_ERR_DATA, "%s: byte %zu%s: expected %s of %zu bytes, found the end after %zu",
                 rs_bytes_name(from), offset, rs_bytes_offset_note(from), what, n, got);
}

static rs_status check_magic(const rs_bytes *from, const uint8_t *magic) {
  const char *name = rs_bytes_name(from), *note = rs_bytes_offset_note(from);
  if (magic[0] != 0 || magic[1] != 0)
    return rs_fail(RS_ERR_DATA,
                   "%s: byte 0%s: expected an IDX file, which begins with 00 00, found %02x %02x",
                   name, note, magic[0], magic[1]);
  if (magic[2] != TYPE_UNSIGNED_BYTE)
    return rs_fail(RS_ERR_DATA, "%s: byte 2%s: expected type %02x (unsigned bytes), found %02x",
                   name, note, TYPE_UNSIGNED_BYTE, magic[2]);
  if (magic[3] < 1 || magic[3] > RS_COUNT(((rs_idx *)0)->dims))
    return rs_fail(RS_ERR_DATA, "%s: byte 3%s: expected 1 to %zu dimensions, found %d", name, note,
                   RS_COUNT(((rs_idx *)0)->dims), magic[3]);
  return RS_OK;
}

static uint32_t big_endian(const uint8_t b[DIMENSION_BYTES]) {
  return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Dimension K at OFFSET, and the product so far held against the limit. */
static rs_status read_dimension(rs_bytes *from, size_t k, rs_idx *idx) {
  const char *name = rs_bytes_name(from), *note = rs_bytes_offset_note(from);
  size_t offset = MAGIC_BYTES + DIMENSION_BYTES * k;
  uint8_t raw[DIMENSION_BYTES];
  RS_TRY(read_exactly(from, offset, "a dimension", raw, sizeof raw));
  size_t dim = big_endian(raw);
  if (dim == 0)
    return rs_fail(RS_ERR_DATA, "%s: byte %zu%s: expected dimension %zu of 1 or more, found 0",
                   name, offset, note, k + 1);
  if (dim > RS_IDX_MAX_BYTES / idx->size)
    return rs_fail(RS_ERR_DATA,
                   "%s: byte %zu%s: expected at most %zu bytes of data, found %zu x %zu", name,
                   offset, note, RS_IDX_MAX_BYTES, idx->size, dim);
  idx->dims[k] = dim;
  idx->size *= dim;
  return RS_OK;
}

/* A plain file's length says beforehand whether the claims are true. */
static rs_status check_length(const rs_bytes *from, const rs_idx *idx) {
  size_t length, expected = header_bytes(idx) + idx->size;
  if (!rs_bytes_length(from, &length) || length == expected) return RS_OK;
  char shape[RS_IDX_SHAPE_TEXT];
  rs_idx_shape(idx, shape);
  return rs_fail(RS_ERR_DATA, "%s: byte %zu: expected the end at byte %zu (%s), found %s",
                 rs_bytes_name(from), length < expected ? length : expected, expected, shape,
                 length < expected ? "it here" : "more data");
}

rs_status rs_idx_read_header(rs_bytes *from, rs_idx *out) {
  *out = (rs_idx){0};
  rs_idx idx = {.size = 1};
  uint8_t magic[MAGIC_BYTES];
  RS_TRY(read_exactly(from, 0, "a magic number", magic, sizeof magic));
  RS_TRY(check_magic(from, magic));
  idx.ndim = magic[3];
  for (size_t k = 0; k < idx.ndim; k++) RS_TRY(read_dimension(from, k, &idx));
  RS_TRY(check_length(from, &idx));
  *out = idx;
  return RS_OK;
}

/* ---- body --------------------------------------------------------------------------------- */

static rs_status widen(rs_idx *idx, size_t held, size_t wanted) {
  uint8_t *next;
  RS_TRY(rs_new(&next, wanted, 1));
  if (held > 0) memcpy(next, idx->data, held);
  free(idx->data);
  idx->data = next;
  return RS_OK;
}

static rs_status too_short(const rs_bytes *from, const rs_idx *idx, size_t held) {
  char shape[RS_IDX_SHAPE_TEXT];
  rs_idx_shape(idx, shape);
  return rs_fail(RS_ERR_DATA,
                 "%s: byte %zu%s: expected %zu bytes of data (%s), found the end after %zu",
                 rs_bytes_name(from), header_bytes(idx) + held, rs_bytes_offset_note(from),
                 idx->size, shape, held);
}

/* The memory is at most twice what has been read: of a gzip file, only its end proves its claims.
 */
static rs_status read_data(rs_bytes *from, rs_idx *idx) {
  size_t held = 0, got, length;
  size_t granted =
      rs_bytes_length(from, &length) || idx->size < FIRST_GRANT ? idx->size : FIRST_GRANT;
  for (;;) {
    RS_TRY(widen(idx, held, granted));
    RS_TRY(rs_bytes_read(from, idx->data + held, granted - held, &got));
    held += got;
    if (held < granted) return too_short(from, idx, held);
    if (held == idx->size) return RS_OK;
    granted = granted < idx->size / 2 ? granted * 2 : idx->size;
  }
}

static rs_status read_end(rs_bytes *from, const rs_idx *idx) {
  uint8_t one;
  size_t got;
  RS_TRY(rs_bytes_read(from, &one, 1, &got));
  if (got == 0) return RS_OK;
  char shape[RS_IDX_SHAPE_TEXT];
  rs_idx_shape(idx, shape);
  return rs_fail(RS_ERR_DATA, "%s: byte %zu%s: expected the end (%s), found more data",
                 rs_bytes_name(from), header_bytes(idx) + idx->size, rs_bytes_offset_note(from),
                 shape);
}

rs_status rs_idx_read_body(rs_bytes *from, rs_idx *idx) {
  rs_status status = read_data(from, idx);
  if (status == RS_OK) status = read_end(from, idx);
  if (status != RS_OK) rs_idx_free(idx);
  return status;
}

/* ---- both --------------------------------------------------------------------------------- */

static rs_status read_all(rs_bytes *from, rs_idx *out) {
  RS_TRY(rs_idx_read_header(from, out));
  return rs_idx_read_body(from, out);
}

rs_status rs_idx_read(const char *path, rs_idx *out) {
  *out = (rs_idx){0};
  rs_bytes *from;
  RS_TRY(rs_bytes_open(path, &from));
  rs_status status = read_all(from, out);
  rs_bytes_close(from);
  return status;
}

rs_status rs_idx_parse(const char *name, const void *bytes, size_t len, rs_idx *out) {
  *out = (rs_idx){0};
  rs_bytes *from;
  RS_TRY(rs_bytes_wrap(name, bytes, len, &from));
  rs_status status = read_all(from, out);
  rs_bytes_close(from);
  return status;
}

void rs_idx_free(rs_idx *idx) {
  free(idx->data);
  *idx = (rs_idx){0};
}
