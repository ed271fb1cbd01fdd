#include "provenance.h"

#include "ranksweep/comm.h"
#include "ranksweep/num.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "model name" of the first processor in /proc/cpuinfo. */
static void processor(char *out, size_t size) {
  char line[512];
  FILE *file = fopen("/proc/cpuinfo", "r");
  snprintf(out, size, "unknown");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    char *colon = strchr(line, ':');
    if (strncmp(line, "model name", 10) != 0 || colon == NULL) continue;
    colon[strcspn(colon, "\n")] = '\0';
    snprintf(out, size, "%s", colon + (colon[1] == ' ' ? 2 : 1));
    break;
  }
  if (file != NULL) fclose(file);
}

json_t *provenance_row(const rs_coordinate_options *options, const rs_transport *t) {
  char now[RS_CLOCK_TEXT], host[256] = "unknown", cpu[256], mpi[256];
  rs_clock_utc(now);
  gethostname(host, sizeof host - 1);
  processor(cpu, sizeof cpu);
  rs_comm_library(mpi, sizeof mpi);
  return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:s}", "time", now, "command",
                   options->command_line, "version", RS_VERSION, "host", host, "cpu", cpu,
                   "mpi_ranks", rs_transport_size(t), "threads", options->threads, "mpi", mpi,
                   "blas", rs_num_blas_config(), "blas_core", rs_num_blas_core());
}
