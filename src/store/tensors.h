/* store: named tensors as datasets below a group, as checkpoints and packed results hold them.
 * "dense1/kernel" is a dataset in a group; its attributes are `checksum` and `index`. */
#ifndef RANKSWEEP_STORE_TENSORS_H
#define RANKSWEEP_STORE_TENSORS_H

#include "hdf5_util.h"

rs_status rs_h5_tensor_write(hid_t group, const char *path, const rs_tensor *t,
                             size_t index) RS_MUST_CHECK;
rs_status rs_h5_tensors_write(hid_t group, const char *path, const rs_bundle *bundle) RS_MUST_CHECK;

/* The names of all tensors below GROUP in the order of their indices. The attribute `tensors` of
 * OWNER, which is called WHERE in messages, says how many there are. */
typedef struct rs_names {
  size_t count;
  char **names;
} rs_names;
rs_status rs_h5_tensors_find(const rs_h5_file *f, hid_t owner, const char *where, hid_t group,
                             rs_names *out) RS_MUST_CHECK;
void rs_names_free(rs_names *n);

/* Append the tensor NAME to BUNDLE, its checksum verified. */
rs_status rs_h5_tensor_read(const rs_h5_file *f, hid_t group, const char *name,
                            rs_bundle *bundle) RS_MUST_CHECK;
rs_status rs_h5_tensor_shape(const rs_h5_file *f, hid_t group, const char *name, size_t *ndim,
                             size_t dims[4]) RS_MUST_CHECK;
/* All of them; the arguments are those of rs_h5_tensors_find. */
rs_status rs_h5_tensors_read(const rs_h5_file *f, hid_t owner, const char *where, hid_t group,
                             rs_bundle *bundle) RS_MUST_CHECK;

/* Compare DATA with the checksum in ATTRIBUTE of OBJECT. */
rs_status rs_h5_verify(const rs_h5_file *f, hid_t object, const char *name, const char *attribute,
                       const void *data, size_t bytes) RS_MUST_CHECK;

#endif
