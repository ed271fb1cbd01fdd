/* Corpora: audio files below a folder, and whose they are. */
#include "ranksweep/data.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "corpus_match.h"

enum { DEEPEST = 16 }; /* folders below each other; more are a loop of links */

void rs_corpus_free(rs_corpus *corpus) {
  for (size_t i = 0; i < corpus->count; i++) {
    free(corpus->files[i].path);
    free(corpus->files[i].label);
  }
  free(corpus->files);
  *corpus = (rs_corpus){0};
}

/* ---- one file ----------------------------------------------------------------------------- */

/* What is known of a file's label on the way to it; NULL: nothing. */
typedef struct whose {
  const char *speaker; /* what {speaker} matched */
  const char *folder;
} whose;

/* The name of PATH without its ending, or up to its first '-' or '_'. */
static rs_status label_of_name(const char *path, bool whole, char **out) {
  const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
  const char *dot = strrchr(name, '.');
  size_t n = dot != NULL ? (size_t)(dot - name) : strlen(name);
  size_t cut = strcspn(name, "-_");
  if (!whole && cut > 0 && cut < n) n = cut;
  *out = strndup(name, n);
  return *out != NULL ? RS_OK : rs_fail(RS_ERR_NOMEM, "out of memory: a label");
}

static rs_status make_label(const char *path, rs_corpus_label rule, whose w, char **out) {
  if (w.speaker != NULL) return rs_strdup(out, w.speaker);
  if (rule == RS_LABEL_FILE) return label_of_name(path, true, out);
  if (w.folder != NULL) return rs_strdup(out, w.folder);
  return label_of_name(path, false, out);
}

static rs_status add_file(rs_corpus *c, rs_corpus_label rule, const char *path, whose w) {
  RS_TRY(rs_grow(&c->files, &c->cap, c->count + 1, sizeof *c->files));
  rs_corpus_file *file = &c->files[c->count];
  RS_TRY(rs_strdup(&file->path, path));
  rs_status status = make_label(path, rule, w, &file->label);
  if (status == RS_OK)
    c->count++;
  else
    free(file->path);
  return status;
}

/* ---- folders ------------------------------------------------------------------------------ */

typedef struct walk {
  rs_corpus *corpus;
  rs_corpus_label rule;
  int depth;
} walk;

/* Something that is looked at in a folder: NAME, at PATH. */
typedef rs_status visit(walk *w, const char *path, const char *name, void *user);

