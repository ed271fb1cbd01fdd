/* ranksweep denoise: a trained model of speech-denoising put to use. */
#include "trained/denoise_file.h"

#include "launch/world.h"

#include "ranksweep/num.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const char help[] =
    "  --model RESULTS.h5[:TRIAL]\n"
    "                      results of a job of the experiment speech-denoising; without a TRIAL "
    "the\n"
    "                      only one that has a model, or the best by the job's first objective\n"
    "  IN                  a WAV, FLAC or Ogg file; - for stdin\n"
    "  -o OUT.wav          where to write; - for stdout\n"
    "  --mask soft|hard    multiply each frequency with the network's estimate, or keep or drop "
    "it\n"
    "                      (default: the trial's evaluate.mask)\n"
    "  --threads N         OpenMP threads (default 1: they meet at every frame, so that more of "
    "them\n"
    "                      help a wide network on idle cores only)\n\n"
    "Length, sample rate and number of channels stay as they are, and each channel is cleaned on "
    "its\n"
    "own. Files may be of any length: memory does not grow with it. OUT.wav has 16 bits, 24 bits "
    "or\n"
    "floats as IN has them (16 bits for Ogg), and appears whole or not at all. Pipes go through a\n"
    "temporary file in $TMPDIR, /tmp by default, which must have room for all of the audio.\n\n"
    "Exit status: 0, or 1 when the output cannot be written, 2 on bad usage or a bad file, 75 when "
    "a\n"
    "signal stopped it.\n";

/* ---- arguments ---------------------------------------------------------------------------- */

typedef struct denoise_arguments {
  const char *model, *in, *out, *mask;
  const char *threads;
} denoise_arguments;

static int check_arguments(denoise_arguments *a, int count, char **operands) {
  if (count == 0) return cli_usage(&cli_denoise, "which audio file?");
  if (count > 1) return cli_usage(&cli_denoise, "unexpected argument %s", operands[1]);
  if (a->model == NULL) return cli_usage(&cli_denoise, "which model? Say --model RESULTS.h5");
  if (a->out == NULL) return cli_usage(&cli_denoise, "where to? Say -o OUT.wav");
  if (a->mask != NULL && strcmp(a->mask, "soft") != 0 && strcmp(a->mask, "hard") != 0)
    return cli_usage(&cli_denoise, "--mask %s: expected soft or hard", a->mask);
  a->in = operands[0];
  return EXIT_DONE;
}

/* EXIT_DONE: go on, unless *HELPED. */
static int parse(int argc, char **argv, denoise_arguments *a, bool *helped) {
  enum { OPT_MODEL = CLI_LONG, OPT_MASK, OPT_THREADS };
  static const struct option options[] = {{"model", required_argument, NULL, OPT_MODEL},
                                          {"mask", required_argument, NULL, OPT_MASK},
                                          {"threads", required_argument, NULL, OPT_THREADS},
                                          {"output", required_argument, NULL, 'o'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
  *a = (denoise_arguments){.threads = "1"};
  *helped = false;
  opterr = 0;
  for (int c; (c = getopt_long(argc, argv, ":o:h", options, NULL)) != -1;) {
    switch (c) {
    case OPT_MODEL: a->model = optarg; break;
    case OPT_MASK: a->mask = optarg; break;
    case OPT_THREADS: a->threads = optarg; break;
    case 'o': a->out = optarg; break;
    case 'h': *helped = true; return cli_help(&cli_denoise, help);
    default: return cli_bad_option(&cli_denoise, argc, argv, c);
    }
  }
  return check_arguments(a, argc - optind, argv + optind);
}

static rs_status set_threads(const char *text) {
  enum { MOST = 1024 };
  char *end;
  long n = strtol(text, &end, 10);
  if (end == text || *end != '\0' || n < 1 || n > MOST)
    return rs_fail(RS_ERR_USAGE, "--threads %s: expected 1 to %d", text, MOST);
  rs_num_set_threads((int)n);
  return RS_OK;
}

/* ---- output ------------------------------------------------------------------------------- */

static bool is_same_file(const char *in, const struct stat *out) {
  struct stat info;
  int failed = strcmp(in, "-") == 0 ? fstat(STDIN_FILENO, &info) : stat(in, &info);
  return failed == 0 && info.st_dev == out->st_dev && info.st_ino == out->st_ino;
}

static rs_status check_directory(const char *path) {
  struct stat info;
  char *directory;
  RS_TRY(rs_path_directory(path, &directory));
  rs_status status = RS_OK;
  if (stat(directory, &info) != 0 || !S_ISDIR(info.st_mode))
    status = rs_fail(RS_ERR_USAGE, "%s: there is no directory %s", path, directory);
  free(directory);
  return status;
}

/* What can be known to be wrong before the work begins. */
static rs_status check_output(const char *in, const char *out) {
  struct stat info;
  if (strcmp(out, "-") == 0) {
    if (isatty(STDOUT_FILENO))
      return rs_fail(RS_ERR_USAGE, "stdout: expected a file or a pipe, found a terminal");
    return RS_OK;
  }
  const char *dot = strrchr(out, '.');
  if (dot == NULL || strcasecmp(dot, ".wav") != 0)
    return rs_fail(RS_ERR_USAGE, "%s: expected a name that ends in .wav, which is what is written",
                   out);
  RS_TRY(check_directory(out));
  if (stat(out, &info) != 0) return RS_OK;
  if (!S_ISREG(info.st_mode))
    return rs_fail(RS_ERR_USAGE, "%s: expected a regular file or none, found something else", out);
  if (is_same_file(in, &info))
    return rs_fail(RS_ERR_USAGE, "%s: expected another file than the input, found the same", out);
  return RS_OK;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static rs_status denoise_with(const denoise_arguments *a, const trained *model) {
  const char *mask = a->mask != NULL ? a->mask : rs_settings_text(model->settings, "evaluate.mask");
  const denoise_options options = {.in = a->in, .out = a->out, .hard = strcmp(mask, "hard") == 0};
  denoise_report report;
  display d;
  char took[32];
  display_open(&d, world_terminal());
  rs_status status = denoise_file(&options, model, &d, &report);
  display_close(&d);
  if (status != RS_OK) return status;
  print_seconds(took, sizeof took, report.seconds);
  fprintf(stderr, "%s: %.2f s of audio in %s, %.0f times real time\n", model->name, report.audio,
          took, report.audio / report.seconds);
  return RS_OK;
}

static rs_status denoise(const denoise_arguments *a) {
  trained model;
  RS_TRY(set_threads(a->threads));
  RS_TRY(check_output(a->in, a->out));
  RS_TRY(trained_open(a->model, "speech-denoising", &model));
  rs_status status = denoise_with(a, &model);
  trained_close(&model);
  return status;
}

static int run(int argc, char **argv) {
  denoise_arguments a;
  bool helped;
  int exit_status = parse(argc, argv, &a, &helped);
  if (exit_status != EXIT_DONE || helped) return exit_status;
  signal(SIGPIPE, SIG_IGN);
  rs_status status = denoise(&a);
  return status == RS_OK ? EXIT_DONE : cli_fail(status);
}

const cli_command cli_denoise = {
    .name = "denoise",
    .usage = "denoise --model RESULTS.h5[:TRIAL] IN -o OUT.wav [--mask soft|hard] [--threads N]",
    .summary = "Clean a recording with a trained model of speech-denoising.",
    .run = run,
};
