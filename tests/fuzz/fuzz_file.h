/* For fuzz targets whose subject reads files: the input as a file in memory. */
#ifndef RANKSWEEP_FUZZ_FILE_H
#define RANKSWEEP_FUZZ_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* HDF5 1.10 forgets to release what it had begun to read when a checksum is wrong, libsndfile 1.2
 * the Vorbis state of an Ogg file whose first pages are damaged. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
  return "leak:libhdf5\nleak:libvorbis";
}

enum { FUZZ_PATH = 64 };

/* A descriptor to be closed, -1: none; PATH names its file until then. */
static int fuzz_file_open(const uint8_t *data, size_t size, char path[FUZZ_PATH]) {
  int fd = memfd_create("input", MFD_CLOEXEC);
  if (fd < 0) return -1;
  if (write(fd, data, size) != (ssize_t)size) {
    close(fd);
    return -1;
  }
  snprintf(path, FUZZ_PATH, "/proc/self/fd/%d", fd);
  return fd;
}

#endif
