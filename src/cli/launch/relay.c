/* mpirun: Open MPI wraps each of its reports in two lines of dashes. Known ones are kept as facts;
 * unknown ones (no such host, too few slots) go on to the user as they are. */
#include "relay.h"

#include <stdio.h>
#include <string.h>

enum { RULE_LENGTH = 60, REPORT_MAX = 16384 };

void relay_open(relay *r, void (*write)(void *user, const char *bytes, size_t n), void *user) {
  *r = (relay){.write = write, .user = user, .line_start = true, .report.rank = -1};
}

/* ---- reports -------------------------------------------------------------------------------- */

/* Words of TEXT with one space between them: reports are wrapped as names are long. */
static void join_lines(const char *text, char *out, size_t size) {
  size_t n = 0;
  for (; *text != '\0' && n + 1 < size; text++) {
    bool space = strchr(" \t\r\n", *text) != NULL;
    if (!space)
      out[n++] = *text;
    else if (n > 0 && out[n - 1] != ' ')
      out[n++] = ' ';
  }
  out[n] = '\0';
}

static bool is_signal(const char *text, relay_report *out) {
  const char *at = strstr(text, "noticed that process rank ");
  out->cause = RELAY_SIGNAL;
  return at != NULL &&
         sscanf(at, "noticed that process rank %d with PID %*d on node %255s exited on signal %d",
                &out->rank, out->host, &out->number) == 3;
}

static bool is_abort(const char *text, relay_report *out) {
  const char *at = strstr(text, "MPI_ABORT was invoked on rank ");
  const char *code = strstr(text, "with errorcode ");
  out->cause = RELAY_ABORT;
  return at != NULL && code != NULL &&
         sscanf(at, "MPI_ABORT was invoked on rank %d", &out->rank) == 1 &&
         sscanf(code, "with errorcode %d", &out->number) == 1;
}

static bool is_exit(const char *text, relay_report *out) {
  const char *at = strstr(text, "Process name: [[");
  out->cause = RELAY_EXIT;
  return at != NULL &&
         sscanf(at, "Process name: [[%*d,%*d],%d] Exit code: %d", &out->rank, &out->number) == 2;
}

static bool is_improper_exit(const char *text, relay_report *out) {
  const char *at = strstr(text, "exited due to process rank ");
  out->cause = RELAY_EXIT;
  return at != NULL && strstr(text, "exiting improperly") != NULL &&
         sscanf(at, "exited due to process rank %d with PID %*d on node %255s", &out->rank,
                out->host) == 2;
}

static bool is_lost_host(const char *text, relay_report *out) {
  const char *at = strstr(text, "Remote daemon: ");
  out->cause = RELAY_HOST_LOST;
  out->rank = -1;
  if (strstr(text, "lost communication with a remote daemon") == NULL) return false;
  if (at == NULL || sscanf(at, "Remote daemon: %*s on node %255s", out->host) != 1)
    out->host[0] = '\0';
  return true;
}

/* Says nothing that the other reports do not, or is about a signal that came while the run ended.
 */
static bool is_idle_talk(const char *text) {
  return strstr(text, "Per user-direction, the job has been aborted") != NULL ||
         strstr(text, "ORTE does not know how to route a message to the specified daemon") != NULL;
}

/* The first report counts: what follows is its consequence. But a node is lost for good. */
static void keep(relay *r, const relay_report *found) {
  char lost[sizeof r->report.lost];
  snprintf(lost, sizeof lost, "%s", found->cause == RELAY_HOST_LOST ? found->host : r->report.lost);
  if (r->report.cause == RELAY_NOTHING) r->report = *found;
  memcpy(r->report.lost, lost, sizeof lost);
}

/* False: not a report that we know. */
static bool understand(relay *r, const char *text) {
  static bool (*const kinds[])(const char *text, relay_report *out) = {
      is_signal, is_abort, is_exit, is_improper_exit, is_lost_host};
  for (size_t i = 0; i < RS_COUNT(kinds); i++) {
    relay_report found = {.rank = -1};
    if (!kinds[i](text, &found)) continue;
    keep(r, &found);
    return true;
  }
  return is_idle_talk(text);
}

/* ---- srun ----------------------------------------------------------------------------------- */

/* "Killed", "Segmentation fault (core dumped)": a signal's name; 0: none. */
static int signal_named(const char *text) {
  for (int signal = 1; signal < 32; signal++) {
    const char *name = strsignal(signal);
    if (strncmp(text, name, strlen(name)) == 0) return signal;
  }
  return 0;
}

/* "h2: task 1: Killed", "h2: task 1: Exited with exit code 3"; "h[1-2]: tasks 1-2,4: Killed" of
 * several that ended alike, of which the first is told. */
