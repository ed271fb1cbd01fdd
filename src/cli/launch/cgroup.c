/* See proc(5) and cgroups(7) for the files. */
#include "cgroup.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 3 * PATH_MAX };

/* Where a hierarchy is mounted, from ROOT on, and the group of this process below it ("" or
 * "/a/b"). */
typedef struct hierarchy {
  char mount[PATH_MAX], group[PATH_MAX];
} hierarchy;

/* Is WORD one of the comma-separated words of LIST? */
static bool lists(const char *list, const char *word) {
  size_t length = strlen(word);
  for (;;) {
    if (strncmp(list, word, length) == 0 && strchr(",\n", list[length]) != NULL) return true;
    list = strchr(list, ',');
    if (list == NULL) return false;
    list++;
  }
}

/* The mount point and the part of the hierarchy seen there, of version 2 (CONTROLLER NULL) or of a
 * controller of version 1. */
static bool read_mount(char *line, const char *controller, char **point, char **part) {
  char *super, *kind = strstr(line, " - "), *rest;
  if (kind == NULL) return false;
  *kind = '\0';
  kind += 3;
  super = strrchr(kind, ' ');
  if (super == NULL ||
      strncmp(kind, controller == NULL ? "cgroup2 " : "cgroup ", controller == NULL ? 8 : 7) != 0)
    return false;
  if (controller != NULL && !lists(super + 1, controller)) return false;
  strtok_r(line, " ", &rest); /* id, parent, device */
  strtok_r(NULL, " ", &rest);
  strtok_r(NULL, " ", &rest);
  *part = strtok_r(NULL, " ", &rest);
  *point = strtok_r(NULL, " ", &rest);
  return *point != NULL;
}

/* "4:memory:/a/b", "0::/a/b" */
static bool read_group(char *line, const char *controller, char **group) {
  char *names = strchr(line, ':'), *path = names != NULL ? strchr(names + 1, ':') : NULL;
  if (path == NULL) return false;
  *path = '\0';
  *group = path + 1;
  (*group)[strcspn(*group, "\n")] = '\0';
  return controller == NULL ? names[1] == '\0' : lists(names + 1, controller);
}

static FILE *open_below(const char *root, const char *path) {
  char name[PATH_MAX];
  return snprintf(name, sizeof name, "%s%s", root, path) < PATH_MAX ? fopen(name, "r") : NULL;
}

static bool find_mount(const char *root, const char *controller, hierarchy *h,
                       char part[PATH_MAX]) {
  char line[LINE], *point, *seen;
  bool found = false;
  FILE *file = open_below(root, "/proc/self/mountinfo");
  while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
    found = read_mount(line, controller, &point, &seen);
    if (!found) continue;
    found = snprintf(h->mount, PATH_MAX, "%s%s", root, point) < PATH_MAX;
    snprintf(part, PATH_MAX, "%s", seen);
  }
  if (file != NULL) fclose(file);
  return found;
}

/* A container may see its own group as the root of the hierarchy: PART is left out of the name. */
static void find_group(const char *root, const char *controller, const char *part, hierarchy *h) {
  char line[LINE], *group;
  size_t length = strcmp(part, "/") == 0 ? 0 : strlen(part);
  FILE *file = open_below(root, "/proc/self/cgroup");
  h->group[0] = '\0';
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    if (!read_group(line, controller, &group)) continue;
    bool below = strncmp(group, part, length) == 0 && strchr("/", group[length]) != NULL;
    if (below) group += length;
    snprintf(h->group, PATH_MAX, "%s", strcmp(group, "/") == 0 ? "" : group);
  }
  if (file != NULL) fclose(file);
}

/* ---- limits --------------------------------------------------------------------------------- */

/* A limit of one group, 0: none. */
typedef double (*group_limit)(const char *group);

/* The first two numbers of GROUP/NAME; how many there are: "max" is none. */
static int read_numbers(const char *group, const char *name, double out[2]) {
  char path[2 * PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", group, name);
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0;
  int n = fscanf(file, "%lf %lf", &out[0], &out[1]);
  fclose(file);
  return n > 0 ? n : 0;
}

static double cpus_v2(const char *group) {
  double n[2]; /* microseconds of work, in so many of time */
  return read_numbers(group, "cpu.max", n) == 2 && n[1] > 0 ? n[0] / n[1] : 0;
}

static double cpus_v1(const char *group) {
  double quota[2], period[2];
  if (read_numbers(group, "cpu.cfs_quota_us", quota) < 1 || quota[0] <= 0) return 0;
  if (read_numbers(group, "cpu.cfs_period_us", period) < 1 || period[0] <= 0) return 0;
  return quota[0] / period[0];
}

static double memory_v2(const char *group) {
  double n[2];
  return read_numbers(group, "memory.max", n) > 0 ? n[0] : 0;
}

static double memory_v1(const char *group) {
  const double none = 0x1p60; /* the kernel writes 2^63 less a page */
  double n[2];
  return read_numbers(group, "memory.limit_in_bytes", n) > 0 && n[0] < none ? n[0] : 0;
}

static double tighter(double a, double b) {
  return b > 0 && (a <= 0 || b < a) ? b : a;
}

/* From the group of this process outwards. */
static double tightest(const char *root, const char *controller, group_limit limit) {
  hierarchy h;
  char part[PATH_MAX], group[2 * PATH_MAX];
  double found = 0;
  if (!find_mount(root, controller, &h, part)) return 0;
  find_group(root, controller, part, &h);
  for (;;) {
    snprintf(group, sizeof group, "%s%s", h.mount, h.group);
    found = tighter(found, limit(group));
    char *last = strrchr(h.group, '/');
    if (last == NULL) return found;
    *last = '\0';
  }
}

double cgroup_cpus(const char *root) {
  return tighter(tightest(root, NULL, cpus_v2), tightest(root, "cpu", cpus_v1));
}

double cgroup_memory(const char *root) {
  return tighter(tightest(root, NULL, memory_v2), tightest(root, "memory", memory_v1));
}
