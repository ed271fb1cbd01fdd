/* Image data of an experiment: its settings and the cache of loaded sets. */
#ifndef RANKSWEEP_EXP_IMAGES_H
#define RANKSWEEP_EXP_IMAGES_H

#include "ranksweep/exp.h"

extern const rs_setting rs_exp_image_settings[]; /* data.source, data.path, data.train, data.test */

/* The source that the settings describe; its texts belong to them. */
rs_images_spec rs_exp_image_spec(const rs_settings *s);

/* Adds a problem at the place of the setting when the images cannot be loaded. */
void rs_exp_check_images(const rs_settings *s, rs_problems *problems);

/* Reads all of them: damage anywhere is an error with its place. */
rs_status rs_exp_verify_images(const rs_settings *s, const rs_log *log) RS_MUST_CHECK;

/* rs_images_fingerprint of the source that the settings describe. */
rs_status rs_exp_fingerprint_images(const rs_settings *s, rs_str *out) RS_MUST_CHECK;

/* 28 x 28 pixels, ten classes. */
typedef struct rs_exp_images {
  rs_images train, test;
} rs_exp_images;

/* Of the node's one copy when there is one; belongs to the cache until its next load. */
rs_status rs_exp_load_images(rs_data_cache *cache, const rs_settings *s,
                             const rs_exp_images **out) RS_MUST_CHECK;

/* One copy for all ranks of NODE, which its first rank loads; on failure there is none. Collective.
 */
rs_status rs_exp_share_images(const rs_settings *s, rs_data_cache *cache,
                              rs_comm *node) RS_MUST_CHECK;

#endif
