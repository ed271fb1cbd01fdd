/* Named tensors. */
#include "ranksweep/num.h"

#include <stdlib.h>
#include <string.h>

size_t rs_tensor_size(const rs_tensor *t) {
  size_t size = 1;
  for (size_t i = 0; i < t->ndim; i++) size *= t->dims[i];
  return size;
}

size_t rs_bundle_bytes(const rs_bundle *b) {
  size_t bytes = 0;
  for (size_t i = 0; i < b->count; i++) bytes += rs_tensor_size(&b->tensors[i]) * sizeof(float);
  return bytes;
}

const rs_tensor *rs_bundle_find(const rs_bundle *b, const char *name) {
  for (size_t i = 0; i < b->count; i++)
    if (strcmp(b->tensors[i].name, name) == 0) return &b->tensors[i];
  return NULL;
}

rs_status rs_bundle_add(rs_bundle *b, const char *name, size_t ndim, const size_t *dims,
                        float **data) {
  RS_ASSERT(ndim >= 1 && ndim <= 4 && rs_bundle_find(b, name) == NULL);
  rs_tensor t = {.ndim = ndim};
  size_t size = 1;
  for (size_t i = 0; i < ndim; i++) {
    if (dims[i] != 0 && size > SIZE_MAX / dims[i])
      return rs_fail(RS_ERR_NOMEM, "out of memory: tensor %s is too large", name);
    t.dims[i] = dims[i];
    size *= dims[i];
  }
  RS_TRY(rs_grow(&b->tensors, &b->cap, b->count + 1, sizeof *b->tensors));
  RS_TRY(rs_strdup(&t.name, name));
  rs_status status = rs_new(&t.data, size, sizeof(float));
  if (status != RS_OK) {
    free(t.name);
    return status;
  }
  b->tensors[b->count++] = t;
  if (data != NULL) *data = t.data;
  return RS_OK;
}

rs_status rs_bundle_get(const rs_bundle *b, const char *name, size_t rows, size_t cols,
                        const float **data) {
  *data = NULL;
  const rs_tensor *t = rs_bundle_find(b, name);
  if (t == NULL) return rs_fail(RS_ERR_DATA, "no tensor \"%s\"", name);
  size_t ndim = cols == 0 ? 1 : 2;
  if (t->ndim != ndim || t->dims[0] != rows || (ndim == 2 && t->dims[1] != cols))
    return rs_fail(RS_ERR_DATA, "tensor \"%s\": expected [%zu, %zu], got %zu dimensions [%zu, %zu]",
                   name, rows, cols, t->ndim, t->dims[0], t->dims[1]);
  *data = t->data;
  return RS_OK;
}

void rs_bundle_free(rs_bundle *b) {
  for (size_t i = 0; i < b->count; i++) {
    free(b->tensors[i].name);
    free(b->tensors[i].data);
  }
  free(b->tensors);
  *b = (rs_bundle){0};
}
