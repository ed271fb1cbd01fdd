/* store: what is kept on disk. Tables, the journal, the results file, checkpoints.
 *
 * The only owner of HDF5. Files appear whole or not at all. Nothing here knows about MPI, plans or
 * experiments: callers hand over tables and named tensors. One thread, one writer. */
#ifndef RANKSWEEP_STORE_H
#define RANKSWEEP_STORE_H

#include "ranksweep/base.h"
#include "ranksweep/num.h"

/* "HDF5 1.10.8": the library in use. */
void rs_store_library(char *out, size_t size);

/* ---- tables ------------------------------------------------------------------------------- */

typedef enum rs_column_type { RS_COLUMN_INT, RS_COLUMN_FLOAT, RS_COLUMN_TEXT } rs_column_type;

typedef struct rs_column {
  const char *name;
  rs_column_type type;
  const char *unit;      /* NULL: none */
  const char *long_name; /* NULL: none */
} rs_column;

/* Rows of typed cells under named columns; grows at the end, cells can be overwritten. New cells
 * are 0, NaN and "". Copies everything it is given. Column names are unique and not empty. Cells
 * and rows are amortised O(1); what rs_table_column() points at stays valid while the table lives,
 * a text cell until it is set again. */
typedef struct rs_table rs_table;

rs_status rs_table_create(const rs_column *columns, size_t n, rs_table **out) RS_MUST_CHECK;
void rs_table_destroy(rs_table *t);
rs_status rs_table_add_column(rs_table *t, const rs_column *column) RS_MUST_CHECK;
rs_status rs_table_add_row(rs_table *t, size_t *row) RS_MUST_CHECK;
size_t rs_table_rows(const rs_table *t);
size_t rs_table_columns(const rs_table *t);
const rs_column *rs_table_column(const rs_table *t, size_t column);
int rs_table_find(const rs_table *t, const char *name); /* column index, -1: none */

void rs_table_set_int(rs_table *t, size_t row, size_t column, int64_t value);
void rs_table_set_float(rs_table *t, size_t row, size_t column, double value);
/* NULL is "". */
rs_status rs_table_set_text(rs_table *t, size_t row, size_t column,
                            const char *value) RS_MUST_CHECK;
int64_t rs_table_int(const rs_table *t, size_t row, size_t column);
double rs_table_float(const rs_table *t, size_t row, size_t column);
const char *rs_table_text(const rs_table *t, size_t row, size_t column);
/* Any cell as a double (text: NaN), for sorting and objectives. */
double rs_table_number(const rs_table *t, size_t row, size_t column);

/* ---- journal ------------------------------------------------------------------------------ */

/* Append-only record of what happened, the truth that the results file is made from. Text: one
 * record a line, "<16 hex digits of XXH3-64 over the payload> <payload>\n", the payload one JSON
 * object without newlines and at most 16 MiB. The first record names the format, version and job.
 */
typedef struct rs_journal rs_journal;

/* Called for every valid record in order; another status than RS_OK ends the reading with it. */
typedef rs_status (*rs_journal_visit)(void *user, const char *payload, size_t line);

/* Open PATH for appending, creating it when absent, after handing every record that is there to
 * VISIT. A torn last record (no newline, or wrong checksum in the last line) is cut off and *TORN
 * set to its bytes (0: none); a damaged record before the last is RS_ERR_DATA with its line, and so
 * is a first line that does not begin as a record: such a file is not ours to cut. TORN may be
 * NULL.
 *
 * One writer: the file PATH.lock names it. A living one is RS_ERR_CONFLICT; the lock of a dead one
 * is taken over, at once when it died on this host, and after 20 s without a sign of life when it
 * was on another, of which LOG (may be NULL) is told. No locks of the file system are needed, so
 * NFS will do. */
rs_status rs_journal_open(const char *path, const rs_log *log, rs_journal_visit visit, void *user,
                          rs_journal **out, size_t *torn) RS_MUST_CHECK;

