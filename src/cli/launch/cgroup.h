/* Limits that the control groups of this process set, versions 1 and 2. */
#ifndef RANKSWEEP_CLI_CGROUP_H
#define RANKSWEEP_CLI_CGROUP_H

/* The tightest limit of the process's group and of those around it; 0: none. ROOT goes before
 * /proc and the mount points: "" but in tests. */
double cgroup_cpus(const char *root);   /* cores' worth of time */
double cgroup_memory(const char *root); /* bytes */

#endif
