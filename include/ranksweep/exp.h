/* exp: the experiment kinds. One file a kind, one line in list.c.
 *
 * A kind is a const table: its settings, the chain of stages of a trial, its metrics. Its stages
 * never touch MPI, HDF5, the environment or stdout; all they may use comes in the context. */
#ifndef RANKSWEEP_EXP_H
#define RANKSWEEP_EXP_H

#include "ranksweep/comm.h"
#include "ranksweep/data.h"
#include "ranksweep/job.h"
#include "ranksweep/num.h"
#include "ranksweep/plan.h"

/* ---- what a running stage gets ----------------------------------------------------------------
 */

typedef struct rs_metric_value {
  const char *name; /* one of the kind's metrics or finals */
  double value;
} rs_metric_value;

/* How far a stage is, for displays and for the decision to stop. */
typedef struct rs_stage_progress {
  uint64_t done, total; /* steps */
  size_t epoch, epochs; /* 0, 0 where there are none */
  double loss;          /* NaN: none */
} rs_stage_progress;

/* How a stage hands over what it needs to continue: tensors, and a JSON object in STATE. Called on
 * the root only, between two steps. */
typedef struct rs_stage_saver {
  void *user;
  rs_status (*save)(void *user, rs_bundle *into, rs_str *state);
} rs_stage_saver;

/* A file that a stage leaves for people: audio to listen to, a picture. */
typedef struct rs_artifact {
  const char *name;      /* "1034-denoised.wav": unique in its stage, see rs_stage_artifact_path */
  const char *long_name; /* one line for people */
  void *user;
  /* Makes the file PATH, whole or not at all, at most RS_MAX_ARTIFACT_BYTES of store.h. Called on
   * the root only. RS_ERR_IO means that it could not be written. */
  rs_status (*write)(void *user, const char *path);
} rs_artifact;

enum { RS_MAX_ARTIFACTS = 16 }; /* of one stage */

/* The way out of a stage. Collective: every rank of the group calls each of them at the same
 * points; the root's values count. */
typedef struct rs_stage_host {
  void *user;
  /* A row of /metrics at the end of an epoch or step. */
  rs_status (*metrics)(void *user, size_t epoch, uint64_t step, const rs_metric_value *values,
                       size_t n);
  /* A column of the trial's row in /trials. */
  rs_status (*final)(void *user, const char *name, double value);
  /* Between steps: reports progress, checkpoints when that is due, RS_ERR_STOPPED when the stage
   * has to end here. SAVER NULL: nothing to save, the stage starts over when it is continued. */
  rs_status (*tick)(void *user, const rs_stage_progress *progress, const rs_stage_saver *saver);
  /* A file beside the output. Checkpoints know nothing of these: a stage that is continued hands
   * over all of them again. Another name than those allowed, one used twice or one too many is
   * RS_ERR_INTERNAL. */
  rs_status (*artifact)(void *user, const rs_artifact *artifact);
} rs_stage_host;

typedef struct rs_data_cache rs_data_cache;
enum { RS_MOST_SHARED = 8 }; /* datasets that the ranks of a node hold in common */

typedef struct rs_stage_context {
  const rs_settings *settings;
  uint64_t seed;
  const char *stage;       /* name of the stage: its random streams are keyed by it */
  rs_comm *comm;           /* the group */
  const rs_bundle *parent; /* what the parent stage left; NULL in a first stage */
  const rs_bundle *resume; /* what an earlier attempt saved; NULL: from the start */
  const char *resume_state;
  rs_bundle *output;    /* what this stage leaves, filled on the root */
  rs_data_cache *cache; /* datasets that this process holds already */
  const rs_stage_host *host;
} rs_stage_context;

rs_status rs_stage_metrics(rs_stage_context *c, size_t epoch, uint64_t step,
                           const rs_metric_value *values, size_t n) RS_MUST_CHECK;
rs_status rs_stage_final(rs_stage_context *c, const char *name, double value) RS_MUST_CHECK;
rs_status rs_stage_tick(rs_stage_context *c, const rs_stage_progress *progress,
                        const rs_stage_saver *saver) RS_MUST_CHECK;
rs_status rs_stage_artifact(rs_stage_context *c, const rs_artifact *artifact) RS_MUST_CHECK;

/* Datasets stay loaded between the stages of a process. Collective over the node when there is a
 * copy that it shares. */
rs_status rs_data_cache_create(rs_data_cache **out) RS_MUST_CHECK;
void rs_data_cache_destroy(rs_data_cache *cache);

/* ---- kinds ---------------------------------------------------------------------------------- */

typedef struct rs_stage_axis {
  const char *tensor;    /* "time" finds the vector beside the image, "example1/time" */
  const char *long_name; /* "Time" */
  const char *unit;      /* "s"; NULL: none */
} rs_stage_axis;

typedef enum rs_stage_scale {
  RS_SCALE_LINEAR,
  RS_SCALE_LOG,
  RS_SCALE_LOG_LOG
} rs_stage_scale; /* of y, of both */

/* Vectors that a stage leaves and that are worth a look: all tensors of one last name that have
 * their axis beside them, a plot each. */
typedef struct rs_stage_vectors {
  const char *tensor;    /* "s" finds "dense1/s", "dense2/s", ... */
  const char *name;      /* of the plots and of the vector in them, e.g. "singular_values" */
  const char *long_name; /* "Singular values" */
  rs_stage_axis axis;    /* without a tensor: counted from 1 */
  rs_stage_scale scale;
} rs_stage_vectors;

