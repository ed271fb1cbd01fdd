/* The texts between coordinator and workers: one JSON object each, told apart by "is".
 *
 * To workers:
 *  - setup {directory, kind}: before the first start
 *  - start {stage, attempt, step, settings, identity, parent, workers}
 *  - stop {stage}: checkpoint and leave
 *  - data {settings}: to all workers, before the first start: share what these settings name with
 *    the others of the node
 *  - end {}: nothing more will come
 *
 * From workers:
 *  - hello {pid, cpus}
 *  - metrics {stage, epoch, step, seconds, values}
 *  - progress {stage, done, total, epoch, epochs, loss}
 *  - warning {stage, text}: of something that the stage can do without
 *  - waiting {stage, attempt, seconds}: from any member, about once a second while it waits for the
 *    others
 *  - stop-asked {reason}: the system asks this rank to end
 *  - result {stage, attempt, status, message, seconds, finals, output, threads, damaged,
 *    checkpoints, files_failed, artifacts}: from the group's root, which is idle again;
 *    checkpoints: seconds spent on them; artifacts: as in artifacts.h
 *  - idle {}: from the other members of a group that has ended */
#ifndef RANKSWEEP_SCHED_MESSAGE_H
#define RANKSWEEP_SCHED_MESSAGE_H

#include "ranksweep/sched.h"

#include <jansson.h>

/* Send MESSAGE and release it; NULL (memory ran out while it was made) is RS_ERR_NOMEM. */
rs_status message_send(rs_transport *t, int to, json_t *message) RS_MUST_CHECK;

/* Parse TEXT; anything but an object with "is" is RS_ERR_INTERNAL. Release with json_decref. */
rs_status message_parse(const char *text, json_t **out) RS_MUST_CHECK;
bool message_is(const json_t *message, const char *kind);

long long message_int(const json_t *message, const char *key);    /* 0: absent */
double message_number(const json_t *message, const char *key);    /* NaN: absent */
const char *message_text(const json_t *message, const char *key); /* "": absent */

/* A number, or null when it is not finite: JSON has no NaN. */
json_t *message_real(double value);

#endif
