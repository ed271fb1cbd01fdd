/* /plots: what people want to see first, made from the tables. */
#include "nxdata.h"
#include "results_plots.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rs_status plots_failed(const plots *p) {
  return rs_h5_fail(RS_ERR_IO, p->path, "plots");
}

void plots_note(plots *p, const char *name) {
  if (p->shown[0] == '\0') snprintf(p->shown, sizeof p->shown, "%s", name);
}

/* Index of column NAME of T when it has TYPE, else -1: tables need not be the scheduler's. */
static int find_column(const rs_table *t, const char *name, rs_column_type type) {
  int column = rs_table_find(t, name);
  return column >= 0 && rs_table_column(t, (size_t)column)->type == type ? column : -1;
}

/* The numbers of COLUMN in the N rows ROWS. */
static void gather(const rs_table *t, size_t column, const size_t *rows, size_t n, double *out) {
  for (size_t i = 0; i < n; i++) out[i] = rs_table_number(t, rows[i], column);
}

static bool add_column(hid_t plot, const rs_table *t, size_t column, const size_t *rows, size_t n,
                       double *buffer) {
  gather(t, column, rows, n, buffer);
  return rs_nxdata_add(plot, rs_table_column(t, column), buffer, n);
}

/* ---- trials: the first final metric against parameters ------------------------------------ */

/* Columns of settings have dots in their names. */
static int first_final(const rs_table *trials) {
  for (size_t c = 0; c < rs_table_columns(trials); c++) {
    const rs_column *column = rs_table_column(trials, c);
    if (column->type == RS_COLUMN_FLOAT && strchr(column->name, '.') == NULL)
      return strcmp(column->name, "seconds") != 0 ? (int)c : -1;
  }
  return -1;
}

/* A trial's place on the axis. */
typedef struct point {
  int64_t parameters;
  size_t row;
} point;

static int by_parameters(const void *a, const void *b) {
  const point *x = a, *y = b;
  if (x->parameters != y->parameters) return x->parameters < y->parameters ? -1 : 1;
  return (x->row > y->row) - (x->row < y->row);
}

/* Rows of the done trials that have both numbers, fewest parameters first. */
static rs_status choose_trials(const rs_table *trials, size_t final, size_t parameters,
                               size_t **rows, size_t *n) {
  int state = find_column(trials, "state", RS_COLUMN_TEXT);
  point *points;
  *n = 0;
  RS_TRY(rs_new(rows, rs_table_rows(trials), sizeof **rows));
  RS_TRY(rs_new(&points, rs_table_rows(trials), sizeof *points));
  for (size_t i = 0; state >= 0 && i < rs_table_rows(trials); i++) {
    point at = {rs_table_int(trials, i, parameters), i};
    bool done = strcmp(rs_table_text(trials, i, (size_t)state), "done") == 0;
    if (done && at.parameters > 0 && isfinite(rs_table_float(trials, i, final)))
      points[(*n)++] = at;
  }
  qsort(points, *n, sizeof *points, by_parameters);
  for (size_t i = 0; i < *n; i++) (*rows)[i] = points[i].row;
  free(points);
  return RS_OK;
}

static bool fill_trials(hid_t plot, const rs_table *trials, const size_t columns[3],
                        const size_t *rows, size_t n, double *buffer) {
  for (int i = 0; i < 3; i++)
    if (!add_column(plot, trials, columns[i], rows, n, buffer)) return false;
  return true;
}

static rs_status write_trials(plots *p, const size_t columns[3], const size_t *rows, size_t n) {
  const rs_table *trials = p->r->trials;
  const rs_column *final = rs_table_column(trials, columns[0]);
  char name[PLOTS_NAME], title[PLOTS_NAME];
  double *buffer;
  snprintf(name, sizeof name, "%s_against_parameters", final->name);
  snprintf(title, sizeof title, "%s: %s against parameters",
           p->r->job_name != NULL ? p->r->job_name : "", final->name);
  rs_nxdata about = {.title = title,
                     .signal = final->name,
                     .axis = "parameters",
                     .style = "{\"axes_scale_type\": [\"log\"]}"};
  RS_TRY(rs_new(&buffer, n, sizeof *buffer));
  hid_t plot = rs_nxdata_create(p->group, name, &about);
  bool ok = plot >= 0 && fill_trials(plot, trials, columns, rows, n, buffer);
  rs_status status = ok ? RS_OK : plots_failed(p);
  plots_note(p, name);
  rs_h5_close(plot);
  free(buffer);
  return status;
}

