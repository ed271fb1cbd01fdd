/* Does a chunked table hold what its index says?
 *
 * The index of the chunks has no checksum, and HDF5 1.10 copies a whole chunk's worth out of what
 * came out of the filters, however little that was. So the index is checked before anything is read
 * through it. */
#include "table_hdf5.h"

enum { MAX_CHUNK_BYTES = 256 * 1024 * 1024 };

/* The filters of a dataset, as far as the check needs them. */
typedef struct pipeline {
  bool known;       /* all of them among those that we use */
  unsigned deflate; /* its bit in a chunk's mask of skipped filters; 0: it is not there */
} pipeline;

static pipeline filters_of(hid_t creation) {
  pipeline p = {.known = true};
  int n = H5Pget_nfilters(creation);
  for (int i = 0; i < n; i++) {
    unsigned flags, config;
    size_t values = 0;
    H5Z_filter_t filter =
        H5Pget_filter2(creation, (unsigned)i, &flags, &values, NULL, 0, NULL, &config);
    if (filter == H5Z_FILTER_DEFLATE)
      p.deflate = 1u << i;
    else if (filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32)
      p.known = false;
  }
  p.known = p.known && n >= 0 && n < 32;
  return p;
}

/* The chunk that begins at row FIRST and unfolds to BYTES. Deflate alone makes data smaller, and is
 * skipped where it would not. */
static bool chunk_is_sound(const rs_h5_file *f, hid_t dataset, const pipeline *p, hsize_t first,
                           size_t bytes) {
  unsigned skipped = 0;
  haddr_t address = HADDR_UNDEF;
  hsize_t stored = 0;
  if (H5Dget_chunk_info_by_coord(dataset, &first, &skipped, &address, &stored) < 0) return false;
  if (address == HADDR_UNDEF || stored > f->bytes || address > f->bytes - stored) return false;
  if ((skipped & ~p->deflate) != 0) return false;
  bool deflated = (p->deflate & ~skipped) != 0;
  return deflated ? bytes / RS_DEFLATE_RATIO <= stored : bytes <= stored;
}

/* As many chunks as there should be, no more and no fewer. Their number is limited because HDF5
 * walks through the whole index to find one. */
static bool count_is_right(hid_t dataset, size_t rows, hsize_t chunk) {
  hsize_t expected = rows / chunk + (rows % chunk != 0), n = 0;
  hid_t space = H5Dget_space(dataset); /* H5S_ALL is not taken by 1.10 */
  bool ok = expected <= RS_MAX_CHUNKS && space >= 0 && H5Dget_num_chunks(dataset, space, &n) >= 0;
  rs_h5_close(space);
  return ok && n == expected;
}

rs_status rs_h5_check_chunks(const rs_h5_file *f, const char *name, hid_t dataset, hid_t creation,
                             size_t rows, size_t row_bytes) {
  hsize_t chunk = 0;
  pipeline p = filters_of(creation);
  if (!p.known) return rs_fail(RS_ERR_DATA, "%s: %s: stored with an unknown filter", f->path, name);
  if (H5Pget_chunk(creation, 1, &chunk) != 1 || chunk == 0 || chunk > MAX_CHUNK_BYTES / row_bytes)
    return rs_fail(RS_ERR_DATA, "%s: %s: chunks of %llu rows are more than can be", f->path, name,
                   (unsigned long long)chunk);
  if (!count_is_right(dataset, rows, chunk))
    return rs_fail(RS_ERR_DATA,
                   "%s: %s: %zu rows in chunks of %llu do not fit the index of the chunks", f->path,
                   name, rows, (unsigned long long)chunk);
  for (hsize_t first = 0; first < rows; first += chunk)
    if (!chunk_is_sound(f, dataset, &p, first, (size_t)chunk * row_bytes))
      return rs_fail(RS_ERR_DATA, "%s: %s: the chunk at row %llu of %zu is missing or damaged",
                     f->path, name, (unsigned long long)first, rows);
  return RS_OK;
}
