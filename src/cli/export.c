/* ranksweep export: one table of a results file as CSV or JSON. */
#include "show/show.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "  RESULTS.h5          a results file, also of a run that is under way\n"
    "  --table NAME        trials (default), stages, metrics, provenance or artifacts\n"
    "  --csv               comma-separated values (default); NaN is empty\n"
    "  --json              an array of objects; NaN is null\n"
    "  -o FILE             write there, whole or not at all, instead of to stdout\n\n"
    "Exit status: 0, or 1 when the output cannot be written, 2 on bad usage or a bad file.\n";

typedef struct export_arguments {
  const char *path, *table, *output;
  bool csv, json;
} export_arguments;

/* ---- arguments ---------------------------------------------------------------------------- */

enum { OPT_TABLE = CLI_LONG, OPT_CSV, OPT_JSON };

static int check(export_arguments *a, int count, char **operands) {
  static const char *const names[] = {"trials", "stages", "metrics", "provenance", "artifacts"};
  if (count == 0) return cli_usage(&cli_export, "which results file?");
  if (count > 1) return cli_usage(&cli_export, "unexpected argument %s", operands[1]);
  if (a->csv && a->json) return cli_usage(&cli_export, "--csv or --json, not both");
  a->path = operands[0];
  for (size_t i = 0; i < RS_COUNT(names); i++)
    if (strcmp(a->table, names[i]) == 0) return EXIT_DONE;
  return cli_usage(&cli_export,
                   "--table %s: expected trials, stages, metrics, provenance or artifacts",
                   a->table);
}

/* EXIT_DONE: go on, unless *HELPED. */
static int parse(int argc, char **argv, export_arguments *a, bool *helped) {
  static const struct option options[] = {{"table", required_argument, NULL, OPT_TABLE},
                                          {"csv", no_argument, NULL, OPT_CSV},
                                          {"json", no_argument, NULL, OPT_JSON},
                                          {"output", required_argument, NULL, 'o'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
  *a = (export_arguments){.table = "trials"};
  *helped = false;
  opterr = 0;
  for (int c; (c = getopt_long(argc, argv, ":o:h", options, NULL)) != -1;) {
    switch (c) {
    case OPT_TABLE: a->table = optarg; break;
    case OPT_CSV: a->csv = true; break;
    case OPT_JSON: a->json = true; break;
    case 'o': a->output = optarg; break;
    case 'h': *helped = true; return cli_help(&cli_export, help);
    default: return cli_bad_option(&cli_export, argc, argv, c);
    }
  }
  return check(a, argc - optind, argv + optind);
}

/* ---- output ------------------------------------------------------------------------------- */

static const rs_table *table_of(const rs_results *r, const char *name) {
  if (strcmp(name, "stages") == 0) return r->stages;
  if (strcmp(name, "metrics") == 0) return r->metrics;
  if (strcmp(name, "provenance") == 0) return r->provenance;
  if (strcmp(name, "artifacts") == 0) return r->artifacts;
  return r->trials;
}

static rs_status write_table(const export_arguments *a, const rs_table *t, FILE *to) {
  if (a->json) return show_write_json(t, NULL, to);
  show_write_csv(t, NULL, to);
  return RS_OK;
}

static rs_status write_stream(const export_arguments *a, const rs_table *t, const char *path) {
  FILE *to = fopen(path, "w");
  if (to == NULL) return rs_fail_errno("%s: cannot create", a->output);
  rs_status status = write_table(a, t, to);
  bool failed = ferror(to) != 0;
  if ((fclose(to) != 0 || failed) && status == RS_OK)
    status = rs_fail_errno("%s: cannot write", a->output);
  return status;
}

static rs_status write_file(const export_arguments *a, const rs_table *t) {
  char *temporary;
  RS_TRY(rs_file_temporary(a->output, &temporary));
  rs_status status = write_stream(a, t, temporary);
  if (status == RS_OK)
    status = rs_file_commit(temporary, a->output);
  else
    unlink(temporary);
  free(temporary);
  return status;
}

static rs_status export(const export_arguments *a) {
  rs_results r;
  RS_TRY(cli_read_results(a->path, &r));
  const rs_table *t = table_of(&r, a->table);
  rs_status status;
  if (t == NULL)
    status = rs_fail(RS_ERR_DATA, "%s: no stage has left artifacts", a->path);
  else
    status = a->output != NULL ? write_file(a, t) : write_table(a, t, stdout);
  rs_results_free(&r);
  return status;
}

static int run(int argc, char **argv) {
  export_arguments a;
  bool helped;
  signal(SIGPIPE, SIG_IGN);
  int exit_status = parse(argc, argv, &a, &helped);
  if (exit_status != EXIT_DONE) return exit_status;
  rs_status status = helped ? RS_OK : export(&a);
  if (status == RS_OK) status = cli_flush();
  return status == RS_OK ? EXIT_DONE : cli_fail(status);
}

const cli_command cli_export = {
    .name = "export",
    .usage = "export RESULTS.h5 [--table NAME] [--csv|--json] [-o FILE]",
    .summary = "Write one table of the results as CSV or JSON.",
    .run = run,
};
