/* What a scalar looks like on its own: nothing, true or false, a number or a text. */
#include "scalar.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_digits(const char *p) {
  return p + strspn(p, "0123456789");
}

/* Skip the exponent at P; NULL when it is malformed. */
static const char *skip_exponent(const char *p) {
  const char *digits = p + 1 + (p[1] == '-' || p[1] == '+');
  const char *end = skip_digits(digits);
  return end > digits ? end : NULL;
}

static rs_scalar_kind number_kind(const char *text) {
  const char *whole = text + (*text == '-' || *text == '+');
  const char *p = skip_digits(whole);
  size_t digits = (size_t)(p - whole);
  bool integer = *p == '\0';
  if (digits > 1 && *whole == '0') return RS_SCALAR_TEXT;
  if (*p == '.') {
    const char *end = skip_digits(p + 1);
    digits += (size_t)(end - p - 1);
    p = end;
  }
  if (digits == 0) return RS_SCALAR_TEXT;
  if (*p == 'e' || *p == 'E') p = skip_exponent(p);
  if (p == NULL || *p != '\0') return RS_SCALAR_TEXT;
  return integer ? RS_SCALAR_INT : RS_SCALAR_REAL;
}

static bool one_of(const char *text, const char *const *words) {
  while (*words != NULL && strcmp(text, *words) != 0) words++;
  return *words != NULL;
}

static bool is_null(const char *text) {
  return one_of(text, (const char *[]){"", "~", "null", "Null", "NULL", NULL});
}

static bool is_not_finite(const char *text) {
  static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
  static const char *const infinities[] = {".inf", ".Inf", ".INF", NULL};
  return one_of(text, nans) || one_of(text + (*text == '-' || *text == '+'), infinities);
}

static rs_scalar number(const char *text, rs_scalar_kind kind) {
  rs_scalar s = {.kind = kind, .text = text};
  s.real = strtod(text, NULL) + 0.0; /* -0 becomes 0: one value, one identity */
  if (kind == RS_SCALAR_INT) {
    errno = 0;
    s.integer = strtoll(text, NULL, 10);
    if (errno == ERANGE) s.kind = RS_SCALAR_REAL;
  }
  return s;
}

rs_scalar rs_scalar_plain(const char *text) {
  if (is_null(text)) return (rs_scalar){.kind = RS_SCALAR_NULL, .text = text};
  bool yes = one_of(text, (const char *[]){"true", "True", "TRUE", NULL});
  if (yes || one_of(text, (const char *[]){"false", "False", "FALSE", NULL}))
    return (rs_scalar){.kind = RS_SCALAR_BOOL, .boolean = yes, .text = text};
  if (is_not_finite(text)) return (rs_scalar){.kind = RS_SCALAR_REAL, .real = NAN, .text = text};
  rs_scalar_kind kind = number_kind(text);
  return kind == RS_SCALAR_TEXT ? rs_scalar_quoted(text) : number(text, kind);
}

rs_scalar rs_scalar_quoted(const char *text) {
  return (rs_scalar){.kind = RS_SCALAR_TEXT, .text = text};
}
