#include "node.h"

#include "ranksweep/base.h"

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

void node_look(node *out) {
  *out = (node){0};
  if (gethostname(out->host, sizeof out->host - 1) != 0 || out->host[0] == '\0')
    snprintf(out->host, sizeof out->host, "unknown");
  processor(out->processor, sizeof out->processor);
  rs_utf8_repair(out->host);
  rs_utf8_repair(out->processor);
}
