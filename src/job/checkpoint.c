/* The texts of `checkpoint.every` and `checkpoint.keep`. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ranksweep/job.h"
#include "text.h"

static rs_status misfit(const char *expected, const char *text) {
  rs_str got = {0};
  rs_text_cite(text, &got);
  rs_status status = rs_fail(RS_ERR_USAGE, "expected %s, got %s", expected, rs_text_shown(&got));
  rs_str_free(&got);
  return status;
}

/* ---- every ---------------------------------------------------------------------------------- */

enum { MOST = 1000000000 }; /* epochs, steps or seconds */

/* The lesser of two intervals, 0 being none. */
static void shorten(uint64_t *interval, double to) {
  if (*interval == 0 || to < (double)*interval) *interval = (uint64_t)to;
}

/* One interval, AMOUNT of the unit of N bytes at UNIT. */
static bool take_interval(double amount, const char *unit, size_t n, rs_checkpoint_every *out) {
  static const struct {
    const char *name;
    double seconds; /* 0: it counts epochs or steps */
  } units[] = {{"epoch", 0}, {"epochs", 0}, {"step", 0},  {"steps", 0},
               {"s", 1},     {"min", 60},   {"h", 3600.0}};
  for (size_t i = 0; i < RS_COUNT(units); i++) {
    if (strlen(units[i].name) != n || strncmp(units[i].name, unit, n) != 0) continue;
    if (units[i].seconds == 0) {
      if (amount < 1 || amount > MOST || amount != floor(amount)) return false;
      shorten(unit[0] == 'e' ? &out->epochs : &out->steps, amount);
      return true;
    }
    double seconds = amount * units[i].seconds;
    if (!(seconds > 0 && seconds <= MOST)) return false;
    if (out->seconds == 0 || seconds < out->seconds) out->seconds = seconds;
    return true;
  }
  return false;
}

/* A decimal number, which strtod alone would also find in "inf" and "0x10". */
static bool read_amount(const char *text, char **end, double *out) {
  size_t digits = strspn(text, "0123456789.");
  *out = strtod(text, end);
  return digits > 0 && *end == text + digits;
}

rs_status rs_checkpoint_every_parse(const char *text, rs_checkpoint_every *out) {
  static const char *const expected =
      "`1 epoch`, `200 steps`, `60 s`, `10 min`, several such with commas between them, or `never`";
  static const char *const blank = " \t";
  *out = (rs_checkpoint_every){0};
  if (strcmp(text, "never") == 0) return RS_OK;
  for (const char *at = text;; at++) {
    double amount;
    char *unit;
    if (!read_amount(at + strspn(at, blank), &unit, &amount)) return misfit(expected, text);
    unit += strspn(unit, blank);
    size_t n = strcspn(unit, " \t,");
    if (!take_interval(amount, unit, n, out)) return misfit(expected, text);
    at = unit + n + strspn(unit + n, blank);
    if (*at == '\0') return RS_OK;
    if (*at != ',') return misfit(expected, text);
  }
}

/* ---- keep ----------------------------------------------------------------------------------- */

/* "WORD N" with N of 1 or more. */
static bool read_count(const char *text, const char *word, size_t *out) {
  enum { DIGITS = 6 };
  size_t n = strlen(word);
  if (strncmp(text, word, n) != 0) return false;
  const char *number = text + n + strspn(text + n, " ");
  size_t digits = strspn(number, "0123456789");
  if (number == text + n || digits < 1 || digits > DIGITS || number[digits] != '\0') return false;
  *out = strtoul(number, NULL, 10);
  return *out > 0;
}

rs_status rs_checkpoint_keep_parse(const char *text, rs_checkpoint_keep *out) {
  *out = (rs_checkpoint_keep){.kind = RS_KEEP_FINAL};
  if (strcmp(text, "final") == 0) return RS_OK;
  if (strcmp(text, "none") == 0)
    out->kind = RS_KEEP_NONE;
  else if (read_count(text, "last", &out->count))
    out->kind = RS_KEEP_LAST;
  else if (read_count(text, "best", &out->count))
    out->kind = RS_KEEP_BEST;
  else
    return misfit("`final`, `last K`, `best K` with K from 1 to 999999, or `none`", text);
  return RS_OK;
}
