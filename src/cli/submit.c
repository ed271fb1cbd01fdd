/* ranksweep submit: a job becomes a batch script, and that a job of SLURM. */
#include "launch/batch.h"
#include "cli.h"
#include "launch/program.h"
#include "launch/size.h"

#include "ranksweep/exp.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_OVERRIDES = 256, MOST_OPTIONS = 64 };

static const char help[] =
    "  JOB.yaml            the job file; its section `slurm` has the same settings\n"
    "  -o RESULTS.h5       where results go (default: results/<job name>.h5)\n"
    "  --nodes N, --ntasks N, --cpus-per-task C\n"
    "                      size: workers of C cores each, on N nodes\n"
    "  --time T, --partition P, --account A, --qos Q\n"
    "                      as sbatch has them\n"
    "  --array N[%M]       share the trials out among N jobs, M of them at a time\n"
    "  --launcher L        what starts the ranks: mpirun or srun\n"
    "  --sbatch-opt OPT    a further option of sbatch: --sbatch-opt=--mem=8G; may be repeated\n"
    "  --set KEY=VALUE     use another value for a setting; may be repeated\n"
    "  --dry-run           print the batch script and do nothing\n\n"
    "The script is kept beside the results (RESULTS.sbatch), to be read, changed and submitted "
    "again.\n"
    "When the walltime is over the job requeues itself and continues, slurm.max_restarts times.\n"
    "Exit status: 0 submitted, 1 sbatch refused, 2 bad usage or job file, or no SLURM here.\n";

typedef struct submit_arguments {
  const char *job, *results;
  char *default_results;
  bool dry_run;
  const char *given[MOST_OVERRIDES]; /* --set, as they were given, ... */
  char *all[MOST_OVERRIDES];         /* ... and with our options, as settings */
  size_t n_given, n_all;
  const char *options[MOST_OPTIONS];
  size_t n_options;
} submit_arguments;

/* Options that are settings. */
static const struct {
  const char *option, *setting;
} settings[] = {{"nodes", "slurm.nodes"},
                {"ntasks", "slurm.ntasks"},
                {"cpus-per-task", "slurm.cpus_per_task"},
                {"time", "slurm.time"},
                {"partition", "slurm.partition"},
                {"account", "slurm.account"},
                {"qos", "slurm.qos"},
                {"array", "slurm.array"},
                {"launcher", "slurm.launcher"}};

enum { OPTION_SET = CLI_LONG + RS_COUNT(settings), OPTION_SBATCH, OPTION_DRY_RUN };

/* ---- arguments ------------------------------------------------------------------------------ */

static rs_status add_override(submit_arguments *a, const char *key, const char *value) {
  rs_str text = {0};
  if (a->n_all == MOST_OVERRIDES) return rs_fail(RS_ERR_USAGE, "too many settings");
  rs_str_addf(&text, "%s%s%s", key, key[0] != '\0' ? "=" : "", value);
  RS_TRY(rs_str_status(&text));
  a->all[a->n_all++] = text.text;
  return RS_OK;
}

/* The ranks are started by `run`, which has to be told what by. */
static rs_status take_setting(submit_arguments *a, size_t i, const char *value) {
  RS_TRY(add_override(a, settings[i].setting, value));
  if (strcmp(settings[i].option, "launcher") == 0) a->given[a->n_given++] = a->all[a->n_all - 1];
  return RS_OK;
}

static rs_status take(submit_arguments *a, int option, const char *value) {
  switch (option) {
  case OPTION_SET:
    RS_TRY(add_override(a, "", value));
    a->given[a->n_given++] = value;
    return RS_OK;
  case OPTION_SBATCH:
    if (a->n_options == MOST_OPTIONS) return rs_fail(RS_ERR_USAGE, "too many --sbatch-opt");
    a->options[a->n_options++] = value;
    return RS_OK;
  case OPTION_DRY_RUN: a->dry_run = true; return RS_OK;
  case 'o': a->results = value; return RS_OK;
  default: return take_setting(a, (size_t)(option - CLI_LONG), value);
  }
}

