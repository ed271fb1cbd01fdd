/* Numbers and texts as they appear in messages, records and tables. */
#include "text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scalar.h"

/* 1e-05 becomes 1e-5, 1e+20 becomes 1e20. */
static void add_tidy_exponent(const char *digits, rs_str *out) {
  const char *e = strchr(digits, 'e');
  if (e == NULL) {
    rs_str_add(out, digits);
    return;
  }
  rs_str_addn(out, digits, (size_t)(e - digits) + 1);
  if (e[1] == '-') rs_str_add(out, "-");
  rs_str_add(out, e + 1 + strspn(e + 1, "+-0"));
}

void rs_number_print(double x, int precision, rs_str *out) {
  char digits[40];
  do {
    snprintf(digits, sizeof digits, "%.*g", precision, x);
  } while (strtod(digits, NULL) != x && precision++ < 17);
  add_tidy_exponent(digits, out);
}

void rs_text_escape(const char *text, rs_str *out) {
  rs_str_add(out, "\"");
  for (const char *p = text; *p != '\0'; p++) {
    unsigned char c = (unsigned char)*p;
    if (c == '"' || c == '\\')
      rs_str_addf(out, "\\%c", c);
    else if (c == '\n')
      rs_str_add(out, "\\n");
    else if (c < 0x20 || c == 0x7f)
      rs_str_addf(out, "\\u%04x", c);
    else
      rs_str_addn(out, p, 1);
  }
  rs_str_add(out, "\"");
}

void rs_text_cite(const char *text, rs_str *out) {
  enum { SHOWN = 60 };
  size_t n = strlen(text);
  bool whole = n <= SHOWN;
  if (!whole) {
    n = SHOWN;
    while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) n--; /* not inside a UTF-8 sequence */
  }
  rs_str_add(out, "`");
  for (size_t i = 0; i < n; i++)
    rs_str_addn(out, iscntrl((unsigned char)text[i]) ? "?" : text + i, 1);
  rs_str_add(out, whole ? "`" : "...`");
}

/* Would people write TEXT without quotes, and would it read back as the same text? */
static bool plain_text(const char *text) {
  static const char inside[] = "_./-+=@%~ ";
  size_t n = strlen(text);
  if (n == 0 || text[n - 1] == ' ') return false;
  if (strchr("-+=@%~ ", text[0]) != NULL) return false;
  for (const char *p = text; *p != '\0'; p++)
    if (!isalnum((unsigned char)*p) && (unsigned char)*p < 0x80 && strchr(inside, *p) == NULL)
      return false;
  return rs_scalar_plain(text).kind == RS_SCALAR_TEXT;
}

void rs_text_print(const char *text, rs_str *out) {
  if (plain_text(text))
    rs_str_add(out, text);
  else
    rs_text_escape(text, out);
}

const char *rs_text_shown(const rs_str *s) {
  return s->text != NULL ? s->text : "(out of memory)";
}
