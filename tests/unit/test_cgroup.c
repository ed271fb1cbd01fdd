/* cli: limits of control groups, in made-up trees. */
#include "test.h"

#include "launch/cgroup.h"

#include "ranksweep/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char root[64];

static void put(const char *name, const char *text) {
  char path[512], *folder;
  snprintf(path, sizeof path, "%s%s", root, name);
  assert_ok(rs_path_directory(path, &folder));
  assert_ok(rs_file_make_directories(folder));
  free(folder);
  assert_ok(rs_file_replace(path, text, strlen(text)));
}

static int make_root(void **state) {
  (void)state;
  snprintf(root, sizeof root, "cgroup-test-XXXXXX");
  return mkdtemp(root) == NULL;
}

static int remove_root(void **state) {
  char command[128];
  (void)state;
  snprintf(command, sizeof command, "rm -rf '%s'", root);
  return system(command);
}

static void nothing_is_no_limit(void **state) {
  (void)state;
  assert_true(cgroup_cpus(root) == 0 && cgroup_memory(root) == 0);
  put("/proc/self/mountinfo", "garbage\n\n1 2 3\n - cgroup2 \n36 25 0:31 / - cgroup2 c rw\n");
  put("/proc/self/cgroup", "garbage\n0:\n");
  assert_true(cgroup_cpus(root) == 0 && cgroup_memory(root) == 0);
}

static void version_2(void **state) {
  (void)state;
  put("/proc/self/mountinfo", "23 1 0:2 / /proc rw - proc proc rw\n"
                              "31 23 0:28 / /cg rw,nosuid shared:9 - cgroup2 cgroup2 rw\n");
  put("/proc/self/cgroup", "0::/jobs/7\n");
  put("/cg/jobs/7/cpu.max", "max 100000\n");
  put("/cg/jobs/7/memory.max", "4194304\n");
  put("/cg/jobs/cpu.max", "250000 100000\n");
  put("/cg/jobs/memory.max", "max\n");
  assert_true(cgroup_cpus(root) == 2.5);
  assert_true(cgroup_memory(root) == 4194304);
  put("/cg/jobs/7/cpu.max", "50000 100000\n"); /* the tightest counts */
  put("/cg/memory.max", "1048576\n");
  assert_true(cgroup_cpus(root) == 0.5);
  assert_true(cgroup_memory(root) == 1048576);
}

static void version_1(void **state) {
  (void)state;
  put("/proc/self/mountinfo", "32 31 0:29 / /cg/cpu rw shared:10 - cgroup cgroup rw,cpu,cpuacct\n"
                              "33 31 0:30 / /cg/cpuset rw - cgroup cgroup rw,cpuset\n"
                              "35 31 0:32 /docker/abc /cg/memory ro - cgroup cgroup rw,memory\n");
  put("/proc/self/cgroup", "9:cpuset:/other\n4:memory:/docker/abc/in\n2:cpu,cpuacct:/a/b\n");
  put("/cg/cpu/a/b/cpu.cfs_quota_us", "-1\n");
  put("/cg/cpu/a/b/cpu.cfs_period_us", "100000\n");
  put("/cg/memory/in/memory.limit_in_bytes", "9223372036854771712\n");
  assert_true(cgroup_cpus(root) == 0 && cgroup_memory(root) == 0);
  put("/cg/cpu/a/cpu.cfs_quota_us", "150000\n");
  put("/cg/cpu/a/cpu.cfs_period_us", "100000\n");
  put("/cg/memory/memory.limit_in_bytes", "1073741824\n");
  assert_true(cgroup_cpus(root) == 1.5);
  assert_true(cgroup_memory(root) == 1073741824);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(nothing_is_no_limit, make_root, remove_root),
      cmocka_unit_test_setup_teardown(version_2, make_root, remove_root),
      cmocka_unit_test_setup_teardown(version_1, make_root, remove_root)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
