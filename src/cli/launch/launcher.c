#include "launcher.h"

#include "slurm.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct words {
  const char **list;
  size_t count;
} words;

static void add(words *w, const char *word) {
  w->list[w->count++] = word;
}

/* The coordinator has no slot of its own: it sleeps, beside the workers of the first node. */
static void add_mpirun(const launcher *l, const launcher_numbers *numbers, words *w) {
  add(w, "mpirun");
  add(w, "-n");
  add(w, numbers->ranks);
  add(w, "--oversubscribe");
  add(w, "--bind-to");
  add(w, "none");
  /* Only more workers than cores have to give way to each other inside MPI. Yielding otherwise
   * costs milliseconds a message beside any busy process. */
  add(w, "--mca");
  add(w, "mpi_yield_when_idle");
  add(w, numbers->crowded ? "1" : "0");
  if (l->hosts.len == 0) return;
  add(w, "--host");
  add(w, l->hosts.text);
}

static void add_srun(const launcher *l, const launcher_numbers *numbers, words *w) {
  add(w, "srun");
  add(w, "--mpi=pmix");
  add(w, "-n");
  add(w, numbers->ranks);
  add(w, "--overcommit");
  add(w, "--cpu-bind=none");
  add(w, "--kill-on-bad-exit=1"); /* as mpirun does: the others would wait for ever */
  if (l->hosts.len == 0) return;
  add(w, "-N");
  add(w, numbers->nodes);
  add(w, "-w");
  add(w, l->hosts.text);
}

/* On the node that has most: SLURM's tasks are workers. Of another host's cores nothing is known;
 * they are taken to be as many as here. */
static int most_workers_of_a_node(const launcher *l) {
  const char *counts = getenv("SLURM_TASKS_PER_NODE");
  int repeat = 0, count, most = 0;
  while (counts != NULL && slurm_next_count(&counts, &repeat, &count))
    if (count > most) most = count;
  return slurm_present() && most > 0 && most < l->ranks - 1 ? most : l->ranks - 1;
}

size_t launcher_head(const launcher *l, launcher_numbers *numbers,
                     const char *list[LAUNCHER_WORDS]) {
  words w = {list, 0};
  snprintf(numbers->ranks, sizeof numbers->ranks, "%d", l->ranks);
  snprintf(numbers->nodes, sizeof numbers->nodes, "%d", l->nodes);
  numbers->crowded = most_workers_of_a_node(l) > world_cores();
  if (l->ranks <= 1) return 0;
  if (l->kind == LAUNCHER_SRUN)
    add_srun(l, numbers, &w);
  else
    add_mpirun(l, numbers, &w);
  return w.count;
}

/* A batch script's --cpus-per-task and --ntasks-per-node are about workers. mpirun starts its
 * daemons through srun, one a node: that one must not be given the cores of one worker. */
void launcher_clean_environment(const launcher *l) {
  static const char *const names[] = {
      "SRUN_CPUS_PER_TASK", "SLURM_CPUS_PER_TASK", "SLURM_TRES_PER_TASK",
      "SLURM_EXPORT_ENV", /* "NONE" at some sites: ranks would have no PATH, and no libraries */
  };
  for (size_t i = 0; i < RS_COUNT(names); i++) unsetenv(names[i]);
  if (l->kind == LAUNCHER_SRUN) unsetenv("SLURM_NTASKS_PER_NODE");
}

const char *launcher_name(const launcher *l) {
  return l->kind == LAUNCHER_SRUN ? "srun" : "mpirun";
}
