/* How subcommands complain and explain. */
#include "cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

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

int cli_bad_option(const cli_command *command, int argc, char **argv, int result) {
  const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";
  if (result == ':') return cli_usage(command, "%s: expected a value after it", word);
  if (optopt > 0 && optopt < CLI_LONG) return cli_usage(command, "unknown option -%c", optopt);
  return cli_usage(command, "unknown option %s", word);
}

rs_status cli_read_results(const char *path, rs_results *r) {
  rs_status status = rs_results_read(path, r);
  return status == RS_ERR_IO ? RS_ERR_USAGE : status;
}

rs_status cli_flush(void) {
  if (fflush(stdout) != 0) return rs_fail_errno("cannot write to stdout");
  return ferror(stdout) ? rs_fail(RS_ERR_IO, "cannot write to stdout") : RS_OK;
}

void cli_add_argument(rs_str *line, const char *text) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "%+,-./:=@_";
  bool quoted = text[0] == '\0' || text[strspn(text, plain)] != '\0';
  rs_str_add(line, quoted ? " '" : " ");
  for (; *text != '\0'; text++)
    rs_str_addn(line, *text == '\'' ? "'\\''" : text, *text == '\'' ? 4 : 1);
  if (quoted) rs_str_add(line, "'");
}
