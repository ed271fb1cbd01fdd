/* ranksweep speaker: a trained model of speaker-verification put to use. */
#include "trained/trained.h"

#include "ranksweep/data.h"
#include "ranksweep/exp.h"
#include "ranksweep/num.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "  --model RESULTS.h5[:TRIAL]\n"
    "                      results of a job of the experiment speaker-verification; without a "
    "TRIAL\n"
    "                      the only one that has a model, or the best by the job's first "
    "objective\n"
    "  A B                 two recordings (WAV, FLAC or Ogg), or FILE,FILE,... for several of one\n"
    "                      side: prints the score, from 0 to 1, and whether they are taken to be "
    "of\n"
    "                      one speaker\n"
    "  --enroll NAME=FILE[,FILE]...\n"
    "                      recordings of a speaker; may be given for several\n"
    "  --identify FILE[,FILE]...\n"
    "                      prints the enrolled speakers, the most likely one first\n"
    "  --threshold X       score from which on they are one speaker (default: where the trial's "
    "test\n"
    "                      had equal error rates)\n\n"
    "Recordings of one side are joined. Exit status: 0, or 2 on bad usage or a bad file.\n";

enum { MOST_ENROLLED = 1000 };

typedef struct speaker_arguments {
  const char *model, *identify, *a, *b;
  const char *enrolled[MOST_ENROLLED]; /* "name=file,file" */
  size_t n_enrolled;
  double threshold; /* NaN: the model's */
} speaker_arguments;

/* ---- arguments ---------------------------------------------------------------------------- */

static int check_arguments(speaker_arguments *a, int count, char **operands) {
  if (a->model == NULL) return cli_usage(&cli_speaker, "which model? Say --model RESULTS.h5");
  if (a->identify != NULL || a->n_enrolled > 0) {
    if (count > 0) return cli_usage(&cli_speaker, "unexpected argument %s", operands[0]);
    if (a->identify == NULL) return cli_usage(&cli_speaker, "whom to --identify?");
    if (a->n_enrolled == 0) return cli_usage(&cli_speaker, "who is there? Say --enroll NAME=FILE");
    return EXIT_DONE;
  }
  if (count != 2) return cli_usage(&cli_speaker, "expected two recordings, got %d", count);
  a->a = operands[0];
  a->b = operands[1];
  return EXIT_DONE;
}

static int take_threshold(speaker_arguments *a, const char *text) {
  char *end;
  a->threshold = strtod(text, &end);
  if (end != text && *end == '\0' && isfinite(a->threshold)) return EXIT_DONE;
  return cli_usage(&cli_speaker, "--threshold %s: expected a number", text);
}

static int take_enrolled(speaker_arguments *a, const char *text) {
  const char *equals = strchr(text, '=');
  if (equals == NULL || equals == text || equals[1] == '\0')
    return cli_usage(&cli_speaker, "--enroll %s: expected NAME=FILE", text);
  if (a->n_enrolled == MOST_ENROLLED)
    return cli_usage(&cli_speaker, "expected at most %d speakers", MOST_ENROLLED);
  a->enrolled[a->n_enrolled++] = text;
  return EXIT_DONE;
}

