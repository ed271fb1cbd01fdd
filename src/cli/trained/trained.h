/* A trained model out of a results file, for the commands that put it to use. */
#ifndef RANKSWEEP_CLI_TRAINED_H
#define RANKSWEEP_CLI_TRAINED_H

#include "cli.h"
#include "ranksweep/job.h"

typedef struct trained {
  char *name; /* "RESULTS.h5: trial 3", for messages */
  rs_settings *settings;
  rs_bundle model;
  double threshold; /* the trial's eer_threshold; NaN: it has none */
} trained;

/* WHERE is "RESULTS.h5" or "RESULTS.h5:TRIAL". Without a trial: the only one that has a model, or
 * the best of these by the first objective that the job names; otherwise RS_ERR_USAGE that lists
 * them. Results of another experiment than EXPERIMENT are RS_ERR_USAGE. OUT is empty after a
 * failure. */
rs_status trained_open(const char *where, const char *experiment, trained *out) RS_MUST_CHECK;
void trained_close(trained *t); /* takes an empty one */

/* Settings of the trial in row ROW: those that the job resolved to, with what the sweep put in
 * their place (trained_settings.c). PLACE is for messages. */
rs_status trained_settings(const rs_results *r, size_t row, const char *place,
                           rs_settings **out) RS_MUST_CHECK;

#endif
