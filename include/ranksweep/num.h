/* num: dense linear algebra and kernels over OpenBLAS and LAPACKE, and named tensors.
 *
 * Matrices are row-major float32, given by pointer, shape and, where it may differ from the number
 * of columns, leading dimension. Kernels do not allocate. Work is cut into tiles that depend on
 * shapes alone, so results do not depend on the number of threads. src/num/ref has the slow,
 * obvious version of each kernel. */
#ifndef RANKSWEEP_NUM_H
#define RANKSWEEP_NUM_H

#include "ranksweep/base.h"

/* ---- named tensors ------------------------------------------------------------------------ */

/* One float32 tensor of a bundle, row-major; `name` like "dense1/kernel". */
typedef struct rs_tensor {
  char *name;
  size_t ndim;
  size_t dims[4];
  float *data;
} rs_tensor;

/* A set of named tensors: what stages hand to each other and checkpoints hold. Zero-initialise;
 * owns all. */
typedef struct rs_bundle {
  size_t count, cap;
  rs_tensor *tensors;
} rs_bundle;

/* Append a tensor of the given shape, zero-filled; *DATA (may be NULL) points at its elements. A
 * name that is there already is a program error. */
rs_status rs_bundle_add(rs_bundle *b, const char *name, size_t ndim, const size_t *dims,
                        float **data) RS_MUST_CHECK;
/* NULL when there is no such tensor. */
const rs_tensor *rs_bundle_find(const rs_bundle *b, const char *name);
/* Tensor NAME with exactly the shape [rows, cols] (cols 0: a vector); otherwise RS_ERR_DATA. */
rs_status rs_bundle_get(const rs_bundle *b, const char *name, size_t rows, size_t cols,
                        const float **data) RS_MUST_CHECK;
size_t rs_tensor_size(const rs_tensor *t); /* elements */
size_t rs_bundle_bytes(const rs_bundle *b);
void rs_bundle_free(rs_bundle *b);

/* ---- threads ------------------------------------------------------------------------------ */

/* Use N OpenMP threads in this process (BLAS included) from now on. */
void rs_num_set_threads(int n);
int rs_num_threads(void);
/* Which one of them is calling, from 0. */
int rs_num_thread(void);
/* "Zen", "Haswell": the kernels that OpenBLAS chose. And its version line. */
const char *rs_num_blas_core(void);
const char *rs_num_blas_config(void);
/* How its build makes threads. The one with a pool of pthreads fights OpenMP's for the cores. */
typedef enum rs_blas_threading {
  RS_BLAS_SEQUENTIAL,
  RS_BLAS_PTHREADS,
  RS_BLAS_OPENMP
} rs_blas_threading;
rs_blas_threading rs_num_blas_threading(void);

/* ---- products ------------------------------------------------------------------------------ */

/* Which operand is stored transposed: C [m, n] = A B, A B^T or A^T B. */
typedef enum rs_gemm_op { RS_GEMM_NN, RS_GEMM_NT, RS_GEMM_TN } rs_gemm_op;

/* What happens to an element of C right after its product, while its tile is in cache. */
typedef enum rs_epilogue_kind {
  RS_EPILOGUE_NONE,
  RS_EPILOGUE_BIAS,      /* c + bias[column] */
  RS_EPILOGUE_BIAS_RELU, /* max(c + bias[column], 0) */
  RS_EPILOGUE_RELU_MASK  /* c where mask > 0, else 0: the gradient through a ReLU whose output is
                            `mask` */
} rs_epilogue_kind;

typedef struct rs_epilogue {
  rs_epilogue_kind kind;
  const float *bias; /* [n] */
  const float *mask; /* [m, n], leading dimension n */
} rs_epilogue;

/* C [m, n] = op(A, B), then EPILOGUE (may be NULL). A is [m, k] (TN: [k, m]), B is [k, n] (NT: [n,
 * k]), all dense row-major. C must not overlap A or B. Deterministic for any number of threads. */
void rs_gemm(rs_gemm_op op, size_t m, size_t n, size_t k, const float *a, const float *b, float *c,
             const rs_epilogue *epilogue);

/* middle [m, d] = op(A [m, k], B1), then C [m, n] = op(middle, B2) with EPILOGUE: two products
 * through a narrow middle. NN: B1 [k, d], B2 [d, n]; NT: B1 [d, k], B2 [n, d]. Otherwise as
 * rs_gemm. */
