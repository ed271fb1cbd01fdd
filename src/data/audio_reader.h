/* Readers over memory, for what is not public. */
#ifndef RANKSWEEP_DATA_AUDIO_READER_H
#define RANKSWEEP_DATA_AUDIO_READER_H

#include "ranksweep/data.h"

/* As rs_audio_reader_open; NAME stands for the file. BYTES must outlive *OUT. */
rs_status rs_audio_reader_wrap(const char *name, const void *bytes, size_t len,
                               const rs_audio_spec *spec, rs_audio_reader **out) RS_MUST_CHECK;

#endif
