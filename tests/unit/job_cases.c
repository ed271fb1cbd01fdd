/* The cases of job.test; the format is described there. */
#include "job_cases.h"

#include "job_schema.h"
#include "test.h"

enum { MAX_OVERRIDES = 8 };

typedef struct test_case {
  const char *title;
  int line;
  const char *overrides[MAX_OVERRIDES];
  size_t count;
  rs_str yaml, expected;
} test_case;

/* ---- what a job looks like ------------------------------------------------------------------ */

static void describe_settings(const rs_settings *s, rs_str *out) {
  static const char *const all[] = {"name",       "experiment",  "seed",   "sweep.",
                                    "resources.", "train.",      "model.", "svd.",
                                    "data.",      "checkpoint.", "slurm.", NULL};
  rs_str lines = {0};
  rs_settings_canonical(s, all, &lines);
  for (char *line = strtok(lines.text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    char path[100];
    snprintf(path, sizeof path, "%.*s", (int)strcspn(line, "="), line);
    if (strcmp(rs_settings_place(s, path), "default") != 0) rs_str_addf(out, "%s\n", line);
  }
  rs_str_free(&lines);
}

static void describe_dim(const rs_dim *dim, rs_str *out) {
  rs_str_addf(out, "axis %s", dim->path);
  for (size_t i = 0; i < dim->count; i++) {
    rs_str_add(out, i == 0 ? " " : " | ");
    rs_value_print(&dim->values[i], dim->setting->word, out);
  }
  rs_str_add(out, "\n");
}

static void describe_point(const rs_point *point, const rs_settings *s, rs_str *out) {
  rs_str_add(out, "trial");
  for (size_t i = 0; i < point->count; i++) {
    rs_str_addf(out, " %s=", point->paths[i]);
    rs_value_print(&point->values[i], rs_settings_entry(s, point->paths[i])->word, out);
  }
  rs_str_add(out, "\n");
}

static void describe(const rs_job *job, rs_str *out) {
  const rs_dim *dims;
  const rs_point *points;
  const rs_objective *objectives;
  size_t n = rs_job_dims(job, &dims);
  describe_settings(rs_job_base(job), out);
  for (size_t i = 0; i < n; i++) describe_dim(&dims[i], out);
  n = rs_job_points(job, &points);
  for (size_t i = 0; i < n; i++) describe_point(&points[i], rs_job_base(job), out);
  n = rs_job_objectives(job, &objectives);
  for (size_t i = 0; i < n; i++)
    rs_str_addf(out, "%s %s\n", objectives[i].maximize ? "maximize" : "minimize",
                objectives[i].metric);
}

/* ---- reading the cases ---------------------------------------------------------------------- */

static char *next_line(char **rest) {
  char *line = strsep(rest, "\n");
  return line != NULL && *rest == NULL && line[0] == '\0' ? NULL : line;
}

/* Lines up to the next empty one. */
static void read_block(char **rest, rs_str *out, int *number) {
  for (char *line; (line = next_line(rest)) != NULL;) {
    (*number)++;
    if (line[0] == '\0') return;
    rs_str_addf(out, "%s\n", line);
  }
}

static void read_overrides(char **rest, test_case *c, int *number) {
  while (*rest != NULL && strncmp(*rest, "--set ", 6) == 0) {
    assert_true(c->count < MAX_OVERRIDES);
    c->overrides[c->count++] = next_line(rest) + 6;
    (*number)++;
  }
}

static bool next_case(char **rest, test_case *c, int *number) {
  *c = (test_case){0};
  for (char *line; (line = next_line(rest)) != NULL;) {
    (*number)++;
    if (strncmp(line, "%% ", 3) != 0) continue;
    c->title = line + 3;
    c->line = *number;
    read_overrides(rest, c, number);
    read_block(rest, &c->yaml, number);
    read_block(rest, &c->expected, number);
    return true;
  }
  return false;
}

static void run_case(test_case *c) {
  rs_job *job;
  rs_str got = {0};
  rs_status status = rs_job_parse("job.yaml", c->yaml.text, c->yaml.len, c->overrides, c->count,
                                  test_schemas, &job);
  if (status == RS_OK) {
    describe(job, &got);
  } else {
    assert_int_equal(status, RS_ERR_USAGE);
    assert_null(job);
    rs_str_addf(&got, "%s\n", rs_error_message());
  }
  if (c->expected.text == NULL || strcmp(got.text, c->expected.text) != 0)
    fail_msg("job.test:%d: %s\n--- expected\n%s--- got\n%s", c->line, c->title, c->expected.text,
             got.text);
  rs_job_destroy(job);
  rs_str_free(&got);
  rs_str_free(&c->yaml);
  rs_str_free(&c->expected);
}

void job_cases_pass(void **state) {
  (void)state;
  char *data;
  size_t len;
  int count = 0, number = 0;
  test_case c;
  assert_ok(rs_file_read(JOB_CASES, 1 << 20, &data, &len));
  for (char *rest = data; next_case(&rest, &c, &number); count++) run_case(&c);
  assert_true(count > 40);
  free(data);
}
