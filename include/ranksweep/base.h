/* base: status codes, memory, text, log, random streams, hashes, clock and files.
 *
 * Nothing here knows about the rest of the project. No function below exits, aborts or prints. */
#ifndef RANKSWEEP_BASE_H
#define RANKSWEEP_BASE_H

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RS_VERSION "0.1.0"

/* ---- status ------------------------------------------------------------------------------- */

/* Every call that can fail returns one of these. The text is for logs; the story of one failure is
 * in rs_error_message(). */
#define RS_STATUS_LIST(X)                                                                          \
  X(RS_OK, "ok")                                                                                   \
  X(RS_ERR_USAGE, "bad usage, job file or data") /* the user can mend it: exit status 2 */         \
  X(RS_ERR_DATA, "bad input file")               /* damaged or malformed file: exit status 2 */    \
  X(RS_ERR_CONFLICT, "in conflict with what exists") /* e.g. results in use: exit status 2 */      \
  X(RS_ERR_IO, "input or output failed") /* the system refused: disk full, permissions */          \
  X(RS_ERR_NOMEM, "out of memory")                                                                 \
  X(RS_ERR_NUMERIC, "numeric failure")    /* NaN, no convergence */                                \
  X(RS_ERR_STOPPED, "stopped on request") /* deadline or signal, after a checkpoint */             \
  X(RS_ERR_LOST, "a peer was lost")                                                                \
  X(RS_ERR_INTERNAL, "internal error")

typedef enum rs_status {
#define RS_STATUS_ENUM(name, text) name,
  RS_STATUS_LIST(RS_STATUS_ENUM)
#undef RS_STATUS_ENUM
} rs_status;

#define RS_MUST_CHECK        __attribute__((warn_unused_result))
#define RS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Short text of a code, e.g. "out of memory". */
const char *rs_status_text(rs_status status);

/* Record a failure of this thread and return CODE: `return rs_fail(RS_ERR_DATA, "%s: ...", path)`.
 * The message names file and place, what was expected and what was found. */
rs_status rs_fail(rs_status code, const char *format, ...) RS_PRINTF(2, 3);

/* The same for a failed system call: appends ": <text of errno>". */
rs_status rs_fail_errno(const char *format, ...) RS_PRINTF(1, 2);

/* Put "<context>: " before the message of a failure on its way up; returns STATUS unchanged and
 * does nothing when it is RS_OK. */
rs_status rs_error_context(rs_status status, const char *format, ...) RS_PRINTF(2, 3);

/* Message of the last failure in this thread; owned by the thread, valid until its next failure.
 * Like errno it is the one piece of hidden state; it carries text only and steers nothing. */
const char *rs_error_message(void);

/* Return from the calling function, or jump to its cleanup label, when EXPR fails. */
#define RS_TRY(expr)                                                                               \
  do {                                                                                             \
    rs_status rs_try_ = (expr);                                                                    \
    if (rs_try_ != RS_OK) return rs_try_;                                                          \
  } while (0)
#define RS_TRY_GOTO(status, label, expr)                                                           \
  do {                                                                                             \
    (status) = (expr);                                                                             \
    if ((status) != RS_OK) goto label;                                                             \
  } while (0)

/* A wrong program (not wrong input). Stays on in test builds (RS_CHECKS). */
#if defined(RS_CHECKS) && RS_CHECKS
void rs_assert_failed(const char *expr, const char *file, int line) __attribute__((noreturn));
#define RS_ASSERT(expr) ((expr) ? (void)0 : rs_assert_failed(#expr, __FILE__, __LINE__))
#else
#define RS_ASSERT(expr) ((void)sizeof((expr) ? 1 : 0))
#endif

#define RS_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- memory ------------------------------------------------------------------------------- */

/* Zeroed array of COUNT elements of SIZE bytes, aligned to 64 bytes, into *(void **)OUT. COUNT 0
 * gives a non-NULL pointer. Overflow of the product is RS_ERR_NOMEM. Release with free(). */
rs_status rs_new(void *out, size_t count, size_t size) RS_MUST_CHECK;

/* Grow *(void **)ARRAY, which holds *CAP elements of SIZE bytes, so that it holds at least NEED;
 * doubles, zeroes the new part. Release with free(). */
