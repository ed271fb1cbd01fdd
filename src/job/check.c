/* The rules across settings, applied to the trials that a job will have. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "reader.h"
#include "text.h"

/* ---- the name ------------------------------------------------------------------------------- */

enum { NAME_BYTES = 100 }; /* leaves room for suffixes in file names of 255 bytes */

static bool is_safe_name(const char *name) {
  if (!isalnum((unsigned char)name[0]) || strlen(name) > NAME_BYTES) return false;
  for (; *name != '\0'; name++)
    if (!isalnum((unsigned char)*name) && strchr("._-", *name) == NULL) return false;
  return true;
}

static void check_name(const rs_job *job, rs_problems *problems) {
  const rs_value *value = rs_settings_value(job->base, "name");
  if (value == NULL || is_safe_name(value->text)) return;
  rs_str got = {0};
  rs_text_cite(value->text, &got);
  rs_problem_add(
      problems, rs_settings_place(job->base, "name"),
      "name: expected up to %d letters, digits, `.`, `_` and `-`, a letter or digit first, "
      "got %s",
      NAME_BYTES, rs_text_shown(&got));
  rs_str_free(&got);
}

/* ---- checkpoints ---------------------------------------------------------------------------- */

static void check_checkpoints(const rs_job *job, rs_problems *problems) {
  rs_checkpoint_every every;
  rs_checkpoint_keep keep;
  const rs_value *when = rs_settings_value(job->base, "checkpoint.every");
  const rs_value *what = rs_settings_value(job->base, "checkpoint.keep");
  if (when == NULL || what == NULL) return; /* it is reported already */
  if (rs_checkpoint_every_parse(when->text, &every) != RS_OK)
    rs_problem_add(problems, rs_settings_place(job->base, "checkpoint.every"),
                   "checkpoint.every: %s", rs_error_message());
  const char *place = rs_settings_place(job->base, "checkpoint.keep");
  if (rs_checkpoint_keep_parse(what->text, &keep) != RS_OK)
    rs_problem_add(problems, place, "checkpoint.keep: %s", rs_error_message());
  else if (keep.kind == RS_KEEP_BEST && job->objective_count == 0)
    rs_problem_add(problems, place,
                   "checkpoint.keep: `%.20s` needs an objective, such as "
                   "`sweep: {objectives: {parameters: min}}`",
                   what->text);
}

/* ---- SLURM ---------------------------------------------------------------------------------- */

/* "8" or "8%2" */
static bool is_array(const char *text) {
  int shares, limit, end = 0;
  if (!isdigit((unsigned char)text[0])) return false;
  if (sscanf(text, "%6d%n", &shares, &end) != 1 || shares < 1) return false;
  if (text[end] == '\0') return true;
  text += end;
  end = 0;
  return text[0] == '%' && isdigit((unsigned char)text[1]) &&
         sscanf(text + 1, "%6d%n", &limit, &end) == 1 && limit >= 1 && text[1 + end] == '\0';
}

static bool is_walltime(const char *text) {
  return rs_walltime_seconds(text) > 0;
}

static void check_form(const rs_job *job, const char *path, const char *or_word,
                       bool (*fits)(const char *), const char *expected, rs_problems *problems) {
  const rs_value *value = rs_settings_value(job->base, path);
  if (value == NULL || strcmp(value->text, or_word) == 0 || fits(value->text)) return;
  rs_str got = {0};
  rs_text_cite(value->text, &got);
  rs_problem_add(problems, rs_settings_place(job->base, path), "%s: expected %s, got %s", path,
                 expected, rs_text_shown(&got));
  rs_str_free(&got);
}

/* ---- the schema's checks -------------------------------------------------------------------- */

enum { ALL_COMBINED = 4096 }; /* trials up to which every combination of a grid is checked */

typedef struct checker {
  const rs_job *job;
  rs_problems *problems;
  rs_numbering data; /* the different data.* whose files have been looked for */
  bool files;        /* look for them; else check the rules */
} checker;