static rs_status plot_trials(plots *p) {
  const rs_table *trials = p->r->trials;
  int final = first_final(trials), parameters = find_column(trials, "parameters", RS_COLUMN_INT);
  int trial = find_column(trials, "trial", RS_COLUMN_INT);
  if (final < 0 || parameters < 0 || trial < 0) return RS_OK;
  size_t columns[3] = {(size_t) final, (size_t)parameters, (size_t)trial}, *rows = NULL, n;
  rs_status status = choose_trials(trials, columns[0], columns[1], &rows, &n);
  if (status == RS_OK && n > 0) status = write_trials(p, columns, rows, n);
  free(rows);
  return status;
}

/* ---- stages: learning curves -------------------------------------------------------------- */

/* Rows FIRST to FIRST + N - 1 of /metrics, which belong to one stage. */
typedef struct curve {
  const rs_table *metrics;
  size_t first, n;
  int64_t stage;
  size_t axis;
  size_t *columns, n_columns; /* the signal, then the others */
} curve;

static bool has_values(const curve *v, size_t column) {
  for (size_t i = 0; i < v->n; i++)
    if (isfinite(rs_table_float(v->metrics, v->first + i, column))) return true;
  return false;
}

/* Metrics that apply to this stage; the test loss, or else the first one, is the signal. */
static void choose_columns(curve *v) {
  v->n_columns = 0;
  for (size_t c = 0; c < rs_table_columns(v->metrics); c++) {
    const rs_column *column = rs_table_column(v->metrics, c);
    if (column->type != RS_COLUMN_FLOAT || strcmp(column->name, "seconds") == 0) continue;
    if (!has_values(v, c)) continue;
    v->columns[v->n_columns++] = c;
    if (strcmp(column->name, "test_loss") != 0) continue;
    for (size_t i = v->n_columns - 1; i > 0; i--) v->columns[i] = v->columns[i - 1];
    v->columns[0] = c;
  }
}

/* Epochs, or steps when all rows are of one epoch. */
static void choose_axis(curve *v, size_t epoch, int step) {
  bool one = v->n > 1 && rs_table_int(v->metrics, v->first, epoch) ==
                             rs_table_int(v->metrics, v->first + v->n - 1, epoch);
  v->axis = one && step >= 0 ? (size_t)step : epoch;
}

/* "mlp-train, stage 3" */
static void curve_title(const plots *p, int64_t stage, char title[PLOTS_NAME]) {
  const rs_table *stages = p->r->stages;
  int number = find_column(stages, "stage", RS_COLUMN_INT);
  int kind = find_column(stages, "kind", RS_COLUMN_TEXT);
  bool known = number >= 0 && kind >= 0 && stage >= 0 && (size_t)stage < rs_table_rows(stages) &&
               rs_table_int(stages, (size_t)stage, (size_t)number) == stage;
  snprintf(title, PLOTS_NAME, "%s, stage %" PRId64,
           known ? rs_table_text(stages, (size_t)stage, (size_t)kind) : "learning curve", stage);
}

static bool fill_curve(hid_t plot, const curve *v) {
  size_t *rows = NULL;
  double *buffer = NULL;
  bool ok =
      rs_new(&rows, v->n, sizeof *rows) == RS_OK && rs_new(&buffer, v->n, sizeof *buffer) == RS_OK;
  for (size_t i = 0; ok && i < v->n; i++) rows[i] = v->first + i;
  ok = ok && add_column(plot, v->metrics, v->axis, rows, v->n, buffer);
  for (size_t c = 0; ok && c < v->n_columns; c++)
    ok = add_column(plot, v->metrics, v->columns[c], rows, v->n, buffer);
  free(buffer);
  free(rows);
  return ok;
}