/* Read only: visit the records, change nothing. A missing file is RS_ERR_IO. */
rs_status rs_journal_read(const char *path, rs_journal_visit visit, void *user,
                          size_t *torn) RS_MUST_CHECK;

/* Append one record (written at once, durable after the next sync). When the disk is full or the
 * write comes out short it is taken back, so the journal stays sound: RS_ERR_IO. When the journal
 * was removed (RS_ERR_IO) or taken over, this process having been suspended for long
 * (RS_ERR_CONFLICT), nothing is written. */
rs_status rs_journal_append(rs_journal *j, const char *payload) RS_MUST_CHECK;
rs_status rs_journal_sync(rs_journal *j) RS_MUST_CHECK; /* fdatasync when there is something new */
bool rs_journal_dirty(const rs_journal *j);
rs_status rs_journal_close(rs_journal *j) RS_MUST_CHECK; /* sync and close; takes NULL */

size_t rs_journal_bytes(const rs_journal *j);
/* Write the journal anew: FILL appends what it shall hold. Whole or not at all; after a failure the
 * old one is as it was. */
typedef rs_status (*rs_journal_fill)(void *user, rs_journal *to);
rs_status rs_journal_rewrite(rs_journal *j, rs_journal_fill fill, void *user) RS_MUST_CHECK;

/* A sign of life of the thread that does the work, for those who watch from outside: the lock's own
 * beat goes on while that thread hangs. */
void rs_journal_tick(rs_journal *j);

/* Who writes the journal PATH; read only. */
typedef struct rs_journal_holder {
  bool present; /* there is a lock file */
  int lives;    /* 1: its process lives, 0: it does not, -1: cannot be told from here */
  char host[256];
  long pid;
  uint64_t beat, tick; /* grow while it lives, and while it works */
} rs_journal_holder;
rs_status rs_journal_owner(const char *path, rs_journal_holder *out) RS_MUST_CHECK;
double rs_journal_patience(void); /* s without a beat after which a holder elsewhere is dead */

/* ---- checkpoints -------------------------------------------------------------------------- */

/* A file RESULTS.ckpt/<name>.h5, readable by HDF5 1.8 and later:
 *   /                 attributes `format`="ranksweep-checkpoint", `format_version`, `tensors` (how
 * many), `state` (a JSON text), `state_checksum` /model/<name>     a contiguous float32 dataset for
 * each tensor, a name "dense1/kernel" being a dataset in a group; attributes `checksum` and `index`
 * (its place in the bundle) Checksums are XXH3-64 over the bytes of the text or the data. Written
 * whole or not at all; equal content gives equal bytes. Takes as much memory again as the bundle
 * for the time of the call. */
rs_status rs_checkpoint_write(const char *path, const rs_bundle *bundle,
                              const char *state_json) RS_MUST_CHECK;

/* Read it back in the order of the bundle written, verifying every checksum; damage is RS_ERR_DATA
 * that names file and tensor, a file of a newer version RS_ERR_CONFLICT. BUNDLE comes empty and
 * stays so after a failure. STATE_JSON may be NULL; else release with free(). */
rs_status rs_checkpoint_read(const char *path, rs_bundle *bundle, char **state_json) RS_MUST_CHECK;

/* Names and shapes of the tensors of a checkpoint in the order of the bundle, without their data;
 * another status of VISIT than RS_OK ends it. */
typedef rs_status (*rs_tensor_visit)(void *user, const char *name, size_t ndim, const size_t *dims);
rs_status rs_checkpoint_list(const char *path, rs_tensor_visit visit, void *user) RS_MUST_CHECK;

/* ---- results file ------------------------------------------------------------------------- */

