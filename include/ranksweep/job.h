/* job: a YAML job file becomes validated settings and a space to sweep; every value knows its
 * place.
 *
 * The tables of settings come from above (the experiment kinds) and from this module (settings that
 * every job has); the same tables validate job files and print `ranksweep kinds`. */
#ifndef RANKSWEEP_JOB_H
#define RANKSWEEP_JOB_H

#include "ranksweep/base.h"

/* ---- values ------------------------------------------------------------------------------- */

typedef enum rs_type { RS_BOOL, RS_INT, RS_FLOAT, RS_TEXT, RS_INTS, RS_FLOATS, RS_TEXTS } rs_type;

/* One typed value. `word` is set when the setting's special word was given (see rs_setting.word);
 * the number is then 0. Lists own their elements. Owned by what contains it. */
typedef struct rs_value {
  rs_type type;
  bool word;
  union {
    bool boolean;
    int64_t integer;
    double real;
    char *text;
    struct {
      size_t count;
      union {
        int64_t *integers;
        double *reals;
        char **texts;
      };
    } list;
  };
} rs_value;

rs_status rs_value_copy(const rs_value *from, rs_value *to) RS_MUST_CHECK;
void rs_value_free(rs_value *value);
bool rs_value_equal(const rs_value *a, const rs_value *b);
/* Append the value as people write it: 0.001, adam, [1024, 1024], full. WORD: the special word of
 * its setting or NULL. Floats in the shortest form that reads back to the same double. Texts that
 * would read back as something else ("", "a, b", "10") are in double quotes, so different values
 * never look alike. */
void rs_value_print(const rs_value *value, const char *word, rs_str *out);

/* ---- tables of settings ------------------------------------------------------------------- */

/* One setting. Tables are const arrays that end with a NULL path. */
typedef struct rs_setting {
  const char *path;    /* dotted: "train.lr" */
  rs_type type;        /* of lists: the type of the whole */
  const char *initial; /* default as written in YAML ("0.001", "[1024, 1024]"); NULL: required */
  double min, max;     /* closed range of numbers and list elements; both 0: any */
  const char *choices; /* "adam|sgd": the texts allowed; NULL: any text */
  const char *word; /* a word accepted instead of a number, stored as 0: "auto", "full", "epoch" */
  bool numbers_too; /* of a text: what begins with a digit needs no quotes (`time: 90`) */
  const char *unit; /* "samples", "s", ""; NULL: none */
  const char *help; /* one sentence */
} rs_setting;

/* A number that an experiment reports: a column of the results. Tables end with a NULL name. */
typedef struct rs_metric {
  const char *name;
  const char *unit; /* NULL: none */
  const char *long_name;
} rs_metric;

/* What a job file may say for one experiment. All pointers outlive every job made with them. */
typedef struct rs_settings rs_settings;
typedef struct rs_problems rs_problems;
typedef struct rs_schema {
  const char *experiment;            /* "svd-compress" */
  const char *summary;               /* one sentence, for `kinds` */
  const rs_setting *const *settings; /* NULL-terminated list of tables; the common ones are added */
  const rs_metric
      *metrics; /* of a finished trial: what `sweep.objectives` may use, beside
                   `parameters`          and `seconds`, which every trial has; NULL: no others */
  /* Checks across settings (svd rank against layer widths): adds a problem for each fault found and
   * returns RS_OK; another status only when checking itself failed. May be NULL. */
  rs_status (*check)(const rs_settings *settings, rs_problems *problems);
  /* Looks for the files that data.* names. Called once for all trials of the same data.*, and only
   * when no other fault was found. May be NULL. */
  void (*check_files)(const rs_settings *settings, rs_problems *problems);
} rs_schema;

/* Settings that every job has: name, experiment, seed, sweep.*, resources.*, ... (a table). */
extern const rs_setting rs_job_settings[];

/* Seconds of a walltime as SLURM writes it: "90" (minutes), "90:00", "2:30:00", "1-12", "1-12:30",
 * "1-12:30:00"; INFINITY of "UNLIMITED", 0 of anything else. */
