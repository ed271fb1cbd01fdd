#include "corpus_match.h"

#include <fnmatch.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

static const char CAPTURE[] = "{speaker}";

static const char *const endings[] = {".wav", ".flac", ".ogg", ".oga", ".opus"};

bool rs_corpus_is_audio(const char *name) {
  const char *dot = strrchr(name, '.');
  for (size_t i = 0; dot != NULL && i < RS_COUNT(endings); i++)
    if (strcasecmp(dot, endings[i]) == 0) return true;
  return false;
}

bool rs_corpus_part_is_pattern(const char *part) {
  return strpbrk(part, "*?[") != NULL || strstr(part, CAPTURE) != NULL;
}

/* The N bytes at TEXT against PATTERN. */
static bool matches(const char *pattern, const char *text, size_t n) {
  char copy[NAME_MAX + 1];
  if (n > NAME_MAX) return false;
  memcpy(copy, text, n);
  copy[n] = '\0';
  return fnmatch(pattern, copy, FNM_PERIOD) == 0;
}

/* A capture as short as possible from START on, such that TAIL matches the rest. */
static bool capture(const char *tail, const char *start, size_t *length) {
  size_t most = strlen(start);
  for (*length = 1; *length <= most; ++*length)
    if (fnmatch(tail, start + *length, 0) == 0) return true;
  return false;
}

bool rs_corpus_part_matches(const char *part, const char *name, const char **speaker,
                            size_t *length) {
  const char *at = strstr(part, CAPTURE);
  char head[NAME_MAX + 1];
  *speaker = NULL;
  *length = 0;
  if (at == NULL) return fnmatch(part, name, FNM_PERIOD) == 0;
  if (name[0] == '.' && part[0] != '.') return false;
  const size_t head_length = (size_t)(at - part), name_length = strlen(name);
  if (head_length > NAME_MAX) return false;
  memcpy(head, part, head_length);
  head[head_length] = '\0';
  for (size_t i = 0; i < name_length; i++)
    if (matches(head, name, i) && capture(at + strlen(CAPTURE), name + i, length)) {
      *speaker = name + i;
      return true;
    }
  return false;
}
