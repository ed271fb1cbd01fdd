#include "deadline.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* "2:30:00" or "30:00" */
static bool parse_clock(const char *text, double *seconds) {
  int a, b, c, end = 0;
  if (sscanf(text, "%d:%2d:%2d%n", &a, &b, &c, &end) == 3 && text[end] == '\0')
    *seconds = 3600.0 * a + 60.0 * b + c;
  else if (sscanf(text, "%d:%2d%n", &a, &b, &end) == 2 && text[end] == '\0')
    *seconds = 60.0 * a + (c = b);
  else
    return false;
  return a >= 0 && b >= 0 && b < 60 && c >= 0 && c < 60;
}

/* Seconds of the unit that *TEXT begins with, which is passed over; 0: none. Nothing at all means
 * seconds. */
static double take_unit(const char **text) {
  static const struct {
    const char *name;
    double seconds;
  } units[] = {{"d", 86400}, {"h", 3600}, {"min", 60}, {"m", 60}, {"s", 1}};
  if (**text == '\0') return 1;
  for (size_t i = 0; i < RS_COUNT(units); i++) {
    size_t n = strlen(units[i].name);
    if (strncmp(*text, units[i].name, n) != 0 || isalpha((unsigned char)(*text)[n])) continue;
    *text += n;
    return units[i].seconds;
  }
  return 0;
}

static void skip_spaces(const char **text) {
  while (**text == ' ') ++*text;
}

/* "1h30m", "90 s", "5400" */
static bool parse_span(const char *text, double *seconds) {
  *seconds = 0;
  do {
    char *end;
    if (!isdigit((unsigned char)*text)) return false;
    double number = strtod(text, &end);
    text = end;
    skip_spaces(&text);
    double unit = take_unit(&text);
    if (unit == 0 || !isfinite(number)) return false;
    *seconds += number * unit;
    skip_spaces(&text);
  } while (*text != '\0');
  return true;
}

static bool parse_moment(const char *text, deadline *out) {
  struct tm moment = {0};
  const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &moment);
  if (end == NULL || (strcmp(end, "Z") != 0 && *end != '\0')) return false;
  *out = (double)timegm(&moment);
  return true;
}

rs_status deadline_parse(const char *text, double now, deadline *out) {
  const double longest = 10 * 365.25 * 86400;
  double seconds;
  *out = 0;
  deadline moment;
  if (parse_moment(text, &moment))
    seconds = moment - now;
  else if (!parse_clock(text, &seconds) && !parse_span(text, &seconds))
    return rs_fail(RS_ERR_USAGE,
                   "--deadline %s: expected a time from now (90 s, 45 min, 1h30m, 2:30:00) or a "
                   "moment in UTC (2026-03-01T18:00:00Z)",
                   text);
  if (seconds <= 0 || seconds > longest)
    return rs_fail(RS_ERR_USAGE, "--deadline %s: %s", text,
                   seconds <= 0 ? "is over already" : "is more than ten years away");
  *out = now + seconds;
  return RS_OK;
}

double deadline_stop_time(deadline end, double total) {
  const double shortest = 1, longest = 60;
  double margin = total / 10;
  if (margin < shortest) margin = shortest;
  return end - (margin < longest ? margin : longest);
}

rs_status deadline_choose(const char *option, deadline slurm_end, double now, deadline *stop) {
  const char *chosen = getenv(DEADLINE_VARIABLE);
  deadline end = 0;
  *stop = 0;
  if (chosen != NULL) { /* at a restart the moment may be over: that is a stop, not a mistake */
    *stop = strtod(chosen, NULL);
    return RS_OK;
  }
  if (option != NULL) RS_TRY(deadline_parse(option, now, &end));
  if (slurm_end > now && (end == 0 || slurm_end < end)) end = slurm_end;
  if (end > 0) *stop = deadline_stop_time(end, end - now);
  return RS_OK;
}

void deadline_hand_on(deadline stop) {
  char text[32];
  snprintf(text, sizeof text, "%.3f", stop);
  if (stop > 0) setenv(DEADLINE_VARIABLE, text, 1);
}
