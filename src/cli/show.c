/* ranksweep show: results for people and for other programs. */
#include "show/show.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>

static const char help[] =
    "  RESULTS.h5               a results file, also of a run that is under way\n"
    "  TRIAL                    this trial: settings, metrics, stages, learning curve, model, "
    "files\n"
    "  --best                   the best trial for every objective\n"
    "  --pareto                 trials that no other beats in all objectives; a lone objective is "
    "paired with\n"
    "                           fewest parameters\n"
    "  --by METRIC[:min|max]    with --best or --pareto, instead of the job's objectives; may be "
    "repeated\n"
    "  --provenance             the starts of the run instead: when, where, by what program, on "
    "what data\n"
    "  --csv                    the chosen rows with all columns of /trials as they are stored; "
    "NaN is empty\n"
    "  --json                   the same as an array of objects; NaN is null\n\n"
    "Exit status: 0, or 1 when the output cannot be written, 2 on bad usage or a bad file.\n";

typedef struct show_arguments {
  const char *path;
  const char *by[SHOW_MOST_GOALS];
  size_t n_by;
  int64_t trial;
  bool one, best, pareto, provenance, csv, json;
} show_arguments;

/* ---- arguments ---------------------------------------------------------------------------- */

/* Beyond all characters, so that `optopt` tells a long option from a short one. */
enum { OPT_BEST = 256, OPT_PARETO, OPT_BY, OPT_PROVENANCE, OPT_CSV, OPT_JSON };

static int bad_option(int argc, char **argv, int result) {
  const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";
  if (result == ':') return cli_usage(&cli_show, "%s: expected METRIC[:min|max] after it", word);
  if (optopt > 0 && optopt < OPT_BEST) return cli_usage(&cli_show, "unknown option -%c", optopt);
  return cli_usage(&cli_show, "unknown option %s", word);
}

static int set_option(show_arguments *a, int option) {
  switch (option) {
  case OPT_BEST: a->best = true; break;
  case OPT_PARETO: a->pareto = true; break;
  case OPT_PROVENANCE: a->provenance = true; break;
  case OPT_CSV: a->csv = true; break;
  case OPT_JSON: a->json = true; break;
  case OPT_BY:
    if (a->n_by == SHOW_MOST_GOALS)
      return cli_usage(&cli_show, "more than %d --by", SHOW_MOST_GOALS);
    a->by[a->n_by++] = optarg;
    break;
  default: break;
  }
  return EXIT_DONE;
}

static int check_together(const show_arguments *a) {
  bool chosen = a->best || a->pareto;
  if (a->best && a->pareto) return cli_usage(&cli_show, "--best or --pareto, not both");
  if (a->csv && a->json) return cli_usage(&cli_show, "--csv or --json, not both");
  if (a->one && chosen) return cli_usage(&cli_show, "one trial, or --best or --pareto, not both");
  if (a->provenance && (a->one || chosen))
    return cli_usage(&cli_show, "--provenance, or trials, not both");
  if (a->n_by > 0 && !chosen) return cli_usage(&cli_show, "--by goes with --best or --pareto");
  return EXIT_DONE;
}

static int set_operands(show_arguments *a, int count, char **operands) {
  if (count == 0) return cli_usage(&cli_show, "which results file?");
  if (count > 2) return cli_usage(&cli_show, "unexpected argument %s", operands[2]);
  a->path = operands[0];
  a->one = count == 2;
  if (a->one) {
    char *end;
    errno = 0;
    a->trial = strtoll(operands[1], &end, 10);
    if (errno != 0 || end == operands[1] || *end != '\0')
      return cli_usage(&cli_show, "%s: expected the number of a trial", operands[1]);
  }
  return check_together(a);
}

/* EXIT_DONE: go on, unless *HELPED. */
static int parse(int argc, char **argv, show_arguments *a, bool *helped) {
  static const struct option options[] = {
      {"best", no_argument, NULL, OPT_BEST},   {"pareto", no_argument, NULL, OPT_PARETO},
      {"by", required_argument, NULL, OPT_BY}, {"provenance", no_argument, NULL, OPT_PROVENANCE},
      {"csv", no_argument, NULL, OPT_CSV},     {"json", no_argument, NULL, OPT_JSON},
      {"help", no_argument, NULL, 'h'},        {0}};
  *a = (show_arguments){0};
  *helped = false;
  opterr = 0;
  for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
    *helped = c == 'h';
    if (*helped) return cli_help(&cli_show, help);
    if (c == '?' || c == ':') return bad_option(argc, argv, c);
    int status = set_option(a, c);
    if (status != EXIT_DONE) return status;
  }
  return set_operands(a, argc - optind, argv + optind);
}

/* ---- command ------------------------------------------------------------------------------ */

static rs_status select_rows(const show_arguments *a, const rs_results *r, show_goals *goals,
                             show_rows *out) {
  if (a->one) return show_select_trial(r, a->path, a->trial, out);
  if (!a->best && !a->pareto) return show_select_all(r, out);
  RS_TRY(show_goals_find(r, a->path, a->by, a->n_by, a->pareto, goals));
  return a->best ? show_select_best(r, goals, out) : show_select_pareto(r, goals, out);
}

static rs_status print_rows(const show_arguments *a, const rs_results *r, const show_goals *goals,
                            const show_rows *rows) {
  if (a->csv) show_write_csv(r->trials, rows, stdout);
  if (a->csv) return RS_OK;
  if (a->json) return show_write_json(r->trials, rows, stdout);
  if (a->one) return show_print_trial(r, a->path, rows->rows[0]);
  return show_print_text(r, rows, a->best || a->pareto ? goals : NULL);
}

static rs_status show_starts(const show_arguments *a, const rs_results *r) {
  if (a->json) return show_write_json(r->provenance, NULL, stdout);
  if (!a->csv) return show_print_provenance(r->provenance);
  show_write_csv(r->provenance, NULL, stdout);
  return RS_OK;
}

static rs_status show_trials(const show_arguments *a, const rs_results *r) {
  show_goals goals = {0};
  show_rows rows = {0};
  rs_status status = select_rows(a, r, &goals, &rows);
  if (status == RS_OK) status = print_rows(a, r, &goals, &rows);
  show_rows_free(&rows);
  return status;
}

static rs_status show(const show_arguments *a) {
  rs_results r;
  RS_TRY(cli_read_results(a->path, &r));
  rs_status status = a->provenance ? show_starts(a, &r) : show_trials(a, &r);
  rs_results_free(&r);
  return status;
}

static int run(int argc, char **argv) {
  show_arguments a;
  bool helped;
  signal(SIGPIPE, SIG_IGN); /* a reader that went away is told of like a full disk */
  int exit_status = parse(argc, argv, &a, &helped);
  if (exit_status != EXIT_DONE) return exit_status;
  rs_status status = helped ? RS_OK : show(&a);
  if (status == RS_OK) status = cli_flush();
  return status == RS_OK ? EXIT_DONE : cli_fail(status);
}

const cli_command cli_show = {
    .name = "show",
    .usage = "show RESULTS.h5 [TRIAL] [--best|--pareto] [--by METRIC[:min|max]]... [--provenance] "
             "[--csv|--json]",
    .summary = "Print results: all trials, the best, one in detail, the starts; or as CSV or JSON.",
    .run = run,
};
