/* When a run must have ended. */
#ifndef RANKSWEEP_CLI_DEADLINE_H
#define RANKSWEEP_CLI_DEADLINE_H

#include "ranksweep/base.h"

/* When running stages must be asked to leave, as chosen by a process that started this one. */
#define DEADLINE_VARIABLE "RANKSWEEP_STOP_AT"

/* Seconds since the epoch; 0: none. */
typedef double deadline;

/* TEXT as --deadline takes it, NOW being the time: a span from now on ("90 s", "45 min", "1h30m",
 * "2:30:00", a number of seconds) or a moment in UTC ("2026-03-01T18:00:00Z"). RS_ERR_USAGE for
 * anything else. */
rs_status deadline_parse(const char *text, double now, deadline *out) RS_MUST_CHECK;

/* When running stages must be asked to leave so that a run of which TOTAL seconds were granted ends
 * by END: a tenth of that time before, at least a second and at most a minute. */
double deadline_stop_time(deadline end, double total);

/* When to ask running stages to leave, 0: never. From the option (NULL: not given) or SLURM_END,
 * the end of the SLURM job that this runs in (0: none), whichever is earlier; or as the process
 * that started this one chose. */
rs_status deadline_choose(const char *option, deadline slurm_end, double now,
                          deadline *stop) RS_MUST_CHECK;
/* The processes that this one will start, now or after a crash, keep to the same time. */
void deadline_hand_on(deadline stop);

#endif
