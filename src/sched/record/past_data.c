/* Data are no settings: a file can change under a path that stays. Fingerprints tell. */
#include "past.h"

#include <string.h>

/* One "<name>=<checksum>" of a fingerprint; a text without '=' is all name. */
typedef struct item {
  const char *name, *sum;
  int name_length, sum_length;
} item;

/* Takes the first item off *REST; false: there is none. */
static bool next_item(const char **rest, item *out) {
  if (**rest == '\0') return false;
  size_t length = strcspn(*rest, ";"), name = strcspn(*rest, "=;");
  *out = (item){.name = *rest, .name_length = (int)name};
  out->sum = *rest + name + (name < length);
  out->sum_length = (int)(length - name - (name < length));
  *rest += length;
  *rest += strspn(*rest, "; ");
  return true;
}

static bool find_item(const char *text, const item *like, item *out) {
  while (next_item(&text, out))
    if (out->name_length == like->name_length &&
        strncmp(out->name, like->name, (size_t)like->name_length) == 0)
      return true;
  return false;
}

static bool same_sum(const item *a, const item *b) {
  return a->sum_length == b->sum_length && strncmp(a->sum, b->sum, (size_t)a->sum_length) == 0;
}

static void list_differences(const char *before, const char *now, rs_str *out) {
  item a, b;
  for (const char *rest = now; next_item(&rest, &b);) {
    if (!find_item(before, &b, &a))
      rs_str_addf(out, "\n  %.*s was not there", b.name_length, b.name);
    else if (!same_sum(&a, &b))
      rs_str_addf(out, "\n  %.*s was %.*s, is %.*s", b.name_length, b.name, a.sum_length, a.sum,
                  b.sum_length, b.sum);
  }
  for (const char *rest = before; next_item(&rest, &a);)
    if (!find_item(now, &a, &b))
      rs_str_addf(out, "\n  %.*s is not there any more", a.name_length, a.name);
}

/* What the last start that knew of data found; NULL: none did. */
static const char *last_fingerprint(const past *p) {
  const json_t *starts = past_starts(p);
  for (size_t i = json_array_size(starts); i > 0; i--) {
    const char *text = json_string_value(json_object_get(json_array_get(starts, i - 1), "data"));
    if (text != NULL && text[0] != '\0') return text;
  }
  return NULL;
}

rs_status past_check_data(const past *p, const char *fingerprint, const char *results) {
  const char *before = last_fingerprint(p);
  if (before == NULL || fingerprint == NULL || past_stages(p) == 0) return RS_OK;
  if (strcmp(before, fingerprint) == 0) return RS_OK;
  rs_str differences = {0};
  list_differences(before, fingerprint, &differences);
  rs_status status = rs_str_status(&differences);
  if (status == RS_OK)
    status = rs_fail(RS_ERR_CONFLICT,
                     "%s holds results of other data; use --fresh to move them aside, or -o for "
                     "another file:%s",
                     results, differences.text != NULL ? differences.text : "");
  rs_str_free(&differences);
  return status;
}
