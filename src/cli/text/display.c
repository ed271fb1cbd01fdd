#include "display.h"

#include "cli.h"

#include <math.h>
#include <string.h>

static void erase(display *d) {
  if (d->drawn) fputs("\r\033[K", stderr);
  d->drawn = false;
}

static void write_line(void *user, rs_log_level level, const char *line) {
  static const char *const marks[] = {"", "", "warning: ", "error: "};
  display *d = user;
  /* The bar tells what an event line would; on a terminal only trouble is written above it. */
  if (d->columns > 0 && level < RS_LOG_WARN) return;
  erase(d);
  fprintf(stderr, "[%8.1f s] %s%s\n", rs_clock_now() - d->started, marks[level], line);
}

void display_open(display *d, int columns) {
  *d = (display){.columns = columns, .started = rs_clock_now()};
  d->log = (rs_log){.write = write_line, .user = d, .threshold = RS_LOG_INFO};
}

static void add_bar(rs_str *line, double fraction) {
  enum { WIDTH = 24 };
  double whole = fraction < 0 ? 0 : fraction > 1 ? 1 : fraction;
  int full = (int)(whole * WIDTH + 0.5);
  for (int i = 0; i < WIDTH; i++) rs_str_add(line, i < full ? "█" : "░");
  rs_str_addf(line, " %3.0f%%", 100 * whole);
}

static void add_running(rs_str *line, const rs_run_view *view) {
  if (view->n_running == 0) return;
  const rs_running_view *r = &view->running[0];
  rs_str_addf(line, "  %s", r->name);
  if (r->epochs > 0)
    rs_str_addf(line, " epoch %zu/%zu", r->epoch < r->epochs ? r->epoch + 1 : r->epochs, r->epochs);
  if (isfinite(r->loss)) rs_str_addf(line, " loss %.4g", r->loss);
  if (view->n_running > 1) rs_str_addf(line, " (+%zu running)", view->n_running - 1);
}

/* Cut to the terminal's width, counting characters. */
static void cut(rs_str *line, int columns) {
  int seen = 0;
  for (size_t i = 0; i < line->len; i++) {
    if (((unsigned char)line->text[i] & 0xc0) == 0x80) continue;
    if (++seen < columns) continue;
    line->text[i] = '\0';
    line->len = i;
  }
}

/* LINE in place of the last one. */
static void draw(display *d, rs_str *line) {
  if (rs_str_status(line) != RS_OK) return;
  cut(line, d->columns);
  fprintf(stderr, "\r\033[K%s", line->text);
  fflush(stderr);
  d->drawn = true;
}

void display_show(void *user, const rs_run_view *view) {
  display *d = user;
  char eta[32];
  if (d->columns == 0) return;
  rs_str line = {0};
  print_seconds(eta, sizeof eta, view->eta);
  add_bar(&line, view->fraction);
  rs_str_addf(&line, "  %zu/%zu trials", view->trials_done + view->trials_failed,
              view->trials_total);
  if (view->trials_failed > 0) rs_str_addf(&line, ", %zu failed", view->trials_failed);
  rs_str_addf(&line, "  ETA %s", eta);
  add_running(&line, view);
  draw(d, &line);
  rs_str_free(&line);
}

void display_progress(display *d, double fraction, const char *text) {
  if (d->columns == 0) return;
  rs_str line = {0};
  add_bar(&line, fraction);
  rs_str_addf(&line, "  %s", text);
  draw(d, &line);
  rs_str_free(&line);
}

void display_close(display *d) {
  erase(d);
}
