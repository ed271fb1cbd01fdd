/* What the parts of `ranksweep show` share. Results are read once and only looked at. */
#ifndef RANKSWEEP_CLI_SHOW_H
#define RANKSWEEP_CLI_SHOW_H

#include "cli.h"

/* ---- columns and cells (show_cell.c) ------------------------------------------------------ */

/* What a column of /trials is there for, told by its name: tables.c of the scheduler makes them. */
typedef enum show_role {
  SHOW_TRIAL,
  SHOW_STATE,
  SHOW_SWEPT,  /* a setting, under its dotted path; or `seed` */
  SHOW_METRIC, /* all that has no other role */
  SHOW_PARAMETERS,
  SHOW_SECONDS,
  SHOW_OTHER, /* attempts, epochs, layout, stage, message */
} show_role;

show_role show_role_of(const rs_column *column);

/* Index of the column NAME when it is of TYPE, else -1: files need not come from us. */
int show_find(const rs_table *t, const char *name, rs_column_type type);

/* A cell of the column NAME; OTHERWISE, NaN or "" when there is no such column of that type. */
int64_t show_int(const rs_table *t, size_t row, const char *name, int64_t otherwise);
double show_float(const rs_table *t, size_t row, const char *name);
const char *show_text(const rs_table *t, size_t row, const char *name);

/* NaN, an empty text, or a whole number that is only known once a stage has ended and is 0. */
bool show_empty(const rs_table *t, size_t row, size_t column);

/* Append the cell as people read it, "-" when it is empty. */
void show_add_value(const rs_table *t, size_t row, size_t column, rs_str *out);

/* Append TEXT with control characters as spaces: it may come from anywhere. */
void show_add_text(rs_str *out, const char *text);
/* "share 2/8, " when the results are of a share. */
void show_add_share(rs_str *out, const rs_results *r);

/* The cell into the next cell of TO. */
rs_status show_put(text_table *to, const rs_table *t, size_t row, size_t column) RS_MUST_CHECK;
/* The same for a text. */
rs_status show_put_text(text_table *to, const char *text) RS_MUST_CHECK;

/* ---- objectives (show_goals.c) ------------------------------------------------------------ */

enum { SHOW_MOST_GOALS = 8 };

typedef struct show_goal {
  size_t column; /* of /trials, a number */
  bool maximize;
} show_goal;

typedef struct show_goals {
  show_goal list[SHOW_MOST_GOALS];
  size_t count;
} show_goals;

/* The objectives: BY ("METRIC" or "METRIC:min|max") when there are any, else the job's own, else
 * the first metric whose name tells which way is better. PAIR adds `parameters` as the second when
 * there would be only one. PATH is for messages. RS_ERR_USAGE: no such metric, or no telling which
 * way. */
rs_status show_goals_find(const rs_results *r, const char *path, const char *const *by, size_t n_by,
                          bool pair, show_goals *out) RS_MUST_CHECK;

/* Append "test_accuracy max". */
void show_add_goal(const rs_results *r, const show_goal *goal, rs_str *out);

/* ---- which trials (show_select.c) --------------------------------------------------------- */

typedef struct show_rows {
  size_t *rows; /* of /trials, in the order to print */
  size_t count;
  unsigned *won; /* bit g: the best for goal g; NULL unless the best were asked for */
} show_rows;

void show_rows_free(show_rows *s);
rs_status show_select_all(const rs_results *r, show_rows *out) RS_MUST_CHECK;
/* The row of trial NUMBER. RS_ERR_USAGE names the numbers that there are. */
rs_status show_select_trial(const rs_results *r, const char *path, int64_t number,
                            show_rows *out) RS_MUST_CHECK;
/* The best done trial for every goal, in the order of the goals; the lowest number among equals. A
 * trial that is best for several goals comes once. */
rs_status show_select_best(const rs_results *r, const show_goals *goals,
                           show_rows *out) RS_MUST_CHECK;
/* Done trials that no other one equals or betters in all goals and betters in one; the best for the
 * second goal first. O(n log n) for two goals, O(n * front) for more. */
rs_status show_select_pareto(const rs_results *r, const show_goals *goals,
                             show_rows *out) RS_MUST_CHECK;

/* ---- one trial's past (show_chain.c, show_curve.c, show_artifacts.c) ---------------------- */

/* Stages from the first to the one that decided the trial. Parents have lower numbers, so `numbers`
 * ascend. */
typedef struct show_chain {
  size_t *rows; /* of /stages */
  int64_t *numbers;
  size_t count, cap_rows, cap_numbers;
} show_chain;

/* C comes empty; release it whatever the status. RS_ERR_DATA: a stage is missing or comes before
 * its parent. */
rs_status show_chain_follow(const rs_results *r, const char *path, size_t trial_row,
                            show_chain *c) RS_MUST_CHECK;
void show_chain_free(show_chain *c);
rs_status show_chain_print(const rs_results *r, const show_chain *c) RS_MUST_CHECK;
/* Metrics of these stages over epochs, thinned out to a screenful. */
rs_status show_curve_print(const rs_results *r, const show_chain *c) RS_MUST_CHECK;

/* Files that these stages left for people (show_artifacts.c). PATH: of the results file. */
rs_status show_artifacts_print(const rs_results *r, const char *path,
                               const show_chain *c) RS_MUST_CHECK;

/* ---- output, all of it to stdout ---------------------------------------------------------- */

/* Heading, table and messages of the failed (show_text.c). GOALS may be NULL: all trials. */
rs_status show_print_text(const rs_results *r, const show_rows *rows,
                          const show_goals *goals) RS_MUST_CHECK;
/* One trial: settings, metrics, stages, learning curve, model, files (show_trial.c).
 */
rs_status show_print_trial(const rs_results *r, const char *path, size_t row) RS_MUST_CHECK;

/* Every start of the run, one cell a line (show_provenance.c). */
rs_status show_print_provenance(const rs_table *starts) RS_MUST_CHECK;

/* ---- tables for other programs (show_export.c) -------------------------------------------- */

/* Every column of T as it is stored, of these rows or (NULL) of all. Write errors are left to the
 * stream. */
void show_write_csv(const rs_table *t, const show_rows *rows, FILE *to);
rs_status show_write_json(const rs_table *t, const show_rows *rows, FILE *to) RS_MUST_CHECK;

#endif
