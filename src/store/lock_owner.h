/* The line in a lock file. */
#ifndef RANKSWEEP_STORE_LOCK_OWNER_H
#define RANKSWEEP_STORE_LOCK_OWNER_H

#include "lock.h"

enum { LOCK_LINE = 1024 };

/* This process, with a token of its own. */
void lock_owner_self(lock_owner *out);

/* The line has the same length for the same owner, whatever its beat and tick. */
size_t lock_owner_print(const lock_owner *owner, char out[LOCK_LINE]);
void lock_owner_parse(const char *line, lock_owner *out);

/* From the beginning of FD; 0, or -1 with errno. */
int lock_owner_load(int fd, lock_owner *out);

#endif
