#include "mix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- excerpts ---------------------------------------------------------------------------- */

static size_t excerpts_of(const rs_speech *speech, size_t clip, size_t excerpt) {
  size_t whole = rs_sound_frames(&speech->train, clip) / excerpt;
  return whole > 0 ? whole : 1;
}

size_t rs_exp_count_excerpts(const rs_speech *speech, size_t excerpt) {
  size_t n = 0;
  for (size_t i = 0; i < speech->train.count; i++) n += excerpts_of(speech, i, excerpt);
  return n;
}

void rs_exp_list_excerpts(const rs_speech *speech, size_t excerpt, uint32_t *clip, uint32_t *part) {
  size_t n = 0;
  for (size_t i = 0; i < speech->train.count; i++) {
    for (size_t k = 0; k < excerpts_of(speech, i, excerpt); k++) {
      clip[n] = (uint32_t)i;
      part[n++] = (uint32_t)k;
    }
  }
}

/* ---- drawing ----------------------------------------------------------------------------- */

/* Energy of N hops of noise KIND from hop AT on, round and round. */
static double noise_energy(const rs_speech *speech, size_t kind, size_t at, size_t n) {
  size_t frames = rs_sound_frames(&speech->noise, kind);
  const double *sums = speech->noise_energy + speech->noise.frame[kind] + kind;
  double energy = (double)((at + n) / frames) * sums[frames];
  return energy + sums[(at + n) % frames] - sums[at];
}

/* A piece of noise may be silent; it is not made louder than LEAST_SHARE of its kind would be. */
static float noise_scale(const rs_speech *speech, const rs_mixture *m, size_t frames,
                         double snr_db) {
  const double least_share = 1e-4;
  size_t all = rs_sound_frames(&speech->noise, m->noise);
  double power = noise_energy(speech, m->noise, m->at, frames) / (double)(frames * speech->hop);
  double mean = noise_energy(speech, m->noise, 0, all) / (double)(all * speech->hop);
  power = fmax(power, least_share * mean);
  return (float)sqrt(speech->clean_power[m->clip] / power * pow(10, -snr_db / 10));
}

enum { DRAWS = 4 }; /* of a sample: kind, place of noise, place of speech, level */

rs_mixture rs_exp_draw(const rs_speech *speech, const rs_mix_spec *spec, uint64_t epoch,
                       uint32_t sample, uint32_t clip, uint32_t part) {
  const rs_stream s = rs_stream_make(spec->seed, spec->stage, "mix", epoch);
  const uint64_t draw = (uint64_t)DRAWS * sample;
  size_t frames = rs_sound_frames(&speech->train, clip),
         n = excerpts_of(speech, clip, spec->excerpt);
  rs_mixture m = {.clip = clip, .frames = frames < spec->excerpt ? frames : spec->excerpt};
  size_t slack = frames - n * m.frames;
  m.noise = rs_stream_below(&s, draw, (uint32_t)speech->noise.count);
  m.at = rs_stream_below(&s, draw + 1, (uint32_t)rs_sound_frames(&speech->noise, m.noise));
  m.first = part * m.frames + rs_stream_below(&s, draw + 2, (uint32_t)slack + 1);
  double snr = spec->snr_db + spec->spread_db * (2.0 * rs_stream_uniform(&s, draw + 3) - 1.0);
  m.scale = noise_scale(speech, &m, frames, snr);
  return m;
}

void rs_exp_mix_frame(const rs_speech *speech, const rs_mixture *m, size_t t,
                      const rs_cfloat **clean, const rs_cfloat **noise, rs_cfloat *noisy) {
  const rs_sound_part *train = &speech->train, *noises = &speech->noise;
  size_t frame = (m->at + m->first + t) % rs_sound_frames(noises, m->noise);
  *clean = train->spectrum + (train->frame[m->clip] + m->first + t) * speech->bins;
  *noise = noises->spectrum + (noises->frame[m->noise] + frame) * speech->bins;
  const float *s = (const float *)*clean, *n = (const float *)*noise;
  float *x = (float *)noisy, scale = m->scale;
#pragma omp simd
  for (size_t i = 0; i < 2 * speech->bins; i++) x[i] = s[i] + scale * n[i];
}

