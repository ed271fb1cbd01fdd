/* What the parts of `ranksweep denoise` share. */
#ifndef RANKSWEEP_CLI_DENOISE_H
#define RANKSWEEP_CLI_DENOISE_H

#include "text/display.h"
#include "trained.h"

typedef struct denoise_options {
  const char *in, *out; /* "-": stdin, stdout */
  bool hard;
} denoise_options;

typedef struct denoise_report {
  double audio, seconds; /* of audio, and what they took */
} denoise_report;

/* Every channel of IN through MODEL into OUT, which appears whole or not at all. */
rs_status denoise_file(const denoise_options *options, const trained *model, display *d,
                       denoise_report *out) RS_MUST_CHECK;

#endif
