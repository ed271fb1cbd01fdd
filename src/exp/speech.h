/* Speech and noise of an experiment: where they come from, and what is kept of them in memory. */
#ifndef RANKSWEEP_EXP_SPEECH_H
#define RANKSWEEP_EXP_SPEECH_H

#include "front.h"

/* data.source, data.path, data.clean, data.noise, ... */
extern const rs_setting rs_exp_speech_settings[];

/* Adds a problem at the place of the setting when there is no such audio. */
void rs_exp_check_speech(const rs_settings *s, rs_problems *problems);
/* Adds one when the text of SETTING is neither `all` nor the name of a kind of noise. */
void rs_exp_check_noise(const rs_settings *s, const char *setting, rs_problems *problems);
/* Reads all files; those that are left out are warnings to LOG, which may be NULL. */
rs_status rs_exp_verify_speech(const rs_settings *s, const rs_log *log) RS_MUST_CHECK;
rs_status rs_exp_fingerprint_speech(const rs_settings *s, rs_str *out) RS_MUST_CHECK;

enum { RS_SPEECH_NAME = 64 };
typedef char rs_speech_name[RS_SPEECH_NAME];

/* Clips one after another, and the spectra of some of them: clip i is samples[start[i] ..
 * start[i + 1]) and spectrum[frame[i] .. frame[i + 1]). */
typedef struct rs_speech_part {
  size_t count, all_samples, all_frames;
  size_t *start, *frame; /* [count + 1] */
  rs_speech_name *name;  /* of the speaker, or of the kind of noise */
  float *samples;
  rs_cfloat *spectrum; /* [all_frames, bins] */
} rs_speech_part;

/* Speakers of `validate` are not in `train`. Only clips for training have spectra: what is
 * validated on is mixed as samples, as users would. Noise goes round, its spectra too: frame k of a
 * clip of F is centred on sample k * hop of its first F * hop samples, which follow each other
 * without end. */
typedef struct rs_speech {
  size_t bins, hop;
  rs_speech_part train, validate, noise;
  double *clean_power;  /* [train.count] mean square */
  double *noise_energy; /* [noise.all_frames + noise.count]: clip k has F + 1 from noise.frame[k] +
                           k on, the sums of squares of its first 0, 1, ..., F hops */
} rs_speech;

/* As rs_exp_load and rs_exp_share. */
rs_status rs_exp_load_speech(rs_data_cache *cache, const rs_settings *s,
                             const rs_speech **out) RS_MUST_CHECK;
rs_status rs_exp_share_speech(const rs_settings *s, rs_data_cache *cache,
                              rs_comm *node) RS_MUST_CHECK;

/* Estimated samples of training and validation, for costs; without reading anything of files. */
void rs_exp_speech_size(const rs_settings *s, double *train, double *validate);

/* Private to speech.c and speech_data.c: the clips that SETTINGS name, in the order of names, LOG
 * as in rs_exp_verify_speech. */
rs_status rs_exp_read_clips(const rs_settings *s, const rs_log *log, rs_clips *clean,
                            rs_clips *noise) RS_MUST_CHECK;

#endif
