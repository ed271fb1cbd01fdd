/* Built-in voices and noises as clips. */
#include "clips.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME = 16 }; /* bytes of "voice4294967295" */

/* What rs_clips_create is told: COUNT clips of SAMPLES each, with names. */
typedef struct plan {
  size_t *lengths;
  const char **names;
  char (*texts)[NAME]; /* one a speaker */
} plan;

static void free_plan(plan *p) {
  free(p->lengths);
  free(p->names);
  free(p->texts);
}

static rs_status make_plan(const rs_voices_spec *spec, size_t count, plan *p) {
  RS_TRY(rs_new(&p->lengths, count, sizeof *p->lengths));
  RS_TRY(rs_new(&p->names, count, sizeof *p->names));
  RS_TRY(rs_new(&p->texts, spec->speakers, sizeof *p->texts));
  for (size_t k = 0; k < spec->speakers; k++)
    snprintf(p->texts[k], NAME, "voice%05u", (unsigned)(spec->first + k));
  for (size_t i = 0; i < count; i++) {
    p->lengths[i] = spec->samples;
    p->names[i] = p->texts[i / spec->utterances];
  }
  return RS_OK;
}

static rs_status check_spec(const rs_voices_spec *spec) {
  if (spec->speakers == 0 || spec->utterances == 0 || spec->samples == 0)
    return rs_fail(RS_ERR_USAGE,
                   "voices: expected at least one speaker, utterance and sample, found %u, %u, %zu",
                   spec->speakers, spec->utterances, spec->samples);
  if (spec->speakers <= UINT32_MAX - spec->first) return RS_OK;
  return rs_fail(RS_ERR_USAGE, "voices: expected speakers below number 2^32, found %u from %u on",
                 spec->speakers, spec->first);
}

static void speak_all(const rs_voices_spec *spec, rs_clips *out) {
#pragma omp parallel for schedule(dynamic)
  for (size_t i = 0; i < out->count; i++)
    rs_voices_speak(spec->seed, spec->first + (uint32_t)(i / spec->utterances),
                    (uint32_t)(i % spec->utterances), spec->samples, out->samples + out->start[i]);
}

rs_status rs_voices_clips(const rs_voices_spec *spec, rs_clips *out) {
  plan p = {0};
  *out = (rs_clips){0};
  RS_TRY(check_spec(spec));
  const size_t count = (size_t)spec->speakers * spec->utterances;
  rs_status status = make_plan(spec, count, &p);
  if (status == RS_OK) status = rs_clips_create(count, p.lengths, p.names, RS_VOICES_RATE, out);
  if (status == RS_OK) speak_all(spec, out);
  free_plan(&p);
  return status;
}

rs_status rs_voices_noise_clips(uint64_t seed, size_t samples, rs_clips *out) {
  size_t lengths[RS_NOISE_KINDS];
  const char *kinds[RS_NOISE_KINDS];
  *out = (rs_clips){0};
  if (samples == 0)
    return rs_fail(RS_ERR_USAGE, "noises: expected at least one sample, found none");
  for (int k = 0; k < RS_NOISE_KINDS; k++) {
    lengths[k] = samples;
    kinds[k] = rs_noise_name((rs_noise_kind)k);
  }
  RS_TRY(rs_clips_create(RS_NOISE_KINDS, lengths, kinds, RS_VOICES_RATE, out));
  rs_status status = RS_OK;
  for (int k = 0; status == RS_OK && k < RS_NOISE_KINDS; k++)
    status = rs_voices_noise(seed, (rs_noise_kind)k, 0, samples, out->samples + out->start[k]);
  if (status != RS_OK) rs_clips_free(out);
  return status;
}