/* The file, readable by HDF5 1.8 and later:
 *   /                 attributes `format`="ranksweep", `format_version` (a whole number) and the
 *                     texts `state`, `job_name`, `experiment`, `tool_version`, `created`, `updated`
 *                     (str in h5py); the numbers of rs_standing; `packed` (1) when it is packed;
 *                     the text `share` ("2/8") when it holds a share of its job
 *   /trials /stages /metrics /provenance /running /artifacts
 *                     one row an element, one member a column: int64, float64, or UTF-8 of fixed
 *                     length padded with NUL, as wide as the longest cell. Attributes `units` and
 *                     `long_name`: one text a column in the order of the members, "" where there is
 *                     none; absent when no column has one. Chunked, with HDF5's own checksum
 *                     (fletcher32); large ones are compressed (shuffle, deflate)
 *   /job/yaml /job/resolved
 *                     texts of fixed length, attribute `checksum` (XXH3-64)
 *   /files/<stage>-<name>
 *                     in a packed file only: the bytes of an artifact, a uint8 dataset
 *   /models/<trial>   external link to /model of a checkpoint; in a packed file a group like it,
 *                     with an attribute `tensors` (how many)
 *   /plots            NeXus: `default` leads from / to it and on to one of its NXdata groups
 *     <metric>_against_parameters   the first final metric of the done trials
 *     learning_curve_stage_<stage>  metrics over epochs, of the first RS_PLOTTED_STAGES stages that
 *                                   have any; rows of one stage must be neighbours in /metrics
 *     <name of a vector>            a vector of a checkpoint against its index, an external link or
 *                                   (packed) a dataset; the table `vectors` says where it is from
 *     <name of an image>            the same for a matrix; copies of its axes are datasets
 * Equal content gives equal bytes. A reader passes over columns, attributes and objects that it
 * does not know; /running, /artifacts, /plots, the last columns of `vectors` and the numbers of
 * rs_standing may be absent. */
#define RS_RESULTS_VERSION 1

/* Path of what lies beside RESULTS: its name without ".h5", and SUFFIX (".journal", ".ckpt").
 * Release with free(). */
rs_status rs_results_beside(const char *results, const char *suffix, char **out) RS_MUST_CHECK;

enum { RS_PLOTTED_STAGES = 100 };

/* How a run stands, for displays: attributes of /. What is not known is NaN or 0. */
typedef struct rs_standing {
  double elapsed, eta;    /* seconds, since this start */
  double trials_per_hour; /* finished since this start */
  int64_t trials_total;
  int64_t workers, idle; /* MPI ranks that work, and those of them that have nothing to do */
} rs_standing;

/* Columns of /plots/vectors: one row a vector or an image of a checkpoint that is plotted. A vector
 * runs along x; an image [y, x] has its axes in two more tensors. */
enum {
  RS_VECTOR_NAME,      /* of the plot */
  RS_VECTOR_TITLE,     /* of the plot */
  RS_VECTOR_SIGNAL,    /* of the dataset in it, e.g. "singular_values" */
  RS_VECTOR_LONG_NAME, /* what the vector is */
  RS_VECTOR_INDEX,     /* what its index is, or what runs along x */
  RS_VECTOR_LENGTH,    /* along x */
  RS_VECTOR_FILE,      /* as in rs_model_link; "" in a packed file */
  RS_VECTOR_TENSOR,    /* e.g. "dense1/s" */
  RS_VECTOR_FIRST_COLUMNS,
  RS_VECTOR_UNIT = RS_VECTOR_FIRST_COLUMNS, /* of the signal */
  RS_VECTOR_X,                              /* tensor of the axis; "": counted from 1 */
  RS_VECTOR_X_UNIT,
  RS_VECTOR_Y, /* tensor of the axis; "": a vector */
  RS_VECTOR_Y_LONG_NAME,
  RS_VECTOR_Y_UNIT,
  RS_VECTOR_Y_LENGTH,
  RS_VECTOR_SCALE, /* of a vector's plot: "linear", "log" (y) or "log-log"; "": log */
  RS_VECTOR_COLUMNS
};
extern const rs_column rs_vector_columns[RS_VECTOR_COLUMNS];

