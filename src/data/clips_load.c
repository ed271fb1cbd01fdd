/* The files of a corpus as clips. */
#include "clips.h"

#include <stdlib.h>
#include <string.h>

/* One file: its audio, or why there is none. */
typedef struct attempt {
  rs_audio audio;
  rs_status status;
  char *message; /* of the thread that failed; NULL: nothing to say */
  bool warned;   /* the message is a warning, and the audio is good */
} attempt;

/* ---- reading ------------------------------------------------------------------------------ */

/* Sink of a reader's warnings: threads keep them for later. */
static void keep_warning(void *user, rs_log_level level, const char *line) {
  attempt *a = user;
  (void)level;
  free(a->message);
  a->message = strdup(line);
  a->warned = true;
}

static rs_status check_sound(const char *path, const rs_audio *audio) {
  for (size_t i = 0; i < audio->frames * audio->channels; i++)
    if (audio->samples[i] != 0.0f) return RS_OK;
  return rs_fail(RS_ERR_DATA, "%s: expected sound, found %zu frames of silence", path,
                 audio->frames);
}

static void read_file(const char *path, const rs_clips_spec *spec, attempt *a) {
  const rs_log log = {.write = keep_warning, .user = a, .threshold = RS_LOG_WARN};
  const rs_audio_spec how = {
      .rate = spec->rate, .allow_truncated = spec->allow_truncated, .log = &log};
  a->status = rs_audio_read(path, &how, &a->audio);
  if (a->status == RS_OK && spec->want_sound) a->status = check_sound(path, &a->audio);
  if (a->status == RS_OK) return;
  free(a->message);
  a->message = strdup(rs_error_message());
  a->warned = false;
}

static void read_files(const rs_corpus *corpus, const rs_clips_spec *spec, attempt *attempts) {
#pragma omp parallel for schedule(dynamic)
  for (size_t i = 0; i < corpus->count; i++) read_file(corpus->files[i].path, spec, &attempts[i]);
}

/* ---- judging ------------------------------------------------------------------------------ */

static const char *message_of(const attempt *a) {
  return a->message != NULL ? a->message : "out of memory";
}

/* In the order of files, whichever thread read them; only bad files can be skipped. */
static rs_status judge(const rs_corpus *corpus, const rs_clips_spec *spec, const attempt *attempts,
                       size_t *skipped) {
  *skipped = 0;
  for (size_t i = 0; i < corpus->count; i++) {
    const attempt *a = &attempts[i];
    if (a->status == RS_OK) {
      if (a->warned) rs_logf(spec->log, RS_LOG_WARN, "%s", message_of(a));
      continue;
    }
    if (!spec->skip_bad || a->status != RS_ERR_DATA) return rs_fail(a->status, "%s", message_of(a));
    rs_logf(spec->log, RS_LOG_WARN, "%s: file is left out", message_of(a));
    ++*skipped;
  }
  if (*skipped < corpus->count) return RS_OK;
  return rs_fail(RS_ERR_DATA,
                 "expected audio files that can be read, found %zu bad ones; first: %s", *skipped,
                 corpus->count > 0 ? message_of(&attempts[0]) : "none");
}

/* ---- joining ------------------------------------------------------------------------------ */

static rs_status keep_paths(const rs_corpus *corpus, const attempt *attempts, rs_clips *out) {
  size_t kept = 0;
  RS_TRY(rs_new(&out->files, out->count, sizeof *out->files));
  for (size_t i = 0; i < corpus->count; i++)
    if (attempts[i].status == RS_OK) RS_TRY(rs_strdup(&out->files[kept++], corpus->files[i].path));
  return RS_OK;
}

/* The good ones of ATTEMPTS; their audio is released on the way. */
static rs_status join(const rs_corpus *corpus, attempt *attempts, const rs_clips_spec *spec,
                      size_t *lengths, const char **names, rs_clips *out) {
  size_t count = 0;
  for (size_t i = 0; i < corpus->count; i++) {
    if (attempts[i].status != RS_OK) continue;
    lengths[count] = attempts[i].audio.frames;
    names[count++] = corpus->files[i].label;
  }
  RS_TRY(rs_clips_create(count, lengths, names, spec->rate, out));
  RS_TRY(keep_paths(corpus, attempts, out));
  float *to = out->samples;
  for (size_t i = 0; i < corpus->count; i++) {
    rs_audio *from = &attempts[i].audio;
    if (attempts[i].status != RS_OK) continue;
    memcpy(to, from->samples, from->frames * sizeof *to);
    to += from->frames;
    rs_audio_free(from);
  }
  return RS_OK;
}

static rs_status load(const rs_corpus *corpus, const rs_clips_spec *spec, attempt *attempts,
                      rs_clips *out) {
  size_t skipped, *lengths = NULL;
  const char **names = NULL;
  read_files(corpus, spec, attempts);
  RS_TRY(judge(corpus, spec, attempts, &skipped));
  rs_status status = rs_new(&lengths, corpus->count, sizeof *lengths);
  if (status == RS_OK) status = rs_new(&names, corpus->count, sizeof *names);
  if (status == RS_OK) status = join(corpus, attempts, spec, lengths, names, out);
  out->skipped = skipped;
  free(lengths);
  free(names);
  return status;
}

rs_status rs_clips_load(const rs_corpus *corpus, const rs_clips_spec *spec, rs_clips *out) {
  attempt *attempts;
  *out = (rs_clips){0};
  if (spec->rate == 0) return rs_fail(RS_ERR_USAGE, "clips: expected a sample rate, found 0");
  RS_TRY(rs_new(&attempts, corpus->count, sizeof *attempts));
  rs_status status = load(corpus, spec, attempts, out);
  for (size_t i = 0; i < corpus->count; i++) {
    rs_audio_free(&attempts[i].audio);
    free(attempts[i].message);
  }
  free(attempts);
  if (status != RS_OK) rs_clips_free(out);
  return status;
}
