/* ranksweep plan: what a job would do, before it does it. */
#include "cli.h"
#include "launch/size.h"

#include "ranksweep/exp.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static const char help[] =
    "  JOB.yaml            the job file\n"
    "  --share I/N         only the I-th of N shares of the trials\n"
    "  --json              as JSON\n"
    "  --set KEY=VALUE     use another value for a setting; may be repeated\n\n"
    "Prints stages, trials, what is shared, sizes and the layout over ranks and threads. Nothing "
    "runs.\n";

enum { MOST_OVERRIDES = 256, MOST_ROWS = 40 };

/* ---- text ----------------------------------------------------------------------------------- */

/* Ranks of its group in the layout that fits this machine. */
static int group_of(const rs_plan *plan, const rs_stage *s) {
  size_layout l;
  size_layout_of(plan, &l);
  return rs_stage_ranks(s, l.workers, rs_plan_alike(plan, s->step));
}

static rs_status stage_row(text_table *t, const rs_plan *plan, const rs_stage *s) {
  char parameters[64], flops[32], bytes[32], id[RS_ID_TEXT];
  print_grouped(parameters, sizeof parameters, s->cost.parameters);
  print_flops(flops, sizeof flops, s->cost.flops);
  print_bytes(bytes, sizeof bytes, s->cost.bytes);
  rs_id_format(s->identity, id);
  RS_TRY(text_table_cell(t, "%d", s->index));
  RS_TRY(text_table_cell(t, "%s", s->spec->name));
  RS_TRY(s->parent >= 0 ? text_table_cell(t, "%d", s->parent) : text_table_cell(t, "-"));
  RS_TRY(text_table_cell(t, "%d", s->users));
  RS_TRY(text_table_cell(t, "%s", parameters));
  RS_TRY(text_table_cell(t, "%s", flops));
  RS_TRY(text_table_cell(t, "%s", bytes));
  RS_TRY(text_table_cell(t, "%d", group_of(plan, s)));
  return text_table_cell(t, "%.8s", id);
}

static rs_status print_stages(const rs_plan *plan) {
  static const char *const heads[] = {"stage", "kind",   "parent", "trials",  "parameters",
                                      "work",  "memory", "ranks",  "identity"};
  text_table *t;
  size_t n = rs_plan_stages(plan);
  RS_TRY(text_table_create(RS_COUNT(heads), &t));
  rs_status status = RS_OK;
  for (size_t i = 0; i < RS_COUNT(heads) && status == RS_OK; i++)
    status = text_table_cell(t, "%s", heads[i]);
  for (size_t i = 2; i < 8; i++) text_table_right(t, i);
  text_table_right(t, 0);
  for (size_t i = 0; i < n && i < MOST_ROWS && status == RS_OK; i++)
    status = stage_row(t, plan, rs_plan_stage(plan, i));
  if (status == RS_OK) text_table_print(t, stdout);
  if (n > MOST_ROWS) printf("... and %zu more stages\n", n - MOST_ROWS);
  text_table_destroy(t);
  return status;
}

static rs_status trial_text(const rs_plan *plan, const rs_trial *trial, rs_str *out) {
  const rs_dim *dims;
  const rs_point *points;
  const rs_job *job = rs_plan_job(plan);
  size_t n = rs_job_dims(job, &dims), n_points = rs_job_points(job, &points);
  bool listed = (size_t)trial->number < n_points;
  size_t count = listed ? points[trial->number].count : n;
  for (size_t i = 0; i < count; i++) {
    const char *path = listed ? points[trial->number].paths[i] : dims[i].path;
    rs_str_addf(out, "%s%s=", i > 0 ? "  " : "", path);
    rs_value_print(rs_settings_value(trial->settings, path),
                   rs_settings_entry(trial->settings, path)->word, out);
  }
  rs_str_add(out, "");
  return rs_str_status(out);
}

static rs_status print_trials(const rs_plan *plan) {
  size_t n = rs_plan_trials(plan);
  for (size_t i = 0; i < n && i < MOST_ROWS; i++) {
    const rs_trial *trial = rs_plan_trial(plan, i);
    rs_str text = {0};
    rs_status status = trial_text(plan, trial, &text);
    if (status == RS_OK) {
      printf("trial %d: %s  stages", trial->number, text.text);
      for (int k = 0; k < trial->length; k++) printf("%s%d", k > 0 ? " > " : " ", trial->chain[k]);
      putchar('\n');
    }
    rs_str_free(&text);
    RS_TRY(status);
  }
  if (n > MOST_ROWS) printf("... and %zu more trials\n", n - MOST_ROWS);
  return RS_OK;
}

typedef struct totals {
  size_t links; /* stages as if no trial shared any */
  double flops, unshared, bytes;
} totals;

static totals add_up(const rs_plan *plan) {
  totals t = {0};
  for (size_t i = 0; i < rs_plan_stages(plan); i++) {
    const rs_stage *s = rs_plan_stage(plan, i);
    t.links += (size_t)s->users;
    t.flops += s->cost.flops;
    t.unshared += s->cost.flops * s->users;
    if (s->cost.bytes > t.bytes) t.bytes = s->cost.bytes;
  }
  return t;
}

