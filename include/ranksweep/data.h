/* data: images from IDX files or drawn, batches in a seeded order.
 *
 * A dataset is plain arrays; samples stay bytes until they are gathered
 * into a batch. Element i of a built-in source depends on the seed and i alone, so any range can be
 * made anywhere. */
#ifndef RANKSWEEP_DATA_H
#define RANKSWEEP_DATA_H

#include "ranksweep/base.h"

/* ---- images ------------------------------------------------------------------------------- */

/* pixels [count, rows * cols] bytes, labels [count] in 0..classes-1. */
typedef struct rs_images {
  size_t count, rows, cols, classes;
  uint8_t *pixels;
  uint8_t *labels;
  uint64_t checksum; /* over shape, pixels and labels, for provenance */
} rs_images;

void rs_images_free(rs_images *images); /* zeroes it; takes an empty one */

typedef enum rs_image_source { RS_IMAGES_MNIST, RS_IMAGES_DIGITS } rs_image_source;

/* Where images come from. Limits of 0 mean: all (MNIST) or the default of the source (digits:
 * 10,000 and 2,000). Limits beyond what the files hold are RS_ERR_DATA. */
typedef struct rs_images_spec {
  rs_image_source source;
  const char *path; /* MNIST: directory with the four IDX files, each plain or with .gz */
  size_t train_limit, test_limit;
  uint64_t seed; /* digits */
} rs_images_spec;

/* Can it be loaded? Looks for the files and reads their headers only. */
rs_status rs_images_check(const rs_images_spec *spec) RS_MUST_CHECK;

/* Both parts. On failure both are empty. */
rs_status rs_images_load(const rs_images_spec *spec, rs_images *train,
                         rs_images *test) RS_MUST_CHECK;

/* Numbers of images that rs_images_load would give, without loading. */
rs_status rs_images_counts(const rs_images_spec *spec, size_t *train, size_t *test) RS_MUST_CHECK;

/* Append what the data are to OUT: "train-images-idx3-ubyte.gz=<16 hex digits of XXH3-64 over the
 * file's bytes as stored>; ..." for files, names without their directory; else "built in". Reads
 * the files from end to end. */
rs_status rs_images_fingerprint(const rs_images_spec *spec, rs_str *out) RS_MUST_CHECK;

/* ---- IDX ---------------------------------------------------------------------------------- */

/* An IDX file of unsigned bytes (magic 0x0000 08 <dimensions>), plain or gzipped, as MNIST's. dims
 * has `ndim` entries, the product is `size`. */
typedef struct rs_idx {
  size_t ndim;
  size_t dims[4];
  size_t size;
  uint8_t *data;
} rs_idx;

/* The most bytes of data that a file may claim (2 GiB). */
#define RS_IDX_MAX_BYTES ((size_t)2 << 30)

/* Read PATH. Claims are checked against RS_IDX_MAX_BYTES and, for a plain file, its length, before
 * memory is taken; memory for a gzipped one grows with what is really there. Too short, too long,
 * wrong magic or type, a zero dimension, a directory: RS_ERR_DATA that names the file, the byte
 * offset, expected and found. */
rs_status rs_idx_read(const char *path, rs_idx *out) RS_MUST_CHECK;

/* The same from memory (plain or gzipped); NAME stands for the file. For fuzzing. */
rs_status rs_idx_parse(const char *name, const void *bytes, size_t len, rs_idx *out) RS_MUST_CHECK;
void rs_idx_free(rs_idx *idx);

/* ---- digits ------------------------------------------------------------------------------- */

/* Draw digit images FIRST .. FIRST+COUNT-1 of the stream SEED, PART ("train", "test") into pixels
 * [count, 28*28] and labels [count]. Pure function of its arguments; threaded over images. */
void rs_digits_draw(uint64_t seed, const char *part, size_t first, size_t count, uint8_t *pixels,
                    uint8_t *labels);

/* ---- batches ------------------------------------------------------------------------------ */

/* Order of an epoch: a permutation of 0..count-1 from the stream (SEED, STAGE, "order", EPOCH). */
void rs_batch_order(uint64_t seed, const char *stage, uint64_t epoch, uint32_t count,
                    uint32_t *order);

/* Gather samples INDEX[0..n-1] into x [n, rows*cols] as pixels / 255 and labels [n]. */
void rs_images_gather(const rs_images *images, const uint32_t *index, size_t n, float *x,
                      uint8_t *labels);

/* The same for the range FIRST..FIRST+n-1. */
void rs_images_range(const rs_images *images, size_t first, size_t n, float *x, uint8_t *labels);

#endif
