/* noop: an experiment that does nothing, or fails on request. For tests of everything around
 * experiments. */
#include "ranksweep/exp.h"

#include <math.h>
#include <signal.h>
#include <string.h>

static const rs_setting settings[] = {
    {.path = "noop.value",
     .type = RS_FLOAT,
     .initial = "0",
     .help = "Returned as the metric `value`."},
    {.path = "noop.index", .type = RS_INT, .initial = "0", .help = "Tells trials apart."},
    {.path = "noop.seconds",
     .type = RS_FLOAT,
     .initial = "0",
     .min = 0,
     .max = 86400,
     .unit = "s",
     .help = "Time to sleep, in a hundred steps."},
    {.path = "noop.rows",
     .type = RS_INT,
     .initial = "0",
     .min = 0,
     .max = 1e6,
     .unit = "rows",
     .help = "Rows of metrics to write."},
    {.path = "noop.fail",
     .type = RS_TEXT,
     .initial = "none",
     .choices = "none|error|nan|abort|kill",
     .help = "How the stage ends: an error, a NaN loss, abort() or SIGKILL."},
    {0},
};

static const rs_metric metrics[] = {{"loss", NULL, "A falling number"}, {0}};
static const rs_metric finals[] = {{"value", NULL, "The setting noop.value"}, {0}};

static rs_status fail_as_told(const char *how) {
  if (strcmp(how, "error") == 0) return rs_fail(RS_ERR_DATA, "failed as told");
  if (strcmp(how, "nan") == 0) return rs_fail(RS_ERR_NUMERIC, "loss is nan at step 1 of epoch 1");
  if (strcmp(how, "abort") == 0) raise(SIGABRT);
  if (strcmp(how, "kill") == 0) raise(SIGKILL);
  return RS_OK;
}

static rs_status sleep_in_steps(rs_stage_context *c, double seconds) {
  enum { STEPS = 100 };
  for (uint64_t i = 1; seconds > 0 && i <= STEPS; i++) {
    rs_clock_sleep(seconds / STEPS);
    rs_stage_progress progress = {.done = i, .total = STEPS, .loss = NAN};
    RS_TRY(rs_stage_tick(c, &progress, NULL));
  }
  return RS_OK;
}

static rs_status run(rs_stage_context *c) {
  int64_t rows = rs_settings_int(c->settings, "noop.rows");
  for (int64_t i = 1; i <= rows; i++) {
    rs_metric_value value = {"loss", 1.0 / (double)i};
    RS_TRY(rs_stage_metrics(c, (size_t)i, (uint64_t)i, &value, 1));
  }
  RS_TRY(sleep_in_steps(c, rs_settings_float(c->settings, "noop.seconds")));
  RS_TRY(rs_comm_agree(c->comm, fail_as_told(rs_settings_text(c->settings, "noop.fail"))));
  return rs_stage_final(c, "value", rs_settings_float(c->settings, "noop.value"));
}

static const rs_stage_op stage = {
    .spec = {.name = "noop", .version = 1, .reads = (const char *const[]){"noop.", NULL}},
    .run = run,
};

const rs_experiment rs_noop = {
    .schema = {.experiment = "noop",
               .summary = "Does nothing, or fails on request.",
               .settings = (const rs_setting *const[]){settings, NULL},
               .metrics = finals},
    .stages = (const rs_stage_op *const[]){&stage, NULL},
    .metrics = metrics,
    .example = "name: example\nexperiment: noop\nnoop: {rows: 3}\n"
               "sweep: {space: {noop.value: [1, 2]}}\n",
    .hidden = true,
};
