/* What the subcommands share. Results go to stdout, progress and log to stderr. */
#ifndef RANKSWEEP_CLI_H
#define RANKSWEEP_CLI_H

#include "ranksweep/base.h"
#include "ranksweep/store.h"

#include <stdio.h>

/* Exit statuses of the program. */
enum { EXIT_DONE = 0, EXIT_TRIALS_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 75 };

/* One subcommand: a line in commands[] of main.c, a file of its own. `run` gets argv[0] = its name.
 */
typedef struct cli_command {
  const char *name, *usage, *summary;
  int (*run)(int argc, char **argv);
} cli_command;

extern const cli_command cli_run, cli_plan, cli_status, cli_show, cli_export, cli_pack, cli_verify,
    cli_kinds, cli_bench, cli_denoise, cli_speaker, cli_submit, cli_doctor, cli_merge;

/* Print "ranksweep: <message of the last failure>" on stderr; the exit status that STATUS means. */
int cli_fail(rs_status status);
/* Print a complaint about the command line and how the command is used; EXIT_USAGE. */
int cli_usage(const cli_command *command, const char *format, ...) RS_PRINTF(2, 3);
/* The command's help on stdout; EXIT_DONE. */
int cli_help(const cli_command *command, const char *options);
/* Complain of what getopt_long (with opterr 0 and a ':' first) did not like: '?' or ':' in RESULT.
 * Long options have values of CLI_LONG and more. */
int cli_bad_option(const cli_command *command, int argc, char **argv, int result);
enum { CLI_LONG = 256 };

/* Add a space and TEXT as a shell would have to be given it. */
void cli_add_argument(rs_str *line, const char *text);

/* Read a results file; one that cannot be opened is bad usage here, not a failure of the system. */
rs_status cli_read_results(const char *path, rs_results *r) RS_MUST_CHECK;
/* Output is not done before it has left: flushes stdout. */
rs_status cli_flush(void) RS_MUST_CHECK;

/* ---- tables on a terminal -----------------------------------------------------------------------
 */

/* Lines of cells; columns are as wide as their widest cell (counted in UTF-8 characters). */
typedef struct text_table text_table;
rs_status text_table_create(size_t columns, text_table **out) RS_MUST_CHECK;
void text_table_destroy(text_table *t);
/* Align a column to the right (numbers). */
void text_table_right(text_table *t, size_t column);
/* The next cell, left to right, top to bottom; the first row is the heading. */
rs_status text_table_cell(text_table *t, const char *format, ...) RS_PRINTF(2, 3) RS_MUST_CHECK;
/* Two spaces between columns, a rule below the heading, no trailing spaces. */
void text_table_print(const text_table *t, FILE *to);

/* "5,012,490" */
void print_grouped(char *out, size_t size, double whole);
/* "1.5 GiB", "23 ms", "4 min 05 s", "12.3 GFLOP" */
void print_bytes(char *out, size_t size, double bytes);
void print_seconds(char *out, size_t size, double seconds);
void print_flops(char *out, size_t size, double flops);

#endif
