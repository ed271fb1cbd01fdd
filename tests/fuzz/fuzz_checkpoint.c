/* Any bytes as a checkpoint. */
#include "fuzz_file.h"

#include <stdlib.h>

#include "ranksweep/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[FUZZ_PATH], *state;
  rs_bundle bundle = {0};
  int fd = fuzz_file_open(data, size, path);
  if (fd < 0) return 0;
  if (rs_checkpoint_read(path, &bundle, &state) == RS_OK) free(state);
  rs_bundle_free(&bundle);
  close(fd);
  return 0;
}
