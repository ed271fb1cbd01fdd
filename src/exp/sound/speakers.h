/* Utterances of known speakers: which of them are trained and tested on, and their spectra in
 * memory. */
#ifndef RANKSWEEP_EXP_SPEAKERS_H
#define RANKSWEEP_EXP_SPEAKERS_H

#include "sound.h"
#include "part.h"

/* data.speakers, data.more, data.noise, data.split, data.test, data.clips, data.piece, data.speeds
 */
extern const rs_setting rs_exp_speaker_settings[];

bool rs_exp_has_trials(const rs_settings *s); /* is data.trials given? */
void rs_exp_check_speakers(const rs_settings *s, rs_problems *problems);
void rs_exp_check_speaker_files(const rs_settings *s, rs_problems *problems);
/* Reads all files; those that are left out are warnings to LOG, which may be NULL. */
rs_status rs_exp_verify_speakers(const rs_settings *s, const rs_log *log) RS_MUST_CHECK;
/* Frames of an utterance, as far as the settings tell. */
double rs_exp_utterance_frames(const rs_settings *s);
rs_status rs_exp_fingerprint_speakers(const rs_settings *s, rs_str *out) RS_MUST_CHECK;

enum { RS_FILE_NAME = 512 };
typedef char rs_file_name[RS_FILE_NAME];

/* Utterances in the order of their speakers: speaker k has first[k] .. first[k + 1]. */
typedef struct rs_utterances {
  rs_sound_part part; /* all with spectra */
  size_t speakers;
  size_t *first;      /* [speakers + 1] */
  double *power;      /* [part.count] mean square */
  rs_file_name *file; /* [part.count] below data.path; "" of a made voice */
  double *at;         /* [part.count] where in that file it begins, in seconds */
} rs_utterances;

typedef struct rs_speakers {
  size_t bins, hop;
  rs_utterances train, test;
  rs_sound_part noise;  /* going round, see rs_sound_transform_round; may be empty */
  double *noise_energy; /* [noise.all_frames + noise.count] */
  size_t n_trials;      /* given pairs of test utterances; 0: they are drawn */
  uint32_t (*pairs)[2]; /* [n_trials] */
  uint8_t *same;        /* [n_trials] */
} rs_speakers;

/* As rs_exp_load and rs_exp_share. */
rs_status rs_exp_load_speakers(rs_data_cache *cache, const rs_settings *s,
                               const rs_speakers **out) RS_MUST_CHECK;
rs_status rs_exp_share_speakers(const rs_settings *s, rs_data_cache *cache,
                                rs_comm *node) RS_MUST_CHECK;

#endif
