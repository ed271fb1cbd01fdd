/* Scalars become values of a setting's type, or a reason why not. */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "scalar.h"
#include "text.h"

/* ---- reasons -------------------------------------------------------------------------------- */

static const char *const type_names[] = {
    [RS_BOOL] = "true or false",
    [RS_INT] = "a whole number",
    [RS_FLOAT] = "a number",
    [RS_TEXT] = "a text",
    [RS_INTS] = "a list of whole numbers",
    [RS_FLOATS] = "a list of numbers",
    [RS_TEXTS] = "a list of texts",
};

static rs_type element_type(rs_type type) {
  switch (type) {
  case RS_INTS: return RS_INT;
  case RS_FLOATS: return RS_FLOAT;
  case RS_TEXTS: return RS_TEXT;
  default: return type;
  }
}

static bool is_limit(double x) {
  return isfinite(x) && fabs(x) < 9e18; /* larger ones mean "as far as int64_t goes" */
}

static void add_range(const rs_setting *setting, rs_str *out) {
  if (is_limit(setting->min)) rs_number_print(setting->min, 6, out);
  if (is_limit(setting->min) && is_limit(setting->max)) rs_str_add(out, " to ");
  if (!is_limit(setting->min)) rs_str_add(out, "at most ");
  if (is_limit(setting->max)) rs_number_print(setting->max, 6, out);
  if (!is_limit(setting->max)) rs_str_add(out, " or more");
}

/* "adam, sgd or momentum" from "adam|sgd|momentum". */
static void add_choices(const char *choices, rs_str *out) {
  const char *last = strrchr(choices, '|');
  for (const char *p = choices;; p++) {
    size_t n = strcspn(p, "|");
    rs_str_addn(out, p, n);
    p += n;
    if (*p == '\0') return;
    rs_str_add(out, p == last ? " or " : ", ");
  }
}

static void add_got(const rs_scalar *scalar, rs_str *why) {
  rs_str_add(why, ", got ");
  switch (scalar->kind) {
  case RS_SCALAR_NULL: rs_str_add(why, "nothing"); return;
  case RS_SCALAR_LIST: rs_str_add(why, "a list"); return;
  case RS_SCALAR_MAP: rs_str_add(why, "a mapping"); return;
  default: break;
  }
  if (scalar->kind == RS_SCALAR_TEXT && rs_scalar_plain(scalar->text).kind != RS_SCALAR_TEXT)
    rs_str_add(why, "the text "); /* "3" in quotes where a 3 was expected */
  if (scalar->text != NULL)
    rs_text_cite(scalar->text, why);
  else if (scalar->kind == RS_SCALAR_BOOL)
    rs_str_add(why, scalar->boolean ? "true" : "false");
  else
    rs_number_print(scalar->real, 15, why);
}

static void add_word_and_got(const rs_setting *setting, const rs_scalar *scalar, rs_str *why) {
  if (setting->word != NULL) rs_str_addf(why, " or `%s`", setting->word);
  add_got(scalar, why);
}

void rs_setting_misfit(const rs_setting *setting, const rs_scalar *scalar, rs_str *why) {
  rs_str_addf(why, "expected %s", type_names[setting->type]);
  add_word_and_got(setting, scalar, why);
}

static void element_misfit(const rs_setting *setting, const rs_scalar *scalar, rs_str *why) {
  if (!rs_type_is_list(setting->type)) {
    rs_setting_misfit(setting, scalar, why);
    return;
  }
  rs_str_addf(why, "expected %s", type_names[element_type(setting->type)]);
  add_got(scalar, why);
}

/* ---- numbers -------------------------------------------------------------------------------- */

static bool in_range(const rs_setting *setting, double x) {
  if (setting->min == 0 && setting->max == 0) return true;
  return x >= setting->min && x <= setting->max;
}

static bool is_number(const rs_scalar *scalar) {
  return scalar->kind == RS_SCALAR_INT || scalar->kind == RS_SCALAR_REAL;
}

static bool check_range(const rs_setting *setting, const rs_scalar *scalar, rs_str *why) {
  if (in_range(setting, scalar->real)) return true;
  rs_str_add(why, "expected ");
  add_range(setting, why);
  if (rs_type_is_list(setting->type))
    add_got(scalar, why);
  else
    add_word_and_got(setting, scalar, why);
  return false;
}

