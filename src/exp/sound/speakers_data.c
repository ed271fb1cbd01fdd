/* Utterances of speakers in memory that a node shares. */
#include "cache.h"
#include "speakers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An utterance to be: N samples of CLIP of one of the corpora from sample AT on, at a speed. */
typedef struct piece {
  const rs_clips *from;
  size_t clip, at, n;
  unsigned rate; /* that it is taken to have; another one changes its speed */
} piece;

typedef struct pieces {
  piece *list;
  size_t count, cap;
  size_t *first; /* [speakers + 1] */
  size_t speakers, first_cap;
} pieces;

typedef struct source {
  rs_clips clips, more, noise;
  rs_clips listed; /* the recordings of `list` */
  rs_trial_list list;
  pieces train, test;
  unsigned rate;
  rs_stft_spec spec;
  const char *root; /* data.path */
} source;

static void key(const rs_settings *s, rs_str *out) {
  rs_settings_canonical(s, (const char *const[]){"data.", "seed", NULL}, out);
}

static void free_source(source *from) {
  rs_clips_free(&from->clips);
  rs_clips_free(&from->more);
  rs_clips_free(&from->noise);
  rs_clips_free(&from->listed);
  rs_trial_list_free(&from->list);
  free(from->train.list);
  free(from->train.first);
  free(from->test.list);
  free(from->test.first);
}

static void close(void *user) {
  if (user != NULL) free_source(user);
  free(user);
}

/* ---- pieces ------------------------------------------------------------------------------ */

static rs_status add_piece(pieces *to, const piece *p) {
  RS_TRY(rs_grow(&to->list, &to->cap, to->count + 1, sizeof *to->list));
  to->list[to->count++] = *p;
  return RS_OK;
}

/* Clip CLIP cut into pieces of LENGTH samples (0: whole); what is left over is left out, unless it
 * is all there is. */
static rs_status cut_clip(pieces *to, const rs_clips *from, size_t clip, size_t length,
                          unsigned rate) {
  size_t whole = rs_clip_length(from, clip), n = length > 0 && length < whole ? length : whole;
  for (size_t at = 0; at + n <= whole; at += n)
    RS_TRY(add_piece(to, &(piece){from, clip, at, n, rate}));
  return RS_OK;
}

/* What came since the last call is one speaker. */
static rs_status end_speaker(pieces *to) {
  RS_TRY(rs_grow(&to->first, &to->first_cap, to->speakers + 2, sizeof *to->first));
  size_t before = to->speakers > 0 ? to->first[to->speakers] : 0;
  if (to->count > before) to->first[++to->speakers] = to->count;
  return RS_OK;
}

/* The clips of speaker LABEL from number FIRST of its own up to LAST. */
static rs_status add_speaker(pieces *to, const rs_clips *from, size_t label, size_t first,
                             size_t last, size_t length, unsigned rate) {
  size_t number = 0;
  for (size_t i = 0; i < from->count; i++) {
    if (from->label[i] != label) continue;
    if (number >= first && number < last) RS_TRY(cut_clip(to, from, i, length, rate));
    number++;
  }
  return end_speaker(to);
}

static size_t clips_of(const rs_clips *from, size_t label) {
  size_t n = 0;
  for (size_t i = 0; i < from->count; i++) n += from->label[i] == label;
  return n;
}

/* ---- who is trained and tested on --------------------------------------------------------- */

typedef struct splitter {
  const rs_settings *s;
  source *from;
  const rs_log *log; /* may be NULL */
  size_t length;     /* of a piece; 0: whole recordings */
  size_t least;      /* utterances that a speaker needs: two sides */
} splitter;

/* In training every speaker comes at all speeds. */
static rs_status train_on(const splitter *x, const rs_clips *clips, size_t label, size_t last) {
  const double *speeds;
  size_t n = rs_settings_floats(x->s, "data.speeds", &speeds);
  unsigned rate = x->from->rate;
  RS_TRY(add_speaker(&x->from->train, clips, label, 0, last, x->length, rate));
  for (size_t i = 0; i < n; i++)
    RS_TRY(add_speaker(&x->from->train, clips, label, 0, last, x->length,
                       (unsigned)lround(speeds[i] * rate)));
  return RS_OK;
}

