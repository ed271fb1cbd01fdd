/* What the parts of `ranksweep verify` share. They collect faults and go on; a status other than
 * RS_OK means that checking itself failed. */
#ifndef RANKSWEEP_CLI_VERIFY_H
#define RANKSWEEP_CLI_VERIFY_H

#include "cli.h"

#include <jansson.h>

typedef struct verification {
  const char *path; /* of the results file */
  char *journal, *directory;
  rs_results r;
  json_t *faults; /* [{file, place, message}] */
  struct verify_counts {
    size_t models, vectors, artifacts, checkpoints, tensors, records, torn; /* torn: bytes */
    double bytes;                                                           /* of tensors */
  } checked;
} verification;

/* Note a fault: in FILE at PLACE ("" where the message says it all). */
void verify_fault(verification *v, const char *file, const char *place, const char *format, ...)
    RS_PRINTF(4, 5);
/* Note the last failure as a fault of FILE, with the file's name taken off its message. */
void verify_failure(verification *v, const char *file);

/* ---- tables against each other (tables.c) -------------------------------------------------- */

/* Row of /stages that has NUMBER; false: there is none. */
typedef struct verify_stages verify_stages;
rs_status verify_stages_create(const rs_table *stages, verify_stages **out) RS_MUST_CHECK;
void verify_stages_destroy(verify_stages *s);
bool verify_stages_find(const verify_stages *s, int64_t number, size_t *row);

rs_status verify_tables(verification *v, const verify_stages *stages) RS_MUST_CHECK;

/* ---- the journal (journal.c) --------------------------------------------------------------- */

/* What the journal says of each stage: {identity: {state, output, removed, step, artifacts}}, STEP
 * being that of its last metrics, REMOVED true when its output was. Read and compared with /stages;
 * the caller's to release. NULL: it cannot be read, which is a fault. */
json_t *verify_journal(verification *v);

/* ---- models and checkpoints (files.c) ------------------------------------------------------ */

/* NOTES as verify_journal gave them. */
rs_status verify_files(verification *v, const verify_stages *stages,
                       const json_t *notes) RS_MUST_CHECK;

/* ---- files for people (artifacts.c) -------------------------------------------------------- */

/* The same. */
void verify_artifacts(verification *v, const verify_stages *stages, const json_t *notes);

#endif
