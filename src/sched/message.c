#include "message.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

rs_status message_send(rs_transport *t, int to, json_t *message) {
  char *text = message != NULL ? json_dumps(message, JSON_COMPACT) : NULL;
  json_decref(message);
  if (text == NULL) return rs_fail(RS_ERR_NOMEM, "out of memory: a message");
  rs_status status = rs_transport_send(t, to, text);
  free(text);
  return status;
}

rs_status message_parse(const char *text, json_t **out) {
  json_error_t error;
  *out = json_loads(text, 0, &error);
  if (*out != NULL && json_is_string(json_object_get(*out, "is"))) return RS_OK;
  json_decref(*out);
  *out = NULL;
  return rs_fail(RS_ERR_INTERNAL, "a message that is not one of ours: %.80s", text);
}

bool message_is(const json_t *message, const char *kind) {
  return strcmp(message_text(message, "is"), kind) == 0;
}

long long message_int(const json_t *message, const char *key) {
  return json_integer_value(json_object_get(message, key));
}

double message_number(const json_t *message, const char *key) {
  const json_t *value = json_object_get(message, key);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *message_text(const json_t *message, const char *key) {
  const char *text = json_string_value(json_object_get(message, key));
  return text != NULL ? text : "";
}

json_t *message_real(double value) {
  return isfinite(value) ? json_real(value) : json_null();
}
