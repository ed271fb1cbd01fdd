/* Any bytes as a results file. */
#include "fuzz_file.h"

#include "ranksweep/store.h"

#include <stdlib.h>

/* What such a file says to be in it; names of others are not followed. */
static void read_inside(const char *path, const rs_results *r) {
  for (size_t i = 0; r->artifacts != NULL && i < rs_table_rows(r->artifacts); i++) {
    char *bytes = NULL;
    size_t len;
    if (rs_table_text(r->artifacts, i, RS_ARTIFACT_FILE)[0] == '\0')
      (void)!rs_results_read_artifact(path, r, i, &bytes, &len);
    free(bytes);
  }
  for (size_t i = 0; r->vectors != NULL && i < rs_table_rows(r->vectors); i++) {
    rs_bundle bundle = {0};
    if (rs_table_text(r->vectors, i, RS_VECTOR_FILE)[0] == '\0')
      (void)!rs_results_read_vector(path, r, i, &bundle);
    rs_bundle_free(&bundle);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[FUZZ_PATH];
  rs_results results;
  int fd = fuzz_file_open(data, size, path);
  if (fd < 0) return 0;
  if (rs_results_read(path, &results) == RS_OK) {
    read_inside(path, &results);
    rs_results_free(&results);
  }
  close(fd);
  return 0;
}
