/* Products in tiles, with what follows them fused in. */
#include "ranksweep/num.h"

#include <cblas.h>

/* Tile sides, found by measurement on batch x 1024 x 1024 products: small enough to share out,
 * large enough that OpenBLAS packs little per product. They depend on the shape alone, so the bits
 * do not depend on threads. */
enum {
  TILE_ROWS = 256,
  TILE_COLUMNS = 256,
  ROUND = 16,
  CHAIN_ROWS = 64,        /* of the long sides of factors, ... */
  FACTOR_SIDE = 512,      /* ... and of their gradients */
  SMALL_PRODUCT = 1 << 18 /* terms; up to here OpenBLAS uses one thread anyway */
};

typedef struct cut {
  size_t length, step;
} cut;

/* Even tiles of about TARGET, in multiples of ROUND so that only the last has a ragged edge. */
static cut cut_evenly(size_t length, size_t target) {
  size_t count = (length + target - 1) / target;
  size_t step = (length + count - 1) / count;
  return (cut){length, (step + ROUND - 1) / ROUND * ROUND};
}

static size_t cut_count(cut c) {
  return (c.length + c.step - 1) / c.step;
}

static size_t cut_size(cut c, size_t i) {
  size_t left = c.length - i * c.step;
  return left < c.step ? left : c.step;
}

/* ---- epilogues ---------------------------------------------------------------------------- */

static void add_bias(size_t n, float *restrict c, const float *restrict bias) {
#pragma omp simd
  for (size_t j = 0; j < n; j++) c[j] += bias[j];
}

static void add_bias_relu(size_t n, float *restrict c, const float *restrict bias) {
#pragma omp simd
  for (size_t j = 0; j < n; j++) {
    float y = c[j] + bias[j];
    c[j] = y < 0.0f ? 0.0f : y; /* keeps a NaN */
  }
}

static void mask_relu(size_t n, float *restrict c, const float *restrict mask) {
#pragma omp simd
  for (size_t j = 0; j < n; j++) c[j] = mask[j] > 0.0f ? c[j] : 0.0f;
}

/* The tile [rows, columns] of C [., ld] whose first element is (row, column). */
static void finish_tile(const rs_epilogue *e, size_t row, size_t column, size_t rows,
                        size_t columns, size_t ld, float *c) {
  if (e == NULL || e->kind == RS_EPILOGUE_NONE) return;
  for (size_t i = row; i < row + rows; i++) {
    float *line = c + i * ld + column;
    switch (e->kind) {
    case RS_EPILOGUE_NONE: break;
    case RS_EPILOGUE_BIAS: add_bias(columns, line, e->bias + column); break;
    case RS_EPILOGUE_BIAS_RELU: add_bias_relu(columns, line, e->bias + column); break;
    case RS_EPILOGUE_RELU_MASK: mask_relu(columns, line, e->mask + i * ld + column); break;
    }
  }
}

/* ---- products ----------------------------------------------------------------------------- */

typedef struct product {
  rs_gemm_op op;
  size_t m, n, k;
  const float *a, *b;
  float *c;
  const rs_epilogue *epilogue;
} product;

static void multiply_tile(const product *p, size_t row, size_t column, size_t rows,
                          size_t columns) {
  bool a_transposed = p->op == RS_GEMM_TN, b_transposed = p->op == RS_GEMM_NT;
  size_t lda = a_transposed ? p->m : p->k, ldb = b_transposed ? p->k : p->n;
  const float *a = a_transposed ? p->a + row : p->a + row * lda;
  const float *b = b_transposed ? p->b + column * ldb : p->b + column;
  cblas_sgemm(CblasRowMajor, a_transposed ? CblasTrans : CblasNoTrans,
              b_transposed ? CblasTrans : CblasNoTrans, (blasint)rows, (blasint)columns,
              (blasint)p->k, 1.0f, a, (blasint)lda, b, (blasint)ldb, 0.0f,
              p->c + row * p->n + column, (blasint)p->n);
  finish_tile(p->epilogue, row, column, rows, columns, p->n, p->c);
}

