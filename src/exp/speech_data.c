/* Speech and noise in memory that a node shares: samples, and the spectra that training mixes. */
#include "cache.h"
#include "speech.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a dataset is made from. */
typedef struct source {
  rs_clips clean, noise;
  size_t *train, *validate; /* numbers of clips */
  rs_stft_spec spec;
} source;

static void key(const rs_settings *s, rs_str *out) {
  rs_settings_canonical(s, (const char *const[]){"data.", "seed", NULL}, out);
}

static void close(void *user) {
  source *from = user;
  if (from == NULL) return;
  rs_clips_free(&from->clean);
  rs_clips_free(&from->noise);
  free(from->train);
  free(from->validate);
  free(from);
}

/* ---- counts ------------------------------------------------------------------------------ */

static size_t length_of(const rs_clips *clips, size_t i) {
  return clips->start[i + 1] - clips->start[i];
}

/* 0: all. */
static size_t limit_of(const rs_settings *s, const char *setting) {
  return rs_settings_int(s, setting) > 0 ? (size_t)rs_settings_int(s, setting) : SIZE_MAX;
}

static void take(size_t clip, size_t most, size_t *list, size_t *count) {
  if (*count < most) list[(*count)++] = clip;
}

/* Clips of the last VALIDATE speakers go to the one list, all others to the other. */
static rs_status split(const rs_settings *s, source *from, rs_speech *speech) {
  const rs_clips *clean = &from->clean;
  int64_t wanted = rs_settings_int(s, "data.validate");
  size_t most_train = limit_of(s, "data.train"), most_validate = limit_of(s, "data.test");
  size_t speakers = clean->label_count;
  size_t validate = wanted > 0 ? (size_t)wanted : (speakers + 6) / 7;
  if (validate >= speakers)
    return rs_fail(RS_ERR_DATA,
                   "data.validate: %zu speakers to validate on leave none of the %zu to train on",
                   validate, speakers);
  RS_TRY(rs_new(&from->train, clean->count, sizeof *from->train));
  RS_TRY(rs_new(&from->validate, clean->count, sizeof *from->validate));
  for (size_t i = 0; i < clean->count; i++) {
    if (clean->label[i] < speakers - validate)
      take(i, most_train, from->train, &speech->train.count);
    else
      take(i, most_validate, from->validate, &speech->validate.count);
  }
  return RS_OK;
}

static void count_train(const source *from, size_t hop, rs_speech_part *part) {
  for (size_t i = 0; i < part->count; i++) {
    size_t length = length_of(&from->clean, from->train[i]);
    part->all_samples += length;
    part->all_frames += 1 + (length + hop - 1) / hop;
  }
}

static rs_status count_noise(const source *from, size_t hop, rs_speech_part *part) {
  part->count = from->noise.count;
  for (size_t k = 0; k < part->count; k++) {
    size_t length = length_of(&from->noise, k);
    if (length < hop)
      return rs_fail(RS_ERR_DATA, "noise %s: expected at least data.hop, %zu samples, found %zu",
                     from->noise.names[from->noise.label[k]], hop, length);
    part->all_samples += length;
    part->all_frames += length / hop;
  }
  return RS_OK;
}

static rs_status open(const rs_settings *s, void *header, void **out) {
  rs_speech *speech = header;
  rs_front front = rs_exp_front(s);
  source *from;
  RS_TRY(rs_new(&from, 1, sizeof *from));
  *out = from;
  from->spec = front.stft;
  speech->bins = front.bins;
  speech->hop = front.stft.hop;
  RS_TRY(rs_exp_read_clips(s, NULL, &from->clean, &from->noise));
  RS_TRY(split(s, from, speech));
  count_train(from, speech->hop, &speech->train);
  for (size_t i = 0; i < speech->validate.count; i++)
    speech->validate.all_samples += length_of(&from->clean, from->validate[i]);
  return count_noise(from, speech->hop, &speech->noise);
}

/* ---- the block --------------------------------------------------------------------------- */

enum { ALIGNMENT = 64 };

/* Room for COUNT elements of SIZE bytes at *AT of BLOCK (NULL: only to count), *AT then behind. */
static void *place(char *block, size_t *at, size_t count, size_t size) {
  void *here = block != NULL ? block + *at : NULL;
  *at += (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  return here;
}

static void place_part(rs_speech_part *p, size_t bins, char *block, size_t *at) {
  p->start = place(block, at, p->count + 1, sizeof *p->start);
  p->frame = place(block, at, p->count + 1, sizeof *p->frame);
  p->name = place(block, at, p->count, sizeof *p->name);
  p->samples = place(block, at, p->all_samples, sizeof *p->samples);
  p->spectrum = place(block, at, p->all_frames * bins, sizeof *p->spectrum);
}

static size_t place_all(rs_speech *speech, char *block) {
  size_t at = 0;
  place_part(&speech->train, speech->bins, block, &at);
  place_part(&speech->validate, speech->bins, block, &at);
  place_part(&speech->noise, speech->bins, block, &at);
  size_t sums = speech->noise.all_frames + speech->noise.count;
  speech->clean_power = place(block, &at, speech->train.count, sizeof(double));
  speech->noise_energy = place(block, &at, sums, sizeof(double));
  return at;
}

static size_t bytes(const void *header) {
  rs_speech copy = *(const rs_speech *)header;
  return place_all(&copy, NULL);
}

static void attach(void *header, void *block) {
  place_all(header, block);
}

/* ---- contents ---------------------------------------------------------------------------- */

/* Clips LIST (NULL: all) of FROM, which have FRAMES(length) frames each. */
static void copy_clips(const rs_clips *from, const size_t *list, rs_speech_part *to) {
  to->start[0] = to->frame[0] = 0;
  for (size_t i = 0; i < to->count; i++) {
    size_t clip = list != NULL ? list[i] : i, length = length_of(from, clip);
    memcpy(to->samples + to->start[i], from->samples + from->start[clip], length * sizeof(float));
    to->start[i + 1] = to->start[i] + length;
    snprintf(to->name[i], RS_SPEECH_NAME, "%s", from->names[from->label[clip]]);
  }
}

static double energy_of(size_t n, const float *x) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (size_t i = 0; i < n; i++) sum += (double)x[i] * x[i];
  return sum;
}

