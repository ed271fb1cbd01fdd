/* A directory in the layout of MNIST: images and labels of two parts, four IDX files. */
#ifndef RANKSWEEP_DATA_MNIST_H
#define RANKSWEEP_DATA_MNIST_H

#include "ranksweep/data.h"

enum { RS_MNIST_CLASSES = 10 };

/* As rs_images_counts and rs_images_load, for SPEC->source RS_IMAGES_MNIST. The checksums are left
 * 0. */
rs_status rs_mnist_counts(const rs_images_spec *spec, size_t *train, size_t *test) RS_MUST_CHECK;
rs_status rs_mnist_load(const rs_images_spec *spec, rs_images *train,
                        rs_images *test) RS_MUST_CHECK;

#endif
