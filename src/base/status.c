/* Status codes and the message of a thread's last failure. */
#include "ranksweep/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_BYTES = 16384 }; /* room for the many lines of a bad job file */

static _Thread_local char message[MESSAGE_BYTES];

const char *rs_status_text(rs_status status) {
  switch (status) {
#define RS_STATUS_CASE(name, text)                                                                 \
  case name: return text;
    RS_STATUS_LIST(RS_STATUS_CASE)
#undef RS_STATUS_CASE
  }
  return "unknown status";
}

const char *rs_error_message(void) {
  return message;
}

/* Formats aside first: an argument may be the present message itself. */
static void set_message(const char *format, va_list args, const char *tail) {
  static _Thread_local char next[MESSAGE_BYTES];
  int n = vsnprintf(next, sizeof next, format, args);
  size_t used = n < 0 ? 0 : (size_t)n < sizeof next ? (size_t)n : sizeof next - 1;
  if (tail != NULL) snprintf(next + used, sizeof next - used, ": %s", tail);
  memcpy(message, next, sizeof message);
}

rs_status rs_fail(rs_status code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  set_message(format, args, NULL);
  va_end(args);
  return code;
}

rs_status rs_fail_errno(const char *format, ...) {
  int code = errno;
  va_list args;
  va_start(args, format);
  set_message(format, args, strerror(code));
  va_end(args);
  return code == ENOMEM ? RS_ERR_NOMEM : RS_ERR_IO;
}

rs_status rs_error_context(rs_status status, const char *format, ...) {
  if (status == RS_OK) return status;
  static _Thread_local char reason[MESSAGE_BYTES];
  memcpy(reason, message, sizeof reason);
  va_list args;
  va_start(args, format);
  set_message(format, args, reason);
  va_end(args);
  return status;
}

#if defined(RS_CHECKS) && RS_CHECKS
void rs_assert_failed(const char *expr, const char *file, int line) {
  fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expr);
  abort();
}
#endif
