/* Runs another program to its end and keeps what it printed. */
#ifndef RANKSWEEP_CLI_PROGRAM_H
#define RANKSWEEP_CLI_PROGRAM_H

#include "ranksweep/base.h"

typedef struct program_end {
  int status;   /* exit status; 128 + signal */
  rs_str words; /* of stdout */
  rs_str moan;  /* of stderr */
} program_end;

/* Start ARGV (NULL-terminated, found in PATH) and wait for its end, at most SECONDS. RS_ERR_IO when
 * it cannot be started or takes longer (it is killed then); that it failed is in END->status. END
 * is to be freed in any case. */
rs_status program_run(const char *const *argv, double seconds, program_end *end) RS_MUST_CHECK;
void program_free(program_end *end);

/* The first line of TEXT without its end, for messages; "" for none. LINE keeps it. */
const char *program_first_line(const rs_str *text, char *line, size_t size);

#endif
