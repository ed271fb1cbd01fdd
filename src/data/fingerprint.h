/* Checksums of files as they are stored. */
#ifndef RANKSWEEP_DATA_FINGERPRINT_H
#define RANKSWEEP_DATA_FINGERPRINT_H

#include "ranksweep/base.h"

/* XXH3-64 over the bytes of PATH, a regular file. */
rs_status rs_fingerprint_file(const char *path, uint64_t *out) RS_MUST_CHECK;

#endif
