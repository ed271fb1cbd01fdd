/* data: images from IDX files or drawn, speech and noise from audio files or synthesised, batches
 * in a seeded order.
 *
 * A dataset is plain arrays; samples stay bytes until they are gathered
 * into a batch. Element i of a built-in source depends on the seed and i alone, so any range can be
 * made anywhere. */
#ifndef RANKSWEEP_DATA_H
#define RANKSWEEP_DATA_H

#include "ranksweep/base.h"

/* ---- images ------------------------------------------------------------------------------- */

/* pixels [count, rows * cols] bytes, labels [count] in 0..classes-1. */
typedef struct rs_images {
  size_t count, rows, cols, classes;
  uint8_t *pixels;
  uint8_t *labels;
  uint64_t checksum; /* over shape, pixels and labels, for provenance */
} rs_images;

void rs_images_free(rs_images *images); /* zeroes it; takes an empty one */

typedef enum rs_image_source { RS_IMAGES_MNIST, RS_IMAGES_DIGITS } rs_image_source;

/* Where images come from. Limits of 0 mean: all (MNIST) or the default of the source (digits:
 * 10,000 and 2,000). Limits beyond what the files hold are RS_ERR_DATA. */
typedef struct rs_images_spec {
  rs_image_source source;
  const char *path; /* MNIST: directory with the four IDX files, each plain or with .gz */
  size_t train_limit, test_limit;
  uint64_t seed; /* digits */
} rs_images_spec;

/* Can it be loaded? Looks for the files and reads their headers only. */
rs_status rs_images_check(const rs_images_spec *spec) RS_MUST_CHECK;

/* Both parts. On failure both are empty. */
rs_status rs_images_load(const rs_images_spec *spec, rs_images *train,
                         rs_images *test) RS_MUST_CHECK;

/* Numbers of images that rs_images_load would give, without loading. */
rs_status rs_images_counts(const rs_images_spec *spec, size_t *train, size_t *test) RS_MUST_CHECK;

/* Append what the data are to OUT: "train-images-idx3-ubyte.gz=<16 hex digits of XXH3-64 over the
 * file's bytes as stored>; ..." for files, names without their directory; else "built in". Reads
 * the files from end to end. */
rs_status rs_images_fingerprint(const rs_images_spec *spec, rs_str *out) RS_MUST_CHECK;

/* ---- IDX ---------------------------------------------------------------------------------- */

/* An IDX file of unsigned bytes (magic 0x0000 08 <dimensions>), plain or gzipped, as MNIST's. dims
 * has `ndim` entries, the product is `size`. */
typedef struct rs_idx {
  size_t ndim;
  size_t dims[4];
  size_t size;
  uint8_t *data;
} rs_idx;

/* The most bytes of data that a file may claim (2 GiB). */
#define RS_IDX_MAX_BYTES ((size_t)2 << 30)

/* Read PATH. Claims are checked against RS_IDX_MAX_BYTES and, for a plain file, its length, before
 * memory is taken; memory for a gzipped one grows with what is really there. Too short, too long,
 * wrong magic or type, a zero dimension, a directory: RS_ERR_DATA that names the file, the byte
 * offset, expected and found. */
rs_status rs_idx_read(const char *path, rs_idx *out) RS_MUST_CHECK;

/* The same from memory (plain or gzipped); NAME stands for the file. For fuzzing. */
rs_status rs_idx_parse(const char *name, const void *bytes, size_t len, rs_idx *out) RS_MUST_CHECK;
void rs_idx_free(rs_idx *idx);

/* ---- digits ------------------------------------------------------------------------------- */

/* Draw digit images FIRST .. FIRST+COUNT-1 of the stream SEED, PART ("train", "test") into pixels
 * [count, 28*28] and labels [count]. Pure function of its arguments; threaded over images. */
void rs_digits_draw(uint64_t seed, const char *part, size_t first, size_t count, uint8_t *pixels,
                    uint8_t *labels);

/* ---- batches ------------------------------------------------------------------------------ */

/* Order of an epoch: a permutation of 0..count-1 from the stream (SEED, STAGE, "order", EPOCH). */
void rs_batch_order(uint64_t seed, const char *stage, uint64_t epoch, uint32_t count,
                    uint32_t *order);

/* Gather samples INDEX[0..n-1] into x [n, rows*cols] as pixels / 255 and labels [n]. */
void rs_images_gather(const rs_images *images, const uint32_t *index, size_t n, float *x,
                      uint8_t *labels);

/* The same for the range FIRST..FIRST+n-1. */
void rs_images_range(const rs_images *images, size_t first, size_t n, float *x, uint8_t *labels);

