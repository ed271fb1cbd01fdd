#include "speech.h"

#include <stdlib.h>
#include <string.h>

const rs_setting rs_exp_speech_settings[] = {
    {.path = "data.source",
     .type = RS_TEXT,
     .initial = "voices",
     .choices = "voices|speech",
     .help = "voices are made by the program; speech is read from audio files below data.path."},
    {.path = "data.path",
     .type = RS_TEXT,
     .initial = "data",
     .help = "Folder of the audio files, from the working directory."},
    {.path = "data.clean",
     .type = RS_TEXTS,
     .initial = "[speakers_single]",
     .help = "Folders or patterns of clean speech below data.path; {speaker} in a pattern names "
             "the speaker."},
    {.path = "data.noise",
     .type = RS_TEXTS,
     .initial = "[noise]",
     .help = "Folders or patterns of noise below data.path; each file is a kind of its own."},
    {.path = "data.validate",
     .type = RS_INT,
     .initial = "auto",
     .min = 1,
     .max = 1e6,
     .word = "auto",
     .unit = "speakers",
     .help = "Speakers that are not trained on, the last by name (auto: one in seven)."},
    {.path = "data.train",
     .type = RS_INT,
     .initial = "all",
     .min = 1,
     .max = 1e8,
     .word = "all",
     .unit = "utterances",
     .help = "Utterances to train on, the first ones."},
    {.path = "data.test",
     .type = RS_INT,
     .initial = "all",
     .min = 1,
     .max = 1e8,
     .word = "all",
     .unit = "utterances",
     .help = "Utterances to validate on, the first ones of their speakers."},
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

static bool is_voices(const rs_settings *s) {
  return strcmp(rs_settings_text(s, "data.source"), "voices") == 0;
}

static rs_corpus_spec corpus_spec(const rs_settings *s, const char *setting) {
  rs_corpus_spec spec = {.path = rs_settings_text(s, "data.path")};
  spec.pattern_count = rs_settings_texts(s, setting, &spec.patterns);
  spec.label = strcmp(setting, "data.noise") == 0 ? RS_LABEL_FILE : RS_LABEL_SPEAKER;
  return spec;
}

/* ---- checks ------------------------------------------------------------------------------ */

static void check_corpus(const rs_settings *s, const char *setting, rs_problems *problems) {
  rs_corpus_spec spec = corpus_spec(s, setting);
  rs_corpus corpus = {0};
  if (spec.pattern_count == 0)
    rs_problem_add(problems, rs_settings_place(s, setting), "%s: expected at least one folder",
                   setting);
  else if (rs_corpus_list(&spec, &corpus) != RS_OK)
    rs_problem_add(problems, rs_settings_place(s, setting), "%s", rs_error_message());
  rs_corpus_free(&corpus);
}

void rs_exp_check_speech(const rs_settings *s, rs_problems *problems) {
  if (!is_voices(s)) {
    check_corpus(s, "data.clean", problems);
    check_corpus(s, "data.noise", problems);
  } else if (rs_settings_int(s, "data.sample_rate") != RS_VOICES_RATE) {
    rs_problem_add(problems, rs_settings_place(s, "data.sample_rate"),
                   "data.sample_rate: voices are made at %d Hz, got %lld", RS_VOICES_RATE,
                   (long long)rs_settings_int(s, "data.sample_rate"));
  }
  int64_t validate = rs_settings_int(s, "data.validate");
  if (is_voices(s) && validate >= rs_settings_int(s, "data.voices"))
    rs_problem_add(problems, rs_settings_place(s, "data.validate"),
                   "data.validate: expected fewer than the %lld speakers there are, got %lld",
                   (long long)rs_settings_int(s, "data.voices"), (long long)validate);
}

/* Is there a noise of that name? KNOWN gets the names. */
static bool find_noise(const rs_settings *s, const char *name, rs_str *known) {
  rs_corpus_spec spec = corpus_spec(s, "data.noise");
  rs_corpus corpus = {0};
  bool found = false;
  if (!is_voices(s) && rs_corpus_list(&spec, &corpus) != RS_OK) return true; /* reported already */
  size_t n = is_voices(s) ? RS_NOISE_KINDS : corpus.count;
  for (size_t i = 0; i < n; i++) {
    const char *kind = is_voices(s) ? rs_noise_name((rs_noise_kind)i) : corpus.files[i].label;
    rs_str_addf(known, "%s%s", i > 0 ? ", " : "", kind);
    found = found || strcmp(kind, name) == 0;
  }
  rs_corpus_free(&corpus);
  return found;
}

void rs_exp_check_noise(const rs_settings *s, const char *setting, rs_problems *problems) {
  const char *name = rs_settings_text(s, setting);
  rs_str known = {0};
  if (strcmp(name, "all") != 0 && !find_noise(s, name, &known))
    rs_problem_add(problems, rs_settings_place(s, setting),
                   "%s: expected all or one of %s, got `%s`", setting,
                   rs_str_status(&known) == RS_OK ? known.text : "the noises", name);
  rs_str_free(&known);
}

rs_status rs_exp_fingerprint_speech(const rs_settings *s, rs_str *out) {
  if (is_voices(s)) {
    rs_str_add(out, "built in");
    return rs_str_status(out);
  }
  rs_corpus_spec clean = corpus_spec(s, "data.clean"), noise = corpus_spec(s, "data.noise");
  RS_TRY(rs_corpus_fingerprint(&clean, out));
  return rs_corpus_fingerprint(&noise, out);
}

void rs_exp_speech_size(const rs_settings *s, double *train, double *validate) {
  double rate = (double)rs_settings_int(s, "data.sample_rate"), all = 30 * 60 * rate;
  if (is_voices(s))
    all = (double)rs_settings_int(s, "data.voices") *
          (double)rs_settings_int(s, "data.utterances") * rate *
          rs_settings_float(s, "data.seconds");
  *train = all * 6 / 7;
  *validate = all / 7;
}

/* ---- reading ----------------------------------------------------------------------------- */

static rs_status make_voices(const rs_settings *s, rs_clips *clean, rs_clips *noise) {
  const double noise_seconds = 20;
  rs_voices_spec spec = {.seed = (uint64_t)rs_settings_int(s, "seed"),
                         .speakers = (uint32_t)rs_settings_int(s, "data.voices"),
                         .utterances = (uint32_t)rs_settings_int(s, "data.utterances"),
                         .samples =
                             (size_t)(rs_settings_float(s, "data.seconds") * RS_VOICES_RATE)};
  RS_TRY(rs_voices_clips(&spec, clean));
  return rs_voices_noise_clips(spec.seed, (size_t)(noise_seconds * RS_VOICES_RATE), noise);
}

static rs_status read_corpus(const rs_settings *s, const char *setting, const rs_log *log,
                             rs_clips *out) {
  rs_corpus_spec spec = corpus_spec(s, setting);
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

rs_status rs_exp_read_clips(const rs_settings *s, const rs_log *log, rs_clips *clean,
                            rs_clips *noise) {
  *clean = *noise = (rs_clips){0};
  rs_status status = RS_OK;
  if (is_voices(s)) {
    status = make_voices(s, clean, noise);
  } else {
    status = read_corpus(s, "data.clean", log, clean);
    if (status == RS_OK) status = read_corpus(s, "data.noise", log, noise);
  }
  if (status == RS_OK) return RS_OK;
  rs_clips_free(clean);
  rs_clips_free(noise);
  return status;
}