double rs_walltime_seconds(const char *text);

/* Does PATH say where, when and on what a job runs, and nothing of what it computes or keeps? */
bool rs_setting_is_layout(const char *path);

/* ---- problems ----------------------------------------------------------------------------- */

/* All faults of a job file, reported together. PLACE is "file:line" or "file:line:column" or NULL.
 */
rs_status rs_problems_create(rs_problems **out) RS_MUST_CHECK;
void rs_problems_destroy(rs_problems *problems);
void rs_problem_add(rs_problems *problems, const char *place, const char *format, ...)
    RS_PRINTF(3, 4);
size_t rs_problems_count(const rs_problems *problems);
/* RS_OK when there are none, else RS_ERR_USAGE whose message lists all, one a line, in order of
 * place; the same place and text only once. */
rs_status rs_problems_status(const rs_problems *problems) RS_MUST_CHECK;

/* ---- settings ----------------------------------------------------------------------------- */

/* A complete, validated assignment of a value to every setting of a schema. Getters assert (program
 * error) that the path exists with that type. Texts and lists belong to the settings. */
bool rs_settings_has(const rs_settings *s, const char *path);
bool rs_settings_bool(const rs_settings *s, const char *path);
int64_t rs_settings_int(const rs_settings *s, const char *path); /* 0 for the special word */
double rs_settings_float(const rs_settings *s, const char *path);
const char *rs_settings_text(const rs_settings *s, const char *path);
size_t rs_settings_ints(const rs_settings *s, const char *path, const int64_t **out); /* count */
size_t rs_settings_floats(const rs_settings *s, const char *path, const double **out);
size_t rs_settings_texts(const rs_settings *s, const char *path, const char *const **out);
bool rs_settings_word(const rs_settings *s, const char *path); /* was the special word given? */
const rs_value *rs_settings_value(const rs_settings *s, const char *path); /* NULL: no such path */

/* Where the value was written: "job.yaml:12:5", "--set train.lr=0.1" or "default"; "recorded" for
 * settings read back from JSON, "computed" for a value set without a place. */
const char *rs_settings_place(const rs_settings *s, const char *path);
/* The table entry of PATH; NULL when there is none. */
const rs_setting *rs_settings_entry(const rs_settings *s, const char *path);

/* Copy of S with PATH set to VALUE (already of the right type and range). PLACE may be NULL. */
rs_status rs_settings_with(const rs_settings *s, const char *path, const rs_value *value,
                           const char *place, rs_settings **out) RS_MUST_CHECK;
/* The same with a value as rs_value_print writes it. A path that S does not have, and a value that
 * does not fit it, are RS_ERR_DATA that name PLACE. */
rs_status rs_settings_with_text(const rs_settings *s, const char *path, const char *text,
                                const char *place, rs_settings **out) RS_MUST_CHECK;
rs_status rs_settings_clone(const rs_settings *s, rs_settings **out) RS_MUST_CHECK;
void rs_settings_destroy(rs_settings *s);

/* Canonical JSON object {"train.lr": 0.001, ...}, keys sorted, special words as text; and back.
 * TEXT that does not fit SCHEMA is RS_ERR_DATA. Release *OUT with free(). */
rs_status rs_settings_to_json(const rs_settings *s, char **out) RS_MUST_CHECK;
rs_status rs_settings_from_json(const rs_schema *schema, const char *text,
                                rs_settings **out) RS_MUST_CHECK;

/* Append to OUT "path=value\n" in canonical form, sorted, for every setting that one of READS
 * (NULL-terminated) names: a whole path, or a prefix that ends in '.' ("train."). */
void rs_settings_canonical(const rs_settings *s, const char *const *reads, rs_str *out);

/* ---- the space to sweep ------------------------------------------------------------------- */

typedef enum rs_dim_kind {
  RS_DIM_VALUES,      /* a list: a grid axis */
  RS_DIM_CHOICE,      /* {choice: [...]} */
  RS_DIM_UNIFORM,     /* {uniform: [a, b]} */
  RS_DIM_LOG_UNIFORM, /* {log_uniform: [a, b]} */
  RS_DIM_INT          /* {int: [a, b]} inclusive */
} rs_dim_kind;

