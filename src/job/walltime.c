/* Times as SLURM writes them. */
#include "ranksweep/job.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

enum { PARTS = 3, MOST_DIGITS = 9 };

/* Up to three numbers with colons between them; how many, 0: it is something else. */
static int read_parts(const char *text, double parts[PARTS]) {
  for (int n = 0; n < PARTS; n++) {
    char *rest;
    if (!isdigit((unsigned char)*text)) return 0;
    parts[n] = strtod(text, &rest);
    for (const char *c = text; c < rest; c++)
      if (!isdigit((unsigned char)*c) || c - text >= MOST_DIGITS) return 0;
    if (*rest == '\0') return n + 1;
    if (*rest != ':') return 0;
    text = rest + 1;
  }
  return 0;
}

double rs_walltime_seconds(const char *text) {
  const double minute = 60, hour = 60 * minute, day = 24 * hour;
  double parts[PARTS], days = 0;
  if (strcasecmp(text, "UNLIMITED") == 0) return INFINITY;
  char *dash = NULL;
  long whole = strtol(text, &dash, 10);
  bool dated = isdigit((unsigned char)text[0]) && *dash == '-' && dash - text <= MOST_DIGITS;
  if (dated) days = (double)whole;
  int n = read_parts(dated ? dash + 1 : text, parts);
  if (n == 0) return 0;
  /* behind days hours come first; else one or two numbers begin with minutes */
  double first = dated || n == PARTS ? hour : minute, sum = days * day;
  for (int i = 0; i < n; i++, first /= 60) sum += parts[i] * first;
  return sum;
}