void rs_gemm_chain(rs_gemm_op op, size_t m, size_t n, size_t d, size_t k, const float *a,
                   const float *b1, const float *b2, float *middle, float *c,
                   const rs_epilogue *epilogue);

/* du [in, d] = X^T dH and dv [d, out] = H^T dY, of X [m, in], H and dH [m, d], dY [m, out]. */
void rs_gemm_factor_gradients(size_t m, size_t in, size_t d, size_t out, const float *x,
                              const float *h, const float *dh, const float *dy, float *du,
                              float *dv);

/* sums [n] = column sums of A [m, n], rows added in order. */
void rs_column_sums(size_t m, size_t n, const float *a, float *sums);

/* ---- classification ------------------------------------------------------------------------ */

/* Softmax cross-entropy of LOGITS [m, classes] against LABELS [m]. Returns the sum over rows of
 * -log softmax(logits)[label]; GRADIENT (may be NULL, may be LOGITS) gets SCALE * (softmax -
 * onehot); *CORRECT (may be NULL) the number of rows whose largest logit (the first of equals) is
 * the label's. */
double rs_softmax_cross_entropy(size_t m, size_t classes, const float *logits,
                                const uint8_t *labels, float scale, float *gradient,
                                size_t *correct);

/* ---- activations --------------------------------------------------------------------------- */

/* y [n] = 1 / (1 + e^-x) and tanh(x); y may be x. Relative error below 1e-6 for |x| < 80; a NaN
 * stays one. */
void rs_sigmoid(size_t n, const float *x, float *y);
void rs_tanh(size_t n, const float *x, float *y);

/* Binary cross-entropy of LOGITS [m, n] against TARGETS [m, n] from 0 to 1. Returns the sum of
 * WEIGHTS[row] (NULL: all 1) times EMPHASIS [m, n] (NULL: all 1) times -t log s(x) - (1 - t) log(1
 * - s(x)), s the sigmoid. GRADIENT (may be NULL, may be LOGITS) gets SCALE * weight * emphasis *
 * (s(x)
 * - t). A row of weight 0 counts as nothing, whatever it holds. */
double rs_sigmoid_cross_entropy(size_t m, size_t n, const float *logits, const float *targets,
                                const float *weights, const float *emphasis, float scale,
                                float *gradient);

/* ---- recurrence ---------------------------------------------------------------------------- */

/* Gated recurrent units (Cho et al., 2014) with the reset gate applied after the product, over all
 * frames of a batch of sequences. At each frame, from the input's part (a_z, a_r, a_h) of the gates
 * and the state h before, with the recurrent kernel U = (U_z, U_r, U_h) [u, 3u]:
 *   z = s(a_z + h U_z),  r = s(a_r + h U_r),  q = h U_h + bias,  c = tanh(a_h + r q),
 *   h' = z h + (1 - z) c.
 * A padded frame leaves the state as it is. */

/* A recurrent kernel packed for these loops, and their scratch. */
typedef struct rs_gru_plan rs_gru_plan;

/* For up to ROWS sequences. SVD_RANK > 0: the kernel is a product of factors, for forward passes
 * only. TRAINING: for backward passes too. */
rs_status rs_gru_plan_create(size_t units, size_t svd_rank, size_t rows, bool training,
                             rs_gru_plan **out) RS_MUST_CHECK;
void rs_gru_plan_destroy(rs_gru_plan *p);

/* Copy KERNEL [u, 3u], or FIRST [u, D] and SECOND [D, 3u], into the plan; once for each change. */
void rs_gru_plan_pack(rs_gru_plan *p, const float *kernel);
void rs_gru_plan_pack_factors(rs_gru_plan *p, const float *first, const float *second);

typedef struct rs_gru_pass {
  size_t frames, rows;     /* T, and B sequences */
  const uint32_t *lengths; /* [B] frames of each that are no padding; NULL: all */
  const float *bias;       /* [u] of q */
  float *states;           /* [T + 1, B, u]: the first given, then those after each frame */
  float *gates;            /* [T, B, 3u] in: (a_z, a_r, a_h), out: (z, r, c) */
  float *products;         /* [T, B, 3u] out: q in the last third; NULL: no backward pass follows */
} rs_gru_pass;

