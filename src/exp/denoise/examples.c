/* What an evaluation leaves for people: some clips as they were, noisy and denoised, to listen to,
 * and the spectrograms of the first to look at. */
#include "denoise.h"

#include <complex.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct example {
  rs_stage_context *context;
  const rs_denoise_model *model;
  size_t number;
  float gain; /* of its sounds, so that none of them is clipped */
} example;

/* ---- sound ------------------------------------------------------------------------------- */

static rs_status write_sound(void *user, const char *path) {
  const rs_audio *audio = user;
  return rs_audio_write(path, audio, RS_WAV_PCM16);
}

/* Names of files and of speakers may hold anything. */
static void add_plain(rs_str *out, const char *text) {
  for (const char *p = text; *p != '\0'; p++) {
    bool plain = isalnum((unsigned char)*p) || *p == '_';
    rs_str_addn(out, plain ? p : "_", 1);
  }
}

static float peak_of(size_t n, const float *x) {
  float peak = 0;
  for (size_t i = 0; i < n; i++) peak = fmaxf(peak, fabsf(x[i]));
  return peak;
}

static float gain_of(const rs_denoise_clip *clip) {
  const float most = 0.99f;
  float peak =
      fmaxf(peak_of(clip->samples, clip->noisy),
            fmaxf(peak_of(clip->samples, clip->clean), peak_of(clip->samples, clip->denoised)));
  return peak > most ? most / peak : 1.0f;
}

/* SAMPLES at the example's gain as artifact NAME. */
static rs_status leave_audio(const example *e, size_t n, const float *samples, const char *name,
                             const char *text) {
  rs_audio audio = {.frames = n, .channels = 1, .rate = e->model->front.rate};
  rs_status status = rs_new(&audio.samples, n, sizeof *audio.samples);
  for (size_t i = 0; status == RS_OK && i < n; i++) audio.samples[i] = e->gain * samples[i];
  status = rs_comm_agree(e->context->comm, status);
  const rs_artifact artifact = {
      .name = name, .long_name = text, .user = &audio, .write = write_sound};
  if (status == RS_OK) status = rs_stage_artifact(e->context, &artifact);
  rs_audio_free(&audio);
  return status;
}

/* "1-george-rain-noisy.wav" */
static rs_status leave_sound(const example *e, const rs_denoise_clip *clip, const char *which,
                             const float *samples) {
  rs_str name = {0}, text = {0};
  rs_str_addf(&name, "%zu-", e->number + 1);
  add_plain(&name, clip->speaker);
  rs_str_add(&name, "-");
  add_plain(&name, clip->noise);
  rs_str_addf(&name, "-%s.wav", which);
  rs_str_addf(&text, "Speech of %s with noise %s: %s", clip->speaker, clip->noise, which);
  rs_status status = rs_str_status(&name);
  if (status == RS_OK) status = rs_str_status(&text);
  status = rs_comm_agree(e->context->comm, status);
  if (status == RS_OK) status = leave_audio(e, clip->samples, samples, name.text, text.text);
  rs_str_free(&name);
  rs_str_free(&text);
  return status;
}

/* ---- pictures ---------------------------------------------------------------------------- */

static const double MOST_SECONDS = 5; /* that a picture shows */
static const float LEAST_DB = -100;

static float level(rs_cfloat x) {
  return fmaxf(20.0f * log10f(cabsf(x) + 1e-20f), LEAST_DB);
}

/* Axes of the pictures: "example/frequency" [bins] and "example/time" [FRAMES]. */
static rs_status leave_axes(const example *e, const rs_denoise_clip *clip, size_t frames) {
  const rs_front *f = &e->model->front;
  float *frequency, *time;
  RS_TRY(rs_bundle_add(e->context->output, "example/frequency", 1, &clip->bins, &frequency));
  RS_TRY(rs_bundle_add(e->context->output, "example/time", 1, &frames, &time));
  for (size_t k = 0; k < clip->bins; k++)
    frequency[k] = (float)((double)k * f->rate / (double)f->stft.window);
  for (size_t t = 0; t < frames; t++) time[t] = (float)((double)(t * f->stft.hop) / f->rate);
  return RS_OK;
}

/* Pictures are [bins, FRAMES], so that frequency goes up and time to the right. */
static rs_status leave_pictures(const example *e, const rs_denoise_clip *clip) {
  const rs_front *f = &e->model->front;
  size_t most = (size_t)(MOST_SECONDS * f->rate / (double)f->stft.hop) + 1;
  size_t frames = clip->frames < most ? clip->frames : most;
  float *clean, *noisy, *mask, *denoised;
  const size_t dims[] = {clip->bins, frames};
  RS_TRY(leave_axes(e, clip, frames));
  RS_TRY(rs_bundle_add(e->context->output, "example/noisy", 2, dims, &noisy));
  RS_TRY(rs_bundle_add(e->context->output, "example/mask", 2, dims, &mask));
  RS_TRY(rs_bundle_add(e->context->output, "example/denoised", 2, dims, &denoised));
  RS_TRY(rs_bundle_add(e->context->output, "example/clean", 2, dims, &clean));
  for (size_t t = 0; t < frames; t++) {
    for (size_t k = 0; k < clip->bins; k++) {
      size_t from = t * clip->bins + k, to = k * frames + t;
      noisy[to] = level(clip->clean_bins[from] + clip->noise_bins[from]);
      mask[to] = clip->mask[from];
      denoised[to] = level(clip->denoised_bins[from]);
      clean[to] = level(clip->clean_bins[from]);
    }
  }
  return RS_OK;
}

#define FREQUENCY                                                                                  \
  { "frequency", "Frequency", "Hz" }
#define TIME                                                                                       \
  { "time", "Time", "s" }

const rs_stage_images rs_denoise_images[] = {
    {"noisy", "noisy", "Spectrogram of noisy speech", "dB", FREQUENCY, TIME},
    {"mask", "mask", "Estimated mask", NULL, FREQUENCY, TIME},
    {"denoised", "denoised", "Spectrogram of denoised speech", "dB", FREQUENCY, TIME},
    {"clean", "clean", "Spectrogram of clean speech", "dB", FREQUENCY, TIME},
    {0},
};

/* ---- all of it --------------------------------------------------------------------------- */

static rs_status leave(const example *e, const rs_denoise_clip *clip) {
  bool pictures = e->number == 0 && rs_comm_rank(e->context->comm) == 0;
  rs_status status = pictures ? leave_pictures(e, clip) : RS_OK;
  RS_TRY(rs_comm_agree(e->context->comm, status));
  RS_TRY(leave_sound(e, clip, "clean", clip->clean));
  RS_TRY(leave_sound(e, clip, "noisy", clip->noisy));
  return leave_sound(e, clip, "denoised", clip->denoised);
}

rs_status rs_denoise_leave_examples(rs_stage_context *c, const rs_denoise_model *model,
                                    const rs_speech *speech, const rs_denoise_test *test,
                                    size_t n) {
  size_t items = speech->validate.count * test->mixes;
  rs_status status = RS_OK;
  for (size_t i = 0; status == RS_OK && i < n && i < items; i++) {
    example e = {.context = c, .model = model, .number = i};
    rs_denoise_example *opened;
    rs_denoise_clip clip;
    status = rs_denoise_example_open(model, speech, test, i, &opened, &clip);
    status = rs_comm_agree(c->comm, status);
    if (status == RS_OK) {
      e.gain = gain_of(&clip);
      status = leave(&e, &clip);
    }
    rs_denoise_example_close(opened);
  }
  return status;
}