static bool is_task(const char *text, relay_report *out) {
  int end = 0;
  if (sscanf(text, "%255[^:]: task %d: %n", out->host, &out->rank, &end) != 2 || end == 0) {
    if (sscanf(text, "%255[^:]: tasks %d%*[-,0-9]: %n", out->host, &out->rank, &end) != 2 ||
        end == 0)
      return false;
  }
  out->cause = RELAY_EXIT;
  if (sscanf(text + end, "Exited with exit code %d", &out->number) == 1) return true;
  out->cause = RELAY_SIGNAL;
  out->number = signal_named(text + end);
  return out->number > 0;
}

static bool is_lost_node(const char *text, relay_report *out) {
  const char *at = strstr(text, " failed on node ");
  out->cause = RELAY_HOST_LOST;
  out->rank = -1;
  bool launching = at != NULL && strncmp(text, "Task launch for ", 16) == 0;
  return sscanf(text, "Node failure on %255[^ :]", out->host) == 1 ||
         (launching && sscanf(at, " failed on node %255[^ :]", out->host) == 1);
}

static void read_line(relay *r) {
  static const char start[] = "srun: error: ";
  relay_report found = {.rank = -1};
  r->line[r->line_length] = '\0';
  r->line_length = 0;
  if (strncmp(r->line, start, sizeof start - 1) != 0) return;
  const char *text = r->line + sizeof start - 1;
  if (is_lost_node(text, &found)) {
    keep(r, &found);
    return;
  }
  found = (relay_report){.rank = -1};
  if (r->tasks_are_ranks && is_task(text, &found)) keep(r, &found);
}

/* srun's lines go on to the user like any other; they are only looked at. */
static void watch_lines(relay *r, const char *bytes, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (bytes[i] == '\n')
      read_line(r);
    else if (r->line_length + 1 < sizeof r->line)
      r->line[r->line_length++] = bytes[i];
  }
}

/* ---- the stream ----------------------------------------------------------------------------- */

static void let_go(relay *r) {
  if (r->held.len > 0) r->write(r->user, r->held.text, r->held.len);
  rs_str_clear(&r->held);
  r->in_report = false;
}

/* Is the last line held a rule? */
static bool ends_with_rule(const rs_str *held) {
  size_t dashes = 0, end = held->len;
  if (end > 0 && held->text[end - 1] == '\n') end--;
  while (dashes < end && held->text[end - 1 - dashes] == '-') dashes++;
  bool whole_line = dashes == end || held->text[end - 1 - dashes] == '\n';
  return whole_line && dashes >= RULE_LENGTH;
}

static void end_held_line(relay *r) {
  if (!ends_with_rule(&r->held)) {
    if (!r->in_report || r->held.len > REPORT_MAX) let_go(r);
    return;
  }
  if (!r->in_report) {
    r->in_report = true;
    return;
  }
  char text[REPORT_MAX];
  join_lines(r->held.text, text, sizeof text);
  if (understand(r, text)) rs_str_clear(&r->held);
  let_go(r);
}

/* One byte at the beginning of a line, or of what is held. */
static void take(relay *r, char c) {
  r->line_start = c == '\n';
  if (!r->in_report && r->held.len == 0 && c != '-') {
    r->write(r->user, &c, 1);
    return;
  }
  rs_str_addn(&r->held, &c, 1);
  bool may_be_report = r->in_report || c == '-' || c == '\n';
  if (rs_str_status(&r->held) != RS_OK || !may_be_report)
    let_go(r);
  else if (c == '\n')
    end_held_line(r);
}

void relay_feed(relay *r, const char *bytes, size_t n) {
  watch_lines(r, bytes, n);
  while (n > 0) {
    size_t taken = 1;
    if (r->held.len > 0 || r->line_start) {
      take(r, *bytes);
    } else { /* the rest of a rank's line goes on in one piece */
      const char *newline = memchr(bytes, '\n', n);
      taken = newline != NULL ? (size_t)(newline - bytes) + 1 : n;
      r->write(r->user, bytes, taken);
      r->line_start = newline != NULL;
    }
    bytes += taken;
    n -= taken;
  }
}

void relay_close(relay *r) {
  let_go(r);
  rs_str_free(&r->held);
}

void relay_describe(const relay_report *report, char *out, size_t size) {
  char who[300];
  if (report->rank >= 0)
    snprintf(who, sizeof who, "rank %d%s%s", report->rank, report->host[0] != '\0' ? " on " : "",
             report->host);
  else
    snprintf(who, sizeof who, "%s", report->host[0] != '\0' ? report->host : "a node");
  switch (report->cause) {
  case RELAY_NOTHING: snprintf(out, size, "no rank is known to have failed"); break;
  case RELAY_SIGNAL:
    snprintf(out, size, "%s was killed by signal %d (%s)", who, report->number,
             strsignal(report->number));
    break;
  case RELAY_EXIT:
    snprintf(out, size, "%s left with exit status %d in the middle of the run", who,
             report->number);
    break;
  case RELAY_ABORT:
    snprintf(out, size, "%s ended the run with error code %d", who, report->number);
    break;
  case RELAY_HOST_LOST: snprintf(out, size, "%s does not answer any more", who); break;
  }
}