rs_status rs_grow(void *array, size_t *cap, size_t need, size_t size) RS_MUST_CHECK;

/* Copy of TEXT into *OUT (release with free()); TEXT may be NULL, then *OUT is NULL. */
rs_status rs_strdup(char **out, const char *text) RS_MUST_CHECK;

/* ---- growable text ------------------------------------------------------------------------ */

/* Zero-initialise, add, then check rs_str_status() once: a failed add is remembered.
 * `text` is NULL until the first add. */
typedef struct rs_str {
  char *text;
  size_t len, cap;
  bool failed;
} rs_str;

void rs_str_add(rs_str *s, const char *text);
void rs_str_addn(rs_str *s, const char *bytes, size_t n);
void rs_str_addf(rs_str *s, const char *format, ...) RS_PRINTF(2, 3);
/* TEXT as a field of comma-separated values: with a comma, quote or line break it goes between
 * quotes, its quotes doubled (RFC 4180). */
void rs_str_add_csv(rs_str *s, const char *text);
void rs_str_clear(rs_str *s); /* empty, memory kept */
rs_status rs_str_status(const rs_str *s) RS_MUST_CHECK;
void rs_str_free(rs_str *s);

/* Overwrite every byte of TEXT that is not part of valid UTF-8 by '?'. */
void rs_utf8_repair(char *text);

/* ---- log ---------------------------------------------------------------------------------- */

typedef enum rs_log_level { RS_LOG_DEBUG, RS_LOG_INFO, RS_LOG_WARN, RS_LOG_ERROR } rs_log_level;

/* A sink that the top of the program provides; passed down explicitly. `write` gets one line
 * without a newline and may be called from any thread. */
typedef struct rs_log {
  void (*write)(void *user, rs_log_level level, const char *line);
  void *user;
  rs_log_level threshold;
} rs_log;

/* Format one line and hand it to LOG; LOG may be NULL (nothing happens). */
void rs_logf(const rs_log *log, rs_log_level level, const char *format, ...) RS_PRINTF(3, 4);

/* ---- random streams ----------------------------------------------------------------------- */

/* A counter-based stream (Philox4x32-10; Salmon et al., "Parallel random numbers: as easy as 1, 2,
 * 3", SC11): element i is a pure function of the key and i, so ranks and threads can take any part
 * in any order. Keyed by seed, stage, purpose and index, never by MPI rank. */
typedef struct rs_stream {
  uint32_t key[2];
  uint32_t salt[2];
} rs_stream;

/* STAGE e.g. "train", PURPOSE e.g. "order", INDEX e.g. the epoch. */
rs_stream rs_stream_make(uint64_t seed, const char *stage, const char *purpose, uint64_t index);

/* Four random words at position I. The other functions take word (i % 4) of block (i / 4), except
 * rs_stream_normal, which takes one block a number. */
void rs_stream_block(const rs_stream *s, uint64_t i, uint32_t out[4]);
/* The N blocks from FIRST on into OUT [n, 4], several at a time. */
void rs_stream_blocks(const rs_stream *s, uint64_t first, size_t n, uint32_t *out);
uint32_t rs_stream_u32(const rs_stream *s, uint64_t i);
float rs_stream_uniform(const rs_stream *s, uint64_t i); /* [0, 1), 24 bits */
double rs_stream_normal(const rs_stream *s, uint64_t i); /* mean 0, deviation 1 */
uint32_t rs_stream_below(const rs_stream *s, uint64_t i,
                         uint32_t bound); /* [0, bound), bound > 0 */

/* Random permutation of 0..n-1 into OUT (Fisher-Yates over positions 0..n-1 of the stream). */
void rs_stream_permutation(const rs_stream *s, uint32_t n, uint32_t *out);

/* ---- hashes ------------------------------------------------------------------------------- */

/* 128-bit identity (xxHash XXH3). Not cryptographic: guards against accidents, not attackers. */
typedef struct rs_id {
  uint64_t hi, lo;
} rs_id;

#define RS_ID_TEXT 33 /* 32 hex digits and the terminator */

