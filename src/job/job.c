/* A job: from the file to validated settings and a sweep. */
#include <stdlib.h>
#include <string.h>

#include "reader.h"
#include "text.h"

/* One --set KEY=VALUE. */
typedef struct override {
  char *label; /* "--set key=value" */
  char *key;
  rs_source source;
  rs_tree *tree; /* of the value */
} override;

/* What a job is made from. */
typedef struct input {
  rs_source source;
  rs_tree *tree;
  override *overrides;
  size_t count;
  rs_problems *problems;
} input;

/* ---- parsing -------------------------------------------------------------------------------- */

static rs_status parse_override(const char *text, rs_problems *problems, override *out) {
  rs_str label = {0};
  rs_str_addf(&label, "--set %s", text);
  out->label = label.text;
  RS_TRY(rs_str_status(&label));
  out->source = (rs_source){.name = out->label, .lines = false};
  const char *equals = strchr(text, '=');
  if (equals == NULL || equals == text) {
    rs_problem_add(problems, out->label, "expected key=value, such as train.lr=0.01");
    return RS_OK;
  }
  out->key = strndup(text, (size_t)(equals - text));
  if (out->key == NULL) return rs_fail(RS_ERR_NOMEM, "out of memory: %s", out->label);
  return rs_tree_parse(&out->source, equals + 1, strlen(equals + 1), problems, &out->tree);
}

static rs_status parse_input(input *in, const char *text, size_t len, const char *const *overrides,
                             size_t n) {
  RS_TRY(rs_problems_create(&in->problems));
  RS_TRY(rs_new(&in->overrides, n, sizeof *in->overrides));
  RS_TRY(rs_tree_parse(&in->source, text, len, in->problems, &in->tree));
  for (; in->count < n; in->count++)
    RS_TRY(parse_override(overrides[in->count], in->problems, &in->overrides[in->count]));
  return RS_OK;
}

static void free_input(input *in, size_t n) {
  for (size_t i = 0; in->overrides != NULL && i < n; i++) {
    rs_tree_destroy(in->overrides[i].tree);
    free(in->overrides[i].label);
    free(in->overrides[i].key);
  }
  free(in->overrides);
  rs_tree_destroy(in->tree);
  rs_problems_destroy(in->problems);
}

/* ---- the experiment ------------------------------------------------------------------------- */

static const rs_node *find_experiment(const input *in) {
  const rs_node *found = NULL;
  for (const rs_node *n = rs_tree_root(in->tree)->first; n != NULL; n = n->next)
    if (n->key != NULL && found == NULL && strcmp(n->key->text, "experiment") == 0) found = n;
  for (size_t i = 0; i < in->count; i++)
    if (strcmp(in->overrides[i].key, "experiment") == 0)
      found = rs_tree_root(in->overrides[i].tree);
  return found;
}

static const rs_schema *schema_named(const rs_schema *const *schemas, const char *name) {
  for (; *schemas != NULL; schemas++)
    if (strcmp((*schemas)->experiment, name) == 0) return *schemas;
  return NULL;
}

static const rs_schema *schema_near(const rs_schema *const *schemas, const char *name) {
  const rs_schema *best = NULL;
  size_t n = strlen(name), limit = rs_name_tolerance(n) + 1;
  for (; *schemas != NULL; schemas++) {
    const char *other = (*schemas)->experiment;
    size_t distance = rs_name_distance(name, n, other, strlen(other));
    if (distance >= limit) continue;
    best = *schemas;
    limit = distance;
  }
  return best;
}

static void report_experiment(const input *in, const rs_node *node, const rs_schema *const *schemas,
                              const rs_schema *near) {
  rs_str text = {0};
  rs_str_add(&text,
             node != NULL ? "experiment: expected one of" : "`experiment` is required: one of");
  for (size_t i = 0; schemas[i] != NULL; i++)
    rs_str_addf(&text, "%s %s", i > 0 ? "," : "", schemas[i]->experiment);
  if (node != NULL && node->kind == RS_NODE_SCALAR) {
    rs_str_add(&text, "; got ");
    rs_text_cite(node->text, &text);
  }
  if (near != NULL) rs_str_addf(&text, "; did you mean `%s`?", near->experiment);
  if (node != NULL)
    rs_node_problem(in->problems, node, "%s", rs_text_shown(&text));
  else
    rs_problem_add(in->problems, in->source.name, "%s", rs_text_shown(&text));
  rs_str_free(&text);
}

/* The schema of the experiment; the nearest one, so that the rest can be checked as well, when the
 * name is misspelt; else NULL. */
static const rs_schema *pick_schema(const input *in, const rs_schema *const *schemas) {
  const rs_node *node = find_experiment(in);
  const char *name = node != NULL && node->kind == RS_NODE_SCALAR ? node->text : "";
  const rs_schema *schema = schema_named(schemas, name);
  if (schema != NULL) return schema;
  const rs_schema *near = schema_near(schemas, name);
  report_experiment(in, node, schemas, near);
  return near;
}

/* ---- from trees to a job -------------------------------------------------------------------- */