/* Columns of /artifacts: one row a file that a stage left for people. */
enum {
  RS_ARTIFACT_STAGE,
  RS_ARTIFACT_NAME, /* "1034-denoised.wav" */
  RS_ARTIFACT_FILE, /* as in rs_model_link; "" in a packed file */
  RS_ARTIFACT_BYTES,
  RS_ARTIFACT_CHECKSUM,  /* 16 hex digits of XXH3-64 */
  RS_ARTIFACT_LONG_NAME, /* what it is */
  RS_ARTIFACT_COLUMNS
};
extern const rs_column rs_artifact_columns[RS_ARTIFACT_COLUMNS];
enum { RS_MAX_ARTIFACT_BYTES = 1 << 30 }; /* of one of them */

/* Everything that a results file holds. When written: borrowed. When read: owned,
 * rs_results_free(). */
typedef struct rs_results {
  const char *state; /* running | complete | interrupted */
  const char *job_name, *experiment, *tool_version, *created, *updated;
  const char *job_yaml;     /* /job/yaml */
  const char *job_resolved; /* /job/resolved, JSON */
  const char *share;        /* of the job, "2/8"; NULL: all of it */
  rs_table *trials, *stages, *metrics, *provenance;
  rs_table *running;   /* /running: stages that run at the time; NULL: absent */
  rs_table *vectors;   /* /plots/vectors; NULL: none. When read: with all its columns */
  rs_table *artifacts; /* NULL: none */
  rs_standing standing;
  bool packed;     /* when read: models and vectors are inside */
  size_t n_models; /* /models/<trial> */
  const struct rs_model_link {
    int64_t trial;
    /* Relative to the directory of the results file, e.g. "mnist.ckpt/3f2a.h5". When read, NULL
     * means that the model itself is in the results file. */
    const char *file;
  } * models;
} rs_results;

/* Atomic snapshot of R to PATH. The first four tables must be there and have columns; texts may be
 * NULL (""). 10,000 trials and 100,000 metric rows take well under a second. */
rs_status rs_results_write(const char *path, const rs_results *r) RS_MUST_CHECK;

/* Read all but the models' tensors, links in the order of trials. /trials has at least `trial`
 * (whole numbers) and `state` (texts). Not HDF5 or damaged: RS_ERR_DATA that names PATH and the
 * object; HDF5 of another program or of a newer version: RS_ERR_CONFLICT; a file that cannot be
 * opened: RS_ERR_IO. R is empty after a failure. */
rs_status rs_results_read(const char *path, rs_results *r) RS_MUST_CHECK;
void rs_results_free(rs_results *r);

/* The tensors of a model that rs_results_read found in the results file PATH, from wherever they
 * are, verifying every checksum. BUNDLE as in rs_checkpoint_read. */
rs_status rs_results_read_model(const char *path, const struct rs_model_link *model,
                                rs_bundle *bundle) RS_MUST_CHECK;
/* The same for the vector or image in row ROW of R->vectors: a bundle of its tensor and, behind it,
 * those of its axes: x, then an image's y. Their shapes are what the row says. */
rs_status rs_results_read_vector(const char *path, const rs_results *r, size_t row,
                                 rs_bundle *bundle) RS_MUST_CHECK;
/* The *LEN bytes of the artifact in row ROW of R->artifacts, size and checksum verified; release
 * with free(). */
rs_status rs_results_read_artifact(const char *path, const rs_results *r, size_t row, char **data,
                                   size_t *len) RS_MUST_CHECK;

/* Write the results of FROM, which have been read into R, with all that they link to into one file
 * TO, whole or not at all. Every checksum is verified on the way: damage is RS_ERR_DATA. Needs
 * memory for one model or artifact at a time. *BYTES (may be NULL): size of TO. */
rs_status rs_results_pack(const char *from, const rs_results *r, const char *to,
                          size_t *bytes) RS_MUST_CHECK;

#endif
