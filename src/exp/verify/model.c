#include "low_rank/sequence.h"
#include "verify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const rs_setting rs_exp_verify_model_settings[] = {
    {.path = "model.gru",
     .type = RS_INTS,
     .initial = "[128]",
     .min = 1,
     .max = 16384,
     .unit = "units",
     .help = "Widths of the recurrent layers, first to last (at most 8)."},
    {.path = "model.skip",
     .type = RS_BOOL,
     .initial = "false",
     .help = "Pool the features themselves beside the states that the recurrent layers make of "
             "them."},
    {.path = "model.pooling",
     .type = RS_TEXT,
     .initial = "last",
     .choices = "last|mean|statistics",
     .help = "What becomes of all frames of a side: the last state, the mean of all, or means and "
             "deviations."},
    {.path = "model.embedding",
     .type = RS_INT,
     .initial = "64",
     .min = 1,
     .max = 16384,
     .unit = "units",
     .help = "Width of the dense layer whose output stands for a speaker."},
    {.path = "model.activation",
     .type = RS_TEXT,
     .initial = "relu",
     .choices = "relu|linear",
     .help = "Of that layer."},
    {.path = "model.compare",
     .type = RS_TEXT,
     .initial = "difference",
     .choices = "difference|distance|cosine",
     .help = "What the score of two embeddings a and b comes from: all |a - b|, each with a weight "
             "of its own; their mean; or the cosine of the angle between a and b."},
    {.path = "model.dropout",
     .type = RS_FLOAT,
     .initial = "0",
     .min = 0,
     .max = 0.95,
     .help = "Share of the numbers after each recurrent layer that training drops."},
    {.path = "data.center",
     .type = RS_BOOL,
     .initial = "false",
     .help = "Take the mean over a side from each of its features."},
    {0},
};

/* ---- shape ------------------------------------------------------------------------------- */

enum { MOST_GRUS = 8 };

static rs_sequence_kind pooling_of(const rs_settings *s) {
  const char *name = rs_settings_text(s, "model.pooling");
  if (strcmp(name, "mean") == 0) return RS_SEQUENCE_MEAN;
  return strcmp(name, "statistics") == 0 ? RS_SEQUENCE_STATISTICS : RS_SEQUENCE_LAST;
}

static rs_sequence_kind comparison_of(const rs_settings *s) {
  const char *name = rs_settings_text(s, "model.compare");
  if (strcmp(name, "distance") == 0) return RS_SEQUENCE_DISTANCES;
  return strcmp(name, "cosine") == 0 ? RS_SEQUENCE_COSINES : RS_SEQUENCE_PAIRS;
}

static rs_activation activation_of(const rs_settings *s) {
  return strcmp(rs_settings_text(s, "model.activation"), "relu") == 0 ? RS_RELU : RS_LINEAR;
}

rs_verify_shape rs_exp_verify_shape(const rs_settings *s, size_t svd_rank) {
  const int64_t *units;
  size_t n = rs_settings_ints(s, "model.gru", &units), in = rs_exp_front(s).inputs;
  size_t width = (size_t)rs_settings_int(s, "model.embedding");
  double rate = rs_settings_float(s, "model.dropout");
  rs_verify_shape shape = {0};
  rs_sequence_spec *l = shape.layers;
  RS_ASSERT(n <= MOST_GRUS);
  for (size_t i = 0; i < n; i++) {
    *l++ = (rs_sequence_spec){
        .kind = RS_SEQUENCE_GRU, .in = in, .out = (size_t)units[i], .svd_rank = svd_rank};
    in = (size_t)units[i];
    if (rate > 0) *l++ = (rs_sequence_spec){.kind = RS_SEQUENCE_DROPOUT, .in = in, .rate = rate};
  }
  if (rs_settings_bool(s, "model.skip")) {
    *l++ = (rs_sequence_spec){.kind = RS_SEQUENCE_BESIDE, .in = in};
    in += rs_exp_front(s).inputs;
  }
  *l++ = (rs_sequence_spec){.kind = pooling_of(s), .in = in};
  if (pooling_of(s) == RS_SEQUENCE_STATISTICS) in *= 2;
  shape.embedding = (size_t)(l - shape.layers);
  *l++ = (rs_sequence_spec){.kind = RS_SEQUENCE_DENSE,
                            .in = in,
                            .out = width,
                            .svd_rank = svd_rank,
                            .activation = activation_of(s)};
  *l++ = (rs_sequence_spec){.kind = comparison_of(s), .in = width};
  if (comparison_of(s) != RS_SEQUENCE_PAIRS) width = 1;
  *l++ = (rs_sequence_spec){.kind = RS_SEQUENCE_DENSE, .in = width, .out = 1};
  shape.n = (size_t)(l - shape.layers);
  return shape;
}

