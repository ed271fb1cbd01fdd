/* What `ranksweep status` prints, all of it to stdout. */
#ifndef RANKSWEEP_CLI_STATUS_H
#define RANKSWEEP_CLI_STATUS_H

#include "cli.h"

/* A snapshot, and who would have made the next one. */
typedef struct status_view {
  const rs_results *r;
  rs_journal_holder writer;
} status_view;

/* Seconds since the snapshot was made; NaN when that cannot be told. */
double status_age(const rs_results *r);
/* It says `running`, but its writer is gone, and not just between two starts. */
bool status_is_deserted(const status_view *v);

/* Several lines, and a table of what runs. */
rs_status status_print_text(const status_view *v) RS_MUST_CHECK;
/* One line. */
rs_status status_print_line(const status_view *v) RS_MUST_CHECK;
/* One object, COMPACT: in one line. */
rs_status status_print_json(const status_view *v, bool compact) RS_MUST_CHECK;

#endif
