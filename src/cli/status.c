/* ranksweep status: how a run stands, told from its snapshots. The run itself is left alone. */
#include "status/status.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double WATCH_SECONDS = 2.0;

static const char help[] =
    "  RESULTS.h5          a results file; its snapshots are read and nothing else is touched\n"
    "  --watch             look again every 2 s until the run has ended; on a terminal in place,\n"
    "                      otherwise one line for each new snapshot\n"
    "  --json              one JSON object, or with --watch one a line for each new snapshot\n\n"
    "Exit status: 0, or 1 when the output cannot be written, 2 on bad usage or a bad file.\n";

typedef struct status_arguments {
  const char *path;
  bool watch, json;
} status_arguments;

/* EXIT_DONE: go on, unless *HELPED. */
static int parse(int argc, char **argv, status_arguments *a, bool *helped) {
  enum { OPT_WATCH = CLI_LONG, OPT_JSON };
  static const struct option options[] = {{"watch", no_argument, NULL, OPT_WATCH},
                                          {"json", no_argument, NULL, OPT_JSON},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
  *a = (status_arguments){0};
  *helped = false;
  opterr = 0;
  for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
    switch (c) {
    case OPT_WATCH: a->watch = true; break;
    case OPT_JSON: a->json = true; break;
    case 'h': *helped = true; return cli_help(&cli_status, help);
    default: return cli_bad_option(&cli_status, argc, argv, c);
    }
  }
  if (optind == argc) return cli_usage(&cli_status, "which results file?");
  if (optind + 1 < argc) return cli_usage(&cli_status, "unexpected argument %s", argv[optind + 1]);
  a->path = argv[optind];
  return EXIT_DONE;
}

/* ---- one look ----------------------------------------------------------------------------- */

static rs_status print(const status_arguments *a, const status_view *v) {
  if (a->json) return status_print_json(v, a->watch);
  if (!a->watch) return status_print_text(v);
  if (!isatty(STDOUT_FILENO)) return status_print_line(v);
  fputs("\033[H\033[J", stdout); /* home, clear what is below */
  return status_print_text(v);
}

static rs_status find_writer(const char *path, rs_journal_holder *out) {
  char *journal;
  RS_TRY(rs_results_beside(path, ".journal", &journal));
  rs_status status = rs_journal_owner(journal, out);
  free(journal);
  return status;
}

/* SEEN: when the last snapshot that was printed was made. A terminal is redrawn each time: ages
 * change. */
static rs_status look(const status_arguments *a, char seen[RS_CLOCK_TEXT], bool *running) {
  rs_results r;
  status_view v = {.r = &r};
  RS_TRY(cli_read_results(a->path, &r));
  rs_status status = find_writer(a->path, &v.writer);
  *running = strcmp(r.state, "running") == 0 && !status_is_deserted(&v);
  bool redraw = a->watch && !a->json && isatty(STDOUT_FILENO);
  bool print_now = redraw || strcmp(seen, r.updated) != 0 || !*running;
  if (status == RS_OK && print_now) status = print(a, &v);
  snprintf(seen, RS_CLOCK_TEXT, "%s", r.updated);
  rs_results_free(&r);
  return status == RS_OK ? cli_flush() : status;
}

static rs_status show_status(const status_arguments *a) {
  char seen[RS_CLOCK_TEXT] = "";
  bool running;
  RS_TRY(look(a, seen, &running));
  while (a->watch && running) {
    rs_clock_sleep(WATCH_SECONDS);
    RS_TRY(look(a, seen, &running));
  }
  return RS_OK;
}

static int run(int argc, char **argv) {
  status_arguments a;
  bool helped;
  signal(SIGPIPE, SIG_IGN);
  int exit_status = parse(argc, argv, &a, &helped);
  if (exit_status != EXIT_DONE || helped) return exit_status;
  rs_status status = show_status(&a);
  return status == RS_OK ? EXIT_DONE : cli_fail(status);
}

const cli_command cli_status = {
    .name = "status",
    .usage = "status RESULTS.h5 [--watch] [--json]",
    .summary = "Tell how a run stands.",
    .run = run,
};
