/* store: the reading half of the journal, shared by rs_journal_read() and rs_journal_open(). */
#ifndef RANKSWEEP_STORE_JOURNAL_READ_H
#define RANKSWEEP_STORE_JOURNAL_READ_H

#include "ranksweep/store.h"

enum {
  RS_JOURNAL_DIGITS = 16,            /* of the checksum */
  RS_JOURNAL_MAX = 16 * 1024 * 1024, /* bytes of one payload */
};

/* Visit the records from the present position of FD to the end. *GOOD becomes the bytes up to the
 * end of the last sound record, *TORN those after it. Memory is bounded by the longest record. */
rs_status rs_journal_scan(int fd, const char *path, rs_journal_visit visit, void *user,
                          size_t *good, size_t *torn) RS_MUST_CHECK;

/* RS_ERR_DATA unless FD is a regular file: reading a device or a pipe might never end. */
rs_status rs_journal_check_regular(int fd, const char *path) RS_MUST_CHECK;

#endif
