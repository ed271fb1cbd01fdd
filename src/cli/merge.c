/* ranksweep merge: results of the shares of a job become the results of the job. */
#include "cli.h"

#include "ranksweep/sched.h"

#include <getopt.h>

static const char help[] =
    "  -o RESULTS.h5       the results to make, with their journal and checkpoints\n"
    "  SHARE.h5...         results of `ranksweep run JOB.yaml --share I/N`, in any order\n"
    "  --force             move existing results aside\n\n"
    "The new results are those of a run of the whole job; the shares stay as they are. "
    "Checkpoints\n"
    "become hard links where the file system can, and their checksums are verified. With shares\n"
    "missing or not finished, `ranksweep run JOB.yaml -o RESULTS.h5` does the rest.\n"
    "Exit status: 0, or 1 when they cannot be written, 2 on bad usage, bad files, or shares that "
    "do\n"
    "not belong together.\n";

/* EXIT_DONE: go on, unless *HELPED. */
static int parse(int argc, char **argv, rs_merge_options *o, bool *helped) {
  static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                          {"force", no_argument, NULL, CLI_LONG},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
  *o = (rs_merge_options){0};
  *helped = false;
  opterr = 0;
  for (int c; (c = getopt_long(argc, argv, ":o:h", options, NULL)) != -1;) {
    switch (c) {
    case CLI_LONG: o->force = true; break;
    case 'o': o->results = optarg; break;
    case 'h': *helped = true; return cli_help(&cli_merge, help);
    default: return cli_bad_option(&cli_merge, argc, argv, c);
    }
  }
  if (o->results == NULL) return cli_usage(&cli_merge, "-o RESULTS.h5: which results to make?");
  if (optind == argc) return cli_usage(&cli_merge, "which results of shares?");
  o->shares = (const char *const *)&argv[optind];
  o->n = (size_t)(argc - optind);
  return EXIT_DONE;
}

static void tell(void *user, rs_log_level level, const char *line) {
  (void)user;
  fprintf(stderr, "%s%s\n", level == RS_LOG_WARN ? "warning: " : "", line);
}

static void print_summary(const rs_merge_options *o, const rs_merge_summary *s) {
  fprintf(stderr, "%s: %zu of %zu trials done", o->results, s->done, s->trials);
  if (s->failed > 0) fprintf(stderr, ", %zu failed", s->failed);
  fprintf(stderr, "; %zu stages of %d of %d shares", s->stages, s->shares - s->missing, s->shares);
  if (s->again > 0)
    fprintf(stderr, " (%zu times one was done that another share did as well)", s->again);
  fputc('\n', stderr);
  if (s->missing > 0) fprintf(stderr, "missing of %d shares: %s\n", s->shares, s->absent.text);
  if (s->done + s->failed < s->trials)
    fprintf(stderr, "%zu trials are still to be done: `ranksweep run JOB.yaml -o %s` continues\n",
            s->trials - s->done - s->failed, o->results);
}

static int run(int argc, char **argv) {
  rs_merge_options options;
  rs_merge_summary summary;
  bool helped;
  const rs_log log = {.write = tell, .threshold = RS_LOG_INFO};
  int exit_status = parse(argc, argv, &options, &helped);
  if (exit_status != EXIT_DONE || helped) return exit_status;
  options.log = &log;
  rs_status status = rs_merge(&options, &summary);
  if (status == RS_OK) print_summary(&options, &summary);
  rs_str_free(&summary.absent);
  return status == RS_OK ? EXIT_DONE : cli_fail(status);
}

const cli_command cli_merge = {
    .name = "merge",
    .usage = "merge -o RESULTS.h5 SHARE.h5... [--force]",
    .summary = "Join results of the shares of a job.",
    .run = run,
};