/* ---- audio -------------------------------------------------------------------------------- */

enum { RS_AUDIO_MIN_RATE = 2000, RS_AUDIO_MAX_RATE = 384000, RS_AUDIO_MAX_CHANNELS = 32 };

/* The most bytes of samples in one rs_audio (2 GiB). */
#define RS_AUDIO_MAX_BYTES ((size_t)2 << 30)

/* samples [frames, channels], full scale 1. */
typedef struct rs_audio {
  size_t frames;
  unsigned channels, rate; /* rate in Hz */
  float *samples;
} rs_audio;

void rs_audio_free(rs_audio *audio); /* zeroes it; takes an empty one */

/* Filters of libsamplerate: 144 dB and 97 % of the band, or 121 dB and 90 % in a quarter of the
 * time. */
typedef enum rs_resample_quality { RS_RESAMPLE_BEST, RS_RESAMPLE_MEDIUM } rs_resample_quality;

/* How a file is read. All zero: its own rate, channels averaged into one, strict. */
typedef struct rs_audio_spec {
  unsigned rate; /* Hz to resample to, RS_AUDIO_MIN_RATE to _MAX_RATE; 0: the file's */
  rs_resample_quality quality;
  bool keep_channels;   /* else their mean */
  bool allow_truncated; /* less than the header promises, or damage behind some good samples, is a
                           warning to LOG and not an error */
  const rs_log *log;    /* may be NULL */
} rs_audio_spec;

/* A WAV, FLAC or Ogg file (Vorbis, Opus), whole. A file that is missing, no regular file, no audio,
 * truncated, damaged or without samples, a rate or a number of channels out of range, samples that
 * are not finite or beyond 2^31: RS_ERR_DATA that names the file, expected and found. Claims are
 * checked against RS_AUDIO_MAX_BYTES, and memory grows with what is really there. */
rs_status rs_audio_read(const char *path, const rs_audio_spec *spec, rs_audio *out) RS_MUST_CHECK;

/* The same from memory; NAME stands for the file in messages. */
rs_status rs_audio_parse(const char *name, const void *bytes, size_t len, const rs_audio_spec *spec,
                         rs_audio *out) RS_MUST_CHECK;

/* The same in pieces, of any length in all. */
typedef struct rs_audio_reader rs_audio_reader;
/* PATH and SPEC->log must outlive *OUT. */
rs_status rs_audio_reader_open(const char *path, const rs_audio_spec *spec,
                               rs_audio_reader **out) RS_MUST_CHECK;
/* The same of a regular file that is open already, from its beginning on; NAME stands for it in
 * messages. FD is closed with the reader, and here on failure. */
rs_status rs_audio_reader_adopt(int fd, const char *name, const rs_audio_spec *spec,
                                rs_audio_reader **out) RS_MUST_CHECK;
unsigned rs_audio_reader_channels(const rs_audio_reader *reader); /* of what is read */
unsigned rs_audio_reader_rate(const rs_audio_reader *reader);
unsigned rs_audio_reader_file_rate(const rs_audio_reader *reader); /* before resampling */
/* Frames that the header promises, after resampling; false: it does not say. */
bool rs_audio_reader_promised(const rs_audio_reader *reader, size_t *frames);
size_t rs_audio_reader_decoded(const rs_audio_reader *reader); /* so far, before resampling */
/* Up to N frames into samples [n, channels]; *GOT is below N only at the end. How a file is cut
 * into pieces changes no sample. */
rs_status rs_audio_reader_next(rs_audio_reader *reader, size_t n, float *samples,
                               size_t *got) RS_MUST_CHECK;
void rs_audio_reader_close(rs_audio_reader *reader); /* takes NULL */

/* IN at RATE Hz into *OUT: ceil(frames * RATE / rate of IN) frames, by libsamplerate's best sinc
 * filter. */
rs_status rs_audio_resample(const rs_audio *in, unsigned rate, rs_audio *out) RS_MUST_CHECK;

/* The same in pieces. */
typedef struct rs_resampler rs_resampler;
rs_status rs_resampler_create(unsigned channels, unsigned from, unsigned to,
                              rs_resample_quality quality, rs_resampler **out) RS_MUST_CHECK;
/* Takes up to N frames of IN and gives up to ROOM frames of OUT, interleaved; how many of each in
 * *USED and *MADE. With LAST no frames follow IN. Over all calls it gives ceil(frames * to / from)
 * frames. */
rs_status rs_resampler_step(rs_resampler *r, size_t n, const float *in, bool last, size_t room,
                            float *out, size_t *used, size_t *made) RS_MUST_CHECK;
void rs_resampler_destroy(rs_resampler *r); /* takes NULL */