bool rs_id_equal(rs_id a, rs_id b);
void rs_id_format(rs_id id, char out[RS_ID_TEXT]);
bool rs_id_parse(const char *text, rs_id *out); /* false unless exactly 32 hex digits */
rs_id rs_id_of(const void *data, size_t bytes);

/* 64-bit checksum (XXH3) of a byte range. */
uint64_t rs_checksum(const void *data, size_t bytes);

/* The same over bytes that come in pieces. rs_checksum_end releases the state and takes NULL (0).
 */
typedef struct rs_checksum_state rs_checksum_state;
rs_status rs_checksum_begin(rs_checksum_state **out) RS_MUST_CHECK;
void rs_checksum_add(rs_checksum_state *s, const void *data, size_t bytes);
uint64_t rs_checksum_end(rs_checksum_state *s);

/* ---- numbering ---------------------------------------------------------------------------- */

/* Byte strings get the numbers 0, 1, ... in the order in which they first come. All zero: none has
 * come. */
typedef struct rs_numbering {
  uint32_t count; /* of different ones so far */
  void *root;
} rs_numbering;

/* The number of BYTES [size]; a new one when it equals `count` of before the call. */
rs_status rs_numbering_of(rs_numbering *n, const void *bytes, size_t size,
                          uint32_t *out) RS_MUST_CHECK;
void rs_numbering_free(rs_numbering *n); /* zeroes it */

/* ---- clock -------------------------------------------------------------------------------- */

double rs_clock_now(void);           /* seconds, monotonic, arbitrary origin */
void rs_clock_sleep(double seconds); /* gives the core away; may return early on a signal */
#define RS_CLOCK_TEXT 32
void rs_clock_utc(char out[RS_CLOCK_TEXT]); /* now, e.g. "2026-03-01T12:34:56Z" */

/* ---- files -------------------------------------------------------------------------------- */

/* Whole file into *DATA (terminated by a NUL that *LEN does not count; release with free()). Larger
 * than MAX bytes, a directory or unreadable is an error that names PATH. */
rs_status rs_file_read(const char *path, size_t max, char **data, size_t *len) RS_MUST_CHECK;

/* Make PATH hold exactly LEN bytes of DATA, or leave it as it was: temporary name beside it, fsync,
 * rename, fsync of the directory. */
rs_status rs_file_replace(const char *path, const void *data, size_t len) RS_MUST_CHECK;

/* The second half of the above for files that something else wrote: fsync TEMPORARY, rename it to
 * PATH, fsync the directory. On failure TEMPORARY is removed. */
rs_status rs_file_commit(const char *temporary, const char *path) RS_MUST_CHECK;

/* Temporary name beside PATH: "<path>.tmp.<pid>" into *OUT (release with free()). */
rs_status rs_file_temporary(const char *path, char **out) RS_MUST_CHECK;

/* fsync the directory that holds PATH. */
rs_status rs_file_sync_directory(const char *path) RS_MUST_CHECK;

/* mkdir -p. */
rs_status rs_file_make_directories(const char *path) RS_MUST_CHECK;
/* mkdir of the last part alone, for what must not come back after its parent was removed; one that
 * is there already is fine. */
rs_status rs_file_make_directory(const char *path) RS_MUST_CHECK;

bool rs_file_exists(const char *path);

/* "dir/name" into *OUT, or a copy of NAME when it is absolute or DIR is NULL or empty. */
rs_status rs_path_join(const char *dir, const char *name, char **out) RS_MUST_CHECK;

/* Directory part of PATH ("." when it has none) into *OUT; release with free(). */
rs_status rs_path_directory(const char *path, char **out) RS_MUST_CHECK;

/* ---- faults on purpose ------------------------------------------------------------------------
 */

/* Tests kill the program where it hurts. SPEC is "NAME:N" or "NAME@TEXT:N": the process ends itself
 * by SIGKILL when it comes to fault point NAME (with a path that contains TEXT) for the N-th time.
 * NULL or a malformed one: nothing is armed, false. */
bool rs_fault_arm(const char *spec);
/* Fault points: `append`, `appended`, `journal-sync` in the journal; `sync`, `rename`, `renamed` in
 * every file that is replaced. */
void rs_fault_point(const char *name, const char *path);
/* Will that call be the last? */
bool rs_fault_is_next(const char *name, const char *path);

#endif
