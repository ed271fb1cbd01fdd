/* Settings as canonical JSON for messages and journals, and as lines for identities. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "scalar.h"
#include "settings.h"
#include "text.h"

/* ---- writing -------------------------------------------------------------------------------- */

static void add_json_element(const rs_value *value, size_t i, rs_str *out) {
  if (i > 0) rs_str_add(out, ", ");
  if (value->type == RS_INTS)
    rs_str_addf(out, "%" PRId64, value->list.integers[i]);
  else if (value->type == RS_FLOATS)
    rs_number_print(value->list.reals[i], 15, out);
  else
    rs_text_escape(value->list.texts[i], out);
}

/* Numbers and booleans read the same in JSON as in a job file; texts are always quoted. */
static void add_json(const rs_value *value, const char *word, rs_str *out) {
  if (value->word) {
    rs_text_escape(word, out);
  } else if (value->type == RS_TEXT) {
    rs_text_escape(value->text, out);
  } else if (rs_type_is_list(value->type)) {
    rs_str_add(out, "[");
    for (size_t i = 0; i < value->list.count; i++) add_json_element(value, i, out);
    rs_str_add(out, "]");
  } else {
    rs_value_print(value, word, out);
  }
}

rs_status rs_settings_to_json(const rs_settings *s, char **out) {
  rs_str text = {0};
  *out = NULL;
  rs_str_add(&text, "{");
  for (size_t i = 0; i < s->catalog->count; i++) {
    const rs_setting *entry = s->catalog->entries[i];
    rs_str_addf(&text, "%s\"%s\": ", i > 0 ? ", " : "", entry->path);
    add_json(&s->cells[i]->value, entry->word, &text);
  }
  rs_str_add(&text, "}");
  rs_status status = rs_str_status(&text);
  if (status == RS_OK)
    *out = text.text;
  else
    rs_str_free(&text);
  return status;
}

static bool is_read(const char *path, const char *const *reads) {
  for (; *reads != NULL; reads++) {
    size_t n = strlen(*reads);
    bool prefix = n > 0 && (*reads)[n - 1] == '.';
    if (prefix ? strncmp(path, *reads, n) == 0 : strcmp(path, *reads) == 0) return true;
  }
  return false;
}

void rs_settings_canonical(const rs_settings *s, const char *const *reads, rs_str *out) {
  for (size_t i = 0; i < s->catalog->count; i++) {
    const rs_setting *entry = s->catalog->entries[i];
    if (!is_read(entry->path, reads)) continue;
    rs_str_addf(out, "%s=", entry->path);
    rs_value_print(&s->cells[i]->value, entry->word, out);
    rs_str_add(out, "\n");
  }
}

/* ---- reading -------------------------------------------------------------------------------- */

static rs_scalar scalar_of(const json_t *json) {
  switch (json_typeof(json)) {
  case JSON_TRUE: return (rs_scalar){.kind = RS_SCALAR_BOOL, .boolean = true};
  case JSON_FALSE: return (rs_scalar){.kind = RS_SCALAR_BOOL};
  case JSON_INTEGER:
    return (rs_scalar){.kind = RS_SCALAR_INT,
                       .integer = json_integer_value(json),
                       .real = (double)json_integer_value(json)};
  case JSON_REAL: return (rs_scalar){.kind = RS_SCALAR_REAL, .real = json_real_value(json) + 0.0};
  case JSON_STRING: return rs_scalar_quoted(json_string_value(json));
  case JSON_ARRAY: return (rs_scalar){.kind = RS_SCALAR_LIST};
  case JSON_OBJECT: return (rs_scalar){.kind = RS_SCALAR_MAP};
  default: return (rs_scalar){.kind = RS_SCALAR_NULL};
  }
}

static rs_status fill(const rs_setting *setting, const json_t *json, rs_value *out, rs_str *why) {
  bool list = rs_type_is_list(setting->type);
  size_t count = list ? json_array_size(json) : 1;
  RS_TRY(rs_value_begin(setting, count, out));
  for (size_t i = 0; i < count && why->len == 0; i++) {
    rs_scalar scalar = scalar_of(list ? json_array_get(json, i) : json);
    RS_TRY(rs_value_put(setting, &scalar, out, i, why));
  }
  return RS_OK;
}

static rs_status value_of(const rs_setting *setting, const json_t *json, rs_value *out,
                          rs_str *why) {
  rs_scalar scalar = scalar_of(json);
  *out = (rs_value){.type = setting->type};
  if (rs_setting_takes_word(setting, &scalar)) {
    *out = rs_setting_word_value(setting);
    return RS_OK;
  }
  if (rs_type_is_list(setting->type) != json_is_array(json)) {
    rs_setting_misfit(setting, &scalar, why);
    return rs_str_status(why);
  }
  rs_status status = fill(setting, json, out, why);
  if (status != RS_OK || why->len > 0) rs_value_free(out);
  return status;
}

static rs_status take(rs_settings *s, size_t i, const json_t *json) {
  const rs_setting *setting = s->catalog->entries[i];
  rs_value value;
  rs_str why = {0};
  rs_status status = value_of(setting, json, &value, &why);
  if (status == RS_OK && why.len > 0)
    status = rs_fail(RS_ERR_DATA, "recorded settings: %s: %s", setting->path, why.text);
  if (status == RS_OK) status = rs_settings_put(s, i, &value, "recorded");
  rs_str_free(&why);
  return status;
}

/* Records are sorted, so the next key is nearly always the next entry. */
static size_t find_from(const rs_catalog *c, size_t expected, const char *key) {
  if (expected < c->count && strcmp(c->entries[expected]->path, key) == 0) return expected;
  return rs_catalog_find(c, key);
}

static rs_status take_all(rs_settings *s, json_t *root) {
  const rs_catalog *c = s->catalog;
  const char *key;
  json_t *json;
  size_t next = 0;
  json_object_foreach(root, key, json) {
    size_t i = find_from(c, next, key);
    if (i == c->count)
      return rs_fail(RS_ERR_DATA, "recorded settings: experiment %s has no setting `%.60s`",
                     c->schema->experiment, key);
    RS_TRY(take(s, i, json));
    next = i + 1;
  }
  for (size_t i = 0; i < c->count; i++)
    if (s->cells[i] == NULL)
      return rs_fail(RS_ERR_DATA, "recorded settings: `%s` is missing", c->entries[i]->path);
  return RS_OK;
}

static rs_status parse_object(const char *text, json_t **out) {
  json_error_t error;
  *out = json_loads(text, JSON_REJECT_DUPLICATES, &error);
  if (*out == NULL)
    return rs_fail(RS_ERR_DATA, "recorded settings:%d:%d: %s", error.line, error.column,
                   error.text);
  if (json_is_object(*out)) return RS_OK;
  json_decref(*out);
  return rs_fail(RS_ERR_DATA, "recorded settings: expected a JSON object");
}

rs_status rs_settings_from_json(const rs_schema *schema, const char *text, rs_settings **out) {
  rs_catalog *catalog = NULL;
  rs_settings *s = NULL;
  json_t *root;
  *out = NULL;
  RS_TRY(parse_object(text, &root));
  rs_status status = rs_catalog_create(schema, &catalog);
  if (status == RS_OK) status = rs_settings_create(catalog, &s);
  if (status == RS_OK) status = take_all(s, root);
  if (status == RS_OK)
    *out = s;
  else
    rs_settings_destroy(s);
  rs_catalog_release(catalog);
  json_decref(root);
  return status;
}
