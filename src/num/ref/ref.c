#include "ref.h"

#include <math.h>

static double product_element(rs_gemm_op op, size_t m, size_t n, size_t k, const float *a,
                              const float *b, size_t i, size_t j) {
  double sum = 0;
  for (size_t l = 0; l < k; l++) {
    double x = op == RS_GEMM_TN ? a[l * m + i] : a[i * k + l];
    double y = op == RS_GEMM_NT ? b[j * k + l] : b[l * n + j];
    sum += x * y;
  }
  return sum;
}

static double finish(const rs_epilogue *e, size_t n, size_t i, size_t j, double c) {
  if (e == NULL) return c;
  switch (e->kind) {
  case RS_EPILOGUE_NONE: return c;
  case RS_EPILOGUE_BIAS: return c + e->bias[j];
  case RS_EPILOGUE_BIAS_RELU: return fmax(c + e->bias[j], 0.0);
  case RS_EPILOGUE_RELU_MASK: return e->mask[i * n + j] > 0 ? c : 0.0;
  }
  return c;
}

void rs_ref_gemm(rs_gemm_op op, size_t m, size_t n, size_t k, const float *a, const float *b,
                 float *c, const rs_epilogue *epilogue) {
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < n; j++)
      c[i * n + j] = (float)finish(epilogue, n, i, j, product_element(op, m, n, k, a, b, i, j));
}

void rs_ref_column_sums(size_t m, size_t n, const float *a, float *sums) {
  for (size_t j = 0; j < n; j++) {
    double sum = 0;
    for (size_t i = 0; i < m; i++) sum += a[i * n + j];
    sums[j] = (float)sum;
  }
}

double rs_ref_softmax_cross_entropy(size_t m, size_t classes, const float *logits,
                                    const uint8_t *labels, float scale, float *gradient,
                                    size_t *correct) {
  double loss = 0;
  *correct = 0;
  for (size_t i = 0; i < m; i++) {
    const float *x = logits + i * classes;
    double sum = 0;
    bool first_largest = true;
    for (size_t j = 0; j < classes; j++) {
      sum += exp(x[j]);
      if (x[j] > x[labels[i]] || (x[j] == x[labels[i]] && j < labels[i])) first_largest = false;
    }
    loss -= log(exp(x[labels[i]]) / sum);
    *correct += first_largest;
    for (size_t j = 0; j < classes; j++)
      gradient[i * classes + j] = (float)(scale * (exp(x[j]) / sum - (j == labels[i])));
  }
  return loss;
}

void rs_ref_adam_update(const rs_adam *a, size_t n, float *w, const float *g, float *m, float *v) {
  for (size_t i = 0; i < n; i++) {
    double first = a->beta1 * m[i] + (1 - a->beta1) * g[i];
    double second = a->beta2 * v[i] + (1 - a->beta2) * g[i] * g[i];
    double m_hat = first / (1 - pow(a->beta1, (double)a->step));
    double v_hat = second / (1 - pow(a->beta2, (double)a->step));
    m[i] = (float)first;
    v[i] = (float)second;
    w[i] = (float)(w[i] - a->lr * a->decay * w[i] - a->lr * m_hat / (sqrt(v_hat) + a->epsilon));
  }
}

void rs_ref_sgd_update(double lr, double momentum, double decay, size_t n, float *w, const float *g,
                       float *m) {
  for (size_t i = 0; i < n; i++) {
    m[i] = (float)(momentum * m[i] + g[i] + decay * w[i]);
    w[i] = (float)(w[i] - lr * m[i]);
  }
}