void rs_gemm(rs_gemm_op op, size_t m, size_t n, size_t k, const float *a, const float *b, float *c,
             const rs_epilogue *epilogue) {
  RS_ASSERT(m <= INT32_MAX && n <= INT32_MAX && k <= INT32_MAX);
  if (m == 0 || n == 0) return;
  product p = {op, m, n, k, a, b, c, epilogue};
  cut rows = cut_evenly(m, TILE_ROWS), columns = cut_evenly(n, TILE_COLUMNS);
  /* A weight gradient has few terms a sum: whole rows pack B once. */
  if (op == RS_GEMM_TN) columns = cut_evenly(n, 4 * TILE_COLUMNS);
  size_t across = cut_count(columns), tiles = across * cut_count(rows);
  /* A single large tile too: outside a parallel region OpenBLAS would cut it by the number of
   * threads. */
#pragma omp parallel for schedule(dynamic, 1) if (m * n * k > SMALL_PRODUCT)
  for (size_t t = 0; t < tiles; t++) {
    size_t i = t / across, j = t % across;
    multiply_tile(&p, i * rows.step, j * columns.step, cut_size(rows, i), cut_size(columns, j));
  }
}

/* A thread takes its rows through both products: nobody waits in between. */
void rs_gemm_chain(rs_gemm_op op, size_t m, size_t n, size_t d, size_t k, const float *a,
                   const float *b1, const float *b2, float *middle, float *c,
                   const rs_epilogue *epilogue) {
  RS_ASSERT(op != RS_GEMM_TN);
  product first = {op, m, d, k, a, b1, middle, NULL},
          second = {op, m, n, d, middle, b2, c, epilogue};
  cut rows = cut_evenly(m, CHAIN_ROWS);
  size_t chunks = m > 0 ? cut_count(rows) : 0;
#pragma omp parallel for schedule(static) if (m * n * d > SMALL_PRODUCT)
  for (size_t i = 0; i < chunks; i++) {
    multiply_tile(&first, i * rows.step, 0, cut_size(rows, i), d);
    multiply_tile(&second, i * rows.step, 0, cut_size(rows, i), n);
  }
}

void rs_gemm_factor_gradients(size_t m, size_t in, size_t d, size_t out, const float *x,
                              const float *h, const float *dh, const float *dy, float *du,
                              float *dv) {
  product u = {RS_GEMM_TN, in, d, m, x, dh, du, NULL}, v = {RS_GEMM_TN, d, out, m, h, dy, dv, NULL};
  cut rows = cut_evenly(in, FACTOR_SIDE), columns = cut_evenly(out, FACTOR_SIDE);
  size_t of_u = cut_count(rows), tiles = of_u + cut_count(columns);
#pragma omp parallel for schedule(dynamic, 1) if (m * (in + out) * d > SMALL_PRODUCT)
  for (size_t t = 0; t < tiles; t++) {
    size_t j = t - of_u;
    if (t < of_u)
      multiply_tile(&u, t * rows.step, 0, cut_size(rows, t), d);
    else
      multiply_tile(&v, 0, j * columns.step, d, cut_size(columns, j));
  }
}

void rs_column_sums(size_t m, size_t n, const float *a, float *sums) {
  enum { BLOCK = 256 };
  size_t blocks = (n + BLOCK - 1) / BLOCK;
#pragma omp parallel for schedule(static) if (m * n > SMALL_PRODUCT)
  for (size_t b = 0; b < blocks; b++) {
    size_t first = b * BLOCK, last = first + BLOCK < n ? first + BLOCK : n;
    for (size_t j = first; j < last; j++) sums[j] = 0.0f;
    for (size_t i = 0; i < m; i++)
#pragma omp simd
      for (size_t j = first; j < last; j++) sums[j] += a[i * n + j];
  }
}