static bool fit_real(const rs_setting *setting, const rs_scalar *scalar, double *out, rs_str *why) {
  *out = scalar->real;
  if (!is_number(scalar)) {
    element_misfit(setting, scalar, why);
    return false;
  }
  if (!isfinite(scalar->real)) {
    rs_str_add(why, "expected a finite number");
    add_got(scalar, why);
    return false;
  }
  return check_range(setting, scalar, why);
}

/* 1e4 is a whole number as well. */
static bool fit_integer(const rs_setting *setting, const rs_scalar *scalar, int64_t *out,
                        rs_str *why) {
  *out = scalar->integer;
  bool whole = scalar->kind == RS_SCALAR_INT;
  if (scalar->kind == RS_SCALAR_REAL && scalar->real == floor(scalar->real)) {
    whole = true;
    if (!(fabs(scalar->real) < 0x1p63)) {
      rs_str_add(why, "expected a whole number of at most 63 bits");
      add_got(scalar, why);
      return false;
    }
    *out = (int64_t)scalar->real;
  }
  if (!whole) {
    element_misfit(setting, scalar, why);
    return false;
  }
  return check_range(setting, scalar, why);
}

/* ---- texts ---------------------------------------------------------------------------------- */

static bool is_choice(const char *choices, const char *text) {
  size_t len = strlen(text);
  for (const char *p = choices;; p++) {
    size_t n = strcspn(p, "|");
    if (n == len && memcmp(p, text, n) == 0) return true;
    p += n;
    if (*p == '\0') return false;
  }
}

static bool fit_text(const rs_setting *setting, const rs_scalar *scalar, rs_str *why) {
  if (setting->choices != NULL) {
    if (scalar->kind == RS_SCALAR_TEXT && is_choice(setting->choices, scalar->text)) return true;
    rs_str_add(why, "expected ");
    add_choices(setting->choices, why);
    add_got(scalar, why);
    return false;
  }
  if (scalar->kind == RS_SCALAR_TEXT) return true;
  if (setting->numbers_too && scalar->text != NULL && isdigit((unsigned char)scalar->text[0]))
    return true;
  element_misfit(setting, scalar, why);
  if (scalar->text != NULL && scalar->text[0] != '\0')
    rs_str_add(why, " (put it in quotes to make it a text)");
  return false;
}

static bool fit_bool(const rs_setting *setting, const rs_scalar *scalar, bool *out, rs_str *why) {
  *out = scalar->boolean;
  if (scalar->kind == RS_SCALAR_BOOL) return true;
  element_misfit(setting, scalar, why);
  return false;
}

/* ---- values --------------------------------------------------------------------------------- */

bool rs_setting_takes_word(const rs_setting *setting, const rs_scalar *scalar) {
  return setting->word != NULL && scalar->kind == RS_SCALAR_TEXT &&
         element_type(setting->type) != RS_TEXT && strcmp(setting->word, scalar->text) == 0;
}

rs_value rs_setting_word_value(const rs_setting *setting) {
  return (rs_value){.type = setting->type, .word = true};
}

rs_status rs_value_begin(const rs_setting *setting, size_t count, rs_value *out) {
  *out = (rs_value){.type = setting->type};
  if (!rs_type_is_list(setting->type)) return RS_OK;
  RS_TRY(rs_new(&out->list.texts, count, sizeof(int64_t)));
  out->list.count = count;
  return RS_OK;
}

static_assert(sizeof(char *) <= sizeof(int64_t), "one allocation serves lists of every type");

rs_status rs_value_put(const rs_setting *setting, const rs_scalar *scalar, rs_value *out, size_t i,
                       rs_str *why) {
  switch (setting->type) {
  case RS_BOOL: fit_bool(setting, scalar, &out->boolean, why); break;
  case RS_INT: fit_integer(setting, scalar, &out->integer, why); break;
  case RS_FLOAT: fit_real(setting, scalar, &out->real, why); break;
  case RS_INTS: fit_integer(setting, scalar, &out->list.integers[i], why); break;
  case RS_FLOATS: fit_real(setting, scalar, &out->list.reals[i], why); break;
  case RS_TEXT:
    if (fit_text(setting, scalar, why)) return rs_strdup(&out->text, scalar->text);
    break;
  case RS_TEXTS:
    if (fit_text(setting, scalar, why)) return rs_strdup(&out->list.texts[i], scalar->text);
    break;
  }
  return rs_str_status(why);
}
