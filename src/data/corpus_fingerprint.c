/* What tells one set of audio files from another: names and bytes of all of them in one checksum.
 */
#include "ranksweep/data.h"

#include <inttypes.h>
#include <string.h>

#include "fingerprint.h"

/* PATH without ROOT and the slashes behind it. */
static const char *below(const char *root, const char *path) {
  size_t n = strlen(root);
  if (strncmp(path, root, n) != 0) return path;
  path += n;
  return path + strspn(path, "/");
}

static rs_status checksum_of(const char *root, const rs_corpus *corpus, uint64_t *out) {
  rs_str lines = {0};
  rs_status status = RS_OK;
  *out = 0;
  for (size_t i = 0; status == RS_OK && i < corpus->count; i++) {
    uint64_t sum;
    status = rs_fingerprint_file(corpus->files[i].path, &sum);
    if (status == RS_OK)
      rs_str_addf(&lines, "%016" PRIx64 " %s\n", sum, below(root, corpus->files[i].path));
  }
  if (status == RS_OK) status = rs_str_status(&lines);
  if (status == RS_OK) *out = rs_checksum(lines.text, lines.len);
  rs_str_free(&lines);
  return status;
}

/* "<pattern>=": items are told apart by ';' and their parts by '='. */
static void add_name(const char *pattern, rs_str *out) {
  if (out->len > 0) rs_str_add(out, "; ");
  for (const char *p = pattern[0] != '\0' ? pattern : "."; *p != '\0'; p++)
    rs_str_addn(out, *p == ';' || *p == '=' ? "?" : p, 1);
  rs_str_add(out, "=");
}

static rs_status add_pattern(const rs_corpus_spec *spec, const char *pattern, rs_str *out) {
  rs_corpus_spec only = *spec;
  rs_corpus corpus;
  uint64_t sum;
  only.pattern_count = 1;
  only.patterns = &pattern;
  RS_TRY(rs_corpus_list(&only, &corpus));
  rs_status status = checksum_of(spec->path, &corpus, &sum);
  if (status == RS_OK) {
    add_name(pattern, out);
    rs_str_addf(out, "%016" PRIx64 " (%zu files)", sum, corpus.count);
  }
  rs_corpus_free(&corpus);
  return status;
}

rs_status rs_trial_list_fingerprint(const char *path, const char *root, rs_str *out) {
  rs_trial_list list;
  uint64_t sums[2] = {0, 0}; /* of the list, of its recordings */
  RS_TRY(rs_trial_list_read(path, root, &list));
  rs_status status = rs_fingerprint_file(path, &sums[0]);
  if (status == RS_OK) status = checksum_of(root, &list.files, &sums[1]);
  if (status == RS_OK) {
    add_name(path, out);
    rs_str_addf(out, "%016" PRIx64 " (%zu pairs of %zu files)", rs_checksum(sums, sizeof sums),
                list.n, list.files.count);
    status = rs_str_status(out);
  }
  rs_trial_list_free(&list);
  return status;
}

rs_status rs_corpus_fingerprint(const rs_corpus_spec *spec, rs_str *out) {
  if (spec->pattern_count == 0) RS_TRY(add_pattern(spec, "", out));
  for (size_t i = 0; i < spec->pattern_count; i++)
    RS_TRY(add_pattern(spec, spec->patterns[i], out));
  return rs_str_status(out);
}
