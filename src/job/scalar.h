/* One scalar of a file before its setting gives it a type. */
#ifndef JOB_SCALAR_H
#define JOB_SCALAR_H

#include "ranksweep/job.h"

typedef enum rs_scalar_kind {
  RS_SCALAR_NULL,
  RS_SCALAR_BOOL,
  RS_SCALAR_INT,  /* fits int64_t; `real` is set as well */
  RS_SCALAR_REAL, /* also .nan, .inf and whole numbers too large for int64_t */
  RS_SCALAR_TEXT,
  RS_SCALAR_LIST, /* no scalar at all: stands for a list or mapping in messages */
  RS_SCALAR_MAP
} rs_scalar_kind;

typedef struct rs_scalar {
  rs_scalar_kind kind;
  bool boolean;
  int64_t integer;
  double real;
  const char *text; /* as written; NULL for the numbers of a record */
} rs_scalar;

/* The YAML 1.2 core schema without hexadecimal and octal numbers, and without leading zeros, which
 * YAML 1.1 reads as octal. */
rs_scalar rs_scalar_plain(const char *text);
rs_scalar rs_scalar_quoted(const char *text);

/* ---- into the type of a setting ------------------------------------------------------------ */

/* WHY stays empty when the scalar fits, else it says "expected ..., got ...". A status other than
 * RS_OK is lack of memory. */

/* Is SCALAR the special word of SETTING, which stands in place of a number or list? */
bool rs_setting_takes_word(const rs_setting *setting, const rs_scalar *scalar);
rs_value rs_setting_word_value(const rs_setting *setting);

bool rs_type_is_list(rs_type type);

/* Make *OUT a value of SETTING's type without content: a list of COUNT elements, or one scalar. */
rs_status rs_value_begin(const rs_setting *setting, size_t count, rs_value *out) RS_MUST_CHECK;

/* Store SCALAR as element I of the list OUT, or as OUT itself (I is 0). */
rs_status rs_value_put(const rs_setting *setting, const rs_scalar *scalar, rs_value *out, size_t i,
                       rs_str *why) RS_MUST_CHECK;

/* Say that SETTING as a whole expected something else than SCALAR. */
void rs_setting_misfit(const rs_setting *setting, const rs_scalar *scalar, rs_str *why);

/* A total order of values of one type; 0 means equal. */
int rs_value_order(const rs_value *a, const rs_value *b);

#endif
