/* ranksweep run: takes part in an MPI world, starts one, or does all in this process. */
#include "cli.h"
#include "launch/deadline.h"
#include "text/display.h"
#include "launch/environment.h"
#include "launch/launch.h"
#include "launch/size.h"
#include "launch/slurm.h"
#include "launch/supervise.h"
#include "launch/world.h"

#include "ranksweep/comm.h"
#include "ranksweep/sched.h"

#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_OVERRIDES = 256 };

typedef struct run_arguments {
  const char *job, *results;
  char *default_results;
  rs_share share; /* count 0: the whole job */
  int ranks;      /* 0: to be chosen */
  bool fresh, retry_failed;
  int max_restarts; /* in a row that lead nowhere */
  const char *deadline;
  deadline stop_at;     /* 0: never */
  double stall_seconds; /* of the job */
  launcher_kind launcher;
  bool no_kill;
  const char *overrides[MAX_OVERRIDES];
  size_t n_overrides;
} run_arguments;

static const char help[] =
    "  JOB.yaml            the job file\n"
    "  -o RESULTS.h5       where results go (default: results/<job name>.h5); existing ones are "
    "continued\n"
    "  -n RANKS            MPI ranks, the coordinator included; 1: all in one process (default: by "
    "the machine)\n"
    "  --set KEY=VALUE     use another value for a setting; may be repeated\n"
    "  --share I/N         run only the I-th of N shares of the trials, into results of its own\n"
    "                      (default: results/<job name>.share-I-of-N.h5); `ranksweep merge` joins "
    "them\n"
    "  --fresh             move existing results aside and start anew\n"
    "  --retry-failed      when continuing, try failed trials again\n"
    "  --max-restarts N    start again after a crash; give up after N in a row that lead nowhere\n"
    "                      (default: 5; 0: never start again)\n"
    "  --deadline T        be stopped, with all kept, by then: a time from now (90 s, 45 min,\n"
    "                      1h30m, 2:30:00) or in UTC (2026-03-01T18:00:00Z); within SLURM the end\n"
    "                      of the job holds as well\n\n"
    "Under mpirun or srun it takes part in that launch; otherwise it starts mpirun itself (or "
    "srun,\n"
    "slurm.launcher), watches it, and continues after a crash.\n"
    "Exit status: 0 all trials done, 1 some failed or the run broke off, 2 bad usage, job file or\n"
    "data, 75 stopped early (run again).\n";

/* ---- arguments ------------------------------------------------------------------------------ */

static int parse_number(const char *text, int min, int *out) {
  char *end;
  long n = strtol(text, &end, 10);
  if (end == text || *end != '\0' || n < min || n > 1000000) return -1;
  *out = (int)n;
  return 0;
}