static size_t test_count(const rs_settings *s, size_t all) {
  int64_t wanted = rs_settings_int(s, "data.test");
  return wanted > 0 ? (size_t)wanted : (all + 3) / 4;
}

static rs_status split_speakers(const splitter *x) {
  const rs_clips *clips = &x->from->clips;
  size_t all = clips->label_count, test = test_count(x->s, all);
  if (test + 2 > all)
    return rs_fail(
        RS_ERR_DATA,
        "data.speakers: expected at least two speakers to train on beside the %zu of the "
        "test, found %zu speakers in all",
        test, all);
  for (size_t k = 0; k < all; k++) {
    if (k < all - test)
      RS_TRY(train_on(x, clips, k, SIZE_MAX));
    else
      RS_TRY(add_speaker(&x->from->test, clips, k, 0, SIZE_MAX, x->length, x->from->rate));
  }
  return RS_OK;
}

static rs_status split_utterances(const splitter *x) {
  const rs_clips *clips = &x->from->clips;
  if (clips->label_count < 2)
    return rs_fail(RS_ERR_DATA, "data.speakers: expected at least two speakers, found %zu",
                   clips->label_count);
  for (size_t k = 0; k < clips->label_count; k++) {
    size_t all = clips_of(clips, k), test = test_count(x->s, all), first = all - test;
    if (test >= all)
      return rs_fail(RS_ERR_DATA,
                     "data.test: %zu of the %zu recordings of %s leave none to train on", test, all,
                     clips->names[k]);
    RS_TRY(train_on(x, clips, k, first));
    RS_TRY(add_speaker(&x->from->test, clips, k, first, SIZE_MAX, x->length, x->from->rate));
  }
  return RS_OK;
}

/* Pieces that the recordings of speaker LABEL are cut into. */
static size_t pieces_of(const splitter *x, const rs_clips *from, size_t label) {
  size_t n = 0;
  for (size_t i = 0; i < from->count; i++) {
    if (from->label[i] != label) continue;
    size_t whole = rs_clip_length(from, i);
    n += x->length > 0 && x->length < whole ? whole / x->length : 1;
  }
  return n;
}

/* A speaker who is tested on must not come back among those that are trained on. Those with too few
 * utterances for a pair are left out. */
static rs_status add_more(const splitter *x) {
  const rs_clips *clips = &x->from->clips, *more = &x->from->more;
  for (size_t k = 0; k < more->label_count; k++) {
    for (size_t i = 0; i < clips->label_count; i++)
      if (strcmp(more->names[k], clips->names[i]) == 0)
        return rs_fail(RS_ERR_DATA, "data.more: speaker %s is in data.speakers as well",
                       more->names[k]);
    size_t n = pieces_of(x, more, k);
    if (n >= x->least)
      RS_TRY(train_on(x, more, k, SIZE_MAX));
    else
      rs_logf(
          x->log, RS_LOG_WARN,
          "data.more: speaker %s has %zu of the %zu utterances that pairs need, and is left out",
          more->names[k], n, x->least);
  }
  return RS_OK;
}

/* Both sides of a pair are different utterances. */
static rs_status check_counts(const pieces *p, size_t clips, const char *what) {
  for (size_t k = 0; k < p->speakers; k++) {
    const piece *first = &p->list[p->first[k]];
    size_t n = p->first[k + 1] - p->first[k];
    if (n < 2 * clips)
      return rs_fail(RS_ERR_DATA,
                     "speaker %s has %zu utterance%s to %s on: expected at least %zu, two sides of "
                     "%zu (data.piece cuts longer recordings)",
                     first->from->names[first->from->label[first->clip]], n, n == 1 ? "" : "s",
                     what, 2 * clips, clips);
  }
  return RS_OK;
}

