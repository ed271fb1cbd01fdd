/* How a run stands, for people and for programs. */
#include "show/show.h"
#include "status.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

/* A live run makes a snapshot every 10 seconds, unless a step takes longer than that. One that is
 * started again after a crash has no writer for a few. */
static const double STALE_SECONDS = 60, RESTART_SECONDS = 5;

static bool is_running(const rs_results *r) {
  return strcmp(r->state, "running") == 0;
}

/* ---- numbers ------------------------------------------------------------------------------ */

double status_age(const rs_results *r) {
  struct tm when = {0};
  const char *end = strptime(r->updated, "%Y-%m-%dT%H:%M:%SZ", &when);
  if (end == NULL || *end != '\0') return NAN;
  double age = difftime(time(NULL), timegm(&when));
  return age > 0 ? age : 0;
}

bool status_is_deserted(const status_view *v) {
  bool gone = !v->writer.present || v->writer.lives == 0;
  return is_running(v->r) && gone && status_age(v->r) > RESTART_SECONDS;
}

static size_t count_state(const rs_table *t, const char *state) {
  size_t n = 0;
  for (size_t i = 0; i < rs_table_rows(t); i++) n += strcmp(show_text(t, i, "state"), state) == 0;
  return n;
}

static int64_t all_trials(const rs_results *r) {
  int64_t rows = (int64_t)rs_table_rows(r->trials), total = r->standing.trials_total;
  return total > rows ? total : rows;
}

static size_t running_stages(const rs_results *r) {
  return r->running != NULL && is_running(r) ? rs_table_rows(r->running) : 0;
}

/* Seconds that a running stage has left at its present pace. */
static double left_of(const rs_table *running, size_t row) {
  double fraction = show_float(running, row, "fraction");
  if (!(fraction > 0.01)) return NAN;
  return show_float(running, row, "seconds") * (1.0 - fraction) / fraction;
}

static double utilisation(const rs_standing *s) {
  return s->workers > 0 ? (double)(s->workers - s->idle) / (double)s->workers : NAN;
}

/* ---- text --------------------------------------------------------------------------------- */

static void add_counts(rs_str *out, const rs_results *r) {
  size_t failed = count_state(r->trials, "failed");
  rs_str_addf(out, "%zu of %" PRId64 " trials done", count_state(r->trials, "done"), all_trials(r));
  if (failed > 0) rs_str_addf(out, ", %zu failed", failed);
  if (running_stages(r) > 0) rs_str_addf(out, ", %zu stages running", running_stages(r));
}

static void add_pace(rs_str *out, const rs_results *r) {
  char text[32];
  const rs_standing *s = &r->standing;
  print_seconds(text, sizeof text, s->elapsed);
  rs_str_addf(out, "elapsed %s", text);
  if (is_running(r)) {
    print_seconds(text, sizeof text, s->eta);
    rs_str_addf(out, ", ETA %s", text);
  }
  if (isfinite(s->trials_per_hour))
    rs_str_addf(out, ", %.*f trials an hour", s->trials_per_hour < 10, s->trials_per_hour);
  if (is_running(r) && s->workers > 0)
    rs_str_addf(out, ", %" PRId64 " of %" PRId64 " ranks busy (%.0f %%)", s->workers - s->idle,
                s->workers, 100 * utilisation(s));
}

static void add_age(rs_str *out, const status_view *v) {
  char text[32];
  double age = status_age(v->r);
  if (age < 60)
    snprintf(text, sizeof text, "%.0f s", age); /* it is known to the second */
  else
    print_seconds(text, sizeof text, age);
  rs_str_addf(out, "snapshot %s old", text);
  if (status_is_deserted(v)) {
    rs_str_add(out, ": the run ended without a word");
    if (v->writer.present) rs_str_addf(out, " (process %ld on %s)", v->writer.pid, v->writer.host);
    rs_str_add(out, "; the same `ranksweep run` continues it");
  } else if (is_running(v->r) && age > STALE_SECONDS) {
    rs_str_add(out, ": a long step, or the run hangs");
  }
}

static rs_status running_row(text_table *t, const rs_table *running, size_t row) {
  char text[32];
  double fraction = show_float(running, row, "fraction"), loss = show_float(running, row, "loss");
  int64_t epochs = show_int(running, row, "epochs", 0);
  RS_TRY(text_table_cell(t, "%" PRId64, show_int(running, row, "stage", -1)));
  RS_TRY(show_put_text(t, show_text(running, row, "kind")));
  RS_TRY(text_table_cell(t, "%" PRId64, show_int(running, row, "root", 0)));
  RS_TRY(text_table_cell(t, "%" PRId64, show_int(running, row, "mpi_ranks", 0)));
  RS_TRY(isfinite(fraction) ? text_table_cell(t, "%.0f %%", 100 * fraction)
                            : text_table_cell(t, "-"));
  RS_TRY(epochs > 0 ? text_table_cell(t, "%" PRId64 "/%" PRId64, show_int(running, row, "epoch", 0),
                                      epochs)
                    : text_table_cell(t, "-"));
  RS_TRY(isfinite(loss) ? text_table_cell(t, "%.4g", loss) : text_table_cell(t, "-"));
  print_seconds(text, sizeof text, show_float(running, row, "seconds"));
  RS_TRY(text_table_cell(t, "%s", text));
  print_seconds(text, sizeof text, left_of(running, row));
  return text_table_cell(t, "%s", text);
}

