/* Any bytes as a results file. */
#include "fuzz_file.h"

#include "ranksweep/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[FUZZ_PATH];
  rs_results results;
  int fd = fuzz_file_open(data, size, path);
  if (fd < 0) return 0;
  if (rs_results_read(path, &results) == RS_OK) rs_results_free(&results);
  close(fd);
  return 0;
}
