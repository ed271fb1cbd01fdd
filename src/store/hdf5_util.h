/* store: what its HDF5 parts share.
 *
 * Files are written as an image in memory that is then put in place at once, so HDF5 itself never
 * meets a full disk and a file is whole or absent. All objects use the layout of HDF5 1.8 (2008):
 * unlike the oldest one it checksums its metadata, so damage is found before it is interpreted, and
 * it has no limit of 64 KiB on attributes. Times are not recorded: equal content gives equal bytes.
 *
 * Functions that return bool or an id (negative: failed) leave the reason on HDF5's error stack,
 * from where rs_h5_fail() takes it. */
#ifndef RANKSWEEP_STORE_HDF5_UTIL_H
#define RANKSWEEP_STORE_HDF5_UTIL_H

#include <hdf5.h>

#include "ranksweep/store.h"

/* A file that is being read. */
typedef struct rs_h5_file {
  const char *path; /* borrowed */
  hid_t id;
  size_t bytes; /* its size: no contiguous object can be larger */
} rs_h5_file;

enum { RS_H5_TEXT_MAX = 64 * 1024 * 1024 }; /* bytes of one text read from a file */

/* ---- failures and ids --------------------------------------------------------------------- */

/* Fail with "<path>: <object>: <HDF5's innermost reason>". */
rs_status rs_h5_fail(rs_status code, const char *path, const char *object);

/* Release an id of any kind; negative ids are let be. Keeps the error stack. */
void rs_h5_close(hid_t id);

/* ---- files -------------------------------------------------------------------------------- */

/* Open PATH read-only, without locking it. */
rs_status rs_h5_open(const char *path, rs_h5_file *f) RS_MUST_CHECK;
void rs_h5_file_close(rs_h5_file *f);

/* A file in memory. EXPECTED bytes are taken at once, more as needed. PATH is used for messages
 * only. */
rs_status rs_h5_image_create(const char *path, size_t expected, hid_t *file) RS_MUST_CHECK;

/* Put the image in place of PATH. The caller still closes FILE. */
rs_status rs_h5_image_commit(hid_t file, const char *path) RS_MUST_CHECK;

/* ---- objects ------------------------------------------------------------------------------ */

/* Creation properties of class CLS without times. */
hid_t rs_h5_creation(hid_t cls);
hid_t rs_h5_group_create(hid_t parent, const char *name);

/* UTF-8 text of exactly WIDTH bytes, padded with NUL; WIDTH H5T_VARIABLE: of any length. */
hid_t rs_h5_text_type(size_t width);

/* A scalar of any number TYPE. */
bool rs_h5_set_number(hid_t object, const char *name, hid_t type, const void *value);
/* VARIABLE: h5py hands out a str instead of bytes. */
bool rs_h5_set_text(hid_t object, const char *name, const char *text, bool variable);
/* An array of N texts, all as wide as the longest. */
bool rs_h5_set_texts(hid_t object, const char *name, const char *const *texts, size_t n);

/* A scalar dataset of fixed length, which h5py and h5dump show as it is. */
bool rs_h5_text_write(hid_t group, const char *name, const char *text);
/* Step into the group NAME of *GROUP, which is closed; made when it is not there. */
bool rs_h5_group_enter(hid_t *group, const char *name);

/* Attribute NAME of OBJECT, which is called WHERE in messages; absent or of another type:
 * RS_ERR_DATA. */
rs_status rs_h5_get_int(const rs_h5_file *f, hid_t object, const char *where, const char *name,
                        hid_t type, void *value) RS_MUST_CHECK;
/* A number of any type as a double; absent or unfit: OTHERWISE. */
double rs_h5_get_double(hid_t object, const char *name, double otherwise);
/* A scalar text of either kind; release with free(). */
rs_status rs_h5_get_text(const rs_h5_file *f, hid_t object, const char *where, const char *name,
                         char **text) RS_MUST_CHECK;

/* The second kind: the scalar text of variable length in ATTRIBUTE. */
rs_status rs_h5_heap_text(const rs_h5_file *f, hid_t attribute, const char *where,
                          char **text) RS_MUST_CHECK;
/* The array of exactly N texts in attribute NAME; NULL when there is no such thing. */
char **rs_h5_get_texts(const rs_h5_file *f, hid_t object, const char *name, size_t n);
void rs_h5_free_texts(char **texts, size_t n);

/* ---- tables ------------------------------------------------------------------------------- */

/* T as the compound dataset NAME of the group PARENT. */
rs_status rs_h5_table_write(hid_t parent, const char *path, const char *name,
                            const rs_table *t) RS_MUST_CHECK;
/* The same with nothing in the texts of COLUMN: a packed file names no others. */
rs_status rs_h5_table_write_without(hid_t parent, const char *path, const char *name,
                                    const rs_table *t, size_t column) RS_MUST_CHECK;

/* Read it back. Members that are neither whole numbers, floating-point numbers nor texts of fixed
 * length are left out. */
rs_status rs_h5_table_read(const rs_h5_file *f, const char *name, rs_table **out) RS_MUST_CHECK;

#endif