static rs_status print_running(const rs_results *r) {
  static const char *const heads[] = {"stage", "kind", "root",    "ranks", "progress",
                                      "epoch", "loss", "running", "ETA"};
  text_table *t;
  if (running_stages(r) == 0) return RS_OK;
  RS_TRY(text_table_create(RS_COUNT(heads), &t));
  rs_status status = RS_OK;
  for (size_t i = 0; status == RS_OK && i < RS_COUNT(heads); i++) {
    if (i != 1) text_table_right(t, i);
    status = text_table_cell(t, "%s", heads[i]);
  }
  for (size_t i = 0; status == RS_OK && i < rs_table_rows(r->running); i++)
    status = running_row(t, r->running, i);
  if (status == RS_OK) putchar('\n');
  if (status == RS_OK) text_table_print(t, stdout);
  text_table_destroy(t);
  return status;
}

static rs_status print_parts(const status_view *v, const char *between) {
  const rs_results *r = v->r;
  rs_str text = {0};
  show_add_text(&text, r->job_name);
  rs_str_add(&text, " (");
  show_add_text(&text, r->experiment);
  rs_str_add(&text, "), ");
  show_add_share(&text, r);
  show_add_text(&text, r->state);
  rs_str_add(&text, ": ");
  add_counts(&text, r);
  rs_str_add(&text, between);
  add_pace(&text, r);
  rs_str_add(&text, between);
  add_age(&text, v);
  rs_status status = rs_str_status(&text);
  if (status == RS_OK) puts(text.text);
  rs_str_free(&text);
  return status;
}

rs_status status_print_text(const status_view *v) {
  RS_TRY(print_parts(v, "\n"));
  return print_running(v->r);
}

rs_status status_print_line(const status_view *v) {
  return print_parts(v, "; ");
}

/* ---- JSON --------------------------------------------------------------------------------- */

static json_t *number(double value) {
  return isfinite(value) ? json_real(value) : json_null();
}

static json_t *text(const char *value) {
  json_t *string = json_string(value);
  return string != NULL ? string : json_null(); /* not UTF-8 */
}

static json_t *states(const rs_table *t) {
  static const char *const words[] = {"pending", "running", "done", "failed", "stopped", "pruned"};
  json_t *counts = json_object();
  for (size_t i = 0; i < RS_COUNT(words); i++)
    json_object_set_new(counts, words[i], json_integer((json_int_t)count_state(t, words[i])));
  return counts;
}

static json_t *running_object(const rs_table *t, size_t row) {
  json_t *o = json_object();
  static const char *const whole[] = {"stage", "root", "mpi_ranks", "epoch", "epochs"};
  static const char *const real[] = {"fraction", "loss", "seconds"};
  for (size_t i = 0; i < RS_COUNT(whole); i++)
    json_object_set_new(o, whole[i], json_integer(show_int(t, row, whole[i], 0)));
  for (size_t i = 0; i < RS_COUNT(real); i++)
    json_object_set_new(o, real[i], number(show_float(t, row, real[i])));
  json_object_set_new(o, "kind", text(show_text(t, row, "kind")));
  json_object_set_new(o, "eta", number(left_of(t, row)));
  return o;
}

static json_t *status_object(const status_view *v) {
  const rs_results *r = v->r;
  const rs_standing *s = &r->standing;
  json_t *o = json_object(), *running = json_array(), *trials = states(r->trials);
  for (size_t i = 0; i < running_stages(r); i++)
    json_array_append_new(running, running_object(r->running, i));
  json_object_set_new(trials, "total", json_integer(all_trials(r)));
  json_object_set_new(o, "job_name", text(r->job_name));
  json_object_set_new(o, "experiment", text(r->experiment));
  json_object_set_new(o, "state", text(r->state));
  json_object_set_new(o, "share", r->share != NULL ? text(r->share) : json_null());
  json_object_set_new(o, "updated", text(r->updated));
  json_object_set_new(o, "alive", json_boolean(is_running(r) && !status_is_deserted(v)));
  json_object_set_new(o, "age", number(status_age(r)));
  json_object_set_new(o, "trials", trials);
  json_object_set_new(o, "stages", states(r->stages));
  json_object_set_new(o, "elapsed", number(s->elapsed));
  json_object_set_new(o, "eta", number(s->eta));
  json_object_set_new(o, "trials_per_hour", number(s->trials_per_hour));
  json_object_set_new(o, "workers", json_integer(s->workers));
  json_object_set_new(o, "idle", json_integer(s->idle));
  json_object_set_new(o, "utilisation", number(utilisation(s)));
  json_object_set_new(o, "running", running);
  return o;
}

rs_status status_print_json(const status_view *v, bool compact) {
  json_t *o = status_object(v);
  int result = json_dumpf(o, stdout, compact ? JSON_COMPACT : JSON_INDENT(1));
  json_decref(o);
  putchar('\n');
  return result == 0 ? RS_OK : rs_fail(RS_ERR_IO, "cannot write to stdout");
}
