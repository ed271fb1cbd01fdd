/* ranksweep verify: is everything there, undamaged, and of one mind? */
#include "verify/verify.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "  RESULTS.h5          a results file, its journal and checkpoints beside it; or a packed "
    "file\n"
    "  --json              faults and counts as a JSON object\n\n"
    "Checks the tables against each other and against the journal, every record of the journal "
    "and\n"
    "every artifact and every tensor of every model and checkpoint against its checksum. One line\n"
    "a fault: file, place, what is wrong. While a run is under way the journal may be ahead of "
    "the\n"
    "results file.\n"
    "Exit status: 0 all is well, 2 there are faults, 1 the output cannot be written.\n";

typedef struct verify_arguments {
  const char *path;
  bool json;
} verify_arguments;

/* EXIT_DONE: go on, unless *HELPED. */
static int parse(int argc, char **argv, verify_arguments *a, bool *helped) {
  static const struct option options[] = {
      {"json", no_argument, NULL, CLI_LONG}, {"help", no_argument, NULL, 'h'}, {0}};
  *a = (verify_arguments){0};
  *helped = false;
  opterr = 0;
  for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
    switch (c) {
    case CLI_LONG: a->json = true; break;
    case 'h': *helped = true; return cli_help(&cli_verify, help);
    default: return cli_bad_option(&cli_verify, argc, argv, c);
    }
  }
  if (optind == argc) return cli_usage(&cli_verify, "which results file?");
  if (optind + 1 < argc) return cli_usage(&cli_verify, "unexpected argument %s", argv[optind + 1]);
  a->path = argv[optind];
  return EXIT_DONE;
}

/* ---- faults ------------------------------------------------------------------------------- */

/* A text that is not UTF-8 cannot be kept as it is. */
static json_t *text(const char *value) {
  json_t *string = json_string(value);
  return string != NULL ? string : json_string("(not UTF-8)");
}

void verify_fault(verification *v, const char *file, const char *place, const char *format, ...) {
  char message[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  json_array_append_new(v->faults, json_pack("{s:o, s:o, s:o}", "file", text(file), "place",
                                             text(place), "message", text(message)));
}

void verify_failure(verification *v, const char *file) {
  const char *message = rs_error_message();
  size_t n = strlen(file);
  if (strncmp(message, file, n) == 0 && message[n] == ':') message += n + 1;
  verify_fault(v, file, "", "%s", message + strspn(message, " "));
}

/* ---- checking ----------------------------------------------------------------------------- */

static rs_status check_all(verification *v) {
  verify_stages *stages;
  json_t *notes = NULL;
  RS_TRY(verify_stages_create(v->r.stages, &stages));
  rs_status status = verify_tables(v, stages);
  if (status == RS_OK && !v->r.packed) notes = verify_journal(v);
  if (status == RS_OK) status = verify_files(v, stages, notes);
  if (status == RS_OK) verify_artifacts(v, stages, notes);
  json_decref(notes);
  verify_stages_destroy(stages);
  return status;
}

static rs_status check(verification *v) {
  RS_TRY(rs_results_beside(v->path, ".journal", &v->journal));
  RS_TRY(rs_results_beside(v->path, ".ckpt", &v->directory));
  if (rs_results_read(v->path, &v->r) == RS_OK) return check_all(v);
  verify_failure(v, v->path);
  return RS_OK;
}

/* ---- printing ----------------------------------------------------------------------------- */

static void print_faults(const verification *v) {
  size_t i;
  json_t *fault;
  json_array_foreach(v->faults, i, fault) {
    const char *file = json_string_value(json_object_get(fault, "file"));
    const char *place = json_string_value(json_object_get(fault, "place"));
    printf("%s: %s%s%s\n", file, place, place[0] != '\0' ? ": " : "",
           json_string_value(json_object_get(fault, "message")));
  }
  printf("%zu fault%s\n", json_array_size(v->faults), json_array_size(v->faults) == 1 ? "" : "s");
}

static void print_summary(const verification *v) {
  char bytes[32];
  const struct verify_counts *n = &v->checked;
  print_bytes(bytes, sizeof bytes, n->bytes);
  printf("%s (%s%s): all is well\n", v->path, v->r.state, v->r.packed ? ", packed" : "");
  printf("  %zu trials, %zu stages, %zu rows of metrics agree with each other\n",
         rs_table_rows(v->r.trials), rs_table_rows(v->r.stages), rs_table_rows(v->r.metrics));
  if (!v->r.packed) printf("  %zu records of the journal agree with them\n", n->records);
  if (n->torn > 0)
    printf("  %zu bytes at the journal's end are a record cut short, which the next run drops\n",
           n->torn);
  printf("  %zu models, %zu checkpoints, %zu plotted vectors: %zu tensors, %s, have the right "
         "checksums\n",
         n->models, n->checkpoints, n->vectors, n->tensors, bytes);
  if (n->artifacts > 0)
    printf("  %zu artifacts have the right sizes and checksums\n", n->artifacts);
}

static rs_status print_json(const verification *v) {
  const struct verify_counts *n = &v->checked;
  bool read = v->r.trials != NULL;
  json_t *counts = json_pack(
      "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "trials",
      (json_int_t)(read ? rs_table_rows(v->r.trials) : 0), "stages",
      (json_int_t)(read ? rs_table_rows(v->r.stages) : 0), "metrics",
      (json_int_t)(read ? rs_table_rows(v->r.metrics) : 0), "models", (json_int_t)n->models,
      "checkpoints", (json_int_t)n->checkpoints, "vectors", (json_int_t)n->vectors, "artifacts",
      (json_int_t)n->artifacts, "tensors", (json_int_t)n->tensors, "records",
      (json_int_t)n->records, "torn_bytes", (json_int_t)n->torn, "tensor_bytes", n->bytes);
  json_t *all = json_pack("{s:o, s:b, s:b, s:o, s:O}", "file", text(v->path), "good",
                          json_array_size(v->faults) == 0, "packed", (int)v->r.packed, "checked",
                          counts, "faults", v->faults);
  int result = json_dumpf(all, stdout, JSON_INDENT(1));
  putchar('\n');
  json_decref(all);
  return result == 0 ? RS_OK : rs_fail(RS_ERR_IO, "cannot write to stdout");
}

static rs_status print(const verification *v, bool json) {
  if (json) return print_json(v);
  if (json_array_size(v->faults) > 0)
    print_faults(v);
  else
    print_summary(v);
  return RS_OK;
}

/* ---- command ------------------------------------------------------------------------------ */

static int run(int argc, char **argv) {
  verify_arguments a;
  bool helped;
  signal(SIGPIPE, SIG_IGN);
  int exit_status = parse(argc, argv, &a, &helped);
  if (exit_status != EXIT_DONE || helped) return exit_status;
  verification v = {.path = a.path, .faults = json_array()};
  rs_status status = check(&v);
  if (status == RS_OK) status = print(&v, a.json);
  if (status == RS_OK) status = cli_flush();
  exit_status = json_array_size(v.faults) > 0 ? EXIT_USAGE : EXIT_DONE;
  rs_results_free(&v.r);
  json_decref(v.faults);
  free(v.journal);
  free(v.directory);
  return status == RS_OK ? exit_status : cli_fail(status);
}

const cli_command cli_verify = {
    .name = "verify",
    .usage = "verify RESULTS.h5 [--json]",
    .summary = "Check results, journal and models for damage and contradictions.",
    .run = run,
};
