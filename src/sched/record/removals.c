#include "removals.h"

#include <stdlib.h>
#include <unistd.h>

rs_status removals_add(removals *r, char *path, rs_id identity, bool linked) {
  rs_status status = rs_grow(&r->list, &r->cap, r->count + 1, sizeof *r->list);
  if (status == RS_OK)
    r->list[r->count++] = (struct removal){path, identity, linked};
  else
    free(path);
  return status;
}

size_t removals_ready(const removals *r) {
  size_t n = 0;
  for (size_t i = 0; i < r->count; i++) n += !r->list[i].linked;
  return n;
}

bool removals_has(const removals *r, rs_id identity) {
  for (size_t i = 0; i < r->count; i++)
    if (rs_id_equal(r->list[i].identity, identity)) return true;
  return false;
}

/* A file that cannot be removed is left over, and the next start tries again. */
void removals_run(removals *r, bool all) {
  size_t kept = 0;
  for (size_t i = 0; i < r->count; i++) {
    if (r->list[i].linked && !all) {
      r->list[kept++] = r->list[i];
      continue;
    }
    unlink(r->list[i].path);
    free(r->list[i].path);
  }
  r->count = kept;
}

void removals_free(removals *r) {
  for (size_t i = 0; i < r->count; i++) free(r->list[i].path);
  free(r->list);
  *r = (removals){0};
}