static bool is_directory(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static rs_status visit_names(walk *w, DIR *directory, const char *path, visit *function,
                             void *user) {
  for (;;) {
    char *child;
    errno = 0;
    const struct dirent *e = readdir(directory);
    if (e == NULL) return errno == 0 ? RS_OK : rs_fail_errno("%s: cannot read the folder", path);
    if (e->d_name[0] == '.') continue;
    RS_TRY(rs_path_join(path, e->d_name, &child));
    rs_status status = function(w, child, e->d_name, user);
    free(child);
    RS_TRY(status);
  }
}

/* Calls FUNCTION for all names of the folder PATH that are not hidden. */
static rs_status each_name(walk *w, const char *path, visit *function, void *user) {
  if (++w->depth > DEEPEST)
    return rs_fail(RS_ERR_DATA, "%s: expected at most %d folders below each other, found more",
                   path, DEEPEST);
  DIR *directory = opendir(path);
  if (directory == NULL) {
    (void)rs_fail_errno("%s: cannot look into the folder", path);
    return RS_ERR_DATA;
  }
  rs_status status = visit_names(w, directory, path, function, user);
  closedir(directory);
  w->depth--;
  return status;
}

/* USER: the whose of the folder. */
static rs_status collect(walk *w, const char *path, const char *name, void *user) {
  whose known = *(whose *)user;
  if (is_directory(path)) {
    if (known.folder == NULL) known.folder = name;
    return each_name(w, path, collect, &known);
  }
  return rs_corpus_is_audio(name) ? add_file(w->corpus, w->rule, path, known) : RS_OK;
}

/* ---- patterns ----------------------------------------------------------------------------- */

/* What is left of a pattern below a folder, and what is known so far. */
typedef struct rest {
  const char *part;  /* NUL-terminated copy of the part that is next */
  const char *after; /* the parts behind it */
  whose known;
} rest;

static rs_status expand(walk *w, const char *path, const char *pattern, whose known);

static rs_status try_name(walk *w, const char *path, const char *name, void *user) {
  const rest *r = user;
  const char *speaker;
  size_t length;
  whose known = r->known;
  if (!rs_corpus_part_matches(r->part, name, &speaker, &length)) return RS_OK;
  if (known.folder == NULL && is_directory(path)) known.folder = name;
  if (speaker == NULL) return expand(w, path, r->after, known);
  char *copy = strndup(speaker, length);
  if (copy == NULL) return rs_fail(RS_ERR_NOMEM, "out of memory: a label");
  known.speaker = copy;
  rs_status status = expand(w, path, r->after, known);
  free(copy);
  return status;
}

/* PATH is what a whole pattern comes to. */
static rs_status arrive(walk *w, const char *path, whose known) {
  if (is_directory(path)) return each_name(w, path, collect, &known);
  return rs_corpus_is_audio(path) ? add_file(w->corpus, w->rule, path, known) : RS_OK;
}

static rs_status expand_part(walk *w, const char *path, rest *r) {
  if (rs_corpus_part_is_pattern(r->part))
    return is_directory(path) ? each_name(w, path, try_name, r) : RS_OK;
  char *child;
  struct stat info;
  RS_TRY(rs_path_join(path, r->part, &child));
  rs_status status = RS_OK;
  if (lstat(child, &info) == 0) status = expand(w, child, r->after, r->known);
  free(child);
  return status;
}

/* All that PATTERN comes to below PATH. */
static rs_status expand(walk *w, const char *path, const char *pattern, whose known) {
  pattern += strspn(pattern, "/");
  size_t n = strcspn(pattern, "/");
  if (n == 0) return arrive(w, path, known);
  char *part = strndup(pattern, n);
  if (part == NULL) return rs_fail(RS_ERR_NOMEM, "out of memory: a pattern");
  rest r = {.part = part, .after = pattern + n, .known = known};
  rs_status status = expand_part(w, path, &r);
  free(part);
  return status;
}

/* ---- corpora ------------------------------------------------------------------------------ */

static int by_path(const void *a, const void *b) {
  const rs_corpus_file *x = a, *y = b;
  int order = strcmp(x->path, y->path);
  return order != 0 ? order : strcmp(x->label, y->label);
}

static void drop_repeated(rs_corpus *c) {
  size_t kept = 0;
  for (size_t i = 0; i < c->count; i++) {
    if (kept > 0 && strcmp(c->files[i].path, c->files[kept - 1].path) == 0) {
      free(c->files[i].path);
      free(c->files[i].label);
    } else {
      c->files[kept++] = c->files[i];
    }
  }
  c->count = kept;
}

static rs_status check_root(const char *path) {
  struct stat info;
  if (path == NULL || path[0] == '\0')
    return rs_fail(RS_ERR_USAGE, "expected a folder with audio files, found no path");
  if (stat(path, &info) != 0) {
    (void)rs_fail_errno("%s: expected a folder with audio files", path);
    return RS_ERR_DATA;
  }
  if (S_ISDIR(info.st_mode)) return RS_OK;
  return rs_fail(RS_ERR_DATA, "%s: expected a folder with audio files, found a file", path);
}

static rs_status add_pattern(const rs_corpus_spec *spec, const char *pattern, rs_corpus *out) {
  walk w = {.corpus = out, .rule = spec->label};
  const size_t before = out->count;
  RS_TRY(expand(&w, pattern[0] == '/' ? "/" : spec->path, pattern, (whose){0}));
  if (out->count > before) return RS_OK;
  return rs_fail(RS_ERR_DATA,
                 "%s: expected audio files (.wav .flac .ogg .oga .opus) for \"%s\", found none",
                 spec->path, pattern);
}

/* In one order whatever the order of folders; patterns may overlap. Two ways to one file that
 * disagree about its label are settled by the order of the labels. */
static void put_in_order(rs_corpus *c) {
  qsort(c->files, c->count, sizeof *c->files, by_path);
  drop_repeated(c);
}

rs_status rs_corpus_list(const rs_corpus_spec *spec, rs_corpus *out) {
  *out = (rs_corpus){0};
  rs_status status = check_root(spec->path);
  if (status == RS_OK && spec->pattern_count == 0) status = add_pattern(spec, "", out);
  for (size_t i = 0; status == RS_OK && i < spec->pattern_count; i++)
    status = add_pattern(spec, spec->patterns[i], out);
  if (status == RS_OK)
    put_in_order(out);
  else
    rs_corpus_free(out);
  return status;
}