/* EXIT_DONE: go on, unless *HELPED. */
static int parse(int argc, char **argv, speaker_arguments *a, bool *helped) {
  enum { OPT_MODEL = CLI_LONG, OPT_ENROLL, OPT_IDENTIFY, OPT_THRESHOLD };
  static const struct option options[] = {{"model", required_argument, NULL, OPT_MODEL},
                                          {"enroll", required_argument, NULL, OPT_ENROLL},
                                          {"identify", required_argument, NULL, OPT_IDENTIFY},
                                          {"threshold", required_argument, NULL, OPT_THRESHOLD},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
  int status = EXIT_DONE;
  *a = (speaker_arguments){.threshold = NAN};
  *helped = false;
  opterr = 0;
  for (int c; status == EXIT_DONE && (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
    switch (c) {
    case OPT_MODEL: a->model = optarg; break;
    case OPT_ENROLL: status = take_enrolled(a, optarg); break;
    case OPT_IDENTIFY: a->identify = optarg; break;
    case OPT_THRESHOLD: status = take_threshold(a, optarg); break;
    case 'h': *helped = true; return cli_help(&cli_speaker, help);
    default: return cli_bad_option(&cli_speaker, argc, argv, c);
    }
  }
  return status == EXIT_DONE ? check_arguments(a, argc - optind, argv + optind) : status;
}

/* ---- sides -------------------------------------------------------------------------------- */

typedef struct scorer {
  trained model;
  rs_verifier *verifier;
  double threshold;
  bool shorter; /* a side has fewer recordings than those that the threshold was found with */
} scorer;

/* Recordings of a side in the test that the trial's threshold comes from. */
static int tested_clips(const scorer *s) {
  int clips = (int)rs_settings_int(s->model.settings, "evaluate.clips"); /* 0: as in training */
  return clips > 0 ? clips : (int)rs_settings_int(s->model.settings, "data.clips");
}

static rs_status add_file(scorer *s, const char *path) {
  const rs_audio_spec how = {.rate =
                                 (unsigned)rs_settings_int(s->model.settings, "data.sample_rate")};
  rs_audio audio;
  RS_TRY(rs_audio_read(path, &how, &audio));
  rs_status status = rs_verifier_add(s->verifier, audio.frames, audio.samples);
  rs_audio_free(&audio);
  return rs_error_context(status, "%s", path);
}

/* FILES are separated by commas. */
static rs_status embed(scorer *s, const char *files, float *out) {
  char *copy, *rest;
  RS_TRY(rs_strdup(&copy, files));
  rs_status status = RS_OK;
  int count = 0;
  for (char *path = strtok_r(copy, ",", &rest); status == RS_OK && path != NULL;
       path = strtok_r(NULL, ",", &rest), count++)
    status = add_file(s, path);
  free(copy);
  if (status == RS_OK && count == 0)
    status = rs_fail(RS_ERR_USAGE, "expected a recording, got `%s`", files);
  s->shorter = s->shorter || count < tested_clips(s);
  if (status == RS_OK) status = rs_error_context(rs_verifier_embed(s->verifier, out), "%s", files);
  return status;
}

/* ---- two recordings ----------------------------------------------------------------------- */

static rs_status compare(scorer *s, const speaker_arguments *a) {
  size_t width = rs_verifier_width(s->verifier);
  float *sides;
  RS_TRY(rs_new(&sides, 2 * width, sizeof *sides));
  rs_status status = embed(s, a->a, sides);
  if (status == RS_OK) status = embed(s, a->b, sides + width);
  if (status == RS_OK) {
    double score = rs_verifier_score(s->verifier, sides, sides + width);
    printf("%.6f\n%s (threshold %.6f)\n", score,
           score >= s->threshold ? "one speaker" : "two speakers", s->threshold);
  }
  free(sides);
  return status;
}

/* ---- one of many -------------------------------------------------------------------------- */

typedef struct candidate {
  const char *text; /* "name=files" */
  double score;
} candidate;

static int likeliest_first(const void *a, const void *b) {
  const candidate *x = a, *y = b;
  if (x->score != y->score) return x->score < y->score ? 1 : -1;
  return strcmp(x->text, y->text);
}

static rs_status score_all(scorer *s, const speaker_arguments *a, float *sides, candidate *list) {
  size_t width = rs_verifier_width(s->verifier);
  RS_TRY(embed(s, a->identify, sides));
  for (size_t i = 0; i < a->n_enrolled; i++) {
    RS_TRY(embed(s, strchr(a->enrolled[i], '=') + 1, sides + width));
    list[i] = (candidate){a->enrolled[i], rs_verifier_score(s->verifier, sides, sides + width)};
  }
  return RS_OK;
}

static rs_status identify(scorer *s, const speaker_arguments *a) {
  float *sides = NULL;
  candidate *list = NULL;
  rs_status status = rs_new(&sides, 2 * rs_verifier_width(s->verifier), sizeof *sides);
  if (status == RS_OK) status = rs_new(&list, a->n_enrolled, sizeof *list);
  if (status == RS_OK) status = score_all(s, a, sides, list);
  if (status == RS_OK) qsort(list, a->n_enrolled, sizeof *list, likeliest_first);
  for (size_t i = 0; status == RS_OK && i < a->n_enrolled; i++)
    printf("%.6f %.*s%s\n", list[i].score, (int)(strchr(list[i].text, '=') - list[i].text),
           list[i].text, list[i].score >= s->threshold ? "" : " (below the threshold)");
  free(sides);
  free(list);
  return status;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static rs_status run_with(scorer *s, const speaker_arguments *a) {
  const double half = 0.5;
  s->threshold = isnan(a->threshold) ? s->model.threshold : a->threshold;
  if (isnan(s->threshold)) s->threshold = half;
  RS_TRY(rs_error_context(rs_verifier_create(s->model.settings, &s->model.model, &s->verifier),
                          "%s", s->model.name));
  RS_TRY(a->identify != NULL ? identify(s, a) : compare(s, a));
  if (s->shorter && isnan(a->threshold))
    fprintf(
        stderr,
        "note: the threshold is that of sides of %d utterances; shorter ones score lower (several "
        "files of a side are joined: FILE,FILE)\n",
        tested_clips(s));
  return cli_flush();
}

static int run(int argc, char **argv) {
  speaker_arguments a;
  scorer s = {0};
  bool helped;
  int exit_status = parse(argc, argv, &a, &helped);
  if (exit_status != EXIT_DONE || helped) return exit_status;
  rs_num_set_threads(1);
  rs_status status = trained_open(a.model, "speaker-verification", &s.model);
  if (status == RS_OK) status = run_with(&s, &a);
  rs_verifier_destroy(s.verifier);
  trained_close(&s.model);
  return status == RS_OK ? EXIT_DONE : cli_fail(status);
}

const cli_command cli_speaker = {
    .name = "speaker",
    .usage = "speaker --model RESULTS.h5[:TRIAL] A[,A2...] B[,B2...] | --enroll "
             "NAME=FILE[,FILE]... --identify FILE",
    .summary = "Tell whether two recordings are of one speaker, or of which enrolled one.",
    .run = run,
};
