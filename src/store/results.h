/* store: the parts of a results file that its writers and readers share. FROM is the results file
 * whose links are to be followed and their targets written instead; NULL: links are written. */
#ifndef RANKSWEEP_STORE_RESULTS_H
#define RANKSWEEP_STORE_RESULTS_H

#include "hdf5_util.h"

/* All of R into the new FILE, which is called PATH in messages. */
rs_status rs_h5_results_fill(hid_t file, const char *path, const rs_results *r,
                             const char *from) RS_MUST_CHECK;

/* /models */
rs_status rs_h5_models_write(hid_t file, const char *path, const rs_results *r,
                             const char *from) RS_MUST_CHECK;
/* /artifacts, and in a packed file /files. Nothing when there are none. */
rs_status rs_h5_artifacts_write(hid_t file, const char *path, const rs_results *r,
                                const char *from) RS_MUST_CHECK;
/* /plots */
rs_status rs_h5_plots_write(hid_t file, const char *path, const rs_results *r,
                            const char *from) RS_MUST_CHECK;

/* Path of the file LINKED beside the results file RESULTS; release with free(). */
rs_status rs_results_linked_path(const char *results, const char *linked, char **out) RS_MUST_CHECK;

#endif
