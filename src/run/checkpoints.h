/* Checkpoints of a running stage: two files that take turns, so that one whole one is always there,
 * and with `checkpoint.keep: last K` the K last ones under names of their own. */
#ifndef RANKSWEEP_RUN_CHECKPOINTS_H
#define RANKSWEEP_RUN_CHECKPOINTS_H

#include "ranksweep/exp.h"
#include "ranksweep/num.h"

#include <jansson.h>

typedef struct checkpoints {
  char *directory;
  rs_id identity;
  char *paths[2];     /* DIRECTORY/<identity>.a.h5 and .b.h5 */
  int next;           /* which one to overwrite */
  uint64_t last_step; /* and epoch, and time, of the last one made, tried or resumed from */
  size_t last_epoch;
  double last_time;
  rs_checkpoint_every every; /* the settings of the job */
  double least_seconds;
  size_t keep;  /* so many stay under names of their own */
  double spent; /* seconds, on saving */
  /* Rows of metrics that the stage has given so far, {epoch, step, seconds, values}. A checkpoint
   * holds them, since it may be ahead of the journal of a coordinator that was killed. */
  json_t *rows;
} checkpoints;

rs_status checkpoints_open(const char *directory, rs_id identity, const rs_settings *settings,
                           checkpoints *out) RS_MUST_CHECK;
void checkpoints_close(checkpoints *c);

/* The newest whole one into BUNDLE and *STATE (release with free()); *STATE NULL: there is none.
 * Damaged files are passed over, *DAMAGED tells how many; one of a newer version is
 * RS_ERR_CONFLICT. Every rank may call it. */
rs_status checkpoints_load(checkpoints *c, rs_bundle *bundle, char **state,
                           int *damaged) RS_MUST_CHECK;

rs_status checkpoints_add_row(checkpoints *c, size_t epoch, uint64_t step, double seconds,
                              const rs_metric_value *values, size_t n) RS_MUST_CHECK;

bool checkpoints_due(const checkpoints *c, const rs_stage_progress *progress);

/* Root only. RS_ERR_IO when it cannot be written: the one before is still there, and the next is
 * tried when it is due. */
rs_status checkpoints_save(checkpoints *c, const rs_stage_progress *progress,
                           const rs_stage_saver *saver) RS_MUST_CHECK;

#endif
