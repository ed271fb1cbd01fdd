/* Values: copies, order and the way they are written. */
#include "ranksweep/job.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "scalar.h"
#include "text.h"

/* ---- values -------------------------------------------------------------------------------- */

bool rs_type_is_list(rs_type type) {
  return type == RS_INTS || type == RS_FLOATS || type == RS_TEXTS;
}

static void print_element(const rs_value *value, size_t i, rs_str *out) {
  if (i > 0) rs_str_add(out, ", ");
  if (value->type == RS_INTS)
    rs_str_addf(out, "%" PRId64, value->list.integers[i]);
  else if (value->type == RS_FLOATS)
    rs_number_print(value->list.reals[i], 15, out);
  else
    rs_text_print(value->list.texts[i], out);
}

void rs_value_print(const rs_value *value, const char *word, rs_str *out) {
  if (value->word) {
    rs_str_add(out, word != NULL ? word : "0");
    return;
  }
  switch (value->type) {
  case RS_BOOL: rs_str_add(out, value->boolean ? "true" : "false"); break;
  case RS_INT: rs_str_addf(out, "%" PRId64, value->integer); break;
  case RS_FLOAT: rs_number_print(value->real, 15, out); break;
  case RS_TEXT: rs_text_print(value->text, out); break;
  case RS_INTS:
  case RS_FLOATS:
  case RS_TEXTS:
    rs_str_add(out, "[");
    for (size_t i = 0; i < value->list.count; i++) print_element(value, i, out);
    rs_str_add(out, "]");
    break;
  }
}

static rs_status copy_texts(const rs_value *from, rs_value *to) {
  RS_TRY(rs_new(&to->list.texts, from->list.count, sizeof(char *)));
  to->list.count = from->list.count;
  for (size_t i = 0; i < from->list.count; i++)
    RS_TRY(rs_strdup(&to->list.texts[i], from->list.texts[i]));
  return RS_OK;
}

/* Integers and reals alike: both have eight bytes. */
static rs_status copy_numbers(const rs_value *from, rs_value *to) {
  RS_TRY(rs_new(&to->list.integers, from->list.count, sizeof(int64_t)));
  to->list.count = from->list.count;
  if (from->list.count > 0)
    memcpy(to->list.integers, from->list.integers, from->list.count * sizeof(int64_t));
  return RS_OK;
}

static_assert(sizeof(int64_t) == sizeof(double), "lists of numbers are copied by their bytes");

static rs_status copy_owned(const rs_value *from, rs_value *to) {
  if (from->type == RS_TEXT) return rs_strdup(&to->text, from->text);
  return from->type == RS_TEXTS ? copy_texts(from, to) : copy_numbers(from, to);
}

rs_status rs_value_copy(const rs_value *from, rs_value *to) {
  *to = (rs_value){.type = from->type, .word = from->word};
  if (from->type != RS_TEXT && !rs_type_is_list(from->type)) {
    *to = *from;
    return RS_OK;
  }
  rs_status status = copy_owned(from, to);
  if (status != RS_OK) rs_value_free(to);
  return status;
}

void rs_value_free(rs_value *value) {
  if (value == NULL) return;
  if (value->type == RS_TEXTS)
    for (size_t i = 0; i < value->list.count; i++) free(value->list.texts[i]);
  if (value->type == RS_TEXT)
    free(value->text);
  else if (rs_type_is_list(value->type))
    free(value->list.integers);
  *value = (rs_value){.type = value->type};
}

/* ---- order --------------------------------------------------------------------------------- */

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int order_elements(const rs_value *a, const rs_value *b, size_t i) {
  if (a->type == RS_INTS) return ORDER(a->list.integers[i], b->list.integers[i]);
  if (a->type == RS_FLOATS) return ORDER(a->list.reals[i], b->list.reals[i]);
  return strcmp(a->list.texts[i], b->list.texts[i]);
}

static int order_lists(const rs_value *a, const rs_value *b) {
  if (a->list.count != b->list.count) return ORDER(a->list.count, b->list.count);
  for (size_t i = 0; i < a->list.count; i++) {
    int order = order_elements(a, b, i);
    if (order != 0) return order;
  }
  return 0;
}

int rs_value_order(const rs_value *a, const rs_value *b) {
  if (a->type != b->type) return ORDER(a->type, b->type);
  if (a->word || b->word) return ORDER(a->word, b->word);
  switch (a->type) {
  case RS_BOOL: return ORDER(a->boolean, b->boolean);
  case RS_INT: return ORDER(a->integer, b->integer);
  case RS_FLOAT: return ORDER(a->real, b->real);
  case RS_TEXT: return strcmp(a->text, b->text);
  default: return order_lists(a, b);
  }
}

bool rs_value_equal(const rs_value *a, const rs_value *b) {
  return rs_value_order(a, b) == 0;
}