/* What the test hears may be among what was trained on; that is for the user to know. */
static rs_status warn_of_known(const splitter *x) {
  const rs_clips *clips = &x->from->clips, *listed = &x->from->listed;
  rs_numbering trained = {0};
  uint32_t number;
  size_t known = 0;
  rs_status status = RS_OK;
  for (size_t i = 0; status == RS_OK && i < clips->count; i++)
    status = rs_numbering_of(&trained, clips->files[i], strlen(clips->files[i]), &number);
  for (size_t i = 0; status == RS_OK && i < listed->count; i++) {
    uint32_t before = trained.count;
    status = rs_numbering_of(&trained, listed->files[i], strlen(listed->files[i]), &number);
    known += number < before;
  }
  rs_numbering_free(&trained);
  if (known > 0)
    rs_logf(x->log, RS_LOG_WARN,
            "data.trials: %zu of its %zu recordings are in data.speakers as well, and trained on",
            known, listed->count);
  return status;
}

/* The test is what the list names; whoever is in data.speakers is trained on. */
static rs_status split_list(const splitter *x) {
  const rs_clips *clips = &x->from->clips, *listed = &x->from->listed;
  if (clips->label_count < 2)
    return rs_fail(RS_ERR_DATA, "data.speakers: expected at least two speakers, found %zu",
                   clips->label_count);
  RS_TRY(warn_of_known(x));
  for (size_t k = 0; k < clips->label_count; k++) RS_TRY(train_on(x, clips, k, SIZE_MAX));
  for (size_t i = 0; i < listed->count; i++)
    RS_TRY(cut_clip(&x->from->test, listed, i, 0, x->from->rate));
  return end_speaker(&x->from->test);
}

static rs_status split(const rs_settings *s, const rs_log *log, source *from) {
  size_t clips = (size_t)rs_settings_int(s, "data.clips");
  const splitter x = {.s = s,
                      .from = from,
                      .log = log,
                      .length = (size_t)(rs_settings_float(s, "data.piece") * from->rate),
                      .least = 2 * clips};
  bool given = rs_exp_has_trials(s);
  if (given)
    RS_TRY(split_list(&x));
  else if (strcmp(rs_settings_text(s, "data.split"), "speakers") == 0)
    RS_TRY(split_speakers(&x));
  else
    RS_TRY(split_utterances(&x));
  RS_TRY(add_more(&x));
  RS_TRY(check_counts(&from->train, clips, "train"));
  return given ? RS_OK : check_counts(&from->test, clips, "test");
}

/* ---- reading ----------------------------------------------------------------------------- */

static bool is_given(const rs_settings *s, const char *corpus) {
  const char *const *texts;
  return rs_settings_texts(s, corpus, &texts) > 0;
}

/* Every file of the list counts, so a bad one is an error whatever data.bad_files says. */
static rs_status read_list(const rs_settings *s, const rs_log *log, source *from) {
  const rs_clips_spec how = {.rate = from->rate, .want_sound = true, .log = log};
  RS_TRY(rs_trial_list_read(rs_settings_text(s, "data.trials"), rs_settings_text(s, "data.path"),
                            &from->list));
  return rs_clips_load(&from->list.files, &how, &from->listed);
}

static rs_status read_all(const rs_settings *s, const rs_log *log, source *from) {
  rs_front front = rs_exp_front(s);
  bool files = !rs_exp_is_voices(s);
  from->rate = front.rate;
  from->spec = front.stft;
  from->root = rs_settings_text(s, "data.path");
  RS_TRY(rs_exp_read_speakers(s, "data.speakers", log, &from->clips));
  if (files && is_given(s, "data.more"))
    RS_TRY(rs_exp_read_speakers(s, "data.more", log, &from->more));
  if (!files || is_given(s, "data.noise"))
    RS_TRY(rs_exp_read_noise(s, "data.noise", log, &from->noise));
  if (rs_exp_has_trials(s)) RS_TRY(read_list(s, log, from));
  return split(s, log, from);
}

