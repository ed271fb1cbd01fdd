/* What a node says: its place, its scalar, its value for a setting. */
#include "tree.h"

#include <stdio.h>
#include <stdlib.h>

void rs_node_place(const rs_node *node, rs_str *out) {
  rs_str_add(out, node->source->name);
  if (node->source->lines) rs_str_addf(out, ":%zu:%zu", node->line, node->column);
}

void rs_node_problem(rs_problems *problems, const rs_node *node, const char *format, ...) {
  rs_str place = {0};
  char *text = NULL;
  va_list args;
  va_start(args, format);
  if (vasprintf(&text, format, args) < 0) text = NULL;
  va_end(args);
  rs_node_place(node, &place);
  rs_problem_add(problems, place.text, "%s", text != NULL ? text : format);
  rs_str_free(&place);
  free(text);
}

bool rs_node_is_null(const rs_node *node) {
  return node->kind == RS_NODE_SCALAR && rs_node_scalar(node).kind == RS_SCALAR_NULL;
}

rs_scalar rs_node_scalar(const rs_node *node) {
  if (node->kind == RS_NODE_LIST) return (rs_scalar){.kind = RS_SCALAR_LIST};
  if (node->kind == RS_NODE_MAP) return (rs_scalar){.kind = RS_SCALAR_MAP};
  return node->quoted ? rs_scalar_quoted(node->text) : rs_scalar_plain(node->text);
}

/* One misfit: forget the reason once it is reported. */
static void report(rs_problems *problems, const rs_node *node, const char *label, rs_str *why,
                   bool *fits) {
  if (why->len == 0) return;
  *fits = false;
  rs_node_problem(problems, node, "%s: %s", label, why->text);
  rs_str_clear(why);
}

static rs_status fill(const rs_node *node, const rs_setting *setting, const char *label,
                      rs_problems *problems, rs_value *out, bool *fits) {
  bool list = rs_type_is_list(setting->type);
  rs_str why = {0};
  rs_status status = rs_value_begin(setting, list ? node->count : 1, out);
  const rs_node *item = list ? node->first : node;
  for (size_t i = 0; status == RS_OK && item != NULL; i++, item = list ? item->next : NULL) {
    rs_scalar scalar = rs_node_scalar(item);
    status = rs_value_put(setting, &scalar, out, i, &why);
    report(problems, item, label, &why, fits);
  }
  rs_str_free(&why);
  return status;
}

rs_status rs_node_value(const rs_node *node, const rs_setting *setting, const char *label,
                        rs_problems *problems, rs_value *out, bool *fits) {
  rs_scalar scalar = rs_node_scalar(node);
  *out = (rs_value){.type = setting->type};
  *fits = true;
  if (rs_setting_takes_word(setting, &scalar)) {
    *out = rs_setting_word_value(setting);
    return RS_OK;
  }
  if (rs_type_is_list(setting->type) && node->kind != RS_NODE_LIST) {
    rs_str why = {0};
    rs_setting_misfit(setting, &scalar, &why);
    report(problems, node, label, &why, fits);
    rs_status status = rs_str_status(&why);
    rs_str_free(&why);
    return status;
  }
  rs_status status = fill(node, setting, label, problems, out, fits);
  if (status != RS_OK || !*fits) rs_value_free(out);
  return status;
}
