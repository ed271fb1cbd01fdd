/* How subcommands complain and explain. */
#include "cli.h"

#include <stdlib.h>

int cli_fail(rs_status status) {
  fprintf(stderr, "ranksweep: %s\n", rs_error_message());
  switch (status) {
  case RS_ERR_USAGE:
  case RS_ERR_DATA:
  case RS_ERR_CONFLICT: return EXIT_USAGE;
  case RS_ERR_STOPPED: return EXIT_INTERRUPTED;
  default: return EXIT_TRIALS_FAILED;
  }
}

int cli_usage(const cli_command *command, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fprintf(stderr, "ranksweep %s: ", command->name);
  vfprintf(stderr, format, args);
  fprintf(stderr, "\nusage: ranksweep %s\n", command->usage);
  va_end(args);
  return EXIT_USAGE;
}

int cli_help(const cli_command *command, const char *options) {
  printf("usage: ranksweep %s\n\n%s\n\n%s", command->usage, command->summary, options);
  return EXIT_DONE;
}
