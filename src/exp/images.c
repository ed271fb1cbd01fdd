#include "images.h"

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

/* The networks here read 28 x 28 pixels and know ten classes. */
static rs_status load(const rs_images_spec *spec, rs_images *train, rs_images *test) {
  RS_TRY(rs_images_load(spec, train, test));
  if (train->rows * train->cols == RS_MLP_INPUTS && train->classes == RS_MLP_CLASSES) return RS_OK;
  rs_status status = rs_fail(RS_ERR_DATA, "%s: expected images of 28 x 28, found %zu x %zu",
                             spec->path != NULL ? spec->path : "digits", train->rows, train->cols);
  rs_images_free(train);
  rs_images_free(test);
  return status;
}

rs_status rs_exp_verify_images(const rs_settings *s) {
  rs_images_spec spec = rs_exp_image_spec(s);
  rs_images train, test;
  if (spec.source == RS_IMAGES_DIGITS) return RS_OK;
  RS_TRY(load(&spec, &train, &test));
  rs_images_free(&train);
  rs_images_free(&test);
  return RS_OK;
}

rs_status rs_exp_fingerprint_images(const rs_settings *s, rs_str *out) {
  rs_images_spec spec = rs_exp_image_spec(s);
  return rs_images_fingerprint(&spec, out);
}

/* ---- cache ------------------------------------------------------------------------------------
 */

struct rs_data_cache {
  bool full;
  rs_images_spec spec; /* its path is `path` */
  char *path;
  rs_images train, test;
};

rs_status rs_data_cache_create(rs_data_cache **out) {
  return rs_new(out, 1, sizeof **out);
}

static void empty(rs_data_cache *cache) {
  rs_images_free(&cache->train);
  rs_images_free(&cache->test);
  free(cache->path);
  *cache = (rs_data_cache){0};
}

void rs_data_cache_destroy(rs_data_cache *cache) {
  if (cache == NULL) return;
  empty(cache);
  free(cache);
}

static bool same_text(const char *a, const char *b) {
  return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool holds(const rs_data_cache *cache, const rs_images_spec *spec) {
  return cache->full && cache->spec.source == spec->source && same_text(cache->path, spec->path) &&
         cache->spec.train_limit == spec->train_limit &&
         cache->spec.test_limit == spec->test_limit && cache->spec.seed == spec->seed;
}

rs_status rs_exp_load_images(rs_data_cache *cache, const rs_settings *s, const rs_images **train,
                             const rs_images **test) {
  rs_images_spec spec = rs_exp_image_spec(s);
  if (!holds(cache, &spec)) {
    empty(cache);
    RS_TRY(rs_strdup(&cache->path, spec.path));
    cache->spec = spec;
    RS_TRY(load(&spec, &cache->train, &cache->test));
    cache->full = true;
  }
  *train = &cache->train;
  *test = &cache->test;
  return RS_OK;
}
