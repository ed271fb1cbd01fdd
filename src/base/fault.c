/* Fault points. The one piece of state that steers something: a process that uses it is about to
 * die. */
#include "ranksweep/base.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static struct {
  bool armed;
  char name[32], text[64];
  int left; /* passings until the end */
} fault;

bool rs_fault_arm(const char *spec) {
  int end = 0;
  fault.armed = false;
  if (spec == NULL) return false;
  fault.text[0] = '\0';
  bool plain = sscanf(spec, "%31[^:@]:%d%n", fault.name, &fault.left, &end) == 2;
  bool with_text = !plain && sscanf(spec, "%31[^:@]@%63[^:]:%d%n", fault.name, fault.text,
                                    &fault.left, &end) == 3;
  fault.armed = (plain || with_text) && spec[end] == '\0' && fault.left > 0;
  return fault.armed;
}

static bool is_here(const char *name, const char *path) {
  return fault.armed && strcmp(name, fault.name) == 0 && strstr(path, fault.text) != NULL;
}

bool rs_fault_is_next(const char *name, const char *path) {
  return is_here(name, path) && fault.left == 1;
}

void rs_fault_point(const char *name, const char *path) {
  if (is_here(name, path) && --fault.left == 0) raise(SIGKILL);
}
