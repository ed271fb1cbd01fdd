/* File systems, by name. */
#ifndef RANKSWEEP_CLI_DOCTOR_DISK_H
#define RANKSWEEP_CLI_DOCTOR_DISK_H

#include <stdbool.h>

typedef struct disk_kind {
  long magic; /* of statfs(2) */
  const char *name;
  bool network;  /* other machines see it */
  bool vanishes; /* it is memory */
  bool weak;     /* other machines may see old contents for long */
} disk_kind;

typedef struct disk {
  disk_kind kind;
  double size, room; /* bytes; ROOM is what this user may take */
  double names;      /* how many more files, NaN: the file system does not count them */
} disk;

/* What PATH is on; false when that cannot be told. */
bool disk_of(const char *path, disk *out);

#endif
