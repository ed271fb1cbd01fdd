#include "mnist.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "idx.h"

/* ---- finding files ------------------------------------------------------------------------ */

/* Images and labels of each part. */
static const char *const file_names[RS_MNIST_FILES] = {
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte"};

/* The name with '-' or, as some archives unpack it, with '.' before "idx", each plain or zipped. */
static rs_status candidate(const char *directory, const char *name, bool dotted, bool zipped,
                           char **out) {
  RS_TRY(rs_path_join(directory, name, out));
  rs_str text = {0};
  rs_str_add(&text, *out);
  if (zipped) rs_str_add(&text, ".gz");
  free(*out);
  *out = text.text;
  RS_TRY(rs_str_status(&text));
  if (dotted) strrchr(*out, 'i')[-1] = '.'; /* the last i is that of "idx" */
  return RS_OK;
}

static rs_status check_directory(const char *path) {
  struct stat info;
  if (path == NULL || path[0] == '\0')
    return rs_fail(RS_ERR_USAGE, "expected a directory with the four MNIST files, found no path");
  if (stat(path, &info) != 0) {
    bool system = errno == ENOMEM || errno == EIO;
    rs_status status = rs_fail_errno("%s: expected a directory with the four MNIST files", path);
    return system ? status : RS_ERR_DATA;
  }
  if (!S_ISDIR(info.st_mode))
    return rs_fail(RS_ERR_DATA, "%s: expected a directory with the four MNIST files, found a file",
                   path);
  return RS_OK;
}

/* First candidate that exists. Directories come last: some archives hold a directory of one form of
 * the name beside the file of the other. */
static rs_status find(const char *directory, const char *name, char **out) {
  struct stat info;
  *out = NULL;
  for (int k = 0; k < 4; k++) {
    char *path;
    RS_TRY(candidate(directory, name, k / 2, k % 2, &path));
    bool there = stat(path, &info) == 0;
    if (there && !S_ISDIR(info.st_mode)) {
      free(*out);
      *out = path;
      return RS_OK;
    }
    if (there && *out == NULL)
      *out = path;
    else
      free(path);
  }
  if (*out != NULL) return RS_OK;
  return rs_fail(RS_ERR_DATA, "%s: expected %s, plain or with .gz, found neither", directory, name);
}

rs_status rs_mnist_file(const char *directory, int k, char **out) {
  *out = NULL;
  RS_TRY(check_directory(directory));
  return find(directory, file_names[k], out);
}

/* ---- one part ----------------------------------------------------------------------------- */

typedef struct part {
  char *paths[2]; /* of the images and of the labels */
  rs_bytes *bytes[2];
  rs_idx idx[2];
  size_t limit; /* how many of the samples are wanted */
} part;

enum { IMAGES, LABELS };

static void close_part(part *p) {
  for (int k = 0; k < 2; k++) {
    rs_idx_free(&p->idx[k]);
    rs_bytes_close(p->bytes[k]);
    free(p->paths[k]);
  }
  *p = (part){0};
}

static rs_status open_file(part *p, int k, const char *directory, const char *name, size_t ndim) {
  RS_TRY(find(directory, name, &p->paths[k]));
  RS_TRY(rs_bytes_open(p->paths[k], &p->bytes[k]));
  RS_TRY(rs_idx_read_header(p->bytes[k], &p->idx[k]));
  if (p->idx[k].ndim == ndim) return RS_OK;
  return rs_fail(RS_ERR_DATA, "%s: byte 3: expected %zu dimension%s (%s), found %zu", p->paths[k],
                 ndim, ndim == 1 ? "" : "s", k == IMAGES ? "images, rows, columns" : "labels",
                 p->idx[k].ndim);
}

static rs_status check_counts(part *p, size_t limit) {
  size_t images = p->idx[IMAGES].dims[0], labels = p->idx[LABELS].dims[0];
  if (labels != images)
    return rs_fail(RS_ERR_DATA,
                   "%s: byte 4: expected %zu labels, one for each image of %s, found %zu",
                   p->paths[LABELS], images, p->paths[IMAGES], labels);
  if (limit > images)
    return rs_fail(RS_ERR_DATA, "%s: byte 4: expected at least the %zu images asked for, found %zu",
                   p->paths[IMAGES], limit, images);
  p->limit = limit > 0 ? limit : images;
  return RS_OK;
}

static rs_status open_part(part *p, const char *directory, const char *images, const char *labels,
                           size_t limit) {
  RS_TRY(open_file(p, IMAGES, directory, images, 3));
  RS_TRY(open_file(p, LABELS, directory, labels, 1));
  return check_counts(p, limit);
}

static rs_status check_labels(const part *p) {
  const rs_idx *labels = &p->idx[LABELS];
  for (size_t i = 0; i < labels->size; i++)
    if (labels->data[i] >= RS_MNIST_CLASSES)
      return rs_fail(RS_ERR_DATA, "%s: byte %zu: expected label %zu in 0 to %d, found %d",
                     p->paths[LABELS], 8 + i, i, RS_MNIST_CLASSES - 1, labels->data[i]);
  return RS_OK;
}

/* First KEEP bytes of an array of SIZE in memory of their own, unless that is all of them. */
static rs_status cut(uint8_t **data, size_t size, size_t keep) {
  if (keep == size) return RS_OK;
  uint8_t *kept;
  RS_TRY(rs_new(&kept, keep, 1));
  memcpy(kept, *data, keep);
  free(*data);
  *data = kept;
  return RS_OK;
}

/* Whole files are read even for a few samples, so that damage anywhere in them is found. */
static rs_status load_part(part *p, rs_images *out) {
  rs_idx *images = &p->idx[IMAGES], *labels = &p->idx[LABELS];
  RS_TRY(rs_idx_read_body(p->bytes[LABELS], labels));
  RS_TRY(check_labels(p));
  RS_TRY(rs_idx_read_body(p->bytes[IMAGES], images));
  size_t pixels = images->dims[1] * images->dims[2];
  RS_TRY(cut(&images->data, images->size, p->limit * pixels));
  RS_TRY(cut(&labels->data, labels->size, p->limit));
  *out = (rs_images){.count = p->limit,
                     .rows = images->dims[1],
                     .cols = images->dims[2],
                     .classes = RS_MNIST_CLASSES,
                     .pixels = images->data,
                     .labels = labels->data};
  images->data = labels->data = NULL;
  return RS_OK;
}

/* ---- both parts --------------------------------------------------------------------------- */

static rs_status check_same_shape(const part *train, const part *test) {
  const size_t *a = train->idx[IMAGES].dims, *b = test->idx[IMAGES].dims;
  if (a[1] == b[1] && a[2] == b[2]) return RS_OK;
  return rs_fail(RS_ERR_DATA, "%s: byte 8: expected images of %zu x %zu as in %s, found %zu x %zu",
                 test->paths[IMAGES], a[1], a[2], train->paths[IMAGES], b[1], b[2]);
}

static rs_status open_both(const rs_images_spec *spec, part *train, part *test) {
  RS_TRY(check_directory(spec->path));
  RS_TRY(open_part(train, spec->path, file_names[0], file_names[1], spec->train_limit));
  RS_TRY(open_part(test, spec->path, file_names[2], file_names[3], spec->test_limit));
  return check_same_shape(train, test);
}

rs_status rs_mnist_counts(const rs_images_spec *spec, size_t *train, size_t *test) {
  part a = {0}, b = {0};
  rs_status status = open_both(spec, &a, &b);
  *train = status == RS_OK ? a.limit : 0;
  *test = status == RS_OK ? b.limit : 0;
  close_part(&a);
  close_part(&b);
  return status;
}

rs_status rs_mnist_load(const rs_images_spec *spec, rs_images *train, rs_images *test) {
  *train = *test = (rs_images){0};
  part a = {0}, b = {0};
  rs_status status = open_both(spec, &a, &b);
  if (status == RS_OK) status = load_part(&a, train);
  if (status == RS_OK) status = load_part(&b, test);
  if (status != RS_OK) rs_images_free(train);
  close_part(&a);
  close_part(&b);
  return status;
}
