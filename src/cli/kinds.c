/* ranksweep kinds: every experiment and every setting, from the tables that validate job files. */
#include "cli.h"

#include "ranksweep/exp.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static const char help[] = "  KIND                only this experiment\n"
                           "  --example           a small job file of it\n"
                           "  --json              as JSON\n";

static const char *type_text(rs_type type) {
  switch (type) {
  case RS_BOOL: return "true|false";
  case RS_INT: return "integer";
  case RS_FLOAT: return "number";
  case RS_TEXT: return "text";
  case RS_INTS: return "integers";
  case RS_FLOATS: return "numbers";
  case RS_TEXTS: return "texts";
  }
  return "?";
}

/* "1 to 65536", "adam|sgd", "" */
static void range_text(const rs_setting *s, char *out, size_t size) {
  out[0] = '\0';
  if (s->choices != NULL)
    snprintf(out, size, "%s", s->choices);
  else if (s->min != 0 || s->max != 0)
    snprintf(out, size, "%.10g to %.10g", s->min, s->max);
  if (s->word != NULL) {
    size_t used = strlen(out);
    snprintf(out + used, size - used, "%s%s", used > 0 ? " or " : "", s->word);
  }
}

/* ---- text ----------------------------------------------------------------------------------- */

static rs_status setting_row(text_table *t, const rs_setting *s) {
  char range[160];
  range_text(s, range, sizeof range);
  RS_TRY(text_table_cell(t, "%s", s->path));
  RS_TRY(text_table_cell(t, "%s", type_text(s->type)));
  RS_TRY(text_table_cell(t, "%s", s->initial != NULL ? s->initial : "required"));
  RS_TRY(text_table_cell(t, "%s", range));
  RS_TRY(text_table_cell(t, "%s", s->unit != NULL ? s->unit : ""));
  return text_table_cell(t, "%s", s->help);
}

static rs_status print_settings(const rs_setting *const *tables) {
  static const char *const heads[] = {"setting", "type", "default", "range", "unit", "what it is"};
  text_table *t;
  RS_TRY(text_table_create(RS_COUNT(heads), &t));
  rs_status status = RS_OK;
  for (size_t i = 0; i < RS_COUNT(heads) && status == RS_OK; i++)
    status = text_table_cell(t, "%s", heads[i]);
  for (; *tables != NULL && status == RS_OK; tables++)
    for (const rs_setting *s = *tables; s->path != NULL && status == RS_OK; s++)
      status = setting_row(t, s);
  if (status == RS_OK) text_table_print(t, stdout);
  text_table_destroy(t);
  return status;
}

static void print_metrics(const char *title, const rs_metric *m) {
  if (m == NULL || m->name == NULL) return;
  printf("\n%s:\n", title);
  for (; m->name != NULL; m++)
    printf("  %-16s %s%s%s%s\n", m->name, m->long_name, m->unit != NULL ? " (" : "",
           m->unit != NULL ? m->unit : "", m->unit != NULL ? ")" : "");
}

static rs_status print_kind(const rs_experiment *kind) {
  printf("%s: %s\n\nstages:", kind->schema.experiment, kind->schema.summary);
  for (size_t i = 0; kind->stages[i] != NULL; i++)
    printf("%s %s", i > 0 ? " >" : "", kind->stages[i]->spec.name);
  printf("\n\n");
  RS_TRY(print_settings(kind->schema.settings));
  print_metrics("metrics of a trial", kind->schema.metrics);
  print_metrics("metrics of an epoch", kind->metrics);
  putchar('\n');
  return RS_OK;
}

static rs_status print_all(const rs_experiment *only) {
  for (size_t i = 0; rs_experiments[i] != NULL; i++)
    if (only != NULL ? rs_experiments[i] == only : !rs_experiments[i]->hidden)
      RS_TRY(print_kind(rs_experiments[i]));
  printf("every experiment:\n\n");
  return print_settings((const rs_setting *const[]){rs_job_settings, NULL});
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void add_settings(json_t *into, const rs_setting *s) {
  for (; s->path != NULL; s++) {
    char range[160];
    range_text(s, range, sizeof range);
    json_array_append_new(into, json_pack("{s:s, s:s, s:s?, s:s, s:s?, s:s}", "setting", s->path,
                                          "type", type_text(s->type), "default", s->initial,
                                          "range", range, "unit", s->unit, "help", s->help));
  }
}

static rs_status print_json(const rs_experiment *only) {
  json_t *all = json_array();
  for (size_t i = 0; rs_experiments[i] != NULL; i++) {
    const rs_experiment *kind = rs_experiments[i];
    if (only != NULL ? kind != only : kind->hidden) continue;
    json_t *settings = json_array();
    for (const rs_setting *const *t = kind->schema.settings; *t != NULL; t++)
      add_settings(settings, *t);
    add_settings(settings, rs_job_settings);
    json_array_append_new(all, json_pack("{s:s, s:s, s:o}", "experiment", kind->schema.experiment,
                                         "summary", kind->schema.summary, "settings", settings));
  }
  bool written = json_dumpf(all, stdout, JSON_INDENT(1)) == 0;
  putchar('\n');
  json_decref(all);
  return written ? RS_OK : rs_fail(RS_ERR_IO, "cannot write to stdout");
}

/* ---- command -------------------------------------------------------------------------------- */

static int run(int argc, char **argv) {
  static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                          {"example", no_argument, NULL, 'e'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
  bool json = false, example = false;
  const rs_experiment *only = NULL;
  opterr = 0;
  for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
    if (c == 'h') return cli_help(&cli_kinds, help);
    if (c != 'j' && c != 'e') return cli_usage(&cli_kinds, "unknown option %s", argv[optind - 1]);
    json |= c == 'j';
    example |= c == 'e';
  }
  if (optind < argc && (only = rs_experiment_find(argv[optind])) == NULL)
    return cli_usage(&cli_kinds, "no experiment \"%s\"", argv[optind]);
  if (example && only == NULL) return cli_usage(&cli_kinds, "--example of which experiment?");
  if (example) return fputs(only->example, stdout) < 0 ? EXIT_USAGE : EXIT_DONE;
  rs_status status = json ? print_json(only) : print_all(only);
  return status == RS_OK ? EXIT_DONE : cli_fail(status);
}

const cli_command cli_kinds = {
    .name = "kinds",
    .usage = "kinds [KIND] [--example] [--json]",
    .summary = "Print the experiments and every setting.",
    .run = run,
};