/* ---- counts ------------------------------------------------------------------------------ */

static rs_status length_of(const piece *p, unsigned rate, size_t *out) {
  *out = p->n;
  return p->rate == rate ? RS_OK : rs_resampled_frames(p->n, p->rate, rate, out);
}

static rs_status count(const source *from, const pieces *p, rs_utterances *u) {
  size_t hop = from->spec.hop;
  u->part.count = p->count;
  u->speakers = p->speakers;
  for (size_t i = 0; i < p->count; i++) {
    size_t n;
    RS_TRY(length_of(&p->list[i], from->rate, &n));
    u->part.all_samples += n;
    u->part.all_frames += 1 + (n + hop - 1) / hop;
  }
  return RS_OK;
}

static rs_status open(const rs_settings *s, void *header, void **out) {
  rs_speakers *speakers = header;
  source *from;
  RS_TRY(rs_new(&from, 1, sizeof *from));
  *out = from;
  RS_TRY(read_all(s, NULL, from));
  speakers->bins = from->spec.window / 2 + 1;
  speakers->hop = from->spec.hop;
  RS_TRY(count(from, &from->train, &speakers->train));
  RS_TRY(count(from, &from->test, &speakers->test));
  speakers->n_trials = from->list.n;
  return rs_sound_count_round(&from->noise, speakers->hop, &speakers->noise);
}

/* ---- the block --------------------------------------------------------------------------- */

static void place_utterances(rs_utterances *u, size_t bins, char *block, size_t *at) {
  rs_sound_place_part(&u->part, bins, block, at);
  u->first = rs_sound_place(block, at, u->speakers + 1, sizeof *u->first);
  u->power = rs_sound_place(block, at, u->part.count, sizeof *u->power);
  u->file = rs_sound_place(block, at, u->part.count, sizeof *u->file);
  u->at = rs_sound_place(block, at, u->part.count, sizeof *u->at);
}

static size_t place_all(rs_speakers *s, char *block) {
  size_t at = 0;
  place_utterances(&s->train, s->bins, block, &at);
  place_utterances(&s->test, s->bins, block, &at);
  rs_sound_place_part(&s->noise, s->bins, block, &at);
  size_t sums = s->noise.all_frames + s->noise.count;
  s->noise_energy = rs_sound_place(block, &at, sums, sizeof(double));
  s->pairs = rs_sound_place(block, &at, s->n_trials, sizeof *s->pairs);
  s->same = rs_sound_place(block, &at, s->n_trials, 1);
  return at;
}

static size_t bytes(const void *header) {
  rs_speakers copy = *(const rs_speakers *)header;
  return place_all(&copy, NULL);
}

static void attach(void *header, void *block) {
  place_all(header, block);
}

/* ---- contents ---------------------------------------------------------------------------- */

static rs_status copy_piece(const piece *p, unsigned rate, float *to) {
  float *x = p->from->samples + p->from->start[p->clip] + p->at;
  if (p->rate == rate) {
    memcpy(to, x, p->n * sizeof *to);
    return RS_OK;
  }
  const rs_audio from = {.frames = p->n, .channels = 1, .rate = p->rate, .samples = x};
  rs_audio changed;
  RS_TRY(rs_audio_resample(&from, rate, &changed));
  memcpy(to, changed.samples, changed.frames * sizeof *to);
  rs_audio_free(&changed);
  return RS_OK;
}

/* Below data.path; "" where there is no file. */
static const char *file_of(const source *from, const piece *p) {
  if (p->from->files == NULL) return "";
  const char *path = p->from->files[p->clip];
  size_t root = strlen(from->root);
  if (strncmp(path, from->root, root) == 0) path += root;
  return path + strspn(path, "/");
}

/* Pieces at other speeds take long, so threads share them out. One that failed is made again, for
 * its message, which is that of a thread. */