/* ---- statistics -------------------------------------------------------------------------- */

typedef struct sums {
  double *first, *second; /* [inputs] of features and of their squares */
  size_t frames;
} sums;

static void add_clip(const rs_speech *speech, const rs_front *front, const rs_mixture *m,
                     rs_cfloat *noisy, float *x, sums *to) {
  const rs_cfloat *clean, *noise;
  for (size_t t = 0; t < m->frames; t++) {
    rs_exp_mix_frame(speech, m, t, &clean, &noise, noisy);
    rs_exp_features(front, noisy, NULL, NULL, x);
    for (size_t k = 0; k < front->inputs; k++) {
      to->first[k] += x[k];
      to->second[k] += (double)x[k] * x[k];
    }
  }
  to->frames += m->frames;
}

/* In the order of clips, on one thread: the same bits everywhere. */
static void add_all(const rs_speech *speech, const rs_front *front, const rs_mix_spec *spec,
                    rs_cfloat *noisy, float *x, sums *to) {
  rs_mix_spec whole = *spec;
  whole.stage = "statistics";
  for (size_t i = 0; i < speech->train.count; i++) {
    whole.excerpt = rs_sound_frames(&speech->train, i);
    rs_mixture m = rs_exp_draw(speech, &whole, 0, (uint32_t)i, (uint32_t)i, 0);
    add_clip(speech, front, &m, noisy, x, to);
  }
}

rs_status rs_exp_feature_statistics(const rs_speech *speech, const rs_front *front,
                                    const rs_mix_spec *spec, float *mean, float *scale) {
  const double least = 1e-5; /* deviation: a bin without sound stays small */
  sums s = {0};
  rs_cfloat *noisy = NULL;
  float *x = NULL;
  rs_status status = rs_new(&s.first, front->inputs, sizeof *s.first);
  if (status == RS_OK) status = rs_new(&s.second, front->inputs, sizeof *s.second);
  if (status == RS_OK) status = rs_new(&noisy, speech->bins, sizeof *noisy);
  if (status == RS_OK) status = rs_new(&x, front->inputs, sizeof *x);
  if (status == RS_OK) add_all(speech, front, spec, noisy, x, &s);
  for (size_t k = 0; status == RS_OK && k < front->inputs; k++) {
    double n = (double)s.frames, m = s.first[k] / n;
    mean[k] = (float)m;
    scale[k] = (float)(1 / fmax(sqrt(fmax(s.second[k] / n - m * m, 0)), least));
  }
  free(s.first);
  free(s.second);
  free(noisy);
  free(x);
  return status;
}

/* ---- whole clips ------------------------------------------------------------------------- */

rs_status rs_exp_mix_clip(const rs_speech *speech, size_t clip, size_t kind, double snr_db,
                          uint64_t seed, uint64_t number, float *clean, float *noise,
                          float *noisy) {
  enum { TRIES = 16 }; /* a piece of noise may be silent */
  const rs_sound_part *p = &speech->validate;
  size_t n = p->start[clip + 1] - p->start[clip];
  const rs_stream s = rs_stream_make(seed, "validation", "mix", 0);
  rs_status status = RS_OK;
  memcpy(clean, p->samples + p->start[clip], n * sizeof *clean);
  for (size_t i = 0; i < TRIES; i++) {
    const float *from = speech->noise.samples + speech->noise.start[kind];
    size_t length = speech->noise.start[kind + 1] - speech->noise.start[kind];
    size_t at = (size_t)((double)rs_stream_uniform(&s, TRIES * number + i) * (double)length);
    for (size_t k = 0; k < n; k++) noise[k] = from[(at + k) % length];
    status = rs_mix_at_snr(n, snr_db, clean, noise, noisy);
    if (status == RS_OK) return RS_OK;
  }
  return rs_error_context(status, "%s with noise %s", p->name[clip], speech->noise.name[kind]);
}