void rs_gru_forward(const rs_gru_plan *p, const rs_gru_pass *pass);

/* For a pass that went forward, and DY [T, B, u], the gradient of the states after each frame:
 * gates become the gradient of (a_z, a_r, a_h), products that of h U. Both are zero at padded
 * frames, through which the gradient of the state passes unchanged. */
void rs_gru_backward(const rs_gru_plan *p, const rs_gru_pass *pass, const float *dy);

/* ---- optimizers ---------------------------------------------------------------------------- */

/* One fused pass of Adam (Kingma and Ba, 2015) over N parameters; weight decay decoupled
 * (Loshchilov and Hutter, 2019). STEP counts from 1: m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2)
 * g^2 w = w (1 - lr decay) - lr / (1 - b1^step) m / (sqrt(v / (1 - b2^step)) + epsilon) */
typedef struct rs_adam {
  double lr, beta1, beta2, epsilon, decay;
  uint64_t step;
} rs_adam;
void rs_adam_update(const rs_adam *adam, size_t n, float *w, const float *g, float *m, float *v);

/* One pass of gradient descent with momentum: m = momentum m + g + decay w;  w = w - lr m. */
void rs_sgd_update(double lr, double momentum, double decay, size_t n, float *w, const float *g,
                   float *m);

/* to += from;  x *= factor. */
void rs_add(size_t n, float *restrict to, const float *restrict from);
void rs_scale(size_t n, float factor, float *x);

/* Sum of squares of N values in double, in blocks of fixed size; infinite or NaN when a value is.
 */
double rs_sum_squares(size_t n, const float *x);

/* ---- singular values ----------------------------------------------------------------------- */

/* Thin SVD A [m, n] = U [m, k] diag(S [k]) VT [k, n], k = min(m, n), S descending, by LAPACK's
 * sgesdd (divide and conquer). A is kept. One thread; call it for several matrices from several
 * threads. No convergence or a NaN is RS_ERR_NUMERIC. */
rs_status rs_svd_thin(size_t m, size_t n, const float *a, float *u, float *s,
                      float *vt) RS_MUST_CHECK;

/* The truncated factors: left [m, d] = U[:, :d] diag(S[:d]^p), right [d, n] = diag(S[:d]^(1-p))
 * VT[:d, :], from the thin SVD above. P is the share of the singular values that goes left (1:
 * all). */
void rs_svd_slice(size_t m, size_t n, const float *u, const float *s, const float *vt, size_t d,
                  double p, float *left, float *right);

/* The d largest singular values and vectors of matrices [m, n] that change little from one to the
 * next: block power iteration from the last one's right vectors, with OVERSAMPLING more of them. */
typedef struct rs_subspace rs_subspace;
rs_status rs_subspace_create(size_t m, size_t n, size_t d, size_t oversampling,
                             rs_subspace **out) RS_MUST_CHECK;
void rs_subspace_destroy(rs_subspace *t);

/* Orthonormal rows [width, n] from which the next run starts, to be saved and restored. Before the
 * first run: scattered at random. */
size_t rs_subspace_width(const rs_subspace *t);
float *rs_subspace_basis(rs_subspace *t);
void rs_subspace_scatter(rs_subspace *t, const rs_stream *stream);

typedef struct rs_subspace_report {
  size_t iterations;
  double residual; /* || A V - U S ||_F / || S ||_F: 0 for singular vectors; each value of S is
                      within residual * || S ||_F of a singular value of A */
  double energy;   /* share of the sum of squared elements that the d values hold */
} rs_subspace_report;

/* Iterates until the residual is TOLERANCE or less, at MOST so often. One thread when called inside
 * a parallel region. A NaN is RS_ERR_NUMERIC. */
rs_status rs_subspace_run(rs_subspace *t, const float *a, size_t most, double tolerance,
                          rs_subspace_report *report) RS_MUST_CHECK;
/* Of the last run: u [m, d] = U S, v [d, n] = V^T. */
void rs_subspace_factors(const rs_subspace *t, float *u, float *v);

/* Replaces A [m, n], m <= n, by orthonormal rows that span the same space (Q of the QR
 * decomposition of A^T, with R's diagonal positive). */
rs_status rs_orthonormal_rows(size_t m, size_t n, float *a) RS_MUST_CHECK;

#endif
