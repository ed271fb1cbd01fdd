/* Time. */
#include "ranksweep/base.h"

#include <time.h>

double rs_clock_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void rs_clock_sleep(double seconds) {
  if (seconds <= 0) return;
  time_t whole = (time_t)seconds;
  struct timespec t = {.tv_sec = whole, .tv_nsec = (long)((seconds - (double)whole) * 1e9)};
  nanosleep(&t, NULL);
}

void rs_clock_utc(char out[RS_CLOCK_TEXT]) {
  time_t now = time(NULL);
  struct tm parts;
  gmtime_r(&now, &parts);
  strftime(out, RS_CLOCK_TEXT, "%Y-%m-%dT%H:%M:%SZ", &parts);
}
