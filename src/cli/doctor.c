/* ranksweep doctor: is this machine fit to run on? */
#include "doctor/doctor.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static const char help[] =
    "  DIR                 where results would go (default: results if it is there, else .)\n"
    "  --json              one JSON array, an object a check\n\n"
    "One line a check: ok, warning or FAULT, its name, what was found; below a warning or a fault, "
    "how to mend it.\n"
    "Checks that do not apply here are left out. A few seconds; nothing is left behind.\n\n"
    "Exit status: 0 when there is no fault, 1 otherwise, 2 on bad usage.\n";

static const doctor_topic *const topics[] = {&doctor_mpi,    &doctor_cpu,   &doctor_files,
                                             &doctor_memory, &doctor_slurm, &doctor_user};

rs_status doctor_run(const char *const *argv, double seconds, void (*prepare)(void),
                     program_end *end) {
  RS_TRY(program_run(argv, seconds, prepare, end));
  return program_join(end);
}

/* ---- findings ------------------------------------------------------------------------------- */

/* What comes from file names and other programs must not break lines or terminals. */
static void add_words(rs_str *s, const char *format, va_list args) {
  char words[2048];
  vsnprintf(words, sizeof words, format, args);
  for (char *c = words; *c != '\0'; c++)
    if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?';
  rs_utf8_repair(words);
  rs_str_add(s, words);
}

void doctor_note(doctor_finding *f, const char *format, ...) {
  va_list args;
  va_start(args, format);
  if (f->found.len > 0) rs_str_add(&f->found, "; ");
  add_words(&f->found, format, args);
  va_end(args);
}

static void advise(doctor_finding *f, doctor_level level, const char *format, va_list args) {
  if (level > f->level) f->level = level;
  add_words(&f->advice, format, args);
  rs_str_add(&f->advice, "\n");
}

void doctor_warn(doctor_finding *f, const char *format, ...) {
  va_list args;
  va_start(args, format);
  advise(f, DOCTOR_WARNING, format, args);
  va_end(args);
}

void doctor_fault(doctor_finding *f, const char *format, ...) {
  va_list args;
  va_start(args, format);
  advise(f, DOCTOR_FAULT, format, args);
  va_end(args);
}

/* ---- printing ------------------------------------------------------------------------------- */

typedef struct tally {
  size_t checks, levels[DOCTOR_FAULT + 1];
} tally;

static void print_line(const char *name, const doctor_finding *f) {
  static const char *const marks[] = {"ok", "warning", "FAULT"};
  printf("%-8s %-19s %s\n", marks[f->level], name, f->found.text);
  const char *line = f->advice.text;
  for (const char *end; line != NULL && (end = strchr(line, '\n')) != NULL; line = end + 1)
    printf("%30s %.*s\n", "->", (int)(end - line), line);
  fflush(stdout); /* some checks take a second */
}

static json_t *lines_of(const char *text) {
  json_t *lines = json_array();
  for (const char *end; text != NULL && (end = strchr(text, '\n')) != NULL; text = end + 1)
    json_array_append_new(lines, json_stringn(text, (size_t)(end - text)));
  return lines;
}

static json_t *finding_object(const char *topic, const char *name, const doctor_finding *f) {
  static const char *const words[] = {"ok", "warning", "fault"};
  json_t *o = json_object();
  json_object_set_new(o, "topic", json_string(topic));
  json_object_set_new(o, "name", json_string(name));
  json_object_set_new(o, "level", json_string(words[f->level]));
  json_object_set_new(o, "found", json_string(f->found.text));
  json_object_set_new(o, "advice", lines_of(f->advice.text));
  return o;
}

static void print_end(const tally *t) {
  size_t faults = t->levels[DOCTOR_FAULT], warnings = t->levels[DOCTOR_WARNING];
  printf("%zu checks: %zu fault%s, %zu warning%s\n", t->checks, faults, faults == 1 ? "" : "s",
         warnings, warnings == 1 ? "" : "s");
}

static rs_status print_json(json_t *all) {
  int result = json_dumpf(all, stdout, JSON_INDENT(1));
  putchar('\n');
  return result == 0 ? RS_OK : rs_fail(RS_ERR_IO, "cannot write to stdout");
}

/* ---- examination ---------------------------------------------------------------------------- */

/* ALL gets an object; NULL: a line is printed instead. */
static rs_status examine(const doctor_topic *topic, const doctor_check *check,
                         const char *directory, json_t *all, tally *t) {
  doctor_finding f = {0};
  check->look(directory, &f);
  rs_status status = rs_str_status(&f.found);
  if (status == RS_OK) status = rs_str_status(&f.advice);
  if (status == RS_OK && f.found.len > 0) {
    t->checks++;
    t->levels[f.level]++;
    if (all != NULL)
      json_array_append_new(all, finding_object(topic->name, check->name, &f));
    else
      print_line(check->name, &f);
  }
  rs_str_free(&f.found);
  rs_str_free(&f.advice);
  return status;
}

static rs_status examine_all(const char *directory, bool json, tally *t) {
  json_t *all = json ? json_array() : NULL;
  rs_status status = RS_OK;
  for (size_t i = 0; i < RS_COUNT(topics); i++)
    for (size_t j = 0; j < topics[i]->n && status == RS_OK; j++)
      status = examine(topics[i], &topics[i]->checks[j], directory, all, t);
  if (status == RS_OK && json) status = print_json(all);
  if (status == RS_OK && !json) print_end(t);
  json_decref(all);
  return status == RS_OK ? cli_flush() : status;
}

/* ---- command -------------------------------------------------------------------------------- */

typedef struct doctor_arguments {
  const char *directory;
  bool json, ping;
} doctor_arguments;

/* EXIT_DONE: go on, unless *HELPED. --ping is between us and the ranks that we start. */
static int parse(int argc, char **argv, doctor_arguments *a, bool *helped) {
  enum { OPT_JSON = CLI_LONG, OPT_PING };
  static const struct option options[] = {{"json", no_argument, NULL, OPT_JSON},
                                          {"ping", no_argument, NULL, OPT_PING},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
  *a = (doctor_arguments){.directory = rs_file_exists("results") ? "results" : "."};
  *helped = false;
  opterr = 0;
  for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
    switch (c) {
    case OPT_JSON: a->json = true; break;
    case OPT_PING: a->ping = true; break;
    case 'h': *helped = true; return cli_help(&cli_doctor, help);
    default: return cli_bad_option(&cli_doctor, argc, argv, c);
    }
  }
  if (optind + 1 < argc) return cli_usage(&cli_doctor, "unexpected argument %s", argv[optind + 1]);
  if (optind < argc) a->directory = argv[optind];
  if (a->directory[0] == '\0') return cli_usage(&cli_doctor, "the name of the directory is empty");
  return EXIT_DONE;
}

static int run(int argc, char **argv) {
  doctor_arguments a;
  bool helped;
  tally t = {0};
  signal(SIGPIPE, SIG_IGN);
  int exit_status = parse(argc, argv, &a, &helped);
  if (exit_status != EXIT_DONE || helped) return exit_status;
  if (a.ping) return doctor_ping();
  rs_status status = examine_all(a.directory, a.json, &t);
  if (status != RS_OK) return cli_fail(status);
  return t.levels[DOCTOR_FAULT] > 0 ? EXIT_TRIALS_FAILED : EXIT_DONE;
}

const cli_command cli_doctor = {
    .name = "doctor",
    .usage = "doctor [DIR] [--json]",
    .summary = "Look whether this machine is fit to run on.",
    .run = run,
};
