/* Any bytes as a journal: reading is safe, and what opening leaves behind is sound. */
#include "fuzz_file.h"

#include <stdlib.h>

#include "ranksweep/store.h"

static rs_status count(void *user, const char *payload, size_t line) {
  (void)payload, (void)line;
  ++*(size_t *)user;
  return RS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[FUZZ_PATH];
  size_t before = 0, after = 0, torn = 0;
  rs_journal *j;
  int fd = fuzz_file_open(data, size, path);
  if (fd < 0) return 0;
  if (rs_journal_open(path, NULL, count, &before, &j, NULL) == RS_OK) {
    if (rs_journal_append(j, "{}") != RS_OK || rs_journal_close(j) != RS_OK) abort();
    if (rs_journal_read(path, count, &after, &torn) != RS_OK || torn != 0 || after != before + 1)
      abort();
  }
  close(fd);
  return 0;
}
