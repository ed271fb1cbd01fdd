/* One writer at a time, also on file systems whose byte-range locks cannot be relied on, and also
 * when the writer before died without a word, here or on another host.
 *
 * The lock is a file that appears whole by link(2), one line of JSON:
 *   {"host":"n1","boot":"<boot id>","space":"<pid namespace>","pid":123,"started":456,
 *    "token":"<16 hex digits>","beat":         7,"tick":        12}
 * `started` is the start of the process in clock ticks since boot. A thread of the owner raises
 * `beat` every few seconds in place; `tick` counts the signs of life of its main thread.
 *
 * Whether an owner lives is told at once in the same boot and pid namespace (a process of that pid
 * and start). Of any other it is told by watching `beat`: the file is opened anew for each look, so
 * that NFS asks the server.
 *
 * A dead owner's lock is replaced by rename. Contenders take turns by a second lock of the same
 * kind, PATH.break; the winner settles for a moment and looks whether it still is the owner. An
 * owner that was only suspended, and is found dead meanwhile, learns so before it writes again:
 * lock_check. */
#ifndef RANKSWEEP_STORE_LOCK_H
#define RANKSWEEP_STORE_LOCK_H

#include "ranksweep/base.h"

typedef struct lock lock;

enum { LOCK_HOST = 256, LOCK_WORD = 64 };

/* What a lock file says. */
typedef struct lock_owner {
  char host[LOCK_HOST], boot[LOCK_WORD], space[LOCK_WORD];
  long pid;
  unsigned long long started, token, beat, tick;
  bool sound; /* all of it was there */
} lock_owner;

typedef struct lock_options {
  double beat_seconds; /* between two beats */
  int patience;        /* beats that may be missed before an owner elsewhere counts as dead */
  const rs_log *log;   /* told when there is a wait; may be NULL */
} lock_options;

/* Take the lock PATH. RS_ERR_CONFLICT, naming the owner, when one lives. */
rs_status lock_acquire(const char *path, const lock_options *options, lock **out) RS_MUST_CHECK;
void lock_release(lock *l); /* takes NULL */

/* RS_OK while the lock is ours. RS_ERR_CONFLICT: taken over; RS_ERR_IO: removed, with the directory
 * most likely. Costs nothing while the beats go on; after a pause in them it looks itself. */
rs_status lock_check(lock *l) RS_MUST_CHECK;

/* The main thread lives. */
void lock_tick(lock *l);

/* False: there is none. One that cannot be understood has `sound` false. */
bool lock_read(const char *path, lock_owner *out);

/* 1: its process lives, 0: it does not, -1: cannot be told from here. */
int lock_owner_lives(const lock_owner *owner);

#endif
