/* The log front end; sinks belong to src/cli. */
#include "ranksweep/base.h"

#include <stdio.h>

void rs_logf(const rs_log *log, rs_log_level level, const char *format, ...) {
  if (log == NULL || log->write == NULL || level < log->threshold) return;
  char line[2048];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  log->write(log->user, level, line);
}
