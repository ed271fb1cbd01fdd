#include "speech.h"

#include <stdlib.h>

const rs_setting rs_exp_speech_settings[] = {
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
    {0},
};

void rs_exp_check_speech(const rs_settings *s, rs_problems *problems) {
  int64_t validate = rs_settings_int(s, "data.validate");
  rs_exp_check_sound(s, problems);
  if (rs_exp_is_voices(s) && validate >= rs_settings_int(s, "data.voices"))
    rs_problem_add(problems, rs_settings_place(s, "data.validate"),
                   "data.validate: expected fewer than the %lld speakers there are, got %lld",
                   (long long)rs_settings_int(s, "data.voices"), (long long)validate);
}

void rs_exp_check_speech_files(const rs_settings *s, rs_problems *problems) {
  rs_exp_check_corpus(s, "data.clean", problems);
  rs_exp_check_corpus(s, "data.noise", problems);
}

rs_status rs_exp_fingerprint_speech(const rs_settings *s, rs_str *out) {
  return rs_exp_fingerprint_sound(s, (const char *const[]){"data.clean", "data.noise", NULL}, out);
}

void rs_exp_speech_size(const rs_settings *s, double *train, double *validate) {
  double rate = (double)rs_settings_int(s, "data.sample_rate"), all = 30 * 60 * rate;
  if (rs_exp_is_voices(s))
    all = (double)rs_settings_int(s, "data.voices") *
          (double)rs_settings_int(s, "data.utterances") * rate *
          rs_settings_float(s, "data.seconds");
  *train = all * 6 / 7;
  *validate = all / 7;
}