/* Matrices that a stage leaves and that are worth a look: all tensors of one last name that have
 * both axes beside them, a plot each. */
typedef struct rs_stage_images {
  const char *tensor;       /* "mask" finds "example1/mask" [rows, columns] */
  const char *name;         /* of the plots and of the image in them; not that of an axis */
  const char *long_name;    /* "Mask" */
  const char *unit;         /* of its elements; NULL: none */
  rs_stage_axis rows, cols; /* along the first and second dimension */
} rs_stage_images;

typedef struct rs_stage_op {
  rs_stage_spec spec;
  const rs_stage_vectors *vectors; /* ends with a NULL tensor; NULL: none */
  const rs_stage_images *images;   /* the same */
  /* What it leaves is for looking at: a trial's model is what the stage before it left. */
  bool leaves_no_model;
  /* Runs the stage on every rank of the group; collective. All ranks return the same status. */
  rs_status (*run)(rs_stage_context *c);
} rs_stage_op;

typedef struct rs_experiment {
  rs_schema schema;                 /* name, summary, settings, final metrics, checks */
  const rs_stage_op *const *stages; /* the chain of a trial, NULL-terminated */
  const rs_metric *metrics;         /* columns of /metrics; ends with a NULL name */
  /* The slow check, once before a run: reads the data that SETTINGS name from end to end, and tells
   * LOG what is passed over. NULL: none. */
  rs_status (*verify)(const rs_settings *settings, const rs_log *log);
  /* Appends to OUT what the data that SETTINGS name are: "<file>=<checksum>; ..." or "built in".
   * Results of one text are not continued with data of another. NULL: there are no data. */
  rs_status (*fingerprint)(const rs_settings *settings, rs_str *out);
  /* Loads the data that SETTINGS name into CACHE, one copy for all ranks of NODE. NULL: there are
   * none. Collective. */
  rs_status (*share)(const rs_settings *settings, rs_data_cache *cache, rs_comm *node);
  const char *example; /* a small job on a built-in source; the conformance suite runs it */
  bool hidden;         /* for tests: not listed by `kinds` */
} rs_experiment;

/* NULL-terminated. */
extern const rs_experiment *const rs_experiments[];

/* NULL when there is none. */
const rs_experiment *rs_experiment_find(const char *name);

/* The schemas of all kinds, NULL-terminated, for rs_job_load. */
const rs_schema *const *rs_experiment_schemas(void);

/* Specs of a kind's stages for rs_plan_create; at most RS_MAX_STAGES. */
size_t rs_experiment_specs(const rs_experiment *kind, const rs_stage_spec *specs[RS_MAX_STAGES]);

/* Place in the chain of the stage whose output is a trial's model: the last one that leaves one. */
size_t rs_experiment_model(const rs_experiment *kind);

/* ---- trained models at work ------------------------------------------------------------------ */

/* Masks the noise in one channel of audio, as it comes, with a model of `speech-denoising`: the
 * masks are those of the network over the whole signal, and how the signal is cut into pieces
 * changes no bit. Memory does not grow with the signal. */
typedef struct rs_denoiser rs_denoiser;

/* The next N > 0 samples of the result; a failure ends the call that met it with that status. */
typedef rs_status (*rs_denoiser_write)(void *user, const float *samples, size_t n);

enum { RS_DENOISER_BLOCK = 64 }; /* frames whose masks are estimated at once */

/* For audio at `data.sample_rate` of S, the settings of the trial that MODEL is of; both are only
 * read here. HARD: a bin is kept or zeroed, else it is multiplied with its estimate. A model that
 * is not what S says is RS_ERR_DATA, settings that no network has RS_ERR_USAGE. */
rs_status rs_denoiser_create(const rs_settings *s, const rs_bundle *model, bool hard,
                             rs_denoiser_write write, void *user, rs_denoiser **out) RS_MUST_CHECK;
/* Results come out at most window + RS_DENOISER_BLOCK * hop samples later. A network whose numbers
 * are not finite is RS_ERR_NUMERIC. */
rs_status rs_denoiser_push(rs_denoiser *d, const float *samples, size_t n) RS_MUST_CHECK;
/* The signal is over: the rest comes out, as many samples in all as went in. RS_ERR_DATA when there
 * were none. Nothing may follow but rs_denoiser_destroy. */
rs_status rs_denoiser_end(rs_denoiser *d) RS_MUST_CHECK;
void rs_denoiser_destroy(rs_denoiser *d); /* takes NULL */

/* Tells speakers apart with a model of `speaker-verification`. A side is one or more recordings of
 * one speaker, joined; its embedding stands for the speaker. */
typedef struct rs_verifier rs_verifier;

/* For audio at `data.sample_rate` of S, the settings of the trial that MODEL is of; both are only
 * read here. Errors as of rs_denoiser_create. */
rs_status rs_verifier_create(const rs_settings *s, const rs_bundle *model,
                             rs_verifier **out) RS_MUST_CHECK;
void rs_verifier_destroy(rs_verifier *v);       /* takes NULL */
size_t rs_verifier_width(const rs_verifier *v); /* numbers of an embedding */

/* Adds a recording of N mono samples to the present side. */
rs_status rs_verifier_add(rs_verifier *v, size_t n, const float *samples) RS_MUST_CHECK;
/* The embedding [width] of the present side, which has a recording; then a new one begins. */
rs_status rs_verifier_embed(rs_verifier *v, float *embedding) RS_MUST_CHECK;

/* Estimated probability that two embeddings are of one speaker. */
double rs_verifier_score(const rs_verifier *v, const float *a, const float *b);

#endif