/* ceil(frames * to / from); RS_ERR_DATA when it cannot be represented. */
rs_status rs_resampled_frames(size_t frames, unsigned from, unsigned to, size_t *out) RS_MUST_CHECK;

typedef enum rs_wav_encoding { RS_WAV_PCM16, RS_WAV_PCM24, RS_WAV_FLOAT } rs_wav_encoding;

/* What loses nothing that matters of a file's samples: PCM of its width, float for what is wider
 * than 24 bits; PCM16 for what is narrower, and for lossy codecs. */
rs_wav_encoding rs_audio_reader_encoding(const rs_audio_reader *reader);
size_t rs_wav_bytes(rs_wav_encoding encoding); /* of a sample */

/* AUDIO as the WAV file PATH, which appears whole or not at all. Full scale is 1; PCM is clipped
 * there and rounded, so that samples read from PCM of that width are written back bit for bit.
 * Samples that are not finite are RS_ERR_NUMERIC, more than a WAV file can hold (4 GiB)
 * RS_ERR_USAGE. The same audio gives the same bytes. */
rs_status rs_audio_write(const char *path, const rs_audio *audio,
                         rs_wav_encoding encoding) RS_MUST_CHECK;

typedef struct rs_wav_spec {
  unsigned channels, rate; /* Hz */
  rs_wav_encoding encoding;
  bool rf64; /* lengths of 64 bits, for more than 4 GiB; not every program reads it */
} rs_wav_spec;

/* The same in pieces. */
typedef struct rs_audio_writer rs_audio_writer;
rs_status rs_audio_writer_create(const char *path, const rs_wav_spec *spec,
                                 rs_audio_writer **out) RS_MUST_CHECK;
/* Into the regular file FD, open for reading and writing and empty, which stays the caller's; NAME
 * stands for it in messages. */
rs_status rs_audio_writer_borrow(int fd, const char *name, const rs_wav_spec *spec,
                                 rs_audio_writer **out) RS_MUST_CHECK;
rs_status rs_audio_writer_append(rs_audio_writer *writer, size_t frames,
                                 const float *samples) RS_MUST_CHECK;
/* Let the file appear, or be complete; nothing may follow but rs_audio_writer_destroy. */
rs_status rs_audio_writer_commit(rs_audio_writer *writer) RS_MUST_CHECK;
void rs_audio_writer_destroy(rs_audio_writer *writer); /* without a commit: no file; takes NULL */

/* ---- corpora ------------------------------------------------------------------------------ */

/* Which audio files belong together: by speaker, or each file on its own (kinds of noise). */
typedef enum rs_corpus_label { RS_LABEL_SPEAKER, RS_LABEL_FILE } rs_corpus_label;

/* Files below a folder. A pattern is a path below `path`, whose parts may hold the wildcards of
 * glob (* ? [...]), and in one place {speaker}, which matches as little as possible, one character
 * at least, and names the speaker. A pattern that comes to folders means all audio files (.wav
 * .flac .ogg .oga .opus) in them and in their subfolders; hidden ones are left out.
 *
 * Labels are the first of these that applies: what {speaker} matched; for RS_LABEL_FILE the name
 * without its ending; the first folder that a wildcard matched; the first subfolder of a folder
 * that is named outright; the name up to its first '-' or '_'. So `speakers`, `speakers/asc*`,
 * `books` with {reader}-{chapter}.flac in it and `digits/?_{speaker}_*.flac` all do what they look
 * like. */
typedef struct rs_corpus_spec {
  const char *path;
  size_t pattern_count; /* 0: all below `path` */
  const char *const *patterns;
  rs_corpus_label label;
} rs_corpus_spec;

typedef struct rs_corpus_file {
  char *path;  /* begins with the spec's */
  char *label; /* name of the speaker */
} rs_corpus_file;

/* Sorted by path, bytewise; each file once. */
typedef struct rs_corpus {
  size_t count, cap;
  rs_corpus_file *files;
} rs_corpus;

/* Looks at folders, not into files. A pattern that comes to no audio file is RS_ERR_DATA. */
rs_status rs_corpus_list(const rs_corpus_spec *spec, rs_corpus *out) RS_MUST_CHECK;
void rs_corpus_free(rs_corpus *corpus); /* zeroes it; takes an empty one */

/* As rs_images_fingerprint, one item a pattern: "speakers/asc*=<16 hex digits> (660 files)". The
 * digits are the XXH3-64 over the lines "<16 hex digits of the file's bytes> <path below
 * `path`>\n". */
rs_status rs_corpus_fingerprint(const rs_corpus_spec *spec, rs_str *out) RS_MUST_CHECK;

