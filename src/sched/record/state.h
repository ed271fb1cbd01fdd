/* The record's inside, shared by the files that make it up. */
#ifndef RANKSWEEP_SCHED_RECORD_STATE_H
#define RANKSWEEP_SCHED_RECORD_STATE_H

#include "neighbours.h"
#include "past.h"
#include "ranksweep/store.h"
#include "record.h"
#include "removals.h"
#include "tables/tables.h"

struct rs_record {
  char *results, *journal_path, *directory;
  const rs_log *log;
  const rs_job *job;
  const char *fingerprint; /* of the data */
  json_t *share;           /* NULL: the whole job */
  rs_journal *journal;
  tables *tables;
  past *past;
  neighbours *neighbours; /* NULL: none are asked */
  removals removals;
  char created[RS_CLOCK_TEXT];
  double synced, snapped;
  double snapshot_cost; /* seconds that the last one took */
  double spent;         /* seconds, in the journal and snapshots */
  bool retry_failed;
  bool news;       /* since the last snapshot */
  bool broken;     /* the journal could not be written */
  size_t recalled; /* stages of this sweep that the journal knows as done */
};

/* Append RECORD, which is released, to the journal; NULL: memory ran out while it was made. */
rs_status record_append(rs_record *r, json_t *record) RS_MUST_CHECK;
/* All that was appended, onto the disk. */
rs_status record_sync(rs_record *r) RS_MUST_CHECK;

#endif
