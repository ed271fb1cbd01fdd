/* From the tree of a job file and its overrides to a job. The flow (job.c):
 *
 *   1. parse the file and each override into trees
 *   2. `experiment` picks the schema, whose settings make the catalog
 *   3. rs_reader_take: sort what is given by setting, axis, objective; overrides replace
 *   4. rs_reader_settings: convert the settings, fill in defaults
 *   5. rs_sweep_read: axes, points and objectives; settings that nothing supplies
 *   6. rs_job_check: the rules of the schema on every trial, when all else is right */
#ifndef JOB_READER_H
#define JOB_READER_H

#include "settings.h"
#include "tree.h"

struct rs_job {
  char *yaml;
  const rs_schema *schema;
  rs_settings *base;
  rs_dim *dims;
  rs_point *points;
  rs_objective *objectives;
  size_t dim_count, point_count, objective_count;
};

/* One thing that the job file says; `name` is the table's own text. */
typedef struct rs_entry {
  const char *name;
  const rs_node *key, *value; /* the same node for an override; NULL: not given */
} rs_entry;

typedef struct rs_entries {
  rs_entry *items;
  size_t count, cap;
} rs_entries;

typedef struct rs_reader {
  const char *file; /* its name */
  rs_problems *problems;
  rs_catalog *catalog;
  rs_entry *values;       /* [catalog->count] */
  rs_entries axes, goals; /* of sweep.space and sweep.objectives, in order of appearance */
  rs_entry trials;
  bool overriding; /* what comes now replaces what there is */
} rs_reader;

/* Take over what the file's root, a mapping, says. */
rs_status rs_reader_take_root(rs_reader *r, const rs_node *root) RS_MUST_CHECK;
/* Take over `--set PATH=VALUE`. */
rs_status rs_reader_take(rs_reader *r, const char *path, const rs_node *value) RS_MUST_CHECK;
void rs_reader_free(rs_reader *r);

/* Convert what was given; settings that are required and not given stay unset. */
rs_status rs_reader_settings(rs_reader *r, rs_settings **out) RS_MUST_CHECK;

/* Call VISIT with the full path of every entry of MAP below PREFIX; duplicates and a MAP that is
 * none are reported, a MAP without content is skipped. */
typedef rs_status (*rs_visit)(rs_reader *r, void *user, const char *path, const rs_node *key,
                              const rs_node *value);
rs_status rs_reader_each(rs_reader *r, const char *prefix, const rs_node *map, rs_visit visit,
                         void *user) RS_MUST_CHECK;

void rs_reader_unknown(rs_reader *r, const rs_node *key, const char *path);
void rs_reader_twice(rs_reader *r, const char *path, const rs_node *key, const rs_node *first);

/* ---- sweeping ------------------------------------------------------------------------------- */

#define RS_GRID_MAX 10000000 /* trials of one grid */

/* May PATH, a setting, differ between the trials of a job? Reported at KEY when not. */
bool rs_reader_may_sweep(rs_reader *r, const char *path, const rs_node *key);

/* Read one axis into the zeroed *DIM; faults are reported. */
rs_status rs_axis_read(rs_reader *r, const rs_entry *entry, rs_dim *dim) RS_MUST_CHECK;
void rs_axis_free(rs_dim *dim);

/* Read the list of sweep.trials. */
rs_status rs_points_read(rs_reader *r, rs_job *job) RS_MUST_CHECK;
void rs_point_free(rs_point *point);
bool rs_point_sets(const rs_point *point, const char *path);

rs_status rs_sweep_read(rs_reader *r, rs_job *job) RS_MUST_CHECK;

rs_status rs_job_check(const rs_job *job, rs_problems *problems) RS_MUST_CHECK;

#endif
