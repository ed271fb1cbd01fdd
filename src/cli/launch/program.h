/* Other programs: where they are, run to their end, with their words caught and their time limited.
 */
#ifndef RANKSWEEP_CLI_PROGRAM_H
#define RANKSWEEP_CLI_PROGRAM_H

#include "ranksweep/base.h"

#include <limits.h>

typedef struct program_end {
  rs_str words,
      moan;   /* of stdout and stderr, their beginnings when there is very much; never NULL */
  int status; /* exit status, 128 + signal; 127: it cannot be executed */
  bool late;  /* it had to be ended */
  double seconds;
} program_end;

/* Run ARGV (NULL-terminated) and wait for its end, for up to SECONDS; then it is ended with all
 * that it started. PREPARE (may be NULL) is called in the new process. RS_ERR_IO when no process
 * can be started. END is to be freed in any case. */
rs_status program_run(const char *const *argv, double seconds, void (*prepare)(void),
                      program_end *end) RS_MUST_CHECK;
void program_free(program_end *end);
/* Put what it said on stderr behind what it said on stdout. */
rs_status program_join(program_end *end) RS_MUST_CHECK;

/* The first line of TEXT with letters or digits in it, cut off where it is long; "": none. Returns
 * OUT. */
const char *program_first_line(const char *text, char *out, size_t size);

/* Where NAME is in the PATH, as execvp finds it. */
bool program_find(const char *name, char out[PATH_MAX]);

#endif