static rs_status copy_pieces(const source *from, const pieces *p, rs_utterances *u) {
  rs_sound_part *part = &u->part;
  size_t failed = SIZE_MAX;
#pragma omp parallel for schedule(dynamic)
  for (size_t i = 0; i < p->count; i++) {
    rs_status status = copy_piece(&p->list[i], from->rate, part->samples + part->start[i]);
    size_t n = rs_sound_samples(part, i);
    u->power[i] = rs_sound_energy(n, part->samples + part->start[i]) / (double)n;
    if (status == RS_OK) continue;
#pragma omp critical
    failed = i < failed ? i : failed;
  }
  if (failed == SIZE_MAX) return RS_OK;
  const piece *again = &p->list[failed];
  return rs_error_context(copy_piece(again, from->rate, part->samples + part->start[failed]), "%s",
                          file_of(from, again));
}

/* "" in a list of pairs, which does not tell. */
static const char *speaker_of(const source *from, const piece *p) {
  return p->from == &from->listed ? "" : p->from->names[p->from->label[p->clip]];
}

static rs_status fill_utterances(const source *from, const pieces *p, const rs_stft *stft,
                                 rs_utterances *u) {
  rs_sound_part *part = &u->part;
  part->start[0] = part->frame[0] = 0;
  for (size_t i = 0; i < p->count; i++) {
    const piece *x = &p->list[i];
    size_t n;
    RS_TRY(length_of(x, from->rate, &n));
    part->start[i + 1] = part->start[i] + n;
    snprintf(part->name[i], RS_SOUND_NAME, "%s", speaker_of(from, x));
    if (snprintf(u->file[i], RS_FILE_NAME, "%s", file_of(from, x)) >= RS_FILE_NAME)
      return rs_fail(RS_ERR_DATA, "%s: expected a path of fewer than %d bytes below data.path",
                     x->from->files[x->clip], RS_FILE_NAME);
    u->at[i] = (double)x->at / from->rate;
  }
  memcpy(u->first, p->first, (p->speakers + 1) * sizeof *u->first);
  RS_TRY(copy_pieces(from, p, u));
  return rs_sound_transform(stft, part);
}

static rs_status fill(void *user, void *header) {
  source *from = user;
  rs_speakers *s = header;
  rs_stft *stft;
  RS_TRY(rs_stft_create(&from->spec, &stft));
  rs_sound_copy(&from->noise, NULL, &s->noise);
  if (s->n_trials > 0) {
    memcpy(s->pairs, from->list.pairs, s->n_trials * sizeof *s->pairs);
    memcpy(s->same, from->list.same, s->n_trials);
  }
  rs_status status = fill_utterances(from, &from->train, stft, &s->train);
  if (status == RS_OK) status = fill_utterances(from, &from->test, stft, &s->test);
  if (status == RS_OK)
    status = rs_sound_transform_round(stft, &from->spec, &s->noise, s->noise_energy);
  rs_stft_destroy(stft);
  return status;
}

/* ---- use --------------------------------------------------------------------------------- */

static const rs_dataset_kind dataset = {.header_bytes = sizeof(rs_speakers),
                                        .key = key,
                                        .open = open,
                                        .bytes = bytes,
                                        .fill = fill,
                                        .close = close,
                                        .attach = attach};

rs_status rs_exp_load_speakers(rs_data_cache *cache, const rs_settings *s,
                               const rs_speakers **out) {
  return rs_exp_load(cache, &dataset, s, (const void **)out);
}

rs_status rs_exp_share_speakers(const rs_settings *s, rs_data_cache *cache, rs_comm *node) {
  return rs_exp_share(cache, &dataset, s, node);
}

rs_status rs_exp_verify_speakers(const rs_settings *s, const rs_log *log) {
  source from = {0};
  size_t clips = (size_t)rs_settings_int(s, "evaluate.clips"); /* 0: data.clips */
  rs_status status = read_all(s, log, &from);
  if (status == RS_OK && !rs_exp_has_trials(s)) status = check_counts(&from.test, clips, "test");
  free_source(&from);
  return status;
}
