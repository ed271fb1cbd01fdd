#include "slurm.h"

#include "program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double patience = 30; /* s: commands of SLURM try again while its controller is away */

static const char *variable(const char *name) {
  const char *text = getenv(name);
  return text != NULL ? text : "";
}

static int number(const char *name) {
  return atoi(variable(name));
}

bool slurm_present(void) {
  return variable("SLURM_JOB_ID")[0] != '\0' && variable("SLURM_JOB_NODELIST")[0] != '\0';
}

int slurm_tasks(void) {
  return number("SLURM_NTASKS");
}

/* ---- the walltime --------------------------------------------------------------------------- */

/* "2026-03-01T18:00:00" of this place; "NONE" and "N/A" are no limit. */
static double parse_local(const char *text) {
  struct tm moment = {.tm_isdst = -1};
  if (strcmp(text, "NONE") == 0 || strcmp(text, "N/A") == 0) return 0;
  const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &moment);
  return end != NULL && *end == '\0' ? (double)mktime(&moment) : NAN;
}

/* Some people like their times in other forms. */
static void want_standard_times(void) {
  setenv("SLURM_TIME_FORMAT", "standard", 1);
}

/* A task of an array may have the number of the array, which stands for all of them. */
static void name_job(char *out, size_t size) {
  const char *task = variable("SLURM_ARRAY_TASK_ID");
  if (task[0] != '\0')
    snprintf(out, size, "%s_%s", variable("SLURM_ARRAY_JOB_ID"), task);
  else
    snprintf(out, size, "%s", variable("SLURM_JOB_ID"));
}

static double ask_squeue(void) {
  char job[64], line[64];
  name_job(job, sizeof job);
  const char *const argv[] = {"squeue", "-h", "-j", job, "-o", "%e", NULL};
  program_end end;
  rs_status status = program_run(argv, patience, want_standard_times, &end);
  double moment = status == RS_OK && end.status == 0
                      ? parse_local(program_first_line(end.words.text, line, sizeof line))
                      : NAN;
  program_free(&end);
  return moment;
}

double slurm_end_time(void) {
  double told = strtod(variable("SLURM_JOB_END_TIME"), NULL);
  if (told > 0) return told;
  if (variable("SLURM_JOB_ID")[0] == '\0') return 0;
  return slurm_present() ? ask_squeue() : NAN;
}

/* ---- nodes ---------------------------------------------------------------------------------- */

bool slurm_next_count(const char **text, int *repeat, int *count) {
  if (*repeat > 0) {
    --*repeat;
    return true;
  }
  int length = 0, times = 1;
  if (sscanf(*text, "%d(x%d)%n", count, &times, &length) != 2 || length == 0) {
    times = 1;
    if (sscanf(*text, "%d%n", count, &length) != 1) return false;
  }
  if (*count < 1 || times < 1) return false;
  *text += length;
  if (**text == ',') ++*text;
  *repeat = times - 1;
  return true;
}

static rs_status fill(const char *names, slurm_nodes *nodes) {
  const char *counts = variable("SLURM_TASKS_PER_NODE");
  int repeat = 0, slots = 1;
  for (size_t at = 0; names[at] != '\0';) {
    size_t length = strcspn(names + at, "\n");
    slurm_node *node = &nodes->items[nodes->count];
    if (length == 0 || length >= sizeof node->name)
      return rs_fail(RS_ERR_IO, "scontrol: a node without a name, or with a very long one");
    memcpy(node->name, names + at, length);
    if (!slurm_next_count(&counts, &repeat, &slots)) slots = 1;
    node->slots = slots;
    nodes->count++;
    at += length + (names[at + length] == '\n');
  }
  return nodes->count > 0 ? RS_OK : rs_fail(RS_ERR_IO, "scontrol names no nodes of this job");
}

static rs_status read_names(const program_end *end, slurm_nodes *nodes) {
  char line[256];
  if (end->status != 0 || end->words.text == NULL)
    return rs_fail(RS_ERR_IO, "scontrol does not name the nodes of this job (status %d): %s",
                   end->status, program_first_line(end->moan.text, line, sizeof line));
  size_t lines = 1;
  for (const char *c = end->words.text; *c != '\0'; c++) lines += *c == '\n';
  RS_TRY(rs_new(&nodes->items, lines, sizeof *nodes->items));
  return fill(end->words.text, nodes);
}

rs_status slurm_nodes_read(slurm_nodes *nodes) {
  const char *const argv[] = {"scontrol", "show", "hostnames", variable("SLURM_JOB_NODELIST"),
                              NULL};
  program_end end;
  *nodes = (slurm_nodes){0};
  if (!slurm_present()) return rs_fail(RS_ERR_IO, "not within a SLURM job");
  rs_status status = program_run(argv, patience, NULL, &end);
  if (status == RS_OK) status = read_names(&end, nodes);
  program_free(&end);
  if (status != RS_OK) slurm_nodes_free(nodes);
  return status;
}

void slurm_nodes_free(slurm_nodes *nodes) {
  free(nodes->items);
  *nodes = (slurm_nodes){0};
}

static void lose(slurm_nodes *nodes, const char *host, size_t length) {
  for (size_t i = 0; i < nodes->count; i++) {
    slurm_node *node = &nodes->items[i];
    if (strlen(node->name) == length && strncmp(node->name, host, length) == 0) node->lost = true;
  }
}

/* Lines "h4 down*" of sinfo: '*' is a node that does not answer. */
static void lose_listed(slurm_nodes *nodes, const char *text) {
  char name[256], state[64];
  for (const char *line = text; line != NULL && *line != '\0';) {
    if (sscanf(line, "%255s %63s", name, state) == 2 &&
        (strncmp(state, "down", 4) == 0 || strncmp(state, "fail", 4) == 0 ||
         strchr(state, '*') != NULL))
      lose(nodes, name, strlen(name));
    line = strchr(line, '\n');
    if (line != NULL) line++;
  }
}

void slurm_nodes_lose(slurm_nodes *nodes, const char *host) {
  const char *const argv[] = {"sinfo", "-h",    "-N", "-n", variable("SLURM_JOB_NODELIST"),
                              "-o",    "%N %t", NULL};
  program_end end;
  lose(nodes, host, strcspn(host, "."));
  lose(nodes, host, strlen(host));
  if (!slurm_present()) return;
  if (program_run(argv, patience, NULL, &end) == RS_OK && end.status == 0)
    lose_listed(nodes, end.words.text);
  program_free(&end);
}

int slurm_nodes_slots(const slurm_nodes *nodes) {
  int slots = 0;
  for (size_t i = 0; i < nodes->count; i++)
    if (!nodes->items[i].lost) slots += nodes->items[i].slots;
  return slots;
}

void slurm_nodes_list(const slurm_nodes *nodes, bool slots, rs_str *out) {
  for (size_t i = 0; i < nodes->count; i++) {
    const slurm_node *node = &nodes->items[i];
    if (node->lost) continue;
    rs_str_addf(out, "%s%s", out->len > 0 ? "," : "", node->name);
    if (slots) rs_str_addf(out, ":%d", node->slots);
  }
}
