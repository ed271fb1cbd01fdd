/* Checked allocation and growable text. */
#include "ranksweep/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 }; /* a cache line, and the widest vector */

rs_status rs_new(void *out, size_t count, size_t size) {
  *(void **)out = NULL;
  if (size != 0 && count > (SIZE_MAX - ALIGNMENT) / size)
    return rs_fail(RS_ERR_NOMEM, "out of memory: %zu elements of %zu bytes", count, size);
  size_t bytes = count * size;
  bytes = bytes == 0 ? ALIGNMENT : (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  void *memory = aligned_alloc(ALIGNMENT, bytes);
  if (memory == NULL) return rs_fail(RS_ERR_NOMEM, "out of memory: %zu bytes", bytes);
  memset(memory, 0, bytes);
  *(void **)out = memory;
  return RS_OK;
}

rs_status rs_grow(void *array, size_t *cap, size_t need, size_t size) {
  if (need <= *cap) return RS_OK;
  size_t wanted = *cap < 8 ? 8 : *cap;
  while (wanted < need && wanted <= SIZE_MAX / 2) wanted *= 2;
  if (wanted < need) wanted = need;
  void *next;
  RS_TRY(rs_new(&next, wanted, size));
  void *old = *(void **)array;
  if (old != NULL) memcpy(next, old, *cap * size);
  free(old);
  *(void **)array = next;
  *cap = wanted;
  return RS_OK;
}

rs_status rs_strdup(char **out, const char *text) {
  *out = NULL;
  if (text == NULL) return RS_OK;
  *out = strdup(text);
  return *out != NULL ? RS_OK
                      : rs_fail(RS_ERR_NOMEM, "out of memory: a text of %zu bytes", strlen(text));
}

static bool reserve(rs_str *s, size_t more) {
  if (s->failed) return false;
  if (s->len + more + 1 <= s->cap) return true;
  size_t cap = s->cap < 64 ? 64 : s->cap;
  while (cap < s->len + more + 1) cap *= 2;
  char *text = realloc(s->text, cap);
  if (text == NULL) {
    s->failed = true;
    return false;
  }
  s->text = text;
  s->cap = cap;
  return true;
}

void rs_str_addn(rs_str *s, const char *bytes, size_t n) {
  if (!reserve(s, n)) return;
  if (n > 0) memcpy(s->text + s->len, bytes, n);
  s->len += n;
  s->text[s->len] = '\0';
}

void rs_str_add(rs_str *s, const char *text) {
  rs_str_addn(s, text, strlen(text));
}

void rs_str_addf(rs_str *s, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (n >= 0 && reserve(s, (size_t)n)) {
    vsnprintf(s->text + s->len, (size_t)n + 1, format, again);
    s->len += (size_t)n;
  }
  va_end(again);
}

void rs_str_clear(rs_str *s) {
  s->len = 0;
  if (s->text != NULL) s->text[0] = '\0';
}

rs_status rs_str_status(const rs_str *s) {
  return s->failed ? rs_fail(RS_ERR_NOMEM, "out of memory: a text of %zu bytes", s->len) : RS_OK;
}

void rs_str_free(rs_str *s) {
  free(s->text);
  *s = (rs_str){0};
}

/* Length of the valid UTF-8 sequence at S (RFC 3629), 0: none. */
static size_t utf8_length(const unsigned char *s) {
  static const struct {
    unsigned char first, last, low, high; /* of the lead byte; of the second byte */
    size_t length;
  } forms[] = {
      {0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
      {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
      {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
  for (size_t i = 0; i < RS_COUNT(forms); i++) {
    if (s[0] < forms[i].first || s[0] > forms[i].last) continue;
    if (forms[i].length > 1 && (s[1] < forms[i].low || s[1] > forms[i].high)) return 0;
    for (size_t k = 2; k < forms[i].length; k++)
      if (s[k] < 0x80 || s[k] > 0xbf) return 0;
    return forms[i].length;
  }
  return 0;
}

void rs_utf8_repair(char *text) {
  while (*text != '\0') {
    size_t n = utf8_length((const unsigned char *)text);
    if (n == 0) *text = '?';
    text += n > 0 ? n : 1;
  }
}

void rs_str_add_csv(rs_str *s, const char *text) {
  if (strpbrk(text, ",\"\r\n") == NULL) {
    rs_str_add(s, text);
    return;
  }
  rs_str_add(s, "\"");
  for (; *text != '\0'; text++) rs_str_addn(s, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
  rs_str_add(s, "\"");
}
