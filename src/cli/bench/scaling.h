/* A model of data-parallel training on more ranks than are at hand. No clock, no MPI. */
#ifndef RANKSWEEP_CLI_SCALING_H
#define RANKSWEEP_CLI_SCALING_H

#include <stdbool.h>
#include <stddef.h>

/* One message of N bytes takes alpha + N / beta on the wire, while the rank computes. Adding N
 * received bytes to its own takes the rank N / gamma. */
typedef struct scaling_network {
  double alpha;       /* s */
  double beta, gamma; /* bytes/s */
  double jitter;      /* standard deviation of a rank's compute, as a share of it */
} scaling_network;

enum { SCALING_BUCKETS = 64 };

/* One rank's own work of a step. */
typedef struct scaling_work {
  double forward;                /* s: gathering the batch, forward pass, loss */
  size_t n;                      /* buckets, in the order in which they become ready */
  double ready[SCALING_BUCKETS]; /* s after the backward pass began */
  double bytes[SCALING_BUCKETS];
  double update[SCALING_BUCKETS]; /* s: the optimizer */
} scaling_work;

typedef struct scaling_step {
  double compute; /* s: what a rank alone would take */
  double sums;    /* s: sums over the ranks, wire and adding */
  double exposed; /* s of these that make the step longer */
  double waiting; /* s: for the slowest rank */
  double total;   /* s */
} scaling_step;

/* A sum of N bytes over the ranks: s on the wire, and s of adding. */
typedef struct scaling_sum_time {
  double wire, adding;
} scaling_sum_time;

/* The better of recursive doubling (few steps, all bytes in each) and of reduce-scatter with
 * all-gather (Rabenseifner: twice the steps, each byte only twice). */
scaling_sum_time scaling_sum(const scaling_network *net, int ranks, double bytes);

/* One step: a sum starts when its bucket is ready and the one before is through; its adding delays
 * the rank; the optimizer follows each as it arrives, after the backward pass. The slowest of P
 * ranks whose compute is spread normally is late by about jitter sqrt(2 ln P). */
scaling_step scaling_predict(const scaling_work *work, const scaling_network *net, int ranks);

#endif
