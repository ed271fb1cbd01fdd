/* store: what the writers of /plots share. */
#ifndef RANKSWEEP_STORE_RESULTS_PLOTS_H
#define RANKSWEEP_STORE_RESULTS_PLOTS_H

#include "results.h"

enum { PLOTS_NAME = 256 }; /* bytes of a plot's name or title */

/* Where plots go. The first one that is written becomes the one that is shown. */
typedef struct plots {
  hid_t group;
  const char *path; /* of the file, for messages */
  const rs_results *r;
  char shown[PLOTS_NAME];
} plots;

rs_status plots_failed(const plots *p) RS_MUST_CHECK;
void plots_note(plots *p, const char *name);

/* Those of R->vectors, as links, or with the data themselves from where FROM links to. */
rs_status plots_vectors(plots *p, const char *from) RS_MUST_CHECK;

#endif
