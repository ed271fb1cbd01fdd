/* The table of names over a block of parameters. */
#include "params.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static size_t param_size(const rs_param *p) {
  return p->rows * (p->cols > 0 ? p->cols : 1);
}

size_t rs_layout_add(const rs_layout *to, const char *layer, const char *name, size_t rows,
                     size_t cols) {
  rs_param *p = &to->params[(*to->n_params)++];
  snprintf(p->name, sizeof p->name, "%.12s/%.18s", layer, name);
  p->rows = rows;
  p->cols = cols;
  p->offset = *to->size;
  *to->size += param_size(p);
  return p->offset;
}

rs_status rs_params_load(const rs_param *params, size_t n, const rs_bundle *from, float *values) {
  for (const rs_param *p = params; p < params + n; p++) {
    const float *data;
    RS_TRY(rs_bundle_get(from, p->name, p->rows, p->cols, &data));
    memcpy(values + p->offset, data, param_size(p) * sizeof *data);
  }
  return RS_OK;
}

rs_status rs_params_save(const rs_param *params, size_t n, const float *values, rs_bundle *into) {
  for (const rs_param *p = params; p < params + n; p++) {
    float *data;
    RS_TRY(rs_bundle_add(into, p->name, p->cols > 0 ? 2 : 1, (size_t[]){p->rows, p->cols}, &data));
    memcpy(data, values + p->offset, param_size(p) * sizeof *data);
  }
  return RS_OK;
}

void rs_glorot_init(const rs_stream *s, size_t in, size_t out, uint64_t from, float *kernel) {
  float limit = (float)sqrt(6.0 / (double)(in + out));
  for (size_t i = 0; i < in * out; i++)
    kernel[i] = limit * (2.0f * rs_stream_uniform(s, from + i) - 1.0f);
}
