/* Numbers and texts as they appear in messages, records and tables. */
#ifndef JOB_TEXT_H
#define JOB_TEXT_H

#include "ranksweep/base.h"

/* Append X with the fewest digits, at least PRECISION of them allowed, that read back to the same
 * double: 0.001, 1e-5, 1024. */
void rs_number_print(double x, int precision, rs_str *out);

/* Append TEXT in double quotes, escaped as JSON and YAML both read it. */
void rs_text_escape(const char *text, rs_str *out);

/* Append TEXT as people write it in a job file: in quotes only where it would read back as
 * something else. */
void rs_text_print(const char *text, rs_str *out);

/* Append `TEXT` for a message: shortened when long, control characters replaced. */
void rs_text_cite(const char *text, rs_str *out);

/* The text of S for a message, which must not get lost when there was no memory for S. */
const char *rs_text_shown(const rs_str *s);

/* Names a letter or two apart: how many insertions, deletions, replacements and swaps of neighbours
 * make A (N bytes) into B (M bytes), letter case aside. SIZE_MAX when either is too long to be a
 * name. */
size_t rs_name_distance(const char *a, size_t n, const char *b, size_t m);

/* The distance up to which a name of N bytes counts as a misspelling. */
size_t rs_name_tolerance(size_t n);

#endif
