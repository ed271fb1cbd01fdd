/* From a file to a file, a piece at a time: read and resample, mask each channel, resample back,
 * write. */
#include "denoise_file.h"

#include "spool.h"

#include "ranksweep/exp.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 8192 /* frames that are read or written at a time */ };

static const double MOST_WAV_BYTES = 4.29e9; /* lengths in a WAV file have 32 bits */

/* What has come out of one channel and is not written yet. All channels get the same numbers of
 * samples, so they also give them. */
typedef struct channel {
  rs_denoiser *denoiser;
  float *out;
  size_t n, cap;
} channel;

typedef struct pipeline {
  const denoise_options *options;
  const trained *model;
  rs_audio_reader *reader;
  rs_audio_writer *writer;
  rs_resampler *back; /* NULL: the file has the model's rate */
  int spool;          /* where audio for stdout is gathered; -1: none */
  unsigned channels, rate;
  channel channel[RS_AUDIO_MAX_CHANNELS];
  float *read, *one;   /* [PIECE, channels], [PIECE] */
  float *mixed;        /* [., channels], results at the model's rate */
  size_t cap_mixed;    /* numbers in it */
  float *final;        /* [PIECE, channels], at the file's rate */
  size_t done, expect; /* frames at the model's rate; SIZE_MAX: the file does not say */
  size_t written;
} pipeline;

/* ---- signals ------------------------------------------------------------------------------ */

static volatile sig_atomic_t stop_signal;

static void on_signal(int signal) {
  stop_signal = signal;
}

/* From when on there is a temporary file beside the output, which must not stay behind. A second
 * signal ends the program at once. */
static void watch_signals(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_RESETHAND};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

static rs_status check_signal(const char *output) {
  const int signal = stop_signal;
  if (signal == 0) return RS_OK;
  return rs_fail(RS_ERR_STOPPED, "%s: not written: got signal %d (%s)", output, signal,
                 strsignal(signal));
}

/* ---- opening ------------------------------------------------------------------------------ */

static bool is_standard(const char *path) {
  return strcmp(path, "-") == 0;
}

static rs_status open_reader(pipeline *p) {
  const rs_settings *s = p->model->settings;
  const rs_audio_spec spec = {.rate = (unsigned)rs_settings_int(s, "data.sample_rate"),
                              .quality = RS_RESAMPLE_MEDIUM,
                              .keep_channels = true};
  if (!is_standard(p->options->in)) {
    RS_TRY(rs_audio_reader_open(p->options->in, &spec, &p->reader));
  } else {
    int fd;
    RS_TRY(spool_stdin(&fd));
    RS_TRY(rs_audio_reader_adopt(fd, "stdin", &spec, &p->reader));
  }
  p->channels = rs_audio_reader_channels(p->reader);
  p->rate = rs_audio_reader_file_rate(p->reader);
  rs_audio_reader_promised(p->reader, &p->expect);
  return RS_OK;
}

static rs_status open_writer(pipeline *p) {
  const double model_rate = rs_audio_reader_rate(p->reader);
  rs_wav_spec spec = {
      .channels = p->channels, .rate = p->rate, .encoding = rs_audio_reader_encoding(p->reader)};
  double frames = p->expect < SIZE_MAX ? (double)p->expect / model_rate * p->rate : 0;
  spec.rf64 = frames * p->channels * (double)rs_wav_bytes(spec.encoding) > MOST_WAV_BYTES;
  if (!is_standard(p->options->out)) {
    watch_signals();
    return rs_audio_writer_create(p->options->out, &spec, &p->writer);
  }
  RS_TRY(spool_create(&p->spool));
  return rs_audio_writer_borrow(p->spool, "stdout", &spec, &p->writer);
}

static rs_status on_result(void *user, const float *samples, size_t n) {
  channel *c = user;
  RS_TRY(rs_grow(&c->out, &c->cap, c->n + n, sizeof *c->out));
  memcpy(c->out + c->n, samples, n * sizeof *samples);
  c->n += n;
  return RS_OK;
}

static rs_status open_channels(pipeline *p) {
  for (unsigned i = 0; i < p->channels; i++) {
    rs_status status = rs_denoiser_create(p->model->settings, &p->model->model, p->options->hard,
                                          on_result, &p->channel[i], &p->channel[i].denoiser);
    if (status != RS_OK) return rs_error_context(status, "%s", p->model->name);
  }
  return RS_OK;
}

static rs_status open_all(pipeline *p) {
  RS_TRY(open_reader(p));
  RS_TRY(open_channels(p));
  RS_TRY(rs_new(&p->read, (size_t)PIECE * p->channels, sizeof *p->read));
  RS_TRY(rs_new(&p->one, PIECE, sizeof *p->one));
  RS_TRY(rs_new(&p->final, (size_t)PIECE * p->channels, sizeof *p->final));
  const unsigned model_rate = rs_audio_reader_rate(p->reader);
  if (model_rate != p->rate)
    RS_TRY(rs_resampler_create(p->channels, model_rate, p->rate, RS_RESAMPLE_MEDIUM, &p->back));
  return open_writer(p);
}

