/* Speech to be cleaned: clean speech and noise, and what is kept of them in memory. */
#ifndef RANKSWEEP_EXP_SPEECH_H
#define RANKSWEEP_EXP_SPEECH_H

#include "sound.h"
#include "part.h"

/* data.clean, data.noise, data.validate, data.train, data.test */
extern const rs_setting rs_exp_speech_settings[];

/* Adds a problem at the place of the setting when there is no such audio. */
void rs_exp_check_speech(const rs_settings *s, rs_problems *problems);
void rs_exp_check_speech_files(const rs_settings *s, rs_problems *problems);
/* Reads all files; those that are left out are warnings to LOG, which may be NULL. */
rs_status rs_exp_verify_speech(const rs_settings *s, const rs_log *log) RS_MUST_CHECK;
rs_status rs_exp_fingerprint_speech(const rs_settings *s, rs_str *out) RS_MUST_CHECK;

/* Speakers of `validate` are not in `train`. Only clips for training have spectra: what is
 * validated on is mixed as samples, as users would. Noise goes round, its spectra too: see
 * rs_sound_transform_round. */
typedef struct rs_speech {
  size_t bins, hop;
  rs_sound_part train, validate, noise;
  double *clean_power;  /* [train.count] mean square */
  double *noise_energy; /* [noise.all_frames + noise.count] */
} rs_speech;

/* As rs_exp_load and rs_exp_share. */
rs_status rs_exp_load_speech(rs_data_cache *cache, const rs_settings *s,
                             const rs_speech **out) RS_MUST_CHECK;
rs_status rs_exp_share_speech(const rs_settings *s, rs_data_cache *cache,
                              rs_comm *node) RS_MUST_CHECK;

/* Estimated samples of training and validation, for costs; without reading anything of files. */
void rs_exp_speech_size(const rs_settings *s, double *train, double *validate);

#endif
