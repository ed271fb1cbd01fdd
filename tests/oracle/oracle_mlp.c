/* Our half of mlp_against_torch.py: reads weights and images from DIRECTORY, trains one epoch with
 * Adam, writes the order of the samples, the losses and the weights; then the logits of the test
 * images at several svd ranks. Raw little-endian arrays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ranksweep/nn.h"

static const char *directory;

static FILE *open_file(const char *name, const char *mode) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  FILE *file = fopen(path, mode);
  if (file == NULL) {
    perror(path);
    exit(1);
  }
  return file;
}

static void read_array(const char *name, void *data, size_t bytes) {
  FILE *file = open_file(name, "rb");
  if (fread(data, 1, bytes, file) != bytes) {
    fprintf(stderr, "%s: too short\n", name);
    exit(1);
  }
  fclose(file);
}

static void write_array(const char *name, const void *data, size_t bytes) {
  FILE *file = open_file(name, "wb");
  fwrite(data, 1, bytes, file);
  fclose(file);
}

static void check(rs_status status) {
  if (status == RS_OK) return;
  fprintf(stderr, "%s\n", rs_error_message());
  exit(1);
}

static rs_images read_images(const char *pixels, const char *labels, size_t count) {
  rs_images images = {.count = count, .rows = 28, .cols = 28, .classes = 10};
  check(rs_new(&images.pixels, count * 784, 1));
  check(rs_new(&images.labels, count, 1));
  read_array(pixels, images.pixels, count * 784);
  read_array(labels, images.labels, count);
  return images;
}

static void train(rs_network *net, const rs_images *images, rs_comm *comm, size_t batch) {
  rs_train_spec spec = {.epochs = 1,
                        .batch = batch,
                        .lr = 1e-3,
                        .beta1 = 0.9,
                        .beta2 = 0.999,
                        .epsilon = 1e-7,
                        .seed = 1,
                        .stage = "oracle"};
  rs_trainer *trainer;
  rs_train_progress p = {0};
  double losses[1024], before = 0;
  uint32_t *order;
  check(rs_new(&order, images->count, sizeof *order));
  rs_batch_order(1, "oracle", 0, (uint32_t)images->count, order);
  check(rs_trainer_create_classifier(net, images, &spec, comm, &trainer));
  for (size_t i = 0; !p.finished; i++) {
    check(rs_trainer_step(trainer));
    rs_trainer_progress(trainer, &p);
    double sum = p.loss * (double)((i + 1) * batch); /* of full batches */
    losses[i] = (sum - before) / (double)batch;
    before = sum;
  }
  write_array("order.u32", order, images->count * sizeof *order);
  write_array("losses.f64", losses, p.step * sizeof *losses);
  write_array("trained.f32", net->values, net->size * sizeof *net->values);
  rs_trainer_destroy(trainer);
  free(order);
}

/* Logits of the images with every hidden kernel cut to svd rank D, through the factors. */
static void truncate_and_write(const rs_network *net, const rs_images *images, size_t d) {
  rs_layer_spec layers[16];
  rs_network *cut;
  rs_workspace *ws;
  float *x;
  uint8_t *labels;
  char name[64];
  for (size_t i = 0; i < net->n_layers; i++) {
    layers[i] = net->layers[i].spec;
    layers[i].svd_rank = i + 1 < net->n_layers ? d : 0;
  }
  check(rs_network_create(layers, net->n_layers, &cut));
  for (size_t i = 0; i < net->n_layers; i++) {
    const rs_layer *from = &net->layers[i], *to = &cut->layers[i];
    size_t m = layers[i].in, n = layers[i].out, k = m < n ? m : n;
    memcpy(cut->values + to->bias, net->values + from->bias, n * sizeof(float));
    if (layers[i].svd_rank == 0) {
      memcpy(cut->values + to->kernel, net->values + from->kernel, m * n * sizeof(float));
      continue;
    }
    float *u, *s, *vt;
    check(rs_new(&u, m * k, sizeof *u));
    check(rs_new(&s, k, sizeof *s));
    check(rs_new(&vt, k * n, sizeof *vt));
    check(rs_svd_thin(m, n, net->values + from->kernel, u, s, vt));
    rs_svd_slice(m, n, u, s, vt, d, 1.0, cut->values + to->u, cut->values + to->v);
    free(u);
    free(s);
    free(vt);
  }
  check(rs_workspace_create(cut, images->count, false, &ws));
  check(rs_new(&x, images->count * 784, sizeof *x));
  check(rs_new(&labels, images->count, 1));
  rs_images_range(images, 0, images->count, x, labels);
  const float *logits = rs_network_forward(cut, ws, images->count, x);
  snprintf(name, sizeof name, "logits%zu.f32", d);
  write_array(name, logits, images->count * 10 * sizeof *logits);
  rs_workspace_destroy(ws);
  rs_network_destroy(cut);
  free(x);
  free(labels);
}

int main(int argc, char **argv) {
  if (argc < 6) {
    fprintf(stderr, "usage: oracle_mlp DIRECTORY TRAIN TEST BATCH WIDTH...\n");
    return 2;
  }
  directory = argv[1];
  size_t n_train = strtoul(argv[2], NULL, 10), n_test = strtoul(argv[3], NULL, 10), in = 784;
  rs_layer_spec layers[16];
  size_t n = 0;
  for (int i = 5; i < argc; i++) {
    size_t width = strtoul(argv[i], NULL, 10);
    layers[n++] = (rs_layer_spec){in, width, 0, RS_RELU};
    in = width;
  }
  layers[n++] = (rs_layer_spec){in, 10, 0, RS_LINEAR};
  rs_network *net;
  rs_comm *comm;
  rs_num_set_threads(2);
  check(rs_comm_create_solo(&comm));
  check(rs_network_create(layers, n, &net));
  read_array("start.f32", net->values, net->size * sizeof *net->values);
  rs_images train_set = read_images("train.u8", "train_labels.u8", n_train);
  rs_images test_set = read_images("test.u8", "test_labels.u8", n_test);
  train(net, &train_set, comm, strtoul(argv[4], NULL, 10));
  const size_t ranks[] = {5, 20, 100};
  for (size_t i = 0; i < RS_COUNT(ranks); i++) truncate_and_write(net, &test_set, ranks[i]);
  rs_images_free(&train_set);
  rs_images_free(&test_set);
  rs_network_destroy(net);
  rs_comm_destroy(comm);
  return 0;
}
