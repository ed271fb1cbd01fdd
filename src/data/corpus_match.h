/* Names of files and folders against the parts of a corpus pattern. */
#ifndef RANKSWEEP_DATA_CORPUS_MATCH_H
#define RANKSWEEP_DATA_CORPUS_MATCH_H

#include "ranksweep/base.h"

/* Does PART need to be looked up among the names of its folder? */
bool rs_corpus_part_is_pattern(const char *part);

/* NAME against PART: glob, with {speaker} in at most one place. *SPEAKER and *LENGTH: what that
 * matched, within NAME; NULL without it. */
bool rs_corpus_part_matches(const char *part, const char *name, const char **speaker,
                            size_t *length);

/* By its ending, in either case. */
bool rs_corpus_is_audio(const char *name);

#endif
