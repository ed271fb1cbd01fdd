/* noop-look: trains nothing, and leaves files and pictures of it. For tests of everything around
 * artifacts, images and stages whose output is for looking at. */
#include "ranksweep/exp.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const rs_setting settings[] = {
    {.path = "look.index",
     .type = RS_INT,
     .initial = "0",
     .help = "Returned as the metric `value`."},
    {.path = "look.artifacts",
     .type = RS_INT,
     .initial = "2",
     .min = 0,
     .max = 64,
     .help = "Files to leave; the first one is empty."},
    {.path = "look.images",
     .type = RS_INT,
     .initial = "1",
     .min = 0,
     .max = 64,
     .help = "Images to leave."},
    {.path = "look.seconds",
     .type = RS_FLOAT,
     .initial = "0",
     .min = 0,
     .max = 86400,
     .unit = "s",
     .help = "Time to sleep after the first file, in a hundred steps."},
    {.path = "look.fail",
     .type = RS_TEXT,
     .initial = "none",
     .choices = "none|name|twice|write",
     .help = "A file of a name that is not allowed, of the same name again, or that cannot be "
             "written."},
    {.path = "again.number", .type = RS_INT, .initial = "0", .help = "Tells second looks apart."},
    {0},
};

static const rs_metric metrics[] = {{"loss", NULL, "None"}, {0}};
static const rs_metric finals[] = {{"value", NULL, "The setting look.index"}, {0}};

/* ---- the model ------------------------------------------------------------------------------ */

static rs_status run_make(rs_stage_context *c) {
  const size_t dims[] = {2, 3};
  float *kernel;
  if (rs_comm_rank(c->comm) != 0) return RS_OK;
  RS_TRY(rs_bundle_add(c->output, "dense1/kernel", 2, dims, &kernel));
  for (size_t i = 0; i < dims[0] * dims[1]; i++)
    kernel[i] = (float)rs_settings_int(c->settings, "look.index") + (float)i;
  return RS_OK;
}

static const rs_stage_op make = {
    .spec = {.name = "look-make", .version = 1, .reads = (const char *const[]){"look.index", NULL}},
    .run = run_make,
};

/* ---- files ---------------------------------------------------------------------------------- */

typedef struct letter {
  const char *fail;
  long long index, number;
} letter;

/* A line for each number up to its own: the first file is empty. */
static rs_status write_letter(void *user, const char *path) {
  const letter *l = user;
  rs_str text = {0};
  rs_str_add(&text, "");
  if (strcmp(l->fail, "write") == 0) return rs_fail(RS_ERR_IO, "%s: not written, as told", path);
  for (long long i = 0; i < l->number; i++) rs_str_addf(&text, "line %lld of %lld\n", i, l->index);
  rs_status status = rs_str_status(&text);
  if (status == RS_OK) status = rs_file_replace(path, text.len > 0 ? text.text : "", text.len);
  rs_str_free(&text);
  return status;
}

static rs_status leave_letter(rs_stage_context *c, long long number) {
  char name[64], long_name[64];
  letter l = {rs_settings_text(c->settings, "look.fail"),
              rs_settings_int(c->settings, "look.index"), number};
  bool twice = strcmp(l.fail, "twice") == 0, bad = strcmp(l.fail, "name") == 0;
  snprintf(name, sizeof name, "%sletter-%lld.txt", bad ? "../" : "", twice ? 0 : number);
  snprintf(long_name, sizeof long_name, "Letter of %lld lines", number);
  return rs_stage_artifact(c, &(rs_artifact){name, long_name, &l, write_letter});
}

/* ---- images --------------------------------------------------------------------------------- */

static const rs_stage_images images[] = {
    {.tensor = "mask",
     .name = "mask",
     .long_name = "Mask",
     .rows = {"frequency", "Frequency", "Hz"},
     .cols = {"time", "Time", "s"}},
    {.tensor = "level",
     .name = "spectrogram",
     .long_name = "Spectrogram",
     .unit = "dB",
     .rows = {"frequency", "Frequency", "Hz"},
     .cols = {"time", "Time", "s"}},
    {0},
};

