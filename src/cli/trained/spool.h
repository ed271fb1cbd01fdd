/* Files without a name in place of pipes, for what needs to move about in them. */
#ifndef RANKSWEEP_CLI_SPOOL_H
#define RANKSWEEP_CLI_SPOOL_H

#include "ranksweep/base.h"

/* An empty file in $TMPDIR (else /tmp) that is gone when it is closed, open for reading and
 * writing. */
rs_status spool_create(int *fd) RS_MUST_CHECK;

/* stdin from its beginning to its end as a regular file: itself when it is one, else a copy.
 * RS_ERR_USAGE when it is a terminal. */
rs_status spool_stdin(int *fd) RS_MUST_CHECK;

/* All that the file FD holds to stdout. */
rs_status spool_to_stdout(int fd) RS_MUST_CHECK;

#endif