static rs_status check_files(checker *c, const rs_settings *s) {
  rs_str data = {0};
  uint32_t number = 0, before = c->data.count;
  rs_settings_canonical(s, (const char *const[]){"data.", NULL}, &data);
  rs_status status = rs_str_status(&data);
  if (status == RS_OK)
    status = rs_numbering_of(&c->data, data.text != NULL ? data.text : "", data.len, &number);
  rs_str_free(&data);
  if (status == RS_OK && number == before) c->job->schema->check_files(s, c->problems);
  return status;
}

static rs_status check_trial(checker *c, const rs_settings *s) {
  if (c->files) return check_files(c, s);
  return c->job->schema->check(s, c->problems);
}

static size_t combinations(const rs_job *job) {
  size_t n = 1;
  for (size_t i = 0; i < job->dim_count; i++) n *= job->dims[i].count;
  return n;
}

static rs_status with_value(const rs_settings *s, const rs_dim *dim, size_t i, rs_settings **out) {
  return rs_settings_with(s, dim->path, &dim->values[i], dim->places[i], out);
}

/* Check all combinations of the axes from D on, upon S. */
static rs_status check_combinations(checker *c, const rs_settings *s, size_t d) {
  const rs_job *job = c->job;
  if (d == job->dim_count) return check_trial(c, s);
  for (size_t i = 0; i < job->dims[d].count; i++) {
    rs_settings *next;
    RS_TRY(with_value(s, &job->dims[d], i, &next));
    rs_status status = check_combinations(c, next, d + 1);
    rs_settings_destroy(next);
    RS_TRY(status);
  }
  return RS_OK;
}

/* The settings with the first value of every axis. */
static rs_status first_trial(const rs_job *job, rs_settings **out) {
  RS_TRY(rs_settings_clone(job->base, out));
  for (size_t d = 0; d < job->dim_count; d++) {
    rs_settings *next;
    rs_status status = with_value(*out, &job->dims[d], 0, &next);
    rs_settings_destroy(*out);
    *out = next;
    RS_TRY(status);
  }
  return RS_OK;
}

/* A grid too large to try out: every value once, in the company of the others' first values. */
static rs_status check_singly(checker *c) {
  const rs_job *job = c->job;
  rs_settings *first;
  RS_TRY(first_trial(job, &first));
  rs_status status = RS_OK;
  for (size_t d = 0; status == RS_OK && d < job->dim_count; d++)
    for (size_t i = 0; status == RS_OK && i < job->dims[d].count; i++) {
      rs_settings *next;
      status = with_value(first, &job->dims[d], i, &next);
      if (status == RS_OK) status = check_trial(c, next);
      rs_settings_destroy(next);
    }
  rs_settings_destroy(first);
  return status;
}

static rs_status check_point(checker *c, const rs_point *point) {
  rs_settings *s;
  RS_TRY(rs_settings_clone(c->job->base, &s));
  rs_status status = RS_OK;
  for (size_t i = 0; status == RS_OK && i < point->count; i++) {
    rs_settings *next;
    status = rs_settings_with(s, point->paths[i], &point->values[i], point->places[i], &next);
    rs_settings_destroy(s);
    s = next;
  }
  if (status == RS_OK) status = check_trial(c, s);
  rs_settings_destroy(s);
  return status;
}

static rs_status check_all(checker *c) {
  const rs_job *job = c->job;
  for (size_t i = 0; i < job->point_count; i++) RS_TRY(check_point(c, &job->points[i]));
  if (job->point_count > 0) return RS_OK;
  if (combinations(job) <= ALL_COMBINED) return check_combinations(c, job->base, 0);
  return check_singly(c);
}

rs_status rs_job_check(const rs_job *job, rs_problems *problems) {
  check_name(job, problems);
  check_checkpoints(job, problems);
  check_form(job, "slurm.array", "none", is_array, "a number of shares (8, or 8%2) or `none`",
             problems);
  check_form(job, "slurm.time", "site", is_walltime,
             "a walltime (90 minutes, 2:30:00, 1-12) or `site`", problems);
  checker c = {.job = job, .problems = problems};
  rs_status status = RS_OK;
  if (rs_problems_count(problems) == 0 && job->schema->check != NULL) status = check_all(&c);
  c.files = true;
  if (status == RS_OK && rs_problems_count(problems) == 0 && job->schema->check_files != NULL)
    status = check_all(&c);
  rs_numbering_free(&c.data);
  return status;
}