/* 0: go on; otherwise an exit status in *EXIT_STATUS. */
static int parse(int argc, char **argv, submit_arguments *a, int *exit_status) {
  struct option options[RS_COUNT(settings) + 6] = {
      {"set", required_argument, NULL, OPTION_SET},
      {"sbatch-opt", required_argument, NULL, OPTION_SBATCH},
      {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
      {"output", required_argument, NULL, 'o'},
      {"help", no_argument, NULL, 'h'}};
  for (size_t i = 0; i < RS_COUNT(settings); i++)
    options[5 + i] =
        (struct option){settings[i].option, required_argument, NULL, CLI_LONG + (int)i};
  opterr = 0;
  *exit_status = EXIT_USAGE;
  for (int c; (c = getopt_long(argc, argv, ":o:h", options, NULL)) != -1;) {
    if (c == 'h') *exit_status = cli_help(&cli_submit, help);
    if (c == '?' || c == ':') *exit_status = cli_bad_option(&cli_submit, argc, argv, c);
    if (c == 'h' || c == '?' || c == ':') return 1;
    rs_status status = take(a, c, optarg);
    if (status == RS_OK) continue;
    *exit_status = cli_fail(status);
    return 1;
  }
  if (optind + 1 != argc) {
    *exit_status =
        cli_usage(&cli_submit, optind == argc ? "which job file?" : "one job file at a time");
    return 1;
  }
  a->job = argv[optind];
  return 0;
}

/* ---- submitting ----------------------------------------------------------------------------- */

static rs_status tell(const submit_arguments *a, const rs_settings *s, const char *id,
                      const char *script) {
  char *log;
  int shares = batch_shares(s, NULL);
  bool comes_back = strcmp(rs_settings_text(s, "slurm.restart"), "none") != 0;
  RS_TRY(batch_log(s, a->results, id, &log));
  printf("job %s\n", id);
  fprintf(stderr, "script: %s\nlog:    %s\nfollow: squeue -j %s", script, log, id);
  free(log);
  if (shares == 0) fprintf(stderr, "; ranksweep status %s --watch", a->results);
  fprintf(stderr, "\nstop:   scancel %s; what is there is kept, and sbatch %s continues\n", id,
          script);
  if (comes_back)
    fprintf(stderr, "pause:  scancel --batch --signal=USR1 %s; checkpoints all, and queues again\n",
            id);
  if (shares > 0)
    fprintf(stderr, "join:   ranksweep merge -o %s %.*s.share-*-of-%d.h5, when all have ended\n",
            a->results, (int)(strlen(script) - strlen(".sbatch")), script, shares);
  if (strcmp(rs_settings_text(s, "slurm.time"), "site") == 0)
    fprintf(stderr, "note:   no --time was given, so the partition's default walltime holds\n");
  return RS_OK;
}

/* To sbatch its variables, which some sites and people set, count more than what a script says. */
static void drop_overruling_variables(const char *text) {
  static const struct {
    const char *line, *variable;
  } known[] = {{"\n#SBATCH --time=", "SBATCH_TIMELIMIT"},
               {"\n#SBATCH --partition=", "SBATCH_PARTITION"},
               {"\n#SBATCH --account=", "SBATCH_ACCOUNT"},
               {"\n#SBATCH --qos=", "SBATCH_QOS"},
               {"\n#SBATCH --array=", "SBATCH_ARRAY_INX"},
               {"\n#SBATCH --job-name=", "SBATCH_JOB_NAME"},
               {"\n#SBATCH --signal=", "SBATCH_SIGNAL"},
               {"\n#SBATCH --open-mode=", "SBATCH_OPEN_MODE"},
               {"\n#SBATCH --requeue\n", "SBATCH_NO_REQUEUE"},
               {"\n#SBATCH --no-requeue\n", "SBATCH_REQUEUE"}};
  for (size_t i = 0; i < RS_COUNT(known); i++) {
    if (getenv(known[i].variable) == NULL || strstr(text, known[i].line) == NULL) continue;
    fprintf(stderr, "note:   %s=%s is left out: the script says otherwise\n", known[i].variable,
            getenv(known[i].variable));
    unsetenv(known[i].variable);
  }
}

static rs_status judge(const program_end *end) {
  if (end->late)
    return rs_fail(RS_ERR_IO,
                   "sbatch gave no answer in %.0f s; look at `squeue --me` before it is "
                   "tried again",
                   end->seconds);
  if (end->status != 0)
    return rs_fail(RS_ERR_IO, "sbatch refused, with exit status %d", end->status);
  return RS_OK;
}

static rs_status hand_in(const submit_arguments *a, const rs_settings *s, const char *script) {
  const double patience = 120;
  const char *const argv[] = {"sbatch", "--parsable", script, NULL};
  char line[256];
  program_end end;
  rs_status status = program_run(argv, patience, NULL, &end);
  if (status == RS_OK) fputs(end.moan.text, stderr); /* warnings, and what the site has to say */
  if (status == RS_OK) status = judge(&end);
  if (status == RS_OK) {
    program_first_line(end.words.text, line, sizeof line);
    line[strcspn(line, ";")] = '\0'; /* a cluster's name may follow */
    status = tell(a, s, line, script);
  }
  program_free(&end);
  return status;
}

static rs_status check_for_slurm(const char *job) {
  char path[PATH_MAX];
  if (program_find("sbatch", path)) return RS_OK;
  return rs_fail(
      RS_ERR_USAGE,
      "there is no SLURM here: sbatch is not in PATH. `ranksweep run %s` runs the job on "
      "this machine; submit --dry-run shows the batch script",
      job);
}

static rs_status make_folder_of(const char *path) {
  char *folder;
  RS_TRY(rs_path_directory(path, &folder));
  rs_status status = rs_file_make_directories(folder);
  free(folder);
  return status;
}

/* Another script that is there may have been changed by hand. */
static rs_status set_aside(const char *script, const char *text) {
  enum { MOST_BYTES = 1 << 20 };
  char *before;
  size_t length;
  if (!rs_file_exists(script)) return RS_OK;
  RS_TRY(rs_file_read(script, MOST_BYTES, &before, &length));
  bool same = length == strlen(text) && memcmp(before, text, length) == 0;
  free(before);
  if (same) return RS_OK;
  rs_str old = {0};
  rs_str_addf(&old, "%s.old", script);
  rs_status status = rs_str_status(&old);
  if (status == RS_OK && rename(script, old.text) != 0)
    status = rs_fail_errno("%s: cannot rename to %s", script, old.text);
  if (status == RS_OK) fprintf(stderr, "note:   the script that was there is now %s\n", old.text);
  rs_str_free(&old);
  return status;
}

static rs_status write_and_hand_in(const submit_arguments *a, const rs_settings *s,
                                   const char *text) {
  char *script = NULL;
  RS_TRY(check_for_slurm(a->job));
  rs_status status = batch_path(a->results, &script);
  if (status == RS_OK) status = make_folder_of(script);
  if (status == RS_OK) status = set_aside(script, text);
  if (status == RS_OK) status = rs_file_replace(script, text, strlen(text));
  if (status == RS_OK) {
    drop_overruling_variables(text);
    status = hand_in(a, s, script);
  }
  free(script);
  return status;
}

static rs_status choose_results(submit_arguments *a, const rs_job *job) {
  rs_str path = {0};
  if (a->results != NULL) return RS_OK;
  rs_str_addf(&path, "results/%s.h5", rs_job_name(job));
  a->results = a->default_results = path.text;
  return rs_str_status(&path);
}

static rs_status submit_job(submit_arguments *a, const rs_job *job) {
  const rs_settings *s = rs_job_base(job);
  rs_plan *plan;
  size_layout layout;
  char *text;
  RS_TRY(choose_results(a, job));
  RS_TRY(size_make_plan(job, (rs_share){0}, &plan));
  size_layout_of(plan, &layout);
  rs_plan_destroy(plan);
  const batch_request request = {a->job,     a->results, layout.group, a->given,
                                 a->n_given, a->options, a->n_options};
  RS_TRY(batch_script(s, &request, &text));
  if (a->dry_run) fputs(text, stdout);
  rs_status status = a->dry_run ? cli_flush() : write_and_hand_in(a, s, text);
  free(text);
  return status;
}

static rs_status submit(submit_arguments *a) {
  rs_job *job;
  RS_TRY(rs_job_load(a->job, (const char *const *)a->all, a->n_all, rs_experiment_schemas(), &job));
  rs_status status = submit_job(a, job);
  rs_job_destroy(job);
  return status;
}

static int run(int argc, char **argv) {
  submit_arguments a = {0};
  int exit_status;
  if (parse(argc, argv, &a, &exit_status) == 0) {
    rs_status status = submit(&a);
    exit_status = status == RS_OK ? EXIT_DONE : cli_fail(status);
  }
  for (size_t i = 0; i < a.n_all; i++) free(a.all[i]);
  free(a.default_results);
  return exit_status;
}

const cli_command cli_submit = {
    .name = "submit",
    .usage = "submit JOB.yaml [-o RESULTS.h5] [--nodes N] [--ntasks N] [--cpus-per-task C] "
             "[--time T] [--partition P] [--account A] [--qos Q] [--array N] [--launcher L] "
             "[--sbatch-opt OPT]... [--set KEY=VALUE]... [--dry-run]",
    .summary = "Give a job to SLURM.",
    .run = run,
};
