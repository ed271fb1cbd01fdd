/* Two invented experiments for the tests of job: settings of every type, a required one, and a
 * rule. */
#ifndef JOB_SCHEMA_H
#define JOB_SCHEMA_H

#include <inttypes.h>
#include <string.h>

#include "ranksweep/job.h"

static const rs_setting bake_settings[] = {
    {.path = "train.lr",
     .type = RS_FLOAT,
     .initial = "0.001",
     .min = 1e-9,
     .max = 10,
     .help = "Rate."},
    {.path = "train.epochs",
     .type = RS_INT,
     .initial = "10",
     .min = 1,
     .max = 1e6,
     .help = "Passes."},
    {.path = "train.optimizer",
     .type = RS_TEXT,
     .initial = "adam",
     .choices = "adam|sgd|none",
     .help = "Rule."},
    {.path = "train.shuffle", .type = RS_BOOL, .initial = "true", .help = "Reorder."},
    {.path = "model.hidden",
     .type = RS_INTS,
     .initial = "[64, 64]",
     .min = 1,
     .max = 65536,
     .help = "Widths."},
    {.path = "model.scales", .type = RS_FLOATS, .initial = "[]", .help = "Factors."},
    {.path = "model.tags", .type = RS_TEXTS, .initial = "[a, b]", .help = "Labels."},
    {.path = "svd.rank",
     .type = RS_INT,
     .initial = "8",
     .min = 1,
     .max = 65536,
     .word = "full",
     .help = "Singular values kept."},
    {.path = "data.path", .type = RS_TEXT, .help = "Folder of the data."},
    {.path = "data.offset", .type = RS_INT, .initial = "0", .help = "Any whole number."},
    {.path = "data.shift", .type = RS_FLOAT, .initial = "0", .help = "Any number."},
    {.path = NULL},
};

/* svd.rank may not exceed the widest layer. */
static rs_status bake_check(const rs_settings *s, rs_problems *problems) {
  const int64_t *hidden;
  size_t n = rs_settings_ints(s, "model.hidden", &hidden);
  int64_t widest = 0, svd_rank = rs_settings_int(s, "svd.rank");
  for (size_t i = 0; i < n; i++) widest = hidden[i] > widest ? hidden[i] : widest;
  if (svd_rank > widest)
    rs_problem_add(problems, rs_settings_place(s, "svd.rank"),
                   "svd.rank: %" PRId64 " exceeds the widest layer, %" PRId64, svd_rank, widest);
  return RS_OK;
}

static int bake_looks; /* calls of bake_check_files */

static void bake_check_files(const rs_settings *s, rs_problems *problems) {
  bake_looks++;
  if (strcmp(rs_settings_text(s, "data.path"), "/missing") == 0)
    rs_problem_add(problems, rs_settings_place(s, "data.path"), "data.path: there is no /missing");
}

static const rs_setting *const bake_tables[] = {bake_settings, NULL};
static const rs_metric bake_metrics[] = {{"test_accuracy", NULL, "Accuracy"}, {0}};
static const rs_schema bake_schema = {.experiment = "bake",
                                      .summary = "Bakes.",
                                      .settings = bake_tables,
                                      .metrics = bake_metrics,
                                      .check = bake_check,
                                      .check_files = bake_check_files};
static const rs_schema plain_schema = {.experiment = "plain", .summary = "Does nothing."};
static const rs_schema *const test_schemas[] = {&bake_schema, &plain_schema, NULL};

#endif
