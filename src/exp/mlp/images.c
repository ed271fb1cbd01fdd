#include "images.h"

#include "cache.h"
#include "mlp.h"

#include <stdlib.h>
#include <string.h>

const rs_setting rs_exp_image_settings[] = {
    {.path = "data.source",
     .type = RS_TEXT,
     .initial = "digits",
     .choices = "digits|mnist",
     .help = "Images: digits are drawn by the program, mnist is read from data.path."},
    {.path = "data.path",
     .type = RS_TEXT,
     .initial = "data/mnist",
     .help =
         "Directory of the four MNIST files (IDX, plain or gzipped), from the working directory."},
    {.path = "data.train",
     .type = RS_INT,
     .initial = "all",
     .min = 1,
     .max = 1e8,
     .word = "all",
     .unit = "images",
     .help = "Training images to use, the first ones (all: MNIST's 60,000; 10,000 digits)."},
    {.path = "data.test",
     .type = RS_INT,
     .initial = "all",
     .min = 1,
     .max = 1e8,
     .word = "all",
     .unit = "images",
     .help = "Test images to use, the first ones (all: MNIST's 10,000; 2,000 digits)."},
    {0},
};

rs_images_spec rs_exp_image_spec(const rs_settings *s) {
  bool mnist = strcmp(rs_settings_text(s, "data.source"), "mnist") == 0;
  return (rs_images_spec){.source = mnist ? RS_IMAGES_MNIST : RS_IMAGES_DIGITS,
                          .path = mnist ? rs_settings_text(s, "data.path") : NULL,
                          .train_limit = (size_t)rs_settings_int(s, "data.train"),
                          .test_limit = (size_t)rs_settings_int(s, "data.test"),
                          .seed = (uint64_t)rs_settings_int(s, "seed")};
}

void rs_exp_check_images(const rs_settings *s, rs_problems *problems) {
  rs_images_spec spec = rs_exp_image_spec(s);
  if (rs_images_check(&spec) != RS_OK)
    rs_problem_add(problems, rs_settings_place(s, "data.path"), "%s", rs_error_message());
}

/* Both parts, as the networks here read them: 28 x 28 pixels, ten classes. */
static rs_status read_images(const rs_images_spec *spec, rs_exp_images *out) {
  const rs_images *train = &out->train;
  RS_TRY(rs_images_load(spec, &out->train, &out->test));
  if (train->rows * train->cols == RS_MLP_INPUTS && train->classes == RS_MLP_CLASSES) return RS_OK;
  rs_status status = rs_fail(RS_ERR_DATA, "%s: expected images of 28 x 28, found %zu x %zu",
                             spec->path != NULL ? spec->path : "digits", train->rows, train->cols);
  rs_images_free(&out->train);
  rs_images_free(&out->test);
  return status;
}

rs_status rs_exp_verify_images(const rs_settings *s, const rs_log *log) {
  (void)log;
  rs_images_spec spec = rs_exp_image_spec(s);
  rs_exp_images read;
  if (spec.source == RS_IMAGES_DIGITS) return RS_OK;
  RS_TRY(read_images(&spec, &read));
  rs_images_free(&read.train);
  rs_images_free(&read.test);
  return RS_OK;
}

rs_status rs_exp_fingerprint_images(const rs_settings *s, rs_str *out) {
  rs_images_spec spec = rs_exp_image_spec(s);
  return rs_images_fingerprint(&spec, out);
}

/* ---- in memory --------------------------------------------------------------------------- */

static void key(const rs_settings *s, rs_str *out) {
  rs_settings_canonical(s, (const char *const[]){"data.", "seed", NULL}, out);
}

static rs_status open(const rs_settings *s, void *header, void **source) {
  rs_images_spec spec = rs_exp_image_spec(s);
  rs_exp_images *loaded, *images = header;
  RS_TRY(rs_new(&loaded, 1, sizeof *loaded));
  *source = loaded;
  RS_TRY(read_images(&spec, loaded));
  *images = *loaded;
  return RS_OK;
}

static size_t pixels_of(const rs_images *part) {
  return part->count * part->rows * part->cols;
}

static size_t bytes(const void *header) {
  const rs_exp_images *images = header;
  return pixels_of(&images->train) + images->train.count + pixels_of(&images->test) +
         images->test.count;
}

static uint8_t *attach_part(rs_images *part, uint8_t *memory) {
  part->pixels = memory;
  part->labels = memory + pixels_of(part);
  return part->labels + part->count;
}

static void attach(void *header, void *block) {
  rs_exp_images *images = header;
  attach_part(&images->test, attach_part(&images->train, block));
}

static void copy_part(const rs_images *from, rs_images *to) {
  memcpy(to->pixels, from->pixels, pixels_of(from));
  memcpy(to->labels, from->labels, from->count);
}

static rs_status fill(void *source, void *header) {
  const rs_exp_images *loaded = source;
  rs_exp_images *images = header;
  copy_part(&loaded->train, &images->train);
  copy_part(&loaded->test, &images->test);
  return RS_OK;
}

static void close(void *source) {
  rs_exp_images *loaded = source;
  if (loaded == NULL) return;
  rs_images_free(&loaded->train);
  rs_images_free(&loaded->test);
  free(loaded);
}

static const rs_dataset_kind dataset = {.header_bytes = sizeof(rs_exp_images),
                                        .key = key,
                                        .open = open,
                                        .bytes = bytes,
                                        .fill = fill,
                                        .close = close,
                                        .attach = attach};

rs_status rs_exp_load_images(rs_data_cache *cache, const rs_settings *s,
                             const rs_exp_images **out) {
  return rs_exp_load(cache, &dataset, s, (const void **)out);
}

rs_status rs_exp_share_images(const rs_settings *s, rs_data_cache *cache, rs_comm *node) {
  return rs_exp_share(cache, &dataset, s, node);
}
