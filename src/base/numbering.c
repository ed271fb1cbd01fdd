/* Numbers of different byte strings, over the balanced trees of the C library. */
#include "ranksweep/base.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

typedef struct numbered {
  uint32_t number;
  size_t size;
  const void *bytes; /* behind the struct, or the caller's while it is looked for */
} numbered;

static int compare(const void *a, const void *b) {
  const numbered *x = a, *y = b;
  if (x->size != y->size) return x->size < y->size ? -1 : 1;
  return memcmp(x->bytes, y->bytes, x->size);
}

static rs_status add(rs_numbering *n, const numbered *like) {
  numbered *kept = malloc(sizeof *kept + like->size);
  if (kept != NULL) {
    *kept = (numbered){.number = n->count, .size = like->size, .bytes = kept + 1};
    memcpy(kept + 1, like->bytes, like->size);
    if (tsearch(kept, &n->root, compare) != NULL) {
      n->count++;
      return RS_OK;
    }
    free(kept);
  }
  return rs_fail(RS_ERR_NOMEM, "out of memory: %u different names", (unsigned)n->count);
}

rs_status rs_numbering_of(rs_numbering *n, const void *bytes, size_t size, uint32_t *out) {
  const numbered like = {.size = size, .bytes = bytes};
  numbered *const *there = tfind(&like, &n->root, compare);
  *out = there != NULL ? (*there)->number : n->count;
  return there != NULL ? RS_OK : add(n, &like);
}

void rs_numbering_free(rs_numbering *n) {
  tdestroy(n->root, free);
  *n = (rs_numbering){0};
}
