/* The MPI library, the mpirun in the PATH, and what the environment tells them. */
#include "doctor.h"
#include "launch/world.h"

#include "ranksweep/comm.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct version {
  int major, minor, release;
} version;

/* The first "<number>.<number>[.<number>]" of TEXT after WORD. */
static bool read_version(const char *text, const char *word, version *out) {
  *out = (version){0};
  const char *at = strstr(text, word);
  if (at == NULL) return false;
  at += strlen(word);
  at += strcspn(at, "0123456789\n");
  return sscanf(at, "%d.%d.%d", &out->major, &out->minor, &out->release) >= 2;
}

static bool same_version(version a, version b) {
  return a.major == b.major && a.minor == b.minor && a.release == b.release;
}

/* ---- the library ---------------------------------------------------------------------------- */

static void look_at_library(const char *directory, doctor_finding *f) {
  char loaded[256], built[64];
  version a, b;
  (void)directory;
  rs_comm_library(loaded, sizeof loaded);
  rs_comm_built_with(built, sizeof built);
  doctor_note(f, "%s", loaded);
  if (!read_version(loaded, "Open MPI", &a) || !read_version(built, "Open MPI", &b)) {
    doctor_warn(f, "ranksweep is made for Open MPI; another library may work or not");
  } else if (!same_version(a, b)) {
    doctor_note(f, "built with %s", built);
    if (a.major != b.major)
      doctor_fault(f, "build ranksweep again, or load the module of the version it was built with");
  }
}

/* ---- mpirun --------------------------------------------------------------------------------- */

/* Whose it is, when it is not Open MPI's; NULL: no telling. */
static const char *other_vendor(const char *text) {
  static const struct {
    const char *sign, *vendor;
  } signs[] = {{"Intel(R) MPI", "Intel MPI"},
               {"MVAPICH", "MVAPICH"},
               {"HYDRA", "MPICH"},
               {"MPICH", "MPICH"}};
  for (size_t i = 0; i < RS_COUNT(signs); i++)
    if (strstr(text, signs[i].sign) != NULL) return signs[i].vendor;
  return NULL;
}

static void judge_mpirun(const char *text, doctor_finding *f) {
  char library[256], line[256];
  version ours, its;
  const char *vendor = other_vendor(text);
  rs_comm_library(library, sizeof library);
  program_first_line(text, line, sizeof line);
  if (read_version(text, "Open MPI)", &its) || read_version(text, "OpenRTE)", &its)) {
    doctor_note(f, "Open MPI %d.%d.%d", its.major, its.minor, its.release);
    if (read_version(library, "Open MPI", &ours) && !same_version(its, ours))
      doctor_warn(f, "the library is %s: put the mpirun that came with it first in PATH", library);
  } else if (vendor != NULL) {
    doctor_note(f, "of %s", vendor);
    doctor_fault(f, "the library is %s: put its own mpirun first in PATH, or load its module",
                 library);
  } else {
    doctor_note(f, "not known: %s", line[0] != '\0' ? line : "it says no version");
    doctor_warn(f, "the library is %s: put its own mpirun first in PATH", library);
  }
}

static void look_at_mpirun(const char *directory, doctor_finding *f) {
  static const char *const args[] = {"mpirun", "--version", NULL};
  const double patience = 10;
  char path[PATH_MAX];
  program_end output;
  (void)directory;
  if (!program_find("mpirun", path)) {
    doctor_note(f, "none in PATH");
    doctor_fault(f, "install openmpi-bin, or load the module of Open MPI; without it only "
                    "`ranksweep run -n 1` works");
    return;
  }
  doctor_note(f, "%s", path);
  if (doctor_run(args, patience, NULL, &output) != RS_OK) {
    doctor_fault(f, "cannot run it: %s", rs_error_message());
  } else if (output.late || output.status != 0) {
    char line[256];
    program_first_line(output.words.text, line, sizeof line);
    doctor_note(f, output.late ? "no answer to --version" : "--version fails: %s", line);
    doctor_fault(f, "install Open MPI anew, or load its module");
  } else {
    judge_mpirun(output.words.text, f);
  }
  program_free(&output);
}

