/* The nearest valid name to a misspelt one. */
#include "ranksweep/job.h"

#include <ctype.h>
#include <string.h>

#include "text.h"

enum { LONGEST = 64 }; /* bytes of a name worth comparing */

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Letter case and the kind of dash are slips that cost nothing. */
static int folded(char c) {
  return c == '-' ? '_' : tolower((unsigned char)c);
}

/* Optimal string alignment: Levenshtein's recurrence and swaps of neighbours. `rows` are the
 * distances of the last prefixes of A to all prefixes of B. */
size_t rs_name_distance(const char *a, size_t n, const char *b, size_t m) {
  size_t rows[3][LONGEST + 1];
  if (n > LONGEST || m > LONGEST) return SIZE_MAX;
  size_t *before = rows[0], *last = rows[1], *now = rows[2];
  for (size_t j = 0; j <= m; j++) last[j] = j;
  for (size_t i = 1; i <= n; i++) {
    now[0] = i;
    for (size_t j = 1; j <= m; j++) {
      int x = folded(a[i - 1]), y = folded(b[j - 1]);
      now[j] = smaller(last[j - 1] + (x != y), smaller(last[j], now[j - 1]) + 1);
      if (i > 1 && j > 1 && x == folded(b[j - 2]) && y == folded(a[i - 2]))
        now[j] = smaller(now[j], before[j - 2] + 1);
    }
    size_t *spare = before;
    before = last;
    last = now;
    now = spare;
  }
  return last[m];
}

size_t rs_name_tolerance(size_t n) {
  if (n < 2) return 0;
  return n < 6 ? 1 : n < 9 ? 2 : 3;
}

const char *rs_job_nearest(const char *word, const char *const *names, size_t n) {
  const char *best = NULL;
  size_t len = strlen(word), limit = rs_name_tolerance(len) + 1;
  for (size_t i = 0; i < n; i++) {
    size_t distance = rs_name_distance(word, len, names[i], strlen(names[i]));
    if (distance >= limit) continue;
    best = names[i];
    limit = distance;
  }
  return best;
}
