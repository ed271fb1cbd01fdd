/* What tells one set of data from another: the checksum of every file, as it is stored. */
#include "ranksweep/data.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "fingerprint.h"
#include "mnist.h"

enum { PIECE = 256 * 1024 };

static rs_status add_all(rs_bytes *from, rs_checksum_state *sum) {
  uint8_t *piece;
  size_t got = PIECE;
  RS_TRY(rs_new(&piece, PIECE, 1));
  rs_status status = RS_OK;
  while (status == RS_OK && got == PIECE) {
    status = rs_bytes_read(from, piece, PIECE, &got);
    rs_checksum_add(sum, piece, got);
  }
  free(piece);
  return status;
}

rs_status rs_fingerprint_file(const char *path, uint64_t *out) {
  rs_bytes *from;
  rs_checksum_state *sum;
  RS_TRY(rs_bytes_open_stored(path, &from));
  rs_status status = rs_checksum_begin(&sum);
  if (status == RS_OK) status = add_all(from, sum);
  *out = rs_checksum_end(sum);
  rs_bytes_close(from);
  return status;
}

static rs_status add_file(const char *path, rs_str *out) {
  const char *slash = strrchr(path, '/');
  uint64_t sum;
  RS_TRY(rs_fingerprint_file(path, &sum));
  rs_str_addf(out, "%s%s=%016" PRIx64, out->len > 0 ? "; " : "", slash != NULL ? slash + 1 : path,
              sum);
  return RS_OK;
}

rs_status rs_images_fingerprint(const rs_images_spec *spec, rs_str *out) {
  if (spec->source != RS_IMAGES_MNIST) {
    rs_str_add(out, "built in");
    return rs_str_status(out);
  }
  for (int k = 0; k < RS_MNIST_FILES; k++) {
    char *path;
    RS_TRY(rs_mnist_file(spec->path, k, &path));
    rs_status status = add_file(path, out);
    free(path);
    RS_TRY(status);
  }
  return rs_str_status(out);
}
