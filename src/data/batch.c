/* Orders of samples and batches of floats. */
#include "ranksweep/data.h"

/* Pixels above which waking the threads pays. */
static const size_t THREADED_PIXELS = (size_t)1 << 16;

void rs_batch_order(uint64_t seed, const char *stage, uint64_t epoch, uint32_t count,
                    uint32_t *order) {
  rs_stream stream = rs_stream_make(seed, stage, "order", epoch);
  rs_stream_permutation(&stream, count, order);
}

/* Divides: a product with 1 / 255 would round some pixels differently. */
static void scale(const uint8_t *pixels, size_t n, float *x) {
  for (size_t k = 0; k < n; k++) x[k] = (float)pixels[k] / 255.0f;
}

void rs_images_gather(const rs_images *images, const uint32_t *index, size_t n, float *x,
                      uint8_t *labels) {
  size_t size = images->rows * images->cols;
#pragma omp parallel for schedule(static) if (n * size >= THREADED_PIXELS)
  for (size_t i = 0; i < n; i++) {
    RS_ASSERT(index[i] < images->count);
    scale(images->pixels + index[i] * size, size, x + i * size);
    labels[i] = images->labels[index[i]];
  }
}

void rs_images_range(const rs_images *images, size_t first, size_t n, float *x, uint8_t *labels) {
  RS_ASSERT(first <= images->count && n <= images->count - first);
  size_t size = images->rows * images->cols;
#pragma omp parallel for schedule(static) if (n * size >= THREADED_PIXELS)
  for (size_t i = 0; i < n; i++) {
    scale(images->pixels + (first + i) * size, size, x + i * size);
    labels[i] = images->labels[first + i];
  }
}
