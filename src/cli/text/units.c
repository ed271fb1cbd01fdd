/* Numbers for people. */
#include "cli.h"

#include <math.h>
#include <string.h>

void print_grouped(char *out, size_t size, double whole) {
  char digits[64];
  int n = snprintf(digits, sizeof digits, "%.0f", whole), used = 0;
  for (int i = 0; i < n && (size_t)used + 2 < size; i++) {
    int left = n - i;
    if (i > 0 && left % 3 == 0 && digits[i - 1] != '-') out[used++] = ',';
    out[used++] = digits[i];
  }
  out[used] = '\0';
}

static void print_scaled(char *out, size_t size, double value, double base,
                         const char *const *units, size_t n) {
  size_t i = 0;
  while (i + 1 < n && fabs(value) >= base) {
    value /= base;
    i++;
  }
  snprintf(out, size, i == 0 ? "%.0f %s" : "%.3g %s", value, units[i]);
}

void print_bytes(char *out, size_t size, double bytes) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  print_scaled(out, size, bytes, 1024, units, RS_COUNT(units));
}

void print_flops(char *out, size_t size, double flops) {
  static const char *const units[] = {"FLOP", "KFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP"};
  print_scaled(out, size, flops, 1000, units, RS_COUNT(units));
}

void print_seconds(char *out, size_t size, double s) {
  if (!isfinite(s))
    snprintf(out, size, "?");
  else if (s < 1)
    snprintf(out, size, "%.0f ms", 1e3 * s);
  else if (s < 60)
    snprintf(out, size, "%.1f s", s);
  else if (s < 3600)
    snprintf(out, size, "%d min %02d s", (int)s / 60, (int)s % 60);
  else
    snprintf(out, size, "%d h %02d min", (int)(s / 3600), (int)s / 60 % 60);
}