static rs_status write_curve(plots *p, const curve *v, const char **names) {
  char name[PLOTS_NAME], title[PLOTS_NAME];
  curve_title(p, v->stage, title);
  snprintf(name, sizeof name, "learning_curve_stage_%" PRId64, v->stage);
  for (size_t c = 0; c < v->n_columns; c++)
    names[c] = rs_table_column(v->metrics, v->columns[c])->name;
  rs_nxdata about = {.title = title,
                     .signal = names[0],
                     .axis = rs_table_column(v->metrics, v->axis)->name,
                     .more = names + 1,
                     .n_more = v->n_columns - 1};
  if (H5Lexists(p->group, name, H5P_DEFAULT) > 0) return RS_OK; /* rows that were no neighbours */
  hid_t plot = rs_nxdata_create(p->group, name, &about);
  rs_status status = plot >= 0 && fill_curve(plot, v) ? RS_OK : plots_failed(p);
  plots_note(p, name);
  rs_h5_close(plot);
  return status;
}

static size_t rows_of_stage(const rs_table *metrics, size_t first, size_t stage) {
  size_t n = 1;
  while (first + n < rs_table_rows(metrics) &&
         rs_table_int(metrics, first + n, stage) == rs_table_int(metrics, first, stage))
    n++;
  return n;
}

static rs_status write_curves(plots *p, curve *v, size_t stage, size_t epoch, const char **names) {
  int step = find_column(v->metrics, "step", RS_COLUMN_INT);
  for (size_t plotted = 0; plotted < RS_PLOTTED_STAGES && v->first < rs_table_rows(v->metrics);
       v->first += v->n) {
    v->n = rows_of_stage(v->metrics, v->first, stage);
    v->stage = rs_table_int(v->metrics, v->first, stage);
    choose_columns(v);
    choose_axis(v, epoch, step);
    if (v->n_columns == 0) continue;
    RS_TRY(write_curve(p, v, names));
    plotted++;
  }
  return RS_OK;
}

static rs_status plot_curves(plots *p) {
  const rs_table *metrics = p->r->metrics;
  int stage = find_column(metrics, "stage", RS_COLUMN_INT);
  int epoch = find_column(metrics, "epoch", RS_COLUMN_INT);
  curve v = {.metrics = metrics};
  const char **names = NULL;
  if (stage < 0 || epoch < 0) return RS_OK;
  rs_status status = rs_new(&v.columns, rs_table_columns(metrics), sizeof *v.columns);
  if (status == RS_OK) status = rs_new(&names, rs_table_columns(metrics), sizeof *names);
  if (status == RS_OK) status = write_curves(p, &v, (size_t)stage, (size_t)epoch, names);
  free(names);
  free(v.columns);
  return status;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static rs_status write_plots(plots *p, hid_t file, const char *from) {
  bool ok = p->group >= 0 && rs_h5_set_text(file, "NX_class", "NXroot", true) &&
            rs_h5_set_text(file, "default", "plots", true) &&
            rs_h5_set_text(p->group, "NX_class", "NXentry", true);
  if (!ok) return plots_failed(p);
  RS_TRY(plot_trials(p));
  RS_TRY(plot_curves(p));
  RS_TRY(plots_vectors(p, from));
  ok = p->shown[0] == '\0' || rs_h5_set_text(p->group, "default", p->shown, true);
  return ok ? RS_OK : plots_failed(p);
}

rs_status rs_h5_plots_write(hid_t file, const char *path, const rs_results *r, const char *from) {
  plots p = {.group = rs_h5_group_create(file, "plots"), .path = path, .r = r};
  rs_status status = write_plots(&p, file, from);
  rs_h5_close(p.group);
  return status;
}
