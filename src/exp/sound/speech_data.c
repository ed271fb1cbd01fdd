/* Speech and noise in memory that a node shares: samples, and the spectra that training mixes. */
#include "cache.h"
#include "speech.h"

#include <stdlib.h>

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

static rs_status read_clips(const rs_settings *s, const rs_log *log, source *from) {
  RS_TRY(rs_exp_read_speakers(s, "data.clean", log, &from->clean));
  return rs_exp_read_noise(s, "data.noise", log, &from->noise);
}

/* ---- counts ------------------------------------------------------------------------------ */

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

static rs_status open(const rs_settings *s, void *header, void **out) {
  rs_speech *speech = header;
  rs_front front = rs_exp_front(s);
  source *from;
  RS_TRY(rs_new(&from, 1, sizeof *from));
  *out = from;
  from->spec = front.stft;
  speech->bins = front.bins;
  speech->hop = front.stft.hop;
  RS_TRY(read_clips(s, NULL, from));
  RS_TRY(split(s, from, speech));
  rs_sound_count(&from->clean, from->train, speech->hop, &speech->train);
  for (size_t i = 0; i < speech->validate.count; i++)
    speech->validate.all_samples += rs_clip_length(&from->clean, from->validate[i]);
  return rs_sound_count_round(&from->noise, speech->hop, &speech->noise);
}

/* ---- the block --------------------------------------------------------------------------- */

static size_t place_all(rs_speech *speech, char *block) {
  size_t at = 0;
  rs_sound_place_part(&speech->train, speech->bins, block, &at);
  rs_sound_place_part(&speech->validate, speech->bins, block, &at);
  rs_sound_place_part(&speech->noise, speech->bins, block, &at);
  size_t sums = speech->noise.all_frames + speech->noise.count;
  speech->clean_power = rs_sound_place(block, &at, speech->train.count, sizeof(double));
  speech->noise_energy = rs_sound_place(block, &at, sums, sizeof(double));
  return at;
}

static size_t bytes(const void *header) {
  rs_speech copy = *(const rs_speech *)header;
  return place_all(&copy, NULL);
}

static void attach(void *header, void *block) {
  place_all(header, block);
}

static rs_status fill(void *user, void *header) {
  source *from = user;
  rs_speech *speech = header;
  rs_sound_part *train = &speech->train;
  rs_stft *stft;
  rs_sound_copy(&from->clean, from->train, train);
  rs_sound_copy(&from->clean, from->validate, &speech->validate);
  rs_sound_copy(&from->noise, NULL, &speech->noise);
  rs_clips_free(&from->clean);
  rs_clips_free(&from->noise);
  for (size_t i = 0; i < train->count; i++) {
    size_t n = rs_sound_samples(train, i);
    speech->clean_power[i] = rs_sound_energy(n, train->samples + train->start[i]) / (double)n;
  }
  RS_TRY(rs_stft_create(&from->spec, &stft));
  rs_status status = rs_sound_transform(stft, train);
  if (status == RS_OK)
    status = rs_sound_transform_round(stft, &from->spec, &speech->noise, speech->noise_energy);
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
  rs_status status = read_clips(s, log, &from);
  if (status == RS_OK) status = split(s, &from, &counts);
  if (status == RS_OK)
    status =
        rs_sound_count_round(&from.noise, (size_t)rs_settings_int(s, "data.hop"), &counts.noise);
  rs_clips_free(&from.clean);
  rs_clips_free(&from.noise);
  free(from.train);
  free(from.validate);
  return status;
}
