/* Our half of dsp_against_references.py: does one thing to raw float32 files.
 *
 * usage: oracle_dsp stft WINDOW HOP SIGNAL SPECTRUM | istft WINDOW HOP SAMPLES SPECTRUM SIGNAL |
 *        stoi CLEAN PROCESSED */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ranksweep/dsp.h"

static void check(rs_status status) {
  if (status == RS_OK) return;
  fprintf(stderr, "%s\n", rs_error_message());
  exit(1);
}

/* All floats of PATH. */
static float *read_floats(const char *path, size_t *n) {
  char *bytes;
  size_t length;
  float *x;
  check(rs_file_read(path, (size_t)1 << 30, &bytes, &length));
  *n = length / sizeof *x;
  check(rs_new(&x, *n, sizeof *x));
  memcpy(x, bytes, *n * sizeof *x);
  free(bytes);
  return x;
}

static rs_stft *make_stft(char **argv) {
  rs_stft_spec spec = {strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10)};
  rs_stft *stft;
  check(rs_stft_create(&spec, &stft));
  return stft;
}

static void forward(char **argv) {
  size_t n;
  rs_stft *stft = make_stft(argv);
  float *x = read_floats(argv[4], &n);
  size_t size = rs_stft_frames(stft, n) * rs_stft_bins(stft);
  rs_cfloat *spectrum;
  check(rs_new(&spectrum, size, sizeof *spectrum));
  check(rs_stft_forward(stft, n, x, spectrum));
  check(rs_file_replace(argv[5], spectrum, size * sizeof *spectrum));
  free(x);
  free(spectrum);
  rs_stft_destroy(stft);
}

static void inverse(char **argv) {
  size_t n = strtoul(argv[4], NULL, 10), floats;
  rs_stft *stft = make_stft(argv);
  float *spectrum = read_floats(argv[5], &floats), *x;
  if (floats != 2 * rs_stft_frames(stft, n) * rs_stft_bins(stft)) {
    fprintf(stderr, "%s: wrong size\n", argv[5]);
    exit(1);
  }
  check(rs_new(&x, n, sizeof *x));
  check(rs_stft_inverse(stft, n, (const rs_cfloat *)spectrum, x));
  check(rs_file_replace(argv[6], x, n * sizeof *x));
  free(x);
  free(spectrum);
  rs_stft_destroy(stft);
}

static void stoi(char **argv) {
  size_t n[2];
  double value;
  float *clean = read_floats(argv[2], &n[0]), *processed = read_floats(argv[3], &n[1]);
  check(rs_measure_stoi(n[0] < n[1] ? n[0] : n[1], clean, processed, &value));
  printf("%.9f\n", value);
  free(clean);
  free(processed);
}

int main(int argc, char **argv) {
  if (argc == 6 && strcmp(argv[1], "stft") == 0)
    forward(argv);
  else if (argc == 7 && strcmp(argv[1], "istft") == 0)
    inverse(argv);
  else if (argc == 4 && strcmp(argv[1], "stoi") == 0)
    stoi(argv);
  else
    return 2;
  return 0;
}
