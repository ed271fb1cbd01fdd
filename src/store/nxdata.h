/* store: groups that NeXus readers (h5web, silx) plot at sight.
 *
 * NeXus (nexusformat.org, base classes NXroot, NXentry and NXdata): each group on the way down
 * names the next one in its attribute `default`; an NXdata group names the dataset on the y axis in
 * `signal`, further ones in `auxiliary_signals` and that on the x axis in `axes`. For an image,
 * `axes` names those along both dimensions, and `interpretation` says so. */
#ifndef RANKSWEEP_STORE_NXDATA_H
#define RANKSWEEP_STORE_NXDATA_H

#include "hdf5_util.h"

/* What a plot is made of; names are those of its datasets. */
typedef struct rs_nxdata {
  const char *title, *signal, *axis;
  const char *rows;        /* of an image: the axis along its first dimension; NULL: a curve */
  const char *const *more; /* auxiliary signals */
  size_t n_more;
  const char *style; /* SILX_style, JSON: scales of the axes; NULL: linear */
} rs_nxdata;

/* An empty plot NAME in the group PARENT, without its datasets; negative: failed. */
hid_t rs_nxdata_create(hid_t parent, const char *name, const rs_nxdata *about);

/* A dataset of N numbers as COLUMN describes it: INT or FLOAT (values come as doubles). */
bool rs_nxdata_add(hid_t plot, const rs_column *column, const double *values, size_t n);

#endif
