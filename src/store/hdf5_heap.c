/* Texts of variable length, read with care.
 *
 * HDF5 keeps them in global heaps ("GCOL"; HDF5 File Format Specification, III.E), the one part of
 * our files without a checksum, and release 1.10 believes what is written there: a single damaged
 * byte can make it write past its buffers. So HDF5 hands over only the reference that the attribute
 * holds, which lies in a checksummed header, and the heap is read here. A reference is 4 bytes of
 * length, 8 of the heap's address and 4 of the object's index. All numbers are little-endian. */
#include "hdf5_util.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  REFERENCE_BYTES = 16,
  HEAP_HEADER = 16,   /* signature, version 1, 3 reserved bytes, size of the whole heap (8) */
  OBJECT_HEADER = 16, /* index (2), references (2), 4 reserved bytes, size (8) */
  ALIGNMENT = 8,      /* of the objects */
};

typedef struct reference {
  uint64_t length, address, index;
} reference;

static uint64_t get_number(const char *from, size_t bytes) {
  uint64_t value = 0;
  memcpy(&value, from, bytes);
  return le64toh(value);
}

/* ---- the reference ------------------------------------------------------------------------ */

/* A conversion of HDF5 that leaves the stored bytes as they are. */
static herr_t keep_reference(hid_t from, hid_t to, H5T_cdata_t *data, size_t n, size_t stride,
                             size_t background_stride, void *values, void *background,
                             hid_t transfer) {
  (void)n, (void)stride, (void)background_stride, (void)values, (void)background, (void)transfer;
  if (data->command != H5T_CONV_INIT) return 0;
  data->need_bkg = H5T_BKG_NO;
  return H5Tis_variable_str(from) > 0 && H5Tget_size(to) == REFERENCE_BYTES ? 0 : -1;
}

static bool read_reference(hid_t attribute, reference *r) {
  char raw[REFERENCE_BYTES];
  hid_t text = rs_h5_text_type(H5T_VARIABLE), opaque = H5Tcreate(H5T_OPAQUE, sizeof raw);
  bool ok = text >= 0 && opaque >= 0 &&
            H5Tregister(H5T_PERS_SOFT, "stored reference", text, opaque, keep_reference) >= 0;
  if (ok) {
    ok = H5Aread(attribute, opaque, raw) >= 0;
    if (ok) *r = (reference){get_number(raw, 4), get_number(raw + 4, 8), get_number(raw + 12, 4)};
    hid_t errors = H5Eget_current_stack();
    H5Tunregister(H5T_PERS_SOFT, "stored reference", text, opaque, keep_reference);
    H5Eset_current_stack(errors);
  }
  rs_h5_close(opaque);
  rs_h5_close(text);
  return ok;
}

/* ---- the heap ----------------------------------------------------------------------------- */

static bool read_at(const rs_h5_file *f, uint64_t address, char *to, size_t bytes) {
  int *fd;
  if (H5Fget_vfd_handle(f->id, H5P_DEFAULT, (void **)&fd) < 0) return false;
  if (address > f->bytes || bytes > f->bytes - address) return false;
  while (bytes > 0) {
    ssize_t n = pread(*fd, to, bytes, (off_t)address);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    address += (uint64_t)n;
    bytes -= (size_t)n;
  }
  return true;
}

/* The heap at ADDRESS into *HEAP; NULL stays there when it is not a sound one. */
static rs_status read_heap(const rs_h5_file *f, uint64_t address, char **heap, size_t *bytes) {
  char header[HEAP_HEADER];
  *heap = NULL;
  if (!read_at(f, address, header, sizeof header) || memcmp(header, "GCOL\1", 5) != 0) return RS_OK;
  uint64_t size = get_number(header + 8, 8);
  if (size < HEAP_HEADER || size > f->bytes || size > RS_H5_TEXT_MAX) return RS_OK;
  *bytes = (size_t)size;
  RS_TRY(rs_new(heap, *bytes, 1));
  if (!read_at(f, address, *heap, *bytes)) {
    free(*heap);
    *heap = NULL;
  }
  return RS_OK;
}

/* The LENGTH bytes of object INDEX; NULL when they are not there. */
static const char *find_object(const char *heap, size_t bytes, const reference *r) {
  size_t at = HEAP_HEADER;
  while (bytes - at >= OBJECT_HEADER) {
    uint64_t index = get_number(heap + at, 2), size = get_number(heap + at + 8, 8);
    at += OBJECT_HEADER;
    if (index == 0 || size > bytes - at) return NULL; /* index 0 is the free space at the end */
    if (index == r->index) return size >= r->length ? heap + at : NULL;
    size_t padded = (size_t)(size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (padded > bytes - at) return NULL;
    at += padded;
  }
  return NULL;
}

rs_status rs_h5_heap_text(const rs_h5_file *f, hid_t attribute, const char *where, char **text) {
  reference r;
  char *heap;
  size_t bytes = 0;
  *text = NULL;
  if (!read_reference(attribute, &r)) return rs_h5_fail(RS_ERR_DATA, f->path, where);
  if (r.length == 0) return rs_new(text, 1, 1);
  RS_TRY(read_heap(f, r.address, &heap, &bytes));
  const char *object = heap != NULL ? find_object(heap, bytes, &r) : NULL;
  rs_status status = RS_OK;
  if (object == NULL)
    status = rs_fail(RS_ERR_DATA,
                     "%s: %s: a text of %llu bytes is not where it should be: the file is damaged",
                     f->path, where, (unsigned long long)r.length);
  else
    status = rs_new(text, (size_t)r.length + 1, 1);
  if (status == RS_OK) memcpy(*text, object, (size_t)r.length);
  free(heap);
  return status;
}
