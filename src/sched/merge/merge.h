/* Joining shares, shared by the files that do it:
 *  - inputs.c  reads what is to be joined, and sees that it belongs together
 *  - files.c   brings files of stages over
 *  - merge.c   makes the new results, under a name of their own first */
#ifndef RANKSWEEP_SCHED_MERGE_H
#define RANKSWEEP_SCHED_MERGE_H

#include "record/past.h"
#include "ranksweep/sched.h"
#include "ranksweep/store.h"

#include <sys/types.h>
#include <time.h>

/* Results of one share. */
typedef struct merge_input {
  const char *path;
  char *journal, *directory;
  past *past;
  const json_t *share;      /* see share.h; belongs to the past */
  rs_journal_holder holder; /* before the journal was read, as are the next two */
  off_t bytes;
  struct timespec changed;
} merge_input;

typedef struct merge_inputs {
  merge_input *list; /* in the order of their shares */
  size_t n;
} merge_inputs;

/* Errors as for rs_merge. */
rs_status merge_inputs_open(const rs_merge_options *options, merge_inputs *out) RS_MUST_CHECK;
void merge_inputs_close(merge_inputs *inputs);
/* RS_ERR_CONFLICT when a run writes one of them, or has since they were read. */
rs_status merge_inputs_check_unchanged(const merge_inputs *inputs) RS_MUST_CHECK;

/* Has the stage ended well? Is what it left there, as far as ENTRY (see past_stage) knows? */
bool merge_is_done(const json_t *entry);
bool merge_has_output(const json_t *entry);

/* What the stage IDENTITY of INPUT, of which ENTRY tells, left for others, into DIRECTORY: as hard
 * links, or copies where there can be none; checksums are verified. */
rs_status merge_take_stage(const merge_input *input, rs_id identity, const json_t *entry,
                           const char *directory) RS_MUST_CHECK;
/* The same for all checkpoints of INPUT that a stage may continue from, or that were to be kept.
 * CHOSEN: by identity, the number of the input that each stage is taken from, NUMBER being this. */
rs_status merge_take_checkpoints(const merge_input *input, const json_t *chosen, size_t number,
                                 const char *directory) RS_MUST_CHECK;

/* PATH and all in it; what cannot be removed stays. */
void merge_remove_tree(const char *path);

#endif
