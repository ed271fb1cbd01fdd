/* The settings of a schema as one sorted table: the common ones and the experiment's own. */
#ifndef JOB_CATALOG_H
#define JOB_CATALOG_H

#include <stdatomic.h>

#include "ranksweep/job.h"

typedef struct rs_catalog {
  atomic_size_t users; /* settings of several threads may share it */
  const rs_schema *schema;
  size_t count;
  const rs_setting *entries[]; /* sorted by path */
} rs_catalog;

#define RS_NAME_BYTES 80 /* room for a suggestion */

rs_status rs_catalog_create(const rs_schema *schema, rs_catalog **out) RS_MUST_CHECK;
rs_catalog *rs_catalog_share(rs_catalog *catalog);
void rs_catalog_release(rs_catalog *catalog); /* NULL is fine */

/* Index of PATH, `count` when there is none. */
size_t rs_catalog_find(const rs_catalog *catalog, const char *path);

/* Is there a setting below PATH ("train" of "train.lr")? */
bool rs_catalog_has_group(const rs_catalog *catalog, const char *path);

/* The setting or group nearest to the misspelt PATH into OUT; false when nothing is near. */
bool rs_catalog_suggest(const rs_catalog *catalog, const char *path, char out[RS_NAME_BYTES]);

#endif