static void close_all(pipeline *p) {
  rs_audio_reader_close(p->reader);
  rs_audio_writer_destroy(p->writer);
  rs_resampler_destroy(p->back);
  for (unsigned i = 0; i < p->channels; i++) {
    rs_denoiser_destroy(p->channel[i].denoiser);
    free(p->channel[i].out);
  }
  free(p->read);
  free(p->one);
  free(p->mixed);
  free(p->final);
  if (p->spool >= 0) close(p->spool);
}

/* ---- in ----------------------------------------------------------------------------------- */

static rs_status push(pipeline *p, size_t frames, bool last) {
  rs_status status = RS_OK;
  for (unsigned c = 0; status == RS_OK && c < p->channels; c++) {
    for (size_t i = 0; i < frames; i++) p->one[i] = p->read[i * p->channels + c];
    status = rs_denoiser_push(p->channel[c].denoiser, p->one, frames);
    if (status == RS_OK && last) status = rs_denoiser_end(p->channel[c].denoiser);
    if (status != RS_OK)
      status = rs_error_context(status, "%s on channel %u of %s", p->model->name, c,
                                is_standard(p->options->in) ? "stdin" : p->options->in);
  }
  return status;
}

/* ---- out ---------------------------------------------------------------------------------- */

/* Resampling there and back rounds the length up twice: what is beyond the input's is left out. The
 * denoisers hold samples back until the end, so before that there is nothing beyond it. */
static rs_status write_frames(pipeline *p, size_t frames, const float *samples) {
  size_t left = rs_audio_reader_decoded(p->reader) - p->written;
  if (frames > left) frames = left;
  p->written += frames;
  return rs_audio_writer_append(p->writer, frames, samples);
}

static rs_status write_resampled(pipeline *p, size_t n, bool last) {
  const float *in = p->mixed;
  for (;;) {
    size_t used, made;
    RS_TRY(rs_resampler_step(p->back, n, in, last, PIECE, p->final, &used, &made));
    RS_TRY(write_frames(p, made, p->final));
    n -= used;
    in += used * p->channels;
    if (made == 0 && n == 0) return RS_OK;
  }
}

/* What has come out of the channels, side by side. */
static rs_status drain(pipeline *p, bool last) {
  const size_t n = p->channel[0].n;
  RS_TRY(rs_grow(&p->mixed, &p->cap_mixed, n * p->channels, sizeof *p->mixed));
  for (unsigned c = 0; c < p->channels; c++) {
    RS_ASSERT(p->channel[c].n == n);
    for (size_t i = 0; i < n; i++) p->mixed[i * p->channels + c] = p->channel[c].out[i];
    p->channel[c].n = 0;
  }
  return p->back != NULL ? write_resampled(p, n, last) : write_frames(p, n, p->mixed);
}

/* ---- all of it ---------------------------------------------------------------------------- */

static void show(const pipeline *p, display *d) {
  char text[64];
  const double seconds = (double)p->done / rs_audio_reader_rate(p->reader);
  const double whole = p->expect < SIZE_MAX && p->expect > 0 ? (double)p->expect : 0;
  snprintf(text, sizeof text, "%.0f s of audio", seconds);
  display_progress(d, whole > 0 ? (double)p->done / whole : 0, text);
}

static rs_status run_all(pipeline *p, display *d) {
  double shown = rs_clock_now();
  for (size_t got = PIECE; got == PIECE;) {
    RS_TRY(check_signal(p->options->out));
    RS_TRY(rs_audio_reader_next(p->reader, PIECE, p->read, &got));
    p->done += got;
    RS_TRY(push(p, got, got < PIECE));
    RS_TRY(drain(p, got < PIECE));
    if (rs_clock_now() - shown < 0.1) continue;
    shown = rs_clock_now();
    show(p, d);
  }
  RS_ASSERT(p->written == rs_audio_reader_decoded(p->reader));
  RS_TRY(rs_audio_writer_commit(p->writer));
  return p->spool >= 0 ? spool_to_stdout(p->spool) : RS_OK;
}

rs_status denoise_file(const denoise_options *options, const trained *model, display *d,
                       denoise_report *out) {
  pipeline p = {.options = options, .model = model, .spool = -1};
  *out = (denoise_report){0};
  const double start = rs_clock_now();
  rs_status status = open_all(&p);
  if (status == RS_OK) status = run_all(&p, d);
  if (status == RS_OK) {
    out->audio = (double)p.written / p.rate;
    out->seconds = rs_clock_now() - start;
  }
  close_all(&p);
  return status;
}
