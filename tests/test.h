/* What every test program includes: cmocka with its prerequisites, and shorthands for statuses. */
#ifndef RANKSWEEP_TEST_H
#define RANKSWEEP_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ranksweep/base.h"

/* Passes when EXPR is RS_OK; prints the message otherwise. */
#define assert_ok(expr)                                                                            \
  do {                                                                                             \
    rs_status got_ = (expr);                                                                       \
    if (got_ != RS_OK) print_error("%s: %s\n", #expr, rs_error_message());                         \
    assert_int_equal(got_, RS_OK);                                                                 \
  } while (0)

/* Passes when EXPR fails with CODE and its message contains TEXT. */
#define assert_fails(code, text, expr)                                                             \
  do {                                                                                             \
    assert_int_equal((expr), (code));                                                              \
    if (strstr(rs_error_message(), (text)) == NULL)                                                \
      fail_msg("message lacks \"%s\": %s", (text), rs_error_message());                            \
  } while (0)

#endif