/* 0: go on; otherwise an exit status in *EXIT_STATUS. */
static int parse(int argc, char **argv, run_arguments *a, int *exit_status) {
  static const struct option options[] = {{"set", required_argument, NULL, 's'},
                                          {"share", required_argument, NULL, 'p'},
                                          {"fresh", no_argument, NULL, 'f'},
                                          {"retry-failed", no_argument, NULL, 'r'},
                                          {"max-restarts", required_argument, NULL, 'm'},
                                          {"deadline", required_argument, NULL, 'd'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
  *a = (run_arguments){.max_restarts = 5};
  opterr = 0;
  for (int c; (c = getopt_long(argc, argv, "o:n:h", options, NULL)) != -1;) {
    switch (c) {
    case 'o': a->results = optarg; break;
    case 'n':
      if (parse_number(optarg, 1, &a->ranks) == 0) break;
      *exit_status = cli_usage(&cli_run, "-n %s: expected a number of ranks, 1 or more", optarg);
      return 1;
    case 's':
      if (a->n_overrides == MAX_OVERRIDES) {
        *exit_status = cli_usage(&cli_run, "more than %d --set", MAX_OVERRIDES);
        return 1;
      }
      a->overrides[a->n_overrides++] = optarg;
      break;
    case 'p':
      if (rs_share_parse(optarg, &a->share) == RS_OK) break;
      *exit_status = cli_usage(&cli_run, "--share %s", rs_error_message());
      return 1;
    case 'f': a->fresh = true; break;
    case 'r': a->retry_failed = true; break;
    case 'm':
      if (parse_number(optarg, 0, &a->max_restarts) == 0) break;
      *exit_status = cli_usage(&cli_run, "--max-restarts %s: expected a number, 0 or more", optarg);
      return 1;
    case 'd': a->deadline = optarg; break;
    case 'h': *exit_status = cli_help(&cli_run, help); return 1;
    default:
      *exit_status =
          cli_usage(&cli_run, "unknown option, or one without its value: %s", argv[optind - 1]);
      return 1;
    }
  }
  if (optind + 1 == argc) {
    a->job = argv[optind];
    return 0;
  }
  *exit_status = cli_usage(&cli_run, optind == argc ? "which job file?" : "one job file at a time");
  return 1;
}

static rs_status choose_results(run_arguments *a, const rs_job *job) {
  if (a->results != NULL) return RS_OK; /* named, or chosen already */
  rs_str path = {0};
  rs_str_addf(&path, "results/%s", rs_job_name(job));
  if (a->share.count > 0) rs_str_addf(&path, ".share-%d-of-%d", a->share.index, a->share.count);
  rs_str_add(&path, ".h5");
  a->results = a->default_results = path.text;
  return rs_str_status(&path);
}

static char *join_arguments(int argc, char **argv) {
  rs_str line = {0};
  rs_str_add(&line, "ranksweep");
  for (int i = 0; i < argc; i++) cli_add_argument(&line, argv[i]);
  if (line.text != NULL) rs_utf8_repair(line.text);
  return line.text;
}

/* ---- the coordinator's side ----------------------------------------------------------------- */

static volatile sig_atomic_t stop_signal, interrupts;

static void on_signal(int signal) {
  stop_signal = signal;
  if (signal == SIGINT && ++interrupts > 1) _exit(EXIT_INTERRUPTED); /* ^C twice: at once */
}

typedef struct session {
  display screen;
  deadline stop_at;
  char reason[64];
} session;

/* Seconds since the epoch. */
static double now_utc(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static const char *stop_asked(void *user) {
  session *s = user;
  if (stop_signal > 0)
    snprintf(s->reason, sizeof s->reason, "got signal %d (%s)", (int)stop_signal,
             strsignal(stop_signal));
  else if (s->stop_at > 0 && now_utc() >= s->stop_at)
    snprintf(s->reason, sizeof s->reason, "the deadline is near");
  return s->reason[0] != '\0' ? s->reason : NULL;
}

static double time_left(void *user) {
  const session *s = user;
  return s->stop_at > 0 ? s->stop_at - now_utc() : INFINITY;
}

static void show(void *user, const rs_run_view *view) {
  display_show(&((session *)user)->screen, view);
}

static void watch_signals(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGUSR1, &action, NULL);
}

static int print_summary(const run_arguments *a, const rs_run_summary *s) {
  char took[32];
  print_seconds(took, sizeof took, s->seconds);
  fprintf(stderr, "%zu of %zu trials done", s->done, s->trials);
  if (s->failed > 0) fprintf(stderr, ", %zu failed", s->failed);
  fprintf(stderr, " in %s; %zu stages run, %zu reused; results: %s\n", took, s->stages_run,
          s->stages_reused, a->results);
  double kept = s->record_seconds + s->checkpoint_seconds;
  if (s->stages_run > 0)
    fprintf(stderr, "journal and snapshots took %.2f s, checkpoints %.2f s: %.1f %% of the time\n",
            s->record_seconds, s->checkpoint_seconds, 100 * kept / s->seconds);
  if (s->group_seconds > 0)
    fprintf(stderr, "groups spent %.1f %% of their time on sums over their ranks alone\n",
            100 * s->wait_seconds / s->group_seconds);
  if (s->stopped) {
    fprintf(stderr, "stopped early: the same command continues\n");
    return EXIT_INTERRUPTED;
  }
  return s->failed > 0 ? EXIT_TRIALS_FAILED : EXIT_DONE;
}

/* What a start tells of itself beside the job. */
typedef struct start_facts {
  char *command_line;
  rs_str environment, fingerprint;
} start_facts;

static rs_status gather_facts(const rs_job *job, int argc, char **argv, start_facts *f) {
  const rs_experiment *kind = rs_experiment_find(rs_job_schema(job)->experiment);
  f->command_line = join_arguments(argc, argv);
  RS_TRY(environment_describe(&f->environment));
  return kind->fingerprint != NULL ? kind->fingerprint(rs_job_base(job), &f->fingerprint) : RS_OK;
}

static void free_facts(start_facts *f) {
  free(f->command_line);
  rs_str_free(&f->environment);
  rs_str_free(&f->fingerprint);
}

static int coordinate(run_arguments *a, const rs_job *job, rs_transport *t,
                      const start_facts *facts) {
  session s = {.stop_at = a->stop_at};
  rs_run_summary summary;
  display_open(&s.screen, world_terminal());
  rs_coordinate_options options = {
      .job = job,
      .kind = rs_experiment_find(rs_job_schema(job)->experiment),
      .results = a->results,
      .share = a->share,
      .overrides = a->overrides,
      .n_overrides = a->n_overrides,
      .fresh = a->fresh,
      .retry_failed = a->retry_failed,
      .threads = (int)rs_settings_int(rs_job_base(job), "resources.threads_per_rank"),
      .command_line = facts->command_line,
      .environment = facts->environment.text,
      .fingerprint = facts->fingerprint.text,
      .log = &s.screen.log,
      .show = show,
      .stop = stop_asked,
      .time_left = time_left,
      .user = &s,
  };
  rs_status status = rs_coordinate(&options, t, &summary);
  display_close(&s.screen);
  if (status == RS_OK) return print_summary(a, &summary);
  /* Results that cannot be written at all are a mistake of the call, not a failed trial. */
  return cli_fail(status == RS_ERR_IO && summary.stages_run == 0 ? RS_ERR_USAGE : status);
}

static void warn(void *user, rs_log_level level, const char *line) {
  (void)user;
  (void)level;
  fprintf(stderr, "warning: %s\n", line);
}

/* Before anything starts or is written. Ranks that we launched ourselves need not look again. */
static rs_status verify_data(const rs_job *job) {
  const rs_experiment *kind = rs_experiment_find(rs_job_schema(job)->experiment);
  const rs_log log = {.write = warn, .threshold = RS_LOG_WARN};
  return kind->verify != NULL ? kind->verify(rs_job_base(job), &log) : RS_OK;
}

static int load_and_coordinate(run_arguments *a, rs_transport *t, int argc, char **argv) {
  rs_job *job;
  start_facts facts = {0};
  rs_status status =
      rs_job_load(a->job, a->overrides, a->n_overrides, rs_experiment_schemas(), &job);
  if (status == RS_OK && !world_supervised()) status = verify_data(job);
  if (status == RS_OK) status = choose_results(a, job);
  if (status == RS_OK) status = gather_facts(job, argc, argv, &facts);
  int exit_status = status == RS_OK ? coordinate(a, job, t, &facts) : cli_fail(status);
  if (status != RS_OK) rs_dismiss(t);
  rs_job_destroy(job);
  free_facts(&facts);
  return exit_status;
}

/* ---- the three ways to run ------------------------------------------------------------------ */

static int run_alone(run_arguments *a, int argc, char **argv) {
  rs_transport *t;
  watch_signals();
  if (slurm_present()) world_bind(0, 1, true, NULL);
  rs_status status = rs_transport_create_local(&t);
  if (status != RS_OK) return cli_fail(status);
  int exit_status = load_and_coordinate(a, t, argc, argv);
  rs_transport_destroy(t);
  return exit_status;
}

static int work(rs_transport *t, rs_comm *node) {
  session s = {0};
  if (rs_work(t, node, stop_asked, &s) == RS_OK) return EXIT_DONE;
  fprintf(stderr, "ranksweep: worker rank %d: %s\n", rs_transport_rank(t), rs_error_message());
  rs_comm_abort(EXIT_TRIALS_FAILED);
  return EXIT_TRIALS_FAILED;
}

static rs_status bind_workers(int rank) {
  display screen;
  int index, count;
  bool alike;
  display_open(&screen, 0);
  bool unbound = world_unbind();
  RS_TRY(rs_comm_place(world_core_mask(), &index, &count, &alike));
  if (unbound && rank == 1)
    rs_logf(&screen.log, RS_LOG_INFO,
            "mpirun bound its ranks without being told to, which stacks threads; ranksweep spreads "
            "them over the cores instead (mpirun --bind-to keeps a binding)");
  if (rank > 0) world_bind(index, count, alike, index == 0 ? &screen.log : NULL);
  return RS_OK;
}

static int take_part(run_arguments *a, int argc, char **argv) {
  int rank, size, exit_status;
  rs_transport *t;
  rs_comm *node = NULL;
  watch_signals(); /* before MPI starts: a stop in the first moments is one as well */
  rs_status status = rs_comm_start(&argc, &argv, &rank, &size);
  if (status != RS_OK) return cli_fail(status);
  status = world_check(size);
  if (status == RS_OK && size == 1) {
    exit_status = run_alone(a, argc, argv);
  } else if (status == RS_OK && (status = bind_workers(rank)) == RS_OK &&
             (status = rs_comm_create_node(&node)) == RS_OK &&
             (status = rs_transport_create_mpi(&t)) == RS_OK) {
    exit_status = rank == 0 ? load_and_coordinate(a, t, argc, argv) : work(t, node);
    rs_transport_destroy(t);
    rs_comm_destroy(node);
  } else {
    exit_status = cli_fail(status);
  }
  rs_comm_finish();
  return exit_status;
}

/* Checks all that can be checked before anything is started. */
static rs_status prepare(run_arguments *a) {
  rs_job *job;
  RS_TRY(rs_job_load(a->job, a->overrides, a->n_overrides, rs_experiment_schemas(), &job));
  rs_status status = verify_data(job);
  if (status == RS_OK && a->ranks == 0) status = size_choose_ranks(job, a->share, &a->ranks);
  if (status == RS_OK) status = choose_results(a, job);
  const rs_settings *base = rs_job_base(job);
  a->stall_seconds = (double)rs_settings_int(base, "resources.stall_seconds");
  a->no_kill = rs_settings_bool(base, "slurm.no_kill");
  bool srun = slurm_present() && strcmp(rs_settings_text(base, "slurm.launcher"), "srun") == 0;
  a->launcher = srun ? LAUNCHER_SRUN : LAUNCHER_MPIRUN;
  rs_job_destroy(job);
  return status;
}

/* A stop that comes while the data is looked at is one as well. */
static int start(run_arguments *a, int argc, char **argv) {
  rs_status status = world_check(1);
  if (status == RS_OK) status = prepare(a);
  if (status != RS_OK) return cli_fail(status);
  if (launch_stop_asked()) return EXIT_INTERRUPTED;
  if (a->ranks == 1 && a->max_restarts == 0) return run_alone(a, argc, argv);
  const supervise_options options = {a->results, a->max_restarts, a->stall_seconds, a->no_kill};
  return supervise(a->launcher, a->ranks, argc, argv, &options);
}

static int run(int argc, char **argv) {
  run_arguments a;
  int exit_status;
  if (parse(argc, argv, &a, &exit_status) != 0) return exit_status;
  if (getenv(WORLD_RESTART_VARIABLE) != NULL) a.fresh = a.retry_failed = false;
  bool asks = getenv(DEADLINE_VARIABLE) == NULL && world_may_coordinate();
  if (!world_launched() && !world_supervised()) launch_watch_signals();
  deadline slurm_end = asks ? slurm_end_time() : 0;
  if (isnan(slurm_end)) {
    fprintf(stderr, "warning: SLURM does not tell when this job ends: it is stopped by SLURM's "
                    "signal alone, or by --deadline\n");
    slurm_end = 0;
  }
  rs_status status = deadline_choose(a.deadline, slurm_end, now_utc(), &a.stop_at);
  if (status != RS_OK) return cli_fail(status);
  deadline_hand_on(a.stop_at);
  if (world_launched())
    exit_status = take_part(&a, argc, argv);
  else
    exit_status = world_supervised() ? run_alone(&a, argc, argv) : start(&a, argc, argv);
  free(a.default_results);
  return exit_status;
}

const cli_command cli_run = {
    .name = "run",
    .usage = "run JOB.yaml [-o RESULTS.h5] [-n RANKS] [--set KEY=VALUE]... [--share I/N] [--fresh] "
             "[--retry-failed] [--max-restarts N] [--deadline T]",
    .summary = "Run a job, or continue it.",
    .run = run,
};
