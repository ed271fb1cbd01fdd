#include "clips.h"

#include <stdlib.h>
#include <string.h>

void rs_clips_free(rs_clips *clips) {
  for (size_t i = 0; i < clips->label_count; i++) free(clips->names[i]);
  free(clips->names);
  for (size_t i = 0; clips->files != NULL && i < clips->count; i++) free(clips->files[i]);
  free(clips->files);
  free(clips->label);
  free(clips->start);
  free(clips->samples);
  *clips = (rs_clips){0};
}

/* ---- making ------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* SORTED [count], with repetitions, into out->names. */
static rs_status keep_names(size_t count, const char *const *sorted, rs_clips *out) {
  for (size_t i = 0; i < count; i++) {
    if (i > 0 && strcmp(sorted[i], sorted[i - 1]) == 0) continue;
    RS_TRY(rs_strdup(&out->names[out->label_count], sorted[i]));
    out->label_count++;
  }
  return RS_OK;
}

static rs_status number_labels(size_t count, const char *const *names, rs_clips *out) {
  const char **sorted;
  RS_TRY(rs_new(&sorted, count, sizeof *sorted));
  memcpy(sorted, names, count * sizeof *sorted);
  qsort(sorted, count, sizeof *sorted, by_name);
  rs_status status = keep_names(count, sorted, out);
  free(sorted);
  RS_TRY(status);
  for (size_t i = 0; i < count; i++) {
    char **found = bsearch(&names[i], out->names, out->label_count, sizeof *out->names, by_name);
    out->label[i] = (uint32_t)(found - out->names);
  }
  return RS_OK;
}

static rs_status allocate(size_t count, const size_t *lengths, rs_clips *out) {
  RS_TRY(rs_new(&out->start, count + 1, sizeof *out->start));
  RS_TRY(rs_new(&out->label, count, sizeof *out->label));
  RS_TRY(rs_new(&out->names, count, sizeof *out->names));
  for (size_t i = 0; i < count; i++)
    if (__builtin_add_overflow(out->start[i], lengths[i], &out->start[i + 1]))
      return rs_fail(RS_ERR_NOMEM, "out of memory: %zu clips of audio", count);
  return rs_new(&out->samples, out->start[count], sizeof *out->samples);
}

rs_status rs_clips_create(size_t count, const size_t *lengths, const char *const *names,
                          unsigned rate, rs_clips *out) {
  *out = (rs_clips){.count = count, .rate = rate};
  rs_status status = allocate(count, lengths, out);
  if (status == RS_OK) status = number_labels(count, names, out);
  if (status != RS_OK) rs_clips_free(out);
  return status;
}

/* ---- use ---------------------------------------------------------------------------------- */

void rs_clips_cut(const rs_clips *clips, size_t i, const rs_stream *s, uint64_t at, size_t n,
                  float *out) {
  const float *clip = clips->samples + clips->start[i];
  const size_t length = clips->start[i + 1] - clips->start[i];
  RS_ASSERT(i < clips->count && length > 0);
  /* A clip that is long enough is not wrapped: its end and its start do not fit together. */
  const size_t places = length > n ? length - n + 1 : length;
  size_t from = (size_t)((double)rs_stream_uniform(s, at) * (double)places) % length;
  for (size_t got = 0; got < n;) {
    size_t step = length - from < n - got ? length - from : n - got;
    memcpy(out + got, clip + from, step * sizeof *out);
    got += step;
    from = 0;
  }
}