static rs_status transform_train(const rs_stft *stft, rs_speech *speech) {
  rs_speech_part *p = &speech->train;
  for (size_t i = 0; i < p->count; i++) {
    size_t length = p->start[i + 1] - p->start[i];
    const float *x = p->samples + p->start[i];
    p->frame[i + 1] = p->frame[i] + rs_stft_frames(stft, length);
    RS_TRY(rs_stft_forward(stft, length, x, p->spectrum + p->frame[i] * speech->bins));
    speech->clean_power[i] = energy_of(length, x) / (double)length;
  }
  return RS_OK;
}

/* The transform of X [frames * hop], whose end its beginning follows: it is continued on both sides
 * for so many hops that no frame wanted sees the end of the longer signal. */
static rs_status transform_round(const rs_stft *stft, const rs_stft_spec *spec, size_t frames,
                                 const float *x, rs_cfloat *spectrum) {
  size_t n = frames * spec->hop, margin = (spec->window / 2 + spec->hop - 1) / spec->hop;
  size_t samples = n + 2 * margin * spec->hop, bins = rs_stft_bins(stft);
  float *longer;
  rs_cfloat *all = NULL;
  rs_status status = rs_new(&longer, samples, sizeof *longer);
  if (status == RS_OK) status = rs_new(&all, rs_stft_frames(stft, samples) * bins, sizeof *all);
  for (size_t i = 0, from = n - margin * spec->hop % n; status == RS_OK && i < samples; i++)
    longer[i] = x[(from + i) % n];
  if (status == RS_OK) status = rs_stft_forward(stft, samples, longer, all);
  if (status == RS_OK) memcpy(spectrum, all + margin * bins, frames * bins * sizeof *all);
  free(all);
  free(longer);
  return status;
}

static rs_status transform_noise(const rs_stft *stft, const rs_stft_spec *spec, rs_speech *speech) {
  rs_speech_part *p = &speech->noise;
  for (size_t k = 0; k < p->count; k++) {
    const float *x = p->samples + p->start[k];
    size_t frames = (p->start[k + 1] - p->start[k]) / spec->hop;
    double *sums = speech->noise_energy + p->frame[k] + k;
    p->frame[k + 1] = p->frame[k] + frames;
    sums[0] = 0;
    for (size_t f = 0; f < frames; f++)
      sums[f + 1] = sums[f] + energy_of(spec->hop, x + f * spec->hop);
    if (!(sums[frames] > 0))
      return rs_fail(RS_ERR_DATA, "noise %s: expected sound, found silence", p->name[k]);
    RS_TRY(transform_round(stft, spec, frames, x, p->spectrum + p->frame[k] * speech->bins));
  }
  return RS_OK;
}

static rs_status fill(void *user, void *header) {
  source *from = user;
  rs_speech *speech = header;
  rs_stft *stft;
  copy_clips(&from->clean, from->train, &speech->train);
  copy_clips(&from->clean, from->validate, &speech->validate);
  copy_clips(&from->noise, NULL, &speech->noise);
  rs_clips_free(&from->clean);
  rs_clips_free(&from->noise);
  RS_TRY(rs_stft_create(&from->spec, &stft));
  rs_status status = transform_train(stft, speech);
  if (status == RS_OK) status = transform_noise(stft, &from->spec, speech);
  rs_stft_destroy(stft);
  return status;
}

/* ---- use --------------------------------------------------------------------------------- */

static const rs_dataset_kind dataset = {.header_bytes = sizeof(rs_speech),
                                        .key = key,
                                        .open = open,
                                        .bytes = bytes,
                                        .fill = fill,
                                        .close = close,
                                        .attach = attach};

rs_status rs_exp_load_speech(rs_data_cache *cache, const rs_settings *s, const rs_speech **out) {
  return rs_exp_load(cache, &dataset, s, (const void **)out);
}

rs_status rs_exp_share_speech(const rs_settings *s, rs_data_cache *cache, rs_comm *node) {
  return rs_exp_share(cache, &dataset, s, node);
}

rs_status rs_exp_verify_speech(const rs_settings *s, const rs_log *log) {
  source from = {0};
  rs_speech counts = {0};
  rs_status status = rs_exp_read_clips(s, log, &from.clean, &from.noise);
  if (status == RS_OK) status = split(s, &from, &counts);
  if (status == RS_OK)
    status = count_noise(&from, (size_t)rs_settings_int(s, "data.hop"), &counts.noise);
  rs_clips_free(&from.clean);
  rs_clips_free(&from.noise);
  free(from.train);
  free(from.validate);
  return status;
}
