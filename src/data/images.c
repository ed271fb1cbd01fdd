/* The choice of a source of images. */
#include "ranksweep/data.h"

#include <stdlib.h>

#include "digits.h"
#include "mnist.h"

enum { DEFAULT_TRAIN = 10000, DEFAULT_TEST = 2000 }; /* drawn digits */

void rs_images_free(rs_images *images) {
  free(images->pixels);
  free(images->labels);
  *images = (rs_images){0};
}

static uint64_t checksum(const rs_images *m) {
  size_t pixels = m->count * m->rows * m->cols;
  uint64_t parts[] = {m->count,
                      m->rows,
                      m->cols,
                      m->classes,
                      rs_checksum(m->pixels, pixels),
                      rs_checksum(m->labels, m->count)};
  return rs_checksum(parts, sizeof parts);
}

/* ---- digits ------------------------------------------------------------------------------- */

static rs_status drawn_count(const char *part, size_t limit, size_t standard, size_t *count) {
  const size_t most = RS_IDX_MAX_BYTES / RS_DIGIT_PIXELS;
  *count = limit > 0 ? limit : standard;
  if (*count <= most) return RS_OK;
  return rs_fail(RS_ERR_USAGE, "digits: expected at most %zu %s images, found %zu", most, part,
                 *count);
}

static rs_status draw_part(uint64_t seed, const char *part, size_t count, rs_images *out) {
  *out = (rs_images){
      .count = count, .rows = RS_DIGIT_SIDE, .cols = RS_DIGIT_SIDE, .classes = RS_DIGIT_CLASSES};
  RS_TRY(rs_new(&out->pixels, count, RS_DIGIT_PIXELS));
  RS_TRY(rs_new(&out->labels, count, 1));
  rs_digits_draw(seed, part, 0, count, out->pixels, out->labels);
  return RS_OK;
}

static rs_status draw_both(const rs_images_spec *spec, rs_images *train, rs_images *test) {
  size_t n_train, n_test;
  RS_TRY(rs_images_counts(spec, &n_train, &n_test));
  RS_TRY(draw_part(spec->seed, "train", n_train, train));
  return draw_part(spec->seed, "test", n_test, test);
}

/* ---- any source --------------------------------------------------------------------------- */

rs_status rs_images_counts(const rs_images_spec *spec, size_t *train, size_t *test) {
  *train = *test = 0;
  if (spec->source == RS_IMAGES_MNIST) return rs_mnist_counts(spec, train, test);
  RS_TRY(drawn_count("train", spec->train_limit, DEFAULT_TRAIN, train));
  return drawn_count("test", spec->test_limit, DEFAULT_TEST, test);
}

rs_status rs_images_check(const rs_images_spec *spec) {
  size_t train, test;
  return rs_images_counts(spec, &train, &test);
}

rs_status rs_images_load(const rs_images_spec *spec, rs_images *train, rs_images *test) {
  *train = *test = (rs_images){0};
  rs_status status = spec->source == RS_IMAGES_MNIST ? rs_mnist_load(spec, train, test)
                                                     : draw_both(spec, train, test);
  if (status != RS_OK) {
    rs_images_free(train);
    rs_images_free(test);
    return status;
  }
  train->checksum = checksum(train);
  test->checksum = checksum(test);
  return RS_OK;
}
