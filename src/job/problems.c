/* Problems: collected one by one, reported together in order of place. */
#include "ranksweep/job.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  KEPT = 1000,          /* problems remembered; more are only counted */
  LISTED_BYTES = 12000, /* of the message; base keeps no more than 16 KiB */
};

typedef struct problem {
  char *place; /* NULL: none */
  char *text;
  size_t line, column; /* SIZE_MAX: the place has no line, which sorts last */
} problem;

struct rs_problems {
  problem *items;
  size_t count, cap;
  size_t more; /* beyond those kept */
  bool failed; /* out of memory */
};

rs_status rs_problems_create(rs_problems **out) {
  return rs_new(out, 1, sizeof **out);
}

void rs_problems_destroy(rs_problems *problems) {
  if (problems == NULL) return;
  for (size_t i = 0; i < problems->count; i++) {
    free(problems->items[i].place);
    free(problems->items[i].text);
  }
  free(problems->items);
  free(problems);
}

/* ---- adding --------------------------------------------------------------------------------- */

/* Read the number behind the last colon before END; returns that colon, NULL when there is none. */
static const char *number_before(const char *start, const char *end, size_t *out) {
  const char *p = end;
  while (p > start && isdigit((unsigned char)p[-1])) p--;
  if (p == end || p == start || p[-1] != ':') return NULL;
  *out = strtoull(p, NULL, 10);
  return p - 1;
}

static void locate(problem *p) {
  p->line = p->column = SIZE_MAX;
  if (p->place == NULL || strncmp(p->place, "--set ", 6) == 0) return;
  size_t last, first;
  const char *colon = number_before(p->place, p->place + strlen(p->place), &last);
  if (colon == NULL) return;
  bool both = number_before(p->place, colon, &first) != NULL;
  p->line = both ? first : last;
  p->column = both ? last : 0;
}

static bool same_text(const char *a, const char *b) {
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_known(const rs_problems *problems, const char *place, const char *text) {
  for (size_t i = 0; i < problems->count; i++)
    if (same_text(problems->items[i].place, place) && strcmp(problems->items[i].text, text) == 0)
      return true;
  return false;
}

static rs_status keep(rs_problems *problems, const char *place, const char *text) {
  RS_TRY(rs_grow(&problems->items, &problems->cap, problems->count + 1, sizeof(problem)));
  problem p = {0};
  RS_TRY(rs_strdup(&p.place, place));
  rs_status status = rs_strdup(&p.text, text);
  if (status != RS_OK) {
    free(p.place);
    return status;
  }
  locate(&p);
  problems->items[problems->count++] = p;
  return RS_OK;
}

void rs_problem_add(rs_problems *problems, const char *place, const char *format, ...) {
  if (problems->count >= KEPT) {
    problems->more++;
    return;
  }
  char *text = NULL;
  va_list args;
  va_start(args, format);
  if (vasprintf(&text, format, args) < 0) text = NULL;
  va_end(args);
  if (text == NULL)
    problems->failed = true;
  else if (!is_known(problems, place, text) && keep(problems, place, text) != RS_OK)
    problems->failed = true;
  free(text);
}

size_t rs_problems_count(const rs_problems *problems) {
  return problems->count + problems->more + problems->failed;
}

/* ---- reporting ------------------------------------------------------------------------------ */

static int by_place(const void *left, const void *right) {
  const problem *a = *(const problem *const *)left, *b = *(const problem *const *)right;
  if (a->line != b->line) return a->line < b->line ? -1 : 1;
  if (a->column != b->column) return a->column < b->column ? -1 : 1;
  return a < b ? -1 : a > b; /* same array: in order of arrival */
}

static void add_line(const problem *p, rs_str *out) {
  if (out->len > 0) rs_str_add(out, "\n");
  if (p->place != NULL) rs_str_addf(out, "%s: ", p->place);
  rs_str_add(out, p->text);
}

static void list(const rs_problems *problems, const problem **order, rs_str *out) {
  size_t shown = 0;
  for (size_t i = 0; i < problems->count; i++) order[i] = &problems->items[i];
  qsort(order, problems->count, sizeof *order, by_place);
  while (shown < problems->count && out->len < LISTED_BYTES) add_line(order[shown++], out);
  size_t rest = problems->count + problems->more - shown;
  if (rest > 0) rs_str_addf(out, "\n... and %zu more", rest);
}

rs_status rs_problems_status(const rs_problems *problems) {
  if (problems->failed) return rs_fail(RS_ERR_NOMEM, "out of memory: a list of problems");
  if (problems->count == 0) return RS_OK;
  const problem **order;
  rs_str text = {0};
  RS_TRY(rs_new(&order, problems->count, sizeof *order));
  list(problems, order, &text);
  rs_status status = rs_str_status(&text);
  if (status == RS_OK) status = rs_fail(RS_ERR_USAGE, "%s", text.text);
  rs_str_free(&text);
  free(order);
  return status;
}
