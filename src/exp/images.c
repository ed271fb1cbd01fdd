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

rs_status rs_exp_read_images(const rs_images_spec *spec, rs_images *train, rs_images *test) {
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
  RS_TRY(rs_exp_read_images(&spec, &train, &test));
  rs_images_free(&train);
  rs_images_free(&test);
  return RS_OK;
}

rs_status rs_exp_fingerprint_images(const rs_settings *s, rs_str *out) {
  rs_images_spec spec = rs_exp_image_spec(s);
  return rs_images_fingerprint(&spec, out);
}