static rs_status take_all(rs_reader *r, const input *in) {
  RS_TRY(rs_new(&r->values, r->catalog->count, sizeof *r->values));
  RS_TRY(rs_reader_take_root(r, rs_tree_root(in->tree)));
  for (size_t i = 0; i < in->count; i++)
    RS_TRY(rs_reader_take(r, in->overrides[i].key, rs_tree_root(in->overrides[i].tree)));
  return RS_OK;
}

static rs_status read_job(const input *in, const rs_schema *schema, rs_job *job) {
  rs_reader r = {.file = in->source.name, .problems = in->problems};
  RS_TRY(rs_catalog_create(schema, &r.catalog));
  rs_status status = take_all(&r, in);
  if (status == RS_OK) status = rs_reader_settings(&r, &job->base);
  if (status == RS_OK) status = rs_sweep_read(&r, job);
  rs_reader_free(&r);
  rs_catalog_release(r.catalog);
  return status;
}

static bool is_mapping(const input *in) {
  const rs_node *root = rs_tree_root(in->tree);
  if (rs_node_is_null(root))
    rs_problem_add(in->problems, in->source.name, "the job file is empty");
  else if (root->kind != RS_NODE_MAP)
    rs_node_problem(in->problems, root, "expected a mapping of settings, such as `name: first`");
  return root->kind == RS_NODE_MAP;
}

static rs_status make_job(const input *in, const rs_schema *const *schemas, bool check,
                          rs_job *job) {
  bool parsed = rs_problems_count(in->problems) == 0;
  if (parsed && is_mapping(in)) {
    job->schema = pick_schema(in, schemas);
    if (job->schema != NULL) {
      RS_TRY(read_job(in, job->schema, job));
      if (check) RS_TRY(rs_job_check(job, in->problems));
    }
  }
  return rs_problems_status(in->problems);
}

/* TEXT need not be terminated; the parser has made sure that it holds no NUL. */
static rs_status keep_text(rs_job *job, const char *text, size_t len) {
  job->yaml = strndup(text, len);
  return job->yaml != NULL ? RS_OK
                           : rs_fail(RS_ERR_NOMEM, "out of memory: a job of %zu bytes", len);
}

static rs_status parse(const char *name, const char *text, size_t len, const char *const *overrides,
                       size_t n, const rs_schema *const *schemas, bool check, rs_job **out) {
  input in = {.source = {.name = name, .lines = true}};
  rs_job *job = NULL;
  *out = NULL;
  rs_status status = parse_input(&in, text, len, overrides, n);
  if (status == RS_OK) status = rs_new(&job, 1, sizeof *job);
  if (status == RS_OK) status = make_job(&in, schemas, check, job);
  if (status == RS_OK) status = keep_text(job, text, len);
  if (status == RS_OK)
    *out = job;
  else
    rs_job_destroy(job);
  free_input(&in, n);
  return status;
}

rs_status rs_job_parse(const char *name, const char *text, size_t len, const char *const *overrides,
                       size_t n, const rs_schema *const *schemas, rs_job **out) {
  return parse(name, text, len, overrides, n, schemas, true, out);
}

rs_status rs_job_parse_checked(const char *name, const char *text, size_t len,
                               const char *const *overrides, size_t n,
                               const rs_schema *const *schemas, rs_job **out) {
  return parse(name, text, len, overrides, n, schemas, false, out);
}

rs_status rs_job_load(const char *path, const char *const *overrides, size_t n,
                      const rs_schema *const *schemas, rs_job **out) {
  char *text;
  size_t len;
  *out = NULL;
  rs_status status = rs_file_read(path, RS_TREE_BYTES, &text, &len);
  if (status == RS_ERR_IO || status == RS_ERR_DATA)
    return rs_fail(RS_ERR_USAGE, "%s", rs_error_message());
  RS_TRY(status);
  status = rs_job_parse(path, text, len, overrides, n, schemas, out);
  free(text);
  return status;
}

void rs_job_destroy(rs_job *job) {
  if (job == NULL) return;
  for (size_t i = 0; i < job->dim_count; i++) rs_axis_free(&job->dims[i]);
  for (size_t i = 0; i < job->point_count; i++) rs_point_free(&job->points[i]);
  free(job->dims);
  free(job->points);
  free(job->objectives);
  rs_settings_destroy(job->base);
  free(job->yaml);
  free(job);
}

/* ---- getters -------------------------------------------------------------------------------- */

const char *rs_job_name(const rs_job *job) {
  return rs_settings_text(job->base, "name");
}

const char *rs_job_yaml(const rs_job *job) {
  return job->yaml;
}

const rs_schema *rs_job_schema(const rs_job *job) {
  return job->schema;
}

const rs_settings *rs_job_base(const rs_job *job) {
  return job->base;
}

const char *rs_job_strategy(const rs_job *job) {
  return rs_settings_text(job->base, "sweep.strategy");
}

size_t rs_job_dims(const rs_job *job, const rs_dim **out) {
  *out = job->dims;
  return job->dim_count;
}

size_t rs_job_points(const rs_job *job, const rs_point **out) {
  *out = job->points;
  return job->point_count;
}

size_t rs_job_objectives(const rs_job *job, const rs_objective **out) {
  *out = job->objectives;
  return job->objective_count;
}
