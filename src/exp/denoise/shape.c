#include "denoise.h"
#include "low_rank/sequence.h"

const rs_setting rs_exp_denoise_model_settings[] = {
    {.path = "model.gru",
     .type = RS_INTS,
     .initial = "[512, 256]",
     .min = 1,
     .max = 16384,
     .unit = "units",
     .help = "Widths of the recurrent layers, first to last (at most 8)."},
    {.path = "model.dropout",
     .type = RS_FLOAT,
     .initial = "0.2",
     .min = 0,
     .max = 0.95,
     .help = "Share of the numbers between two recurrent layers that training drops."},
    {0},
};

rs_denoise_shape rs_exp_denoise_shape(const rs_settings *s, size_t svd_rank) {
  const int64_t *units;
  size_t n = rs_settings_ints(s, "model.gru", &units);
  rs_front front = rs_exp_front(s);
  size_t bins = front.bins, in = front.inputs;
  double rate = rs_settings_float(s, "model.dropout");
  rs_denoise_shape shape = {0};
  RS_ASSERT(n <= RS_DENOISE_MAX_GRUS);
  for (size_t i = 0; i < n; i++) {
    if (i > 0 && rate > 0)
      shape.layers[shape.n++] =
          (rs_sequence_spec){.kind = RS_SEQUENCE_DROPOUT, .in = in, .rate = rate};
    shape.layers[shape.n++] = (rs_sequence_spec){
        .kind = RS_SEQUENCE_GRU, .in = in, .out = (size_t)units[i], .svd_rank = svd_rank};
    in = (size_t)units[i];
  }
  shape.layers[shape.n++] =
      (rs_sequence_spec){.kind = RS_SEQUENCE_DENSE, .in = in, .out = bins, .svd_rank = svd_rank};
  return shape;
}

void rs_exp_check_denoise_shape(const rs_settings *s, rs_problems *problems) {
  const int64_t *units;
  size_t n = rs_settings_ints(s, "model.gru", &units);
  if (n == 0 || n > RS_DENOISE_MAX_GRUS) {
    rs_problem_add(problems, rs_settings_place(s, "model.gru"),
                   "expected 1 to %d recurrent layers, got %zu", RS_DENOISE_MAX_GRUS, n);
    return;
  }
  rs_denoise_shape shape = rs_exp_denoise_shape(s, 0);
  rs_exp_check_sequence_rank(s, shape.layers, shape.n, problems);
}