static void print_totals(const rs_plan *plan) {
  totals t = add_up(plan);
  size_layout l;
  char flops[32], saved[32], bytes[32];
  size_layout_of(plan, &l);
  print_flops(flops, sizeof flops, t.flops);
  print_flops(saved, sizeof saved, t.unshared - t.flops);
  print_bytes(bytes, sizeof bytes, t.bytes * l.workers);
  printf("\n%zu trials, %zu stages; without sharing %zu stages. Work %s, saved by sharing %s.\n",
         rs_plan_trials(plan), rs_plan_stages(plan), t.links, flops, saved);
  printf("Layout here: %d core%s, %d worker%s x %d thread%s and a coordinator (mpirun -n %d); %.1f "
         "stages can be "
         "busy on average; at most %s of memory.\n",
         l.cores, l.cores == 1 ? "" : "s", l.workers, l.workers == 1 ? "" : "s", l.threads,
         l.threads == 1 ? "" : "s", l.workers + 1, l.parallel, bytes);
}

static rs_status print_text(const rs_plan *plan, rs_share share) {
  const rs_job *job = rs_plan_job(plan);
  printf("%s: %s, strategy %s", rs_job_name(job), rs_job_schema(job)->experiment,
         rs_job_strategy(job));
  if (share.count > 0) printf(", share %d/%d", share.index, share.count);
  fputs("\n\n", stdout);
  RS_TRY(print_stages(plan));
  putchar('\n');
  RS_TRY(print_trials(plan));
  print_totals(plan);
  return RS_OK;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *stage_json(const rs_plan *plan, const rs_stage *s) {
  char id[RS_ID_TEXT];
  rs_id_format(s->identity, id);
  return json_pack("{s:i, s:s, s:i, s:i, s:s, s:f, s:f, s:f, s:i}", "stage", s->index, "kind",
                   s->spec->name, "parent", s->parent, "trials", s->users, "identity", id,
                   "parameters", s->cost.parameters, "flops", s->cost.flops, "bytes", s->cost.bytes,
                   "ranks", group_of(plan, s));
}

static rs_status trial_json(const rs_trial *trial, json_t **out) {
  char *settings;
  RS_TRY(rs_settings_to_json(trial->settings, &settings));
  json_t *chain = json_array();
  for (int i = 0; i < trial->length; i++)
    json_array_append_new(chain, json_integer(trial->chain[i]));
  *out = json_pack("{s:i, s:o, s:o}", "trial", trial->number, "stages", chain, "settings",
                   json_loads(settings, 0, NULL));
  free(settings);
  return RS_OK;
}

static rs_status print_json(const rs_plan *plan, rs_share share) {
  size_layout l;
  size_layout_of(plan, &l);
  json_t *stages = json_array(), *trials = json_array();
  for (size_t i = 0; i < rs_plan_stages(plan); i++)
    json_array_append_new(stages, stage_json(plan, rs_plan_stage(plan, i)));
  rs_status status = RS_OK;
  for (size_t i = 0; i < rs_plan_trials(plan) && status == RS_OK; i++) {
    json_t *trial = NULL;
    status = trial_json(rs_plan_trial(plan, i), &trial);
    if (status == RS_OK) json_array_append_new(trials, trial);
  }
  json_t *all = json_pack("{s:s, s:s, s:o, s:o, s:{s:i, s:i, s:i, s:i}}", "name",
                          rs_job_name(rs_plan_job(plan)), "experiment",
                          rs_job_schema(rs_plan_job(plan))->experiment, "stages", stages, "trials",
                          trials, "layout", "cores", l.cores, "workers", l.workers, "threads",
                          l.threads, "ranks", l.workers + 1);
  if (share.count > 0)
    json_object_set_new(all, "share",
                        json_pack("{s:i, s:i}", "index", share.index, "count", share.count));
  if (status == RS_OK && json_dumpf(all, stdout, JSON_INDENT(1)) != 0)
    status = rs_fail(RS_ERR_IO, "cannot write to stdout");
  putchar('\n');
  json_decref(all);
  return status;
}

/* ---- command -------------------------------------------------------------------------------- */

static int plan_job(const char *path, const char *const *overrides, size_t n, rs_share share,
                    bool json) {
  rs_job *job;
  rs_plan *plan = NULL;
  rs_status status = rs_job_load(path, overrides, n, rs_experiment_schemas(), &job);
  if (status == RS_OK) status = size_make_plan(job, share, &plan);
  if (status == RS_OK) status = json ? print_json(plan, share) : print_text(plan, share);
  int exit_status = status == RS_OK ? EXIT_DONE : cli_fail(status);
  rs_plan_destroy(plan);
  rs_job_destroy(job);
  return exit_status;
}

static int run(int argc, char **argv) {
  static const struct option options[] = {{"set", required_argument, NULL, 's'},
                                          {"share", required_argument, NULL, 'p'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
  const char *overrides[MOST_OVERRIDES];
  size_t n = 0;
  bool json = false;
  rs_share share = {0};
  opterr = 0;
  for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
    if (c == 'h') return cli_help(&cli_plan, help);
    if (c == 'p' && rs_share_parse(optarg, &share) != RS_OK)
      return cli_usage(&cli_plan, "--share %s", rs_error_message());
    if (c == 'p') continue;
    if (c == 'j')
      json = true;
    else if (c == 's' && n < MOST_OVERRIDES)
      overrides[n++] = optarg;
    else
      return cli_usage(&cli_plan, "unknown option, or one without its value: %s", argv[optind - 1]);
  }
  if (optind + 1 != argc) return cli_usage(&cli_plan, "expected one job file");
  return plan_job(argv[optind], overrides, n, share, json);
}

const cli_command cli_plan = {
    .name = "plan",
    .usage = "plan JOB.yaml [--share I/N] [--json] [--set KEY=VALUE]...",
    .summary = "Print what a job would do: stages, trials, sizes, layout.",
    .run = run,
};