typedef struct rs_dim {
  const char *path;
  const rs_setting *setting;
  rs_dim_kind kind;
  size_t count; /* VALUES, CHOICE */
  const rs_value *values;
  const char *const *places; /* of each value */
  double low, high;          /* the ranges */
  const char *place;
} rs_dim;

typedef struct rs_objective {
  const char *metric;
  bool maximize;
} rs_objective;

/* One entry of `sweep.trials` (strategy list): the paths it sets. */
typedef struct rs_point {
  size_t count;
  const char *const *paths;
  const rs_value *values;
  const char *const *places; /* of each value */
  const char *place;
} rs_point;

/* ---- the job ------------------------------------------------------------------------------ */

typedef struct rs_job rs_job;

/* Read and validate the job file PATH; OVERRIDES are N texts "key=value" of --set, VALUE in YAML.
 * SCHEMAS is a NULL-terminated list; the file's `experiment` picks one. Every fault (syntax,
 * unknown or duplicate key with the nearest valid name, type, range, sweep of an unknown setting,
 * the schema's check) is listed in one RS_ERR_USAGE. An unreadable file is RS_ERR_USAGE as well. */
rs_status rs_job_load(const char *path, const char *const *overrides, size_t n,
                      const rs_schema *const *schemas, rs_job **out) RS_MUST_CHECK;

/* The same from memory; NAME stands for the file in messages. */
rs_status rs_job_parse(const char *name, const char *text, size_t len, const char *const *overrides,
                       size_t n, const rs_schema *const *schemas, rs_job **out) RS_MUST_CHECK;
/* The same of a job that has been checked before it ran: the rules across settings, which look at
 * files as well, are not applied again. */
rs_status rs_job_parse_checked(const char *name, const char *text, size_t len,
                               const char *const *overrides, size_t n,
                               const rs_schema *const *schemas, rs_job **out) RS_MUST_CHECK;
void rs_job_destroy(rs_job *job);

const char *rs_job_name(const rs_job *job);
const char *rs_job_yaml(const rs_job *job); /* the file's own text */
const rs_schema *rs_job_schema(const rs_job *job);
const rs_settings *rs_job_base(const rs_job *job); /* before anything is swept */
const char *rs_job_strategy(const rs_job *job);    /* "grid", "list" */
size_t rs_job_dims(const rs_job *job, const rs_dim **out);
size_t rs_job_points(const rs_job *job, const rs_point **out);
size_t rs_job_objectives(const rs_job *job, const rs_objective **out);

/* ---- checkpoints ---------------------------------------------------------------------------- */

/* The setting `checkpoint.every`: when a running stage is checkpointed, whichever comes first since
 * its last checkpoint. 0: not by this. */
typedef struct rs_checkpoint_every {
  uint64_t epochs, steps;
  double seconds;
} rs_checkpoint_every;

/* The setting `checkpoint.keep`: which files stay. */
typedef enum rs_keep_kind {
  RS_KEEP_FINAL, /* what every stage left */
  RS_KEEP_LAST,  /* the same, and the `count` last checkpoints of every stage */
  RS_KEEP_BEST,  /* the final weights of the `count` best trials by the first objective */
  RS_KEEP_NONE   /* nothing that no stage needs any more */
} rs_keep_kind;

typedef struct rs_checkpoint_keep {
  rs_keep_kind kind;
  size_t count;
} rs_checkpoint_keep;

/* Read the text of the two settings; anything else is RS_ERR_USAGE that says what was expected and
 * got. The settings of a job have been checked and always fit. */
rs_status rs_checkpoint_every_parse(const char *text, rs_checkpoint_every *out) RS_MUST_CHECK;
rs_status rs_checkpoint_keep_parse(const char *text, rs_checkpoint_keep *out) RS_MUST_CHECK;

/* The name among NAMES (N of them) nearest to WORD by edit distance, NULL if none is near enough to
 * be a likely misspelling. */
const char *rs_job_nearest(const char *word, const char *const *names, size_t n);

#endif
