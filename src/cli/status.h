/* What `ranksweep status` prints, all of it to stdout. */
#ifndef RANKSWEEP_CLI_STATUS_H
#define RANKSWEEP_CLI_STATUS_H

#include "cli.h"

/* Several lines, and a table of what runs. */
rs_status status_print_text(const rs_results *r) RS_MUST_CHECK;
/* One line. */
rs_status status_print_line(const rs_results *r) RS_MUST_CHECK;
/* One object, COMPACT: in one line. */
rs_status status_print_json(const rs_results *r, bool compact) RS_MUST_CHECK;

#endif
