/* A directory in the layout of MNIST: images and labels of two parts, four IDX files. */
#ifndef RANKSWEEP_DATA_MNIST_H
#define RANKSWEEP_DATA_MNIST_H

#include "ranksweep/data.h"

enum { RS_MNIST_CLASSES = 10, RS_MNIST_FILES = 4 };

/* As rs_images_counts and rs_images_load, for SPEC->source RS_IMAGES_MNIST. The checksums are left
 * 0. */
rs_status rs_mnist_counts(const rs_images_spec *spec, size_t *train, size_t *test) RS_MUST_CHECK;
rs_status rs_mnist_load(const rs_images_spec *spec, rs_images *train,
                        rs_images *test) RS_MUST_CHECK;

/* Path of file K (below RS_MNIST_FILES) of DIRECTORY as it is there, plain or with .gz; release
 * with free(). */
rs_status rs_mnist_file(const char *directory, int k, char **out) RS_MUST_CHECK;

#endif
