/* What a training draws at random, for oracles that repeat it: the order of an epoch's samples, or
 * the start of a network, as raw little-endian numbers on stdout. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ranksweep/nn.h"

static int order(char **argv) {
  uint32_t count = (uint32_t)strtoul(argv[3], NULL, 10), *samples;
  if (rs_new(&samples, count, sizeof *samples) != RS_OK) return 1;
  rs_batch_order(strtoull(argv[0], NULL, 10), argv[1], strtoull(argv[2], NULL, 10), count, samples);
  fwrite(samples, sizeof *samples, count, stdout);
  free(samples);
  return 0;
}

static int start(int argc, char **argv) {
  rs_layer_spec layers[16];
  rs_network *net;
  size_t n = 0;
  for (int i = 2; i + 1 < argc && n < RS_COUNT(layers); i++, n++)
    layers[n] = (rs_layer_spec){strtoul(argv[i], NULL, 10), strtoul(argv[i + 1], NULL, 10), 0,
                                i + 2 < argc ? RS_RELU : RS_LINEAR};
  if (rs_network_create(layers, n, &net) != RS_OK) return 1;
  rs_network_init(net, strtoull(argv[0], NULL, 10), argv[1]);
  fwrite(net->values, sizeof *net->values, net->size, stdout);
  rs_network_destroy(net);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 6 && strcmp(argv[1], "order") == 0) return order(argv + 2);
  if (argc > 5 && strcmp(argv[1], "start") == 0) return start(argc - 2, argv + 2);
  fprintf(stderr, "usage: oracle_streams order SEED STAGE EPOCH COUNT\n"
                  "       oracle_streams start SEED STAGE WIDTH WIDTH...\n");
  return 2;
}
