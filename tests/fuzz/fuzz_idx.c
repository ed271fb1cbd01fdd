/* Any bytes as an IDX file, in memory and on disk: both ways agree, and what is accepted is whole.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz_file.h"
#include "ranksweep/data.h"

static void require(bool condition) {
  if (!condition) abort();
}

static void check_whole(const rs_idx *idx) {
  size_t product = 1;
  for (size_t k = 0; k < idx->ndim; k++) product *= idx->dims[k];
  require(idx->ndim >= 1 && idx->ndim <= 4);
  require(product == idx->size && product > 0 && product <= RS_IDX_MAX_BYTES);
  require(rs_checksum(idx->data, idx->size) != 1); /* reads every byte */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[FUZZ_PATH];
  rs_idx parsed, read;
  int fd = fuzz_file_open(data, size, path);
  if (fd < 0) return 0;
  rs_status status = rs_idx_parse("fuzz", data, size, &parsed);
  require(rs_idx_read(path, &read) == status);
  require((status == RS_OK) == (parsed.data != NULL));
  if (status == RS_OK) {
    check_whole(&parsed);
    require(read.size == parsed.size && memcmp(read.data, parsed.data, read.size) == 0);
  }
  rs_idx_free(&parsed);
  rs_idx_free(&read);
  close(fd);
  return 0;
}
