/* Bytes of an audio file in any order, from a file or from memory. */
#ifndef RANKSWEEP_DATA_AUDIO_SOURCE_H
#define RANKSWEEP_DATA_AUDIO_SOURCE_H

#include "ranksweep/base.h"

#include <sndfile.h>

typedef struct rs_audio_source {
  const char *name; /* for messages */
  int fd;           /* -1: memory */
  const uint8_t *data;
  size_t length, at; /* at: where libsndfile reads next */
  int error;         /* errno of the first read that failed, 0: none did */
} rs_audio_source;

/* PATH and DATA must outlive *OUT. */
rs_status rs_audio_source_open(const char *path, rs_audio_source *out) RS_MUST_CHECK;
/* A regular file that is open; FD is closed with the source. */
rs_status rs_audio_source_adopt(int fd, const char *name, rs_audio_source *out) RS_MUST_CHECK;
void rs_audio_source_wrap(const char *name, const void *data, size_t length, rs_audio_source *out);
void rs_audio_source_close(rs_audio_source *source);

/* Bytes from OFFSET on, at most N of them; how many there are. */
size_t rs_audio_source_read(rs_audio_source *source, size_t offset, void *into, size_t n);

/* RS_ERR_IO when a read has failed. */
rs_status rs_audio_source_check(const rs_audio_source *source) RS_MUST_CHECK;

/* libsndfile's way to it; the source is its user data. */
extern const SF_VIRTUAL_IO rs_audio_source_io;

/* What kind of file it is, by its first bytes. */
typedef enum rs_audio_container { RS_AUDIO_WAV, RS_AUDIO_FLAC, RS_AUDIO_OGG } rs_audio_container;
rs_status rs_audio_source_container(rs_audio_source *source, rs_audio_container *out) RS_MUST_CHECK;

/* RS_ERR_DATA when a WAV file promises more bytes of samples than it has, or an Ogg file lacks its
 * last page: libsndfile takes both for shorter files. */
rs_status rs_audio_source_check_whole(rs_audio_source *source,
                                      rs_audio_container container) RS_MUST_CHECK;

#endif
