/* Where speech and noise of an experiment come from: files, or voices that the program makes.
 *
 * A corpus is named by its setting, whose texts are patterns below data.path; voices need none. */
#ifndef RANKSWEEP_EXP_SOUND_H
#define RANKSWEEP_EXP_SOUND_H

#include "front.h"

/* data.source, data.path, data.bad_files; data.voices, data.utterances, data.seconds of voices */
extern const rs_setting rs_exp_sound_settings[];

bool rs_exp_is_voices(const rs_settings *s);

/* Each adds a problem at the place of the setting. */
void rs_exp_check_sound(const rs_settings *s, rs_problems *problems);
/* Patterns that come to no file. */
void rs_exp_check_corpus(const rs_settings *s, const char *corpus, rs_problems *problems);
/* The text of SETTING is neither `all` nor the name of a kind of noise in CORPUS. */
void rs_exp_check_noise(const rs_settings *s, const char *corpus, const char *setting,
                        rs_problems *problems);

/* "built in", or the checksum of each pattern of CORPORA, NULL-terminated. */
rs_status rs_exp_fingerprint_sound(const rs_settings *s, const char *const *corpora,
                                   rs_str *out) RS_MUST_CHECK;

/* All clips of a corpus, labelled by speaker or by kind of noise. Files that are left out are
 * warnings to LOG, which may be NULL. */
rs_status rs_exp_read_speakers(const rs_settings *s, const char *corpus, const rs_log *log,
                               rs_clips *out) RS_MUST_CHECK;
rs_status rs_exp_read_noise(const rs_settings *s, const char *corpus, const rs_log *log,
                            rs_clips *out) RS_MUST_CHECK;

#endif