/* Pairs of recordings, by their numbers in `files`, in which each comes once. */
typedef struct rs_trial_list {
  rs_corpus files; /* labelled by their paths as they stand in the list */
  size_t n, cap_pairs, cap_same;
  uint32_t (*pairs)[2]; /* [n] */
  uint8_t *same;        /* [n] 1: of one speaker */
  rs_numbering paths;   /* of `files` */
} rs_trial_list;

/* The list PATH: two paths below ROOT and a label a line (1 or 0, same or different, target or
 * nontarget; before or behind the paths), separated by blanks; empty lines and those that begin
 * with # do not count. Another line, or a file that is not there, is RS_ERR_DATA with file and
 * line; so is a list without pairs of one speaker, or of two. */
rs_status rs_trial_list_read(const char *path, const char *root, rs_trial_list *out) RS_MUST_CHECK;
void rs_trial_list_free(rs_trial_list *list); /* zeroes it; takes an empty one */
/* As rs_corpus_fingerprint, of the list and of the recordings that it names. */
rs_status rs_trial_list_fingerprint(const char *path, const char *root, rs_str *out) RS_MUST_CHECK;

/* ---- clips -------------------------------------------------------------------------------- */

/* Mono clips one after another: clip i is samples[start[i] .. start[i + 1]). Labels are numbered in
 * bytewise order of their names; each has a clip. */
typedef struct rs_clips {
  size_t count, label_count;
  unsigned rate;
  float *samples;
  size_t *start;   /* [count + 1] */
  uint32_t *label; /* [count] in 0..label_count-1 */
  char **names;    /* [label_count] */
  char **files;    /* [count] their paths; NULL: they come from no files */
  size_t skipped;  /* bad files that were left out */
} rs_clips;

void rs_clips_free(rs_clips *clips); /* zeroes it; takes an empty one */

typedef struct rs_clips_spec {
  unsigned rate; /* Hz */
  bool skip_bad; /* files that cannot be read: each a warning; else the first one is an error */
  bool allow_truncated; /* as in rs_audio_spec */
  bool want_sound;      /* a file of zeros only is a bad one */
  const rs_log *log;    /* may be NULL; called from one thread */
} rs_clips_spec;

/* All files of CORPUS, threaded over files. A corpus of bad files only is RS_ERR_DATA. */
rs_status rs_clips_load(const rs_corpus *corpus, const rs_clips_spec *spec,
                        rs_clips *out) RS_MUST_CHECK;

/* N samples of clip I from a place that number AT of the stream S decides; goes round where the
 * clip ends. */
void rs_clips_cut(const rs_clips *clips, size_t i, const rs_stream *s, uint64_t at, size_t n,
                  float *out);

/* ---- voices ------------------------------------------------------------------------------- */

enum { RS_VOICES_RATE = 16000 }; /* Hz */

/* N samples at RS_VOICES_RATE of what speaker SPEAKER says in UTTERANCE, by a source-filter
 * synthesiser. A pure function of its arguments; another N is another utterance. At most about 0.95
 * in size. */
void rs_voices_speak(uint64_t seed, uint32_t speaker, uint32_t utterance, size_t n, float *out);

typedef enum rs_noise_kind {
  RS_NOISE_WHITE,
  RS_NOISE_PINK,   /* as much in every octave */
  RS_NOISE_BABBLE, /* six voices at once, none of them a speaker of rs_voices_speak */
  RS_NOISE_HUM,    /* of the mains, with harmonics */
  RS_NOISE_CLICKS,
  RS_NOISE_KINDS
} rs_noise_kind;

const char *rs_noise_name(rs_noise_kind kind); /* "white" */

/* N samples of a noise, of deviation 0.1. A pure function of its arguments. */
rs_status rs_voices_noise(uint64_t seed, rs_noise_kind kind, uint32_t index, size_t n,
                          float *out) RS_MUST_CHECK;

/* Utterances 0 .. `utterances`-1 of each of `speakers` speakers, from number `first` on, as clips
 * in the order of speakers, named "voice00000" and so on. Threaded over utterances. */
typedef struct rs_voices_spec {
  uint64_t seed;
  uint32_t first, speakers, utterances;
  size_t samples; /* of each */
} rs_voices_spec;

rs_status rs_voices_clips(const rs_voices_spec *spec, rs_clips *out) RS_MUST_CHECK;

/* One clip of SAMPLES samples of each kind of noise, in the order of rs_noise_kind; they are named,
 * and their labels numbered, as rs_clips says. */
rs_status rs_voices_noise_clips(uint64_t seed, size_t samples, rs_clips *out) RS_MUST_CHECK;

#endif
