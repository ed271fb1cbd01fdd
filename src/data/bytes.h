/* Bytes in order from a file or from memory, unzipped on the way when they are gzip. */
#ifndef RANKSWEEP_DATA_BYTES_H
#define RANKSWEEP_DATA_BYTES_H

#include "ranksweep/base.h"

/* Open PATH for reading, a regular file; anything else is RS_ERR_DATA at once. *FD is -1 when it
 * could not be opened, and to be closed otherwise, on failure as well. */
rs_status rs_bytes_open_regular(const char *path, int *fd, size_t *length) RS_MUST_CHECK;
/* The same check of a file that is open; PATH stands for it. */
rs_status rs_bytes_check_regular(int fd, const char *path, size_t *length) RS_MUST_CHECK;

typedef struct rs_bytes rs_bytes;

/* Open PATH, a regular file; anything else, a FIFO included, is RS_ERR_DATA at once. Whether it is
 * gzip is told by its first two bytes, not by its name. PATH must outlive *OUT. */
rs_status rs_bytes_open(const char *path, rs_bytes **out) RS_MUST_CHECK;

/* The same without unzipping: the bytes as they are stored. */
rs_status rs_bytes_open_stored(const char *path, rs_bytes **out) RS_MUST_CHECK;

/* As rs_bytes_open over memory; NAME stands for the file in messages. Both must outlive *OUT. */
rs_status rs_bytes_wrap(const char *name, const void *data, size_t len,
                        rs_bytes **out) RS_MUST_CHECK;

/* Up to N bytes to INTO; *GOT is below N only at the end. A gzip file may have several members;
 * damage, truncation and anything after the last member are RS_ERR_DATA. */
rs_status rs_bytes_read(rs_bytes *b, void *into, size_t n, size_t *got) RS_MUST_CHECK;

/* Length of all that can be read, when that is known beforehand (not gzip). */
bool rs_bytes_length(const rs_bytes *b, size_t *length);

const char *rs_bytes_name(const rs_bytes *b);

/* What to put behind a byte offset in a message: "" or " (unzipped)". */
const char *rs_bytes_offset_note(const rs_bytes *b);

void rs_bytes_close(rs_bytes *b); /* takes NULL */

#endif
