/* Progress and log on stderr: a bar on a terminal, one line an event otherwise. */
#ifndef RANKSWEEP_CLI_DISPLAY_H
#define RANKSWEEP_CLI_DISPLAY_H

#include "ranksweep/sched.h"

typedef struct display {
  int columns; /* of the terminal; 0: plain lines */
  bool drawn;  /* a bar stands in the last line */
  double started;
  rs_log log; /* writes here */
} display;

void display_open(display *d, int columns);
/* A rs_coordinate_options.show; USER is the display. */
void display_show(void *user, const rs_run_view *view);
/* The bar at FRACTION of the whole, with TEXT beside it; nothing without a terminal. */
void display_progress(display *d, double fraction, const char *text);
/* Remove the bar. */
void display_close(display *d);

#endif
