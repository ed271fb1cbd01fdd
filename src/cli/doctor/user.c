/* Who runs it, and what ranksweep's own variables say. */
#include "launch/deadline.h"
#include "doctor.h"
#include "launch/world.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void look_at_user(const char *directory, doctor_finding *f) {
  (void)directory;
  if (geteuid() != 0) {
    doctor_note(f, "number %ld, not root", (long)geteuid());
    return;
  }
  bool allowed =
      getenv("OMPI_ALLOW_RUN_AS_ROOT") != NULL && getenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM") != NULL;
  doctor_note(f, "root%s", allowed ? ", which Open MPI is told to allow" : "");
  if (!allowed)
    doctor_warn(f,
                "`ranksweep run` allows it by itself; an mpirun of your own refuses root without "
                "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1");
}

/* Of these a run thinks that another one set them. */
static bool is_internal(const char *variable) {
  static const char *const names[] = {WORLD_TERMINAL_VARIABLE, WORLD_RESTART_VARIABLE,
                                      DEADLINE_VARIABLE, "RANKSWEEP_KILL_AT"};
  size_t length = strcspn(variable, "=");
  for (size_t i = 0; i < RS_COUNT(names); i++)
    if (strlen(names[i]) == length && strncmp(variable, names[i], length) == 0) return true;
  return false;
}

static void look_at_variables(const char *directory, doctor_finding *f) {
  (void)directory;
  for (size_t i = 0; environ != NULL && environ[i] != NULL; i++) {
    if (strncmp(environ[i], "RANKSWEEP_", strlen("RANKSWEEP_")) != 0) continue;
    doctor_note(f, "%s", environ[i]);
    if (is_internal(environ[i]))
      doctor_warn(f, "unset %.*s: it is for tests, or from one process of a run to the next",
                  (int)strcspn(environ[i], "="), environ[i]);
  }
}

static const doctor_check checks[] = {{"user", look_at_user},
                                      {"ranksweep variables", look_at_variables}};

const doctor_topic doctor_user = {"user", checks, RS_COUNT(checks)};
