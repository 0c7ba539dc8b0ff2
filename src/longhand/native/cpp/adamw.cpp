// AdamW (arXiv:1711.05101), the moving average of the weights and their bfloat16 copy, in one pass.

#include <cmath>

#include "export.h"
#include "vector16.h"

EXPORT double sum_of_squares(int64_t n, const float* x) {
  double total = 0;
  for (int64_t start = 0; start < n; start += 4096) {  // float32 within a block, float64 over blocks
    const int64_t stop = start + 4096 < n ? start + 4096 : n;
    float part = 0;
#pragma omp simd reduction(+ : part)
    for (int64_t i = start; i < stop; i++) part += x[i] * x[i];
    total += part;
  }
  return total;
}

// The gradient is multiplied by `factor` first. `average` (with weight 1 - decay on the new weights) and `copy` may be null.
EXPORT void adamw(int64_t n, float* weights, const float* gradients, float* first, float* second, float factor,
                  float learning_rate, float beta1, float beta2, float eps, float weight_decay, float correction1,
                  float correction2, float* average, float average_decay, Bf16* copy) {
  const float step = learning_rate / correction1, root = 1 / std::sqrt(correction2), keep = 1 - learning_rate * weight_decay;
#pragma omp simd
  for (int64_t i = 0; i < n; i++) {
    const float g = gradients[i] * factor;
    const float m = beta1 * first[i] + (1 - beta1) * g, v = beta2 * second[i] + (1 - beta2) * g * g;
    first[i] = m;
    second[i] = v;
    weights[i] = weights[i] * keep - step * m / (std::sqrt(v) * root + eps);
  }
  if (average) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) average[i] += (1 - average_decay) * (weights[i] - average[i]);
  }
  if (copy) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) copy[i] = from_float<Bf16>(weights[i]);
  }
}