/* Element i of the tensor is i times SCALE. */
static rs_status add_ramp(rs_bundle *to, const char *group, const char *name, size_t rows,
                          size_t cols, float scale) {
  char path[64];
  float *data;
  const size_t dims[] = {rows, cols};
  snprintf(path, sizeof path, "%s/%s", group, name);
  RS_TRY(rs_bundle_add(to, path, cols > 0 ? 2 : 1, dims, &data));
  for (size_t i = 0; i < (cols > 0 ? rows * cols : rows); i++) data[i] = scale * (float)i;
  return RS_OK;
}

/* Images of several shapes; both of one example on the same axes. */
static rs_status add_images(rs_bundle *to, long long n) {
  for (long long i = 0; i < n; i++) {
    size_t rows = 5 + (size_t)i, cols = 7;
    char group[32];
    snprintf(group, sizeof group, "example%lld", i);
    RS_TRY(add_ramp(to, group, "mask", rows, cols, 0.01f));
    RS_TRY(add_ramp(to, group, "frequency", rows, 0, 125.0f));
    RS_TRY(add_ramp(to, group, "time", cols, 0, 0.008f));
    RS_TRY(add_ramp(to, group, "level", rows, cols, -1.0f));
  }
  /* Without axes of its size beside it: no plot. */
  return n > 0 ? add_ramp(to, "lonely", "mask", 3, 3, 1.0f) : RS_OK;
}

/* ---- the stage ------------------------------------------------------------------------------ */

static rs_status sleep_in_steps(rs_stage_context *c, double seconds) {
  enum { STEPS = 100 };
  for (uint64_t i = 1; seconds > 0 && i <= STEPS; i++) {
    rs_clock_sleep(seconds / STEPS);
    rs_stage_progress progress = {.done = i, .total = STEPS, .loss = NAN};
    RS_TRY(rs_stage_tick(c, &progress, NULL));
  }
  return RS_OK;
}

static rs_status run_look(rs_stage_context *c) {
  int64_t n = rs_settings_int(c->settings, "look.artifacts");
  for (int64_t i = 0; i < n; i++) {
    RS_TRY(leave_letter(c, i));
    if (i == 0) RS_TRY(sleep_in_steps(c, rs_settings_float(c->settings, "look.seconds")));
  }
  if (rs_comm_rank(c->comm) == 0)
    RS_TRY(add_images(c->output, rs_settings_int(c->settings, "look.images")));
  return rs_stage_final(c, "value", (double)rs_settings_int(c->settings, "look.index"));
}

static const rs_stage_op look = {
    .spec = {.name = "look-at", .version = 1, .reads = (const char *const[]){"look.", NULL}},
    .images = images,
    .leaves_no_model = true,
    .run = run_look,
};

/* ---- another one below it -------------------------------------------------------------------- */

/* Needs what the first look left. */
static rs_status run_again(rs_stage_context *c) {
  rs_status status = RS_OK;
  if (c->parent == NULL) status = rs_fail(RS_ERR_INTERNAL, "nothing to look at");
  return rs_comm_agree(c->comm, status);
}

static const rs_stage_op again = {
    .spec = {.name = "look-again", .version = 1, .reads = (const char *const[]){"again.", NULL}},
    .leaves_no_model = true,
    .run = run_again,
};

const rs_experiment rs_noop_look = {
    .schema = {.experiment = "noop-look",
               .summary = "Does nothing and leaves files and images of it.",
               .settings = (const rs_setting *const[]){settings, NULL},
               .metrics = finals},
    .stages = (const rs_stage_op *const[]){&make, &look, &again, NULL},
    .metrics = metrics,
    .example = "name: example\nexperiment: noop-look\n"
               "sweep: {space: {look.index: [1, 2]}}\n",
    .hidden = true,
};
