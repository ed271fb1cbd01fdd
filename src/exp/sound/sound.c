#include "sound.h"

#include <stdlib.h>
#include <string.h>

const rs_setting rs_exp_sound_settings[] = {
    {.path = "data.source",
     .type = RS_TEXT,
     .initial = "voices",
     .choices = "voices|speech",
     .help = "voices are made by the program; speech is read from audio files below data.path."},
    {.path = "data.path",
     .type = RS_TEXT,
     .initial = "data",
     .help = "Folder of the audio files, from the working directory."},
    {.path = "data.bad_files",
     .type = RS_TEXT,
     .initial = "stop",
     .choices = "stop|skip",
     .help = "What an audio file that cannot be read means: an error, or a warning."},
    {.path = "data.voices",
     .type = RS_INT,
     .initial = "40",
     .min = 2,
     .max = 1e6,
     .unit = "speakers",
     .help = "voices: how many there are."},
    {.path = "data.utterances",
     .type = RS_INT,
     .initial = "4",
     .min = 1,
     .max = 1e6,
     .help = "voices: utterances of each speaker."},
    {.path = "data.seconds",
     .type = RS_FLOAT,
     .initial = "3",
     .min = 0.1,
     .max = 3600,
     .unit = "s",
     .help = "voices: length of an utterance."},
    {0},
};

bool rs_exp_is_voices(const rs_settings *s) {
  return strcmp(rs_settings_text(s, "data.source"), "voices") == 0;
}

static rs_corpus_spec corpus_spec(const rs_settings *s, const char *setting,
                                  rs_corpus_label label) {
  rs_corpus_spec spec = {.path = rs_settings_text(s, "data.path"), .label = label};
  spec.pattern_count = rs_settings_texts(s, setting, &spec.patterns);
  return spec;
}

/* ---- checks ------------------------------------------------------------------------------ */

void rs_exp_check_sound(const rs_settings *s, rs_problems *problems) {
  if (rs_exp_is_voices(s) && rs_settings_int(s, "data.sample_rate") != RS_VOICES_RATE)
    rs_problem_add(problems, rs_settings_place(s, "data.sample_rate"),
                   "data.sample_rate: voices are made at %d Hz, got %lld", RS_VOICES_RATE,
                   (long long)rs_settings_int(s, "data.sample_rate"));
}

void rs_exp_check_corpus(const rs_settings *s, const char *setting, rs_problems *problems) {
  rs_corpus_spec spec = corpus_spec(s, setting, RS_LABEL_SPEAKER);
  rs_corpus corpus = {0};
  if (rs_exp_is_voices(s)) return;
  if (spec.pattern_count == 0)
    rs_problem_add(problems, rs_settings_place(s, setting), "%s: expected at least one folder",
                   setting);
  else if (rs_corpus_list(&spec, &corpus) != RS_OK)
    rs_problem_add(problems, rs_settings_place(s, setting), "%s", rs_error_message());
  rs_corpus_free(&corpus);
}

/* Is there a noise of that name? KNOWN gets the names. */
static bool find_noise(const rs_settings *s, const char *corpus_setting, const char *name,
                       rs_str *known) {
  rs_corpus_spec spec = corpus_spec(s, corpus_setting, RS_LABEL_FILE);
  rs_corpus corpus = {0};
  bool found = false, voices = rs_exp_is_voices(s);
  if (!voices && rs_corpus_list(&spec, &corpus) != RS_OK) return true; /* reported already */
  size_t n = voices ? RS_NOISE_KINDS : corpus.count;
  for (size_t i = 0; i < n; i++) {
    const char *kind = voices ? rs_noise_name((rs_noise_kind)i) : corpus.files[i].label;
    rs_str_addf(known, "%s%s", i > 0 ? ", " : "", kind);
    found = found || strcmp(kind, name) == 0;
  }
  rs_corpus_free(&corpus);
  return found;
}

void rs_exp_check_noise(const rs_settings *s, const char *corpus, const char *setting,
                        rs_problems *problems) {
  const char *name = rs_settings_text(s, setting);
  rs_str known = {0};
  if (strcmp(name, "all") != 0 && !find_noise(s, corpus, name, &known))
    rs_problem_add(problems, rs_settings_place(s, setting),
                   "%s: expected all or one of %s, got `%s`", setting,
                   rs_str_status(&known) == RS_OK ? known.text : "the noises", name);
  rs_str_free(&known);
}

rs_status rs_exp_fingerprint_sound(const rs_settings *s, const char *const *corpora, rs_str *out) {
  if (rs_exp_is_voices(s)) {
    rs_str_add(out, "built in");
    return rs_str_status(out);
  }
  for (; *corpora != NULL; corpora++) {
    rs_corpus_spec spec = corpus_spec(s, *corpora, RS_LABEL_SPEAKER);
    if (spec.pattern_count > 0) RS_TRY(rs_corpus_fingerprint(&spec, out));
  }
  return RS_OK;
}

/* ---- reading ----------------------------------------------------------------------------- */

static rs_status make_voices(const rs_settings *s, rs_clips *out) {
  double samples = rs_settings_float(s, "data.seconds") * RS_VOICES_RATE;
  rs_voices_spec spec = {.seed = (uint64_t)rs_settings_int(s, "seed"),
                         .speakers = (uint32_t)rs_settings_int(s, "data.voices"),
                         .utterances = (uint32_t)rs_settings_int(s, "data.utterances"),
                         .samples = (size_t)samples};
  return rs_voices_clips(&spec, out);
}

static rs_status read_corpus(const rs_settings *s, const char *setting, rs_corpus_label label,
                             const rs_log *log, rs_clips *out) {
  rs_corpus_spec spec = corpus_spec(s, setting, label);
  bool skip = strcmp(rs_settings_text(s, "data.bad_files"), "skip") == 0;
  rs_clips_spec how = {.rate = (unsigned)rs_settings_int(s, "data.sample_rate"),
                       .skip_bad = skip,
                       .want_sound = true,
                       .log = log};
  rs_corpus corpus;
  RS_TRY(rs_corpus_list(&spec, &corpus));
  rs_status status = rs_clips_load(&corpus, &how, out);
  rs_corpus_free(&corpus);
  return status;
}

rs_status rs_exp_read_speakers(const rs_settings *s, const char *corpus, const rs_log *log,
                               rs_clips *out) {
  *out = (rs_clips){0};
  if (rs_exp_is_voices(s)) return make_voices(s, out);
  return read_corpus(s, corpus, RS_LABEL_SPEAKER, log, out);
}

rs_status rs_exp_read_noise(const rs_settings *s, const char *corpus, const rs_log *log,
                            rs_clips *out) {
  const double seconds = 20;
  *out = (rs_clips){0};
  if (!rs_exp_is_voices(s)) return read_corpus(s, corpus, RS_LABEL_FILE, log, out);
  uint64_t seed = (uint64_t)rs_settings_int(s, "seed");
  return rs_voices_noise_clips(seed, (size_t)(seconds * RS_VOICES_RATE), out);
}
