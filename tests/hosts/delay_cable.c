/* A network cable with a delay: two TAP devices, one in this network namespace and one, eth0, in
 * that of another process, and every frame held back on its way between them.
 *
 * usage: delay_cable PROCESS DEVICE MICROSECONDS
 * Prints "ready" when both ends are there; runs until it is killed. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { FRAMES = 4096, FRAME_BYTES = 2048 }; /* under way in one direction; with a usual MTU */

typedef struct frame {
  double due; /* s */
  size_t bytes;
  char data[FRAME_BYTES];
} frame;

typedef struct direction {
  int from, to;
  size_t first, count; /* of a ring */
  frame *ring;
} direction;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int open_tap(const char *name) {
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0) fail(name);
  return fd;
}

static int open_tap_of(const char *process, const char *name) {
  char path[64];
  int own = open("/proc/self/ns/net", O_RDONLY);
  snprintf(path, sizeof path, "/proc/%s/ns/net", process);
  int other = open(path, O_RDONLY);
  if (own < 0 || other < 0 || setns(other, CLONE_NEWNET) != 0) fail(path);
  int fd = open_tap(name);
  if (setns(own, CLONE_NEWNET) != 0) fail("setns");
  close(own);
  close(other);
  return fd;
}

/* A full ring drops what comes, as a full queue of a switch does. */
static void take_in(direction *d, double delay) {
  char spill[FRAME_BYTES];
  for (;;) {
    frame *f = d->count < FRAMES ? &d->ring[(d->first + d->count) % FRAMES] : NULL;
    ssize_t n = read(d->from, f != NULL ? f->data : spill, FRAME_BYTES);
    if (n <= 0) return;
    if (f == NULL) continue;
    f->bytes = (size_t)n;
    f->due = now() + delay;
    d->count++;
  }
}

static void let_out(direction *d) {
  while (d->count > 0 && d->ring[d->first].due <= now()) {
    const frame *f = &d->ring[d->first];
    ssize_t n = write(d->to, f->data, f->bytes); /* one that does not fit is lost */
    (void)n;
    d->first = (d->first + 1) % FRAMES;
    d->count--;
  }
}

/* When the next frame is due, as poll takes it; seconds from now, at most LONGEST. */
static struct timespec next_due(const direction *d, double longest) {
  double wait = longest;
  for (int i = 0; i < 2; i++) {
    double left = d[i].count > 0 ? d[i].ring[d[i].first].due - now() : longest;
    if (left < wait) wait = left > 0 ? left : 0;
  }
  return (struct timespec){(time_t)wait, (long)(1e9 * (wait - (double)(time_t)wait))};
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: delay_cable PROCESS DEVICE MICROSECONDS\n");
    return 2;
  }
  int here = open_tap(argv[2]), there = open_tap_of(argv[1], "eth0");
  double delay = 1e-6 * atof(argv[3]);
  direction d[2] = {{.from = here, .to = there}, {.from = there, .to = here}};
  for (int i = 0; i < 2; i++)
    if ((d[i].ring = calloc(FRAMES, sizeof *d[i].ring)) == NULL) fail("memory");
  printf("ready\n");
  fflush(stdout);
  for (;;) {
    struct timespec wait = next_due(d, 1);
    struct pollfd ready[2] = {{.fd = here, .events = POLLIN}, {.fd = there, .events = POLLIN}};
    ppoll(ready, 2, &wait, NULL);
    for (int i = 0; i < 2; i++) {
      take_in(&d[i], delay);
      let_out(&d[i]);
    }
  }
}
