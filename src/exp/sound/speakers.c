#include "speakers.h"

#include <math.h>
#include <string.h>

const rs_setting rs_exp_speaker_settings[] = {
    {.path = "data.speakers",
     .type = RS_TEXTS,
     .initial = "[speakers]",
     .help = "Folders or patterns of speech below data.path, whose speakers are trained and tested "
             "on; {speaker} in a pattern names the speaker."},
    {.path = "data.more",
     .type = RS_TEXTS,
     .initial = "[]",
     .help = "Folders or patterns of further speakers, to train on only."},
    {.path = "data.noise",
     .type = RS_TEXTS,
     .initial = "[]",
     .help = "Folders or patterns of noise that train.noise mixes with speech."},
    {.path = "data.split",
     .type = RS_TEXT,
     .initial = "speakers",
     .choices = "speakers|utterances",
     .help = "What the test has that training has not: speakers, or utterances of the same ones."},
    {.path = "data.test",
     .type = RS_INT,
     .initial = "auto",
     .min = 1,
     .max = 1e6,
     .word = "auto",
     .help = "The last so many speakers by name, or the last so many utterances of each, are the "
             "test (auto: one in four)."},
    {.path = "data.trials",
     .type = RS_TEXT,
     .initial = "none",
     .help =
         "A list of test pairs: two paths below data.path and 1 or 0 a line; its recordings are "
         "the test, and all of data.speakers are trained on. none: pairs are drawn."},
    {.path = "data.clips",
     .type = RS_INT,
     .initial = "1",
     .min = 1,
     .max = 64,
     .help = "Utterances of a side of a pair, which are joined."},
    {.path = "data.piece",
     .type = RS_FLOAT,
     .initial = "0",
     .min = 0,
     .max = 3600,
     .unit = "s",
     .help = "Longer recordings are cut into pieces of this length, an utterance each; 0: they are "
             "taken whole."},
    {.path = "data.speeds",
     .type = RS_FLOATS,
     .initial = "[]",
     .min = 0.5,
     .max = 2,
     .help = "Every training speaker at these speeds is a further speaker."},
    {0},
};

static const char *const corpora[] = {"data.speakers", "data.more", "data.noise", NULL};

static bool is_given(const rs_settings *s, const char *corpus) {
  const char *const *texts;
  return rs_settings_texts(s, corpus, &texts) > 0;
}

bool rs_exp_has_trials(const rs_settings *s) {
  return strcmp(rs_settings_text(s, "data.trials"), "none") != 0;
}

/* A list has one recording a side. */
static void check_one_clip(const rs_settings *s, const char *setting, rs_problems *problems) {
  int64_t clips = rs_settings_int(s, setting);
  if (clips > 1)
    rs_problem_add(problems, rs_settings_place(s, setting),
                   "%s: a list of pairs has one recording a side, got %lld", setting,
                   (long long)clips);
}

static void check_trials(const rs_settings *s, rs_problems *problems) {
  if (!rs_exp_has_trials(s)) return;
  if (rs_exp_is_voices(s))
    rs_problem_add(problems, rs_settings_place(s, "data.trials"),
                   "data.trials: voices have no files; expected data.source: speech");
  check_one_clip(s, "data.clips", problems);
  check_one_clip(s, "evaluate.clips", problems);
}

/* The same speaker twice would be taken for two. */
static void check_speeds(const rs_settings *s, rs_problems *problems) {
  const double *speeds, rate = (double)rs_settings_int(s, "data.sample_rate");
  size_t n = rs_settings_floats(s, "data.speeds", &speeds);
  for (size_t i = 0; i < n; i++) {
    bool again = lround(speeds[i] * rate) == lround(rate);
    for (size_t k = 0; k < i; k++) again |= lround(speeds[i] * rate) == lround(speeds[k] * rate);
    if (again)
      rs_problem_add(problems, rs_settings_place(s, "data.speeds"),
                     "data.speeds: expected different speeds beside 1, at which every speaker is "
                     "there already; got %g",
                     speeds[i]);
  }
}

void rs_exp_check_speakers(const rs_settings *s, rs_problems *problems) {
  rs_exp_check_sound(s, problems);
  check_trials(s, problems);
  check_speeds(s, problems);
}

void rs_exp_check_speaker_files(const rs_settings *s, rs_problems *problems) {
  rs_trial_list list = {0};
  rs_exp_check_corpus(s, "data.speakers", problems);
  if (is_given(s, "data.more")) rs_exp_check_corpus(s, "data.more", problems);
  if (is_given(s, "data.noise")) rs_exp_check_corpus(s, "data.noise", problems);
  if (rs_exp_has_trials(s) && rs_trial_list_read(rs_settings_text(s, "data.trials"),
                                                 rs_settings_text(s, "data.path"), &list) != RS_OK)
    rs_problem_add(problems, rs_settings_place(s, "data.trials"), "%s", rs_error_message());
  rs_trial_list_free(&list);
}

double rs_exp_utterance_frames(const rs_settings *s) {
  const double guess = 3; /* seconds of a recording */
  double piece = rs_settings_float(s, "data.piece");
  double seconds = rs_exp_is_voices(s) ? rs_settings_float(s, "data.seconds")
                   : piece > 0         ? piece
                                       : guess;
  return 1 + seconds * (double)rs_settings_int(s, "data.sample_rate") /
                 (double)rs_settings_int(s, "data.hop");
}

rs_status rs_exp_fingerprint_speakers(const rs_settings *s, rs_str *out) {
  RS_TRY(rs_exp_fingerprint_sound(s, corpora, out));
  if (!rs_exp_has_trials(s)) return RS_OK;
  return rs_trial_list_fingerprint(rs_settings_text(s, "data.trials"),
                                   rs_settings_text(s, "data.path"), out);
}
