/* store: one writer, whoever died and wherever. */
#include "store_files.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lock_owner.h"

static const lock_options quick = {.beat_seconds = 0.05, .patience = 6};

static rs_status take(const char *path, lock **out) {
  return lock_acquire(path, &quick, out);
}

/* The lock of OWNER, written by hand. */
static void forge(const char *path, const lock_owner *owner) {
  char line[LOCK_LINE];
  size_t n = lock_owner_print(owner, line);
  int fd = open(path, O_RDWR | O_CREAT, 0644);
  assert_true(fd >= 0 && pwrite(fd, line, n, 0) == (ssize_t)n && ftruncate(fd, (off_t)n) == 0);
  close(fd);
}

static lock_owner stranger(void) {
  lock_owner owner;
  lock_owner_self(&owner);
  strcpy(owner.host, "elsewhere");
  strcpy(owner.boot, "another boot");
  return owner;
}

/* Runs DO in a child; its exit status. */
static int in_child(int (*act)(const char *path), const char *path) {
  int status;
  pid_t pid = fork();
  if (pid == 0) _exit(act(path));
  assert_int_equal(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int take_and_die(const char *path) {
  lock *l;
  return take(path, &l) == RS_OK ? 7 : 1;
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void a_living_owner_is_respected(void **state) {
  char *path = path_in(state, "living.lock");
  lock *first, *second;
  lock_owner owner;
  assert_ok(take(path, &first));
  assert_fails(RS_ERR_CONFLICT, "in use by process", take(path, &second));
  assert_null(second);
  assert_true(lock_read(path, &owner) && owner.sound);
  assert_int_equal(owner.pid, getpid());
  assert_int_equal(lock_owner_lives(&owner), 1);
  unsigned long long beat = owner.beat;
  lock_tick(first);
  rs_clock_sleep(0.2);
  assert_ok(lock_check(first));
  assert_true(lock_read(path, &owner) && owner.beat > beat && owner.tick == 1);
  lock_release(first);
  assert_false(rs_file_exists(path));
  assert_ok(take(path, &second));
  lock_release(second);
  free(path);
}

static void a_dead_owner_is_no_obstacle(void **state) {
  char *path = path_in(state, "dead.lock");
  lock *l;
  assert_int_equal(in_child(take_and_die, path), 7);
  assert_true(rs_file_exists(path));
  double began = rs_clock_now();
  assert_ok(take(path, &l));
  assert_true(rs_clock_now() - began < 0.25); /* without waiting for beats */
  assert_ok(lock_check(l));
  lock_release(l);
  free(path);
}

static void a_pid_used_again_is_another_process(void **state) {
  char *path = path_in(state, "again.lock");
  lock *l;
  lock_owner owner;
  lock_owner_self(&owner);
  owner.started++;
  forge(path, &owner);
  assert_ok(take(path, &l));
  lock_release(l);
  free(path);
}

static void an_owner_elsewhere_is_watched(void **state) {
  char *path = path_in(state, "elsewhere.lock");
  lock *l;
  lock_owner owner = stranger();
  forge(path, &owner);
  pid_t pid = fork();
  for (owner.beat = 1; pid == 0; owner.beat++) {
    forge(path, &owner);
    rs_clock_sleep(0.02);
  }
  assert_fails(RS_ERR_CONFLICT, "on elsewhere", take(path, &l));
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  double began = rs_clock_now();
  assert_ok(take(path, &l));
  assert_true(rs_clock_now() - began > quick.beat_seconds * quick.patience * 0.9);
  lock_release(l);
  free(path);
}

static void garbage_is_no_obstacle(void **state) {
  static const char *const texts[] = {"", "garbage\n", "{\"host\":\"n1\",\"boot\":"};
  for (size_t i = 0; i < RS_COUNT(texts); i++) {
    char *path = path_in(state, "garbage.lock");
    lock *l;
    assert_ok(rs_file_replace(path, texts[i], strlen(texts[i])));
    assert_ok(take(path, &l));
    lock_release(l);
    free(path);
  }
}

/* Exits with 7 when it has won; holds the lock long enough for all others to see it. */
static int contend(const char *path) {
  lock *l;
  if (take(path, &l) != RS_OK) return 0;
  rs_clock_sleep(0.3);
  return lock_check(l) == RS_OK ? 7 : 1;
}

/* Nobody can wait for these to become a lock. */
static void what_is_no_file_is_an_error(void **state) {
  lock *l;
  char *folder = path_in(state, "folder.lock"), *dangling = path_in(state, "dangling.lock");
  assert_int_equal(mkdir(folder, 0755), 0);
  assert_fails(RS_ERR_CONFLICT, "is not a file", take(folder, &l));
  assert_int_equal(symlink("nowhere", dangling), 0);
  assert_fails(RS_ERR_CONFLICT, "is not a file", take(dangling, &l));
  free(folder);
  free(dangling);
}

static void one_contender_wins(void **state) {
  enum { CONTENDERS = 8, ROUNDS = 4 };
  char *path = path_in(state, "contended.lock");
  for (int round = 0; round < ROUNDS; round++) {
    int winners = 0, status;
    assert_int_equal(in_child(take_and_die, path), 7);
    for (int i = 0; i < CONTENDERS; i++)
      if (fork() == 0) _exit(contend(path));
    for (int i = 0; i < CONTENDERS; i++) {
      assert_true(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) != 1);
      winners += WEXITSTATUS(status) == 7;
    }
    assert_int_equal(winners, 1);
  }
  free(path);
}

static void a_dead_contender_is_no_obstacle(void **state) {
  char *path = path_in(state, "turn.lock"), turn[512];
  lock *l;
  snprintf(turn, sizeof turn, "%s.break", path);
  assert_int_equal(in_child(take_and_die, path), 7);
  assert_int_equal(in_child(take_and_die, turn), 7);
  assert_ok(take(path, &l));
  assert_false(rs_file_exists(turn));
  lock_release(l);
  free(path);
}

static int wait_suspended(const char *path) {
  lock *l;
  if (take(path, &l) != RS_OK) return 1;
  raise(SIGSTOP);
  return lock_check(l) == RS_ERR_CONFLICT && strstr(rs_error_message(), "taken over") ? 7 : 2;
}

/* As seen from another host: what is there looks like a stranger's. */
static void a_suspended_owner_learns_of_its_loss(void **state) {
  char *path = path_in(state, "suspended.lock");
  lock *l;
  int status;
  pid_t pid = fork();
  if (pid == 0) _exit(wait_suspended(path));
  assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
  assert_true(WIFSTOPPED(status));
  lock_owner owner;
  assert_true(lock_read(path, &owner));
  strcpy(owner.boot, "another boot");
  forge(path, &owner);
  assert_ok(take(path, &l));
  kill(pid, SIGCONT);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 7);
  assert_ok(lock_check(l));
  lock_release(l);
  free(path);
}

static void removal_is_noticed(void **state) {
  char *path = path_in(state, "removed.lock");
  lock *l;
  assert_ok(take(path, &l));
  assert_int_equal(unlink(path), 0);
  rs_clock_sleep(0.2);
  assert_fails(RS_ERR_IO, "removed while the run went on", lock_check(l));
  lock_release(l);
  free(path);
}

/* ---- fault points ---------------------------------------------------------------------------- */

static int replace_thrice(const char *path) {
  if (!rs_fault_arm("rename@points:2")) return 1;
  for (int i = 0; i < 3; i++) {
    char text[8];
    snprintf(text, sizeof text, "%d", i);
    if (rs_file_replace(path, text, 1) != RS_OK) return 2;
  }
  return 3;
}

static void fault_points_kill(void **state) {
  char *path = path_in(state, "points.txt"), *text;
  size_t n;
  assert_int_equal(in_child(replace_thrice, path), 128 + SIGKILL);
  assert_ok(rs_file_read(path, 100, &text, &n));
  assert_string_equal(text, "0");
  free(text);
  assert_false(rs_fault_arm(NULL));
  assert_false(rs_fault_arm("rename"));
  assert_false(rs_fault_arm("rename:0"));
  assert_false(rs_fault_arm("rename:1 "));
  rs_fault_point("rename", path);
  free(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_living_owner_is_respected),
      cmocka_unit_test(a_dead_owner_is_no_obstacle),
      cmocka_unit_test(a_pid_used_again_is_another_process),
      cmocka_unit_test(an_owner_elsewhere_is_watched),
      cmocka_unit_test(garbage_is_no_obstacle),
      cmocka_unit_test(what_is_no_file_is_an_error),
      cmocka_unit_test(one_contender_wins),
      cmocka_unit_test(a_dead_contender_is_no_obstacle),
      cmocka_unit_test(a_suspended_owner_learns_of_its_loss),
      cmocka_unit_test(removal_is_noticed),
      cmocka_unit_test(fault_points_kill),
  };
  return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