/* ---- settings ------------------------------------------------------------------------------- */

static bool begins(const char *text, const char *with) {
  return strncmp(text, with, strlen(with)) == 0;
}

/* What a user set, not what a launcher tells its ranks. */
static void look_at_settings(const char *directory, doctor_finding *f) {
  (void)directory;
  if (world_launched()) return;
  const char *prefix = getenv("OPAL_PREFIX"), *btl = getenv("OMPI_MCA_btl");
  for (size_t i = 0; environ != NULL && environ[i] != NULL; i++)
    if (begins(environ[i], "OMPI_MCA_") || begins(environ[i], "PMIX_MCA_"))
      doctor_note(f, "%s", environ[i]);
  if (getenv("OMPI_MCA_pmix") != NULL)
    doctor_warn(f, "unset OMPI_MCA_pmix: mpirun chooses it for its ranks");
  if (btl != NULL && btl[0] != '^' && strstr(btl, "self") == NULL)
    doctor_fault(f, "add self to OMPI_MCA_btl: a rank could not send to itself");
  if (prefix == NULL) return;
  struct stat info;
  doctor_note(f, "OPAL_PREFIX=%s", prefix);
  if (stat(prefix, &info) != 0 || !S_ISDIR(info.st_mode))
    doctor_fault(f, "unset OPAL_PREFIX: there is no such directory, and Open MPI looks there for "
                    "its parts");
}

/* ---- PMIx ----------------------------------------------------------------------------------- */

/* A machine may have srun and no cluster: that matters only inside a job. */
static void judge_silence(const program_end *o, doctor_finding *f) {
  char line[256];
  program_first_line(o->words.text, line, sizeof line);
  doctor_note(f, "srun gives no answer%s%s", line[0] != '\0' ? ": " : "", line);
  if (getenv("SLURM_JOB_ID") != NULL)
    doctor_warn(f, "see whether `sinfo` reaches the controller of the cluster: mpirun starts ranks "
                   "on other nodes by srun");
}

static void look_at_srun(doctor_finding *f) {
  static const char *const args[] = {"srun", "--mpi=list", NULL};
  const double patience = 10;
  program_end output;
  rs_status status = doctor_run(args, patience, NULL, &output);
  if (status != RS_OK || output.late || output.status != 0) {
    judge_silence(&output, f);
  } else if (strstr(output.words.text, "pmix") == NULL) {
    doctor_note(f, "srun does not offer pmix");
    doctor_warn(f, "let `ranksweep run` start mpirun; srun would give each rank a world of its "
                   "own");
  } else {
    doctor_note(f, "srun offers pmix");
  }
  program_free(&output);
}

/* Signs of a launcher in a process that has none are left by a shell in a step. */
static void look_at_pmix(const char *directory, doctor_finding *f) {
  char path[PATH_MAX];
  const char *rank = getenv("PMIX_RANK"), *size = getenv("OMPI_COMM_WORLD_SIZE");
  (void)directory;
  if (program_find("srun", path)) look_at_srun(f);
  if (rank != NULL || size != NULL)
    doctor_note(f, "%s=%s", rank != NULL ? "PMIX_RANK" : "OMPI_COMM_WORLD_SIZE",
                rank != NULL ? rank : size);
  if (rank != NULL && size == NULL)
    doctor_warn(f, "`ranksweep run` takes itself for a rank here: it starts no mpirun. In a shell "
                   "that srun started, unset PMIX_RANK");
  else if (size != NULL)
    doctor_warn(f, "`ranksweep run` takes itself for a rank here: start it outside mpirun");
}

static const doctor_check checks[] = {
    {"mpi library", look_at_library},
    {"mpirun", look_at_mpirun},
    {"mpi settings", look_at_settings},
    {"launch", doctor_look_at_launch},
    {"pmix", look_at_pmix},
};

const doctor_topic doctor_mpi = {"mpi", checks, RS_COUNT(checks)};