void rs_exp_check_verify_shape(const rs_settings *s, rs_problems *problems) {
  const int64_t *units;
  size_t n = rs_settings_ints(s, "model.gru", &units);
  if (n == 0 || n > MOST_GRUS)
    rs_problem_add(problems, rs_settings_place(s, "model.gru"),
                   "expected 1 to %d recurrent layers, got %zu", MOST_GRUS, n);
  if (n == 0 || n > MOST_GRUS) return;
  rs_verify_shape shape = rs_exp_verify_shape(s, 0);
  rs_exp_check_sequence_rank(s, shape.layers, shape.n, problems);
}

/* ---- model ------------------------------------------------------------------------------- */

rs_status rs_verify_model_create(const rs_settings *s, size_t svd_rank, rs_verify_model *out) {
  *out = (rs_verify_model){.shape = rs_exp_verify_shape(s, svd_rank),
                           .center = rs_settings_bool(s, "data.center")};
  rs_status status = rs_exp_front_open(s, &out->front);
  if (status == RS_OK) status = rs_sequence_create(out->shape.layers, out->shape.n, &out->net);
  if (status == RS_OK && out->front.normalize)
    status = rs_new(&out->mean, 2 * out->front.inputs, sizeof *out->mean);
  if (out->mean != NULL) out->scale = out->mean + out->front.inputs;
  if (status != RS_OK) rs_verify_model_free(out);
  return status;
}

void rs_verify_model_free(rs_verify_model *m) {
  rs_exp_front_close(&m->front);
  rs_sequence_destroy(m->net);
  free(m->mean);
  *m = (rs_verify_model){0};
}

rs_status rs_verify_model_load(rs_verify_model *m, const rs_bundle *from) {
  RS_TRY(rs_sequence_load(m->net, from));
  return rs_exp_load_statistics(from, m->front.inputs, m->mean, m->scale);
}

rs_status rs_verify_model_save(const rs_verify_model *m, rs_bundle *into) {
  RS_TRY(rs_sequence_save(m->net, into));
  return rs_exp_save_statistics(into, m->front.inputs, m->mean, m->scale);
}

/* One weight for all differences has a sign from the start: what is alike is of one speaker. */
rs_status rs_verify_model_init(rs_verify_model *m, uint64_t seed, const char *stage) {
  const rs_layer *head = &m->net->layers[m->shape.n - 1].base;
  const float steep = 10, middle = 0.3f; /* the logit's, over cosines */
  RS_TRY(rs_sequence_init(m->net, seed, stage));
  float *weight = m->net->values + head->kernel, *bias = m->net->values + head->bias;
  switch (m->shape.layers[m->shape.n - 2].kind) {
  case RS_SEQUENCE_DISTANCES: *weight = -1, *bias = 1; break;
  case RS_SEQUENCE_COSINES: *weight = steep, *bias = -steep * middle; break;
  default: break;
  }
  return RS_OK;
}

float rs_verify_score(const rs_verify_model *m, const float *a, const float *b) {
  const rs_layer *head = &m->net->layers[m->shape.n - 1].base;
  const float *w = m->net->values + head->kernel;
  size_t width = m->shape.layers[m->shape.embedding].out;
  float sum = m->net->values[head->bias];
  switch (m->shape.layers[m->shape.n - 2].kind) {
  case RS_SEQUENCE_DISTANCES: return sum + *w * rs_pair_distance(width, a, b);
  case RS_SEQUENCE_COSINES: return sum + *w * rs_pair_cosine(width, a, b);
  default: break;
  }
  for (size_t j = 0; j < width; j++) sum += w[j] * fabsf(a[j] - b[j]);
  return sum;
}

/* ---- features ---------------------------------------------------------------------------- */

void rs_verify_center(size_t frames, size_t inputs, size_t stride, float *x) {
  for (size_t k = 0; k < inputs; k++) {
    double sum = 0;
    for (size_t t = 0; t < frames; t++) sum += (double)x[t * stride + k];
    float mean = (float)(sum / (double)frames);
    for (size_t t = 0; t < frames; t++) x[t * stride + k] -= mean;
  }
}

rs_status rs_verify_statistics(const rs_front *front, const rs_utterances *u, float *mean,
                               float *scale) {
  const double least = 1e-5;
  size_t frames = u->part.all_frames, inputs = front->inputs;
  double *sums = NULL;
  float *x = NULL;
  rs_status status = rs_new(&sums, 2 * inputs, sizeof *sums);
  if (status == RS_OK) status = rs_new(&x, inputs, sizeof *x);
  for (size_t t = 0; status == RS_OK && t < frames; t++) {
    rs_exp_features(front, u->part.spectrum + t * front->bins, NULL, NULL, x);
    for (size_t k = 0; k < inputs; k++) {
      sums[k] += x[k];
      sums[inputs + k] += (double)x[k] * x[k];
    }
  }
  for (size_t k = 0; status == RS_OK && k < inputs; k++) {
    double n = (double)frames, first = sums[k] / n;
    mean[k] = (float)first;
    scale[k] = (float)(1 / fmax(sqrt(fmax(sums[inputs + k] / n - first * first, 0)), least));
  }
  free(sums);
  free(x);
  return status;
}
