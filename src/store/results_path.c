/* Where the parts of a run's results lie. */
#include "ranksweep/store.h"

#include <string.h>

rs_status rs_results_beside(const char *results, const char *suffix, char **out) {
  size_t n = strlen(results);
  if (n > 3 && strcmp(results + n - 3, ".h5") == 0) n -= 3;
  rs_str path = {0};
  rs_str_addn(&path, results, n);
  rs_str_add(&path, suffix);
  *out = path.text;
  return rs_str_status(&path);
}
