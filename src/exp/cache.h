/* Datasets in memory: one copy a node of those that a run began with, and the last other one. */
#ifndef RANKSWEEP_EXP_CACHE_H
#define RANKSWEEP_EXP_CACHE_H

#include "ranksweep/exp.h"

/* A dataset is a header of fixed size and a block that holds all its arrays. One rank of a node
 * makes the block; each rank has a header of its own, whose pointers lead into it. */
typedef struct rs_dataset_kind {
  size_t header_bytes;
  /* Appends what tells the dataset that SETTINGS name from all others. */
  void (*key)(const rs_settings *s, rs_str *out);
  /* Reads enough for the counts of HEADER, which is zero; *SOURCE goes on to the next three. */
  rs_status (*open)(const rs_settings *s, void *header, void **source);
  size_t (*bytes)(const void *header); /* of the block */
  rs_status (*fill)(void *source, void *header);
  void (*close)(void *source); /* takes NULL */
  /* From now on the arrays of HEADER, which has its counts, are those in BLOCK. */
  void (*attach)(void *header, void *block);
} rs_dataset_kind;

/* The header of the dataset, made by this process when no rank of the node shares it; it belongs to
 * the cache until its next load. */
rs_status rs_exp_load(rs_data_cache *cache, const rs_dataset_kind *kind, const rs_settings *s,
                      const void **out) RS_MUST_CHECK;

/* One copy for all ranks of NODE; on failure there is none. Collective. */
rs_status rs_exp_share(rs_data_cache *cache, const rs_dataset_kind *kind, const rs_settings *s,
                       rs_comm *node) RS_MUST_CHECK;

#endif
