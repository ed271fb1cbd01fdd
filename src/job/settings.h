/* Settings while they are being put together. */
#ifndef JOB_SETTINGS_H
#define JOB_SETTINGS_H

#include "catalog.h"

/* One value and its place, never changed once made: settings derived from each other share them. */
typedef struct rs_cell {
  atomic_size_t users;
  rs_value value;
  char place[];
} rs_cell;

struct rs_settings {
  rs_catalog *catalog;
  rs_cell *cells[]; /* one an entry of the catalog; NULL: not set yet */
};

rs_status rs_settings_create(rs_catalog *catalog, rs_settings **out) RS_MUST_CHECK;

/* Set entry INDEX, whatever it held; *VALUE is taken over (emptied), also on failure. */
rs_status rs_settings_put(rs_settings *s, size_t index, rs_value *value,
                          const char *place) RS_MUST_CHECK;

#endif
