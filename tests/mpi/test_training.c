/* nn: data-parallel training, under mpirun: what a group does equals what one rank does. */
#include "ranksweep/nn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 107, BATCH = 50, STEPS = 7 }; /* the third batch of an epoch has 7 samples */

static int failures;

static void check(bool right, const char *what, double got) {
  if (right) return;
  failures++;
  fprintf(stderr, "FAILED: %s (%g): %s\n", what, got, rs_error_message());
}

/* What a training is, but for the ranks that do it. */
typedef struct training {
  const char *name;
  size_t svd_rank;
  rs_optimizer optimizer;
  rs_reduction reduction;
  double clip_norm;
  size_t steps;
} training;

static rs_network *make_network(size_t svd_rank) {
  const rs_layer_spec layers[] = {
      {784, 70, svd_rank, RS_RELU}, {70, 30, svd_rank, RS_RELU}, {30, 10, 0, RS_LINEAR}};
  rs_network *net;
  check(rs_network_create(layers, RS_COUNT(layers), &net) == RS_OK, "network", 0);
  rs_network_init(net, 3, "test");
  return net;
}

/* The weights after some steps on COMM, the loss in *LOSS. */
static rs_network *train(const training *what, const rs_images *images, rs_comm *comm,
                         double *loss) {
  const rs_train_spec spec = {.epochs = 100,
                              .batch = BATCH,
                              .optimizer = what->optimizer,
                              .reduction = what->reduction,
                              .clip_norm = what->clip_norm,
                              .lr = what->optimizer == RS_ADAM ? 1e-3 : 0.05,
                              .beta1 = 0.9,
                              .beta2 = 0.999,
                              .epsilon = 1e-7,
                              .momentum = 0.9,
                              .seed = 1,
                              .stage = "test"};
  rs_network *net = make_network(what->svd_rank);
  rs_trainer *trainer;
  rs_train_progress progress;
  check(rs_trainer_create_classifier(net, images, &spec, comm, &trainer) == RS_OK, what->name, 0);
  for (size_t i = 0; i < what->steps; i++)
    check(rs_trainer_step(trainer) == RS_OK, what->name, (double)i);
  rs_trainer_progress(trainer, &progress);
  *loss = progress.loss;
  rs_trainer_destroy(trainer);
  return net;
}

/* ||a - b|| / ||b - start||: how far apart two trainings are, measured by how far they went. */
static double distance(const rs_network *a, const rs_network *b, const rs_network *start) {
  double apart = 0, way = 0;
  for (size_t i = 0; i < a->size; i++) {
    apart += pow((double)a->values[i] - b->values[i], 2);
    way += pow((double)b->values[i] - start->values[i], 2);
  }
  return sqrt(apart / way);
}

static void compare(const training *what, const rs_images *images, rs_comm *group) {
  rs_comm *solo;
  double loss, alone_loss, test_loss, test_alone, accuracy;
  check(rs_comm_create_solo(&solo) == RS_OK, "solo", 0);
  rs_network *start = make_network(what->svd_rank);
  rs_network *net = train(what, images, group, &loss),
             *alone = train(what, images, solo, &alone_loss);
  check(rs_evaluate(net, images, group, &test_loss, &accuracy) == RS_OK, "evaluation", 0);
  check(rs_evaluate(net, images, solo, &test_alone, &accuracy) == RS_OK, "evaluation", 0);
  check(test_loss == test_alone, "an evaluation is the same on any number of ranks", test_loss);
  if (what->reduction == RS_EXACT) {
    check(memcmp(net->values, alone->values, net->size * sizeof(float)) == 0, what->name, 0);
    check(loss == alone_loss, "exact: the same loss", loss - alone_loss);
  } else {
    double apart = distance(net, alone, start);
    check(apart < 1e-5, what->name, apart);
    check(fabs(loss - alone_loss) < 1e-5 * alone_loss, "the same loss to rounding", loss);
  }
  rs_network_destroy(net);
  rs_network_destroy(alone);
  rs_network_destroy(start);
  rs_comm_destroy(solo);
}

/* A NaN in the data of one rank ends the step on all, with its place. */
static void trouble_is_everybodys(const rs_images *images, rs_comm *group) {
  const rs_train_spec spec = {.epochs = 1, .batch = BATCH, .optimizer = RS_SGD, .lr = 1e-3};
  rs_network *net = make_network(0);
  rs_trainer *trainer;
  rs_train_spec named = spec;
  named.stage = "test";
  if (rs_comm_rank(group) == 0) net->values[net->layers[1].bias] = NAN;
  check(rs_trainer_create_classifier(net, images, &named, group, &trainer) == RS_OK, "trainer", 0);
  check(rs_trainer_step(trainer) == RS_ERR_NUMERIC, "a NaN fails the step on every rank", 0);
  check(strstr(rs_error_message(), "step 1 of epoch 1") != NULL &&
            strstr(rs_error_message(), "dense2") != NULL,
        "with step and layer", 0);
  rs_trainer_destroy(trainer);
  rs_network_destroy(net);
}

static rs_comm *join(int size) {
  int ranks[64];
  rs_comm *group;
  for (int i = 0; i < size; i++) ranks[i] = i;
  check(rs_comm_create_group(ranks, size, 1, &group) == RS_OK, "group", size);
  return group;
}

int main(int argc, char **argv) {
  /* One step of plain descent is the gradient itself. */
  static const training fast[] = {{"gradient, dense", 0, RS_SGD, RS_FAST, 0, 1},
                                  {"gradient, factored", 12, RS_SGD, RS_FAST, 0, 1},
                                  {"gradient, clipped", 0, RS_SGD, RS_FAST, 0.1, 1}};
  static const training exact[] = {{"exact, dense, Adam", 0, RS_ADAM, RS_EXACT, 0, STEPS},
                                   {"exact, factored, Adam", 12, RS_ADAM, RS_EXACT, 0, STEPS},
                                   {"exact, dense, SGD", 0, RS_SGD, RS_EXACT, 0, STEPS},
                                   {"exact, clipped", 0, RS_ADAM, RS_EXACT, 0.5, STEPS}};
  int size;
  rs_images images, test;
  rs_images_spec spec = {
      .source = RS_IMAGES_DIGITS, .train_limit = SAMPLES, .test_limit = 1, .seed = 1};
  if (rs_comm_start(&argc, &argv, NULL, &size) != RS_OK) return 1;
  rs_num_set_threads(1);
  check(rs_images_load(&spec, &images, &test) == RS_OK, "images", 0);
  rs_comm *group = join(size);
  for (size_t i = 0; i < RS_COUNT(fast); i++) compare(&fast[i], &images, group);
  for (size_t i = 0; i < RS_COUNT(exact) && RS_PARTS % size == 0; i++)
    compare(&exact[i], &images, group);
  trouble_is_everybodys(&images, group);
  rs_comm_destroy(group);
  rs_images_free(&images);
  rs_images_free(&test);
  rs_comm_finish();
  return failures > 0;
}
