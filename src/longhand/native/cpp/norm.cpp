// Residual sum and normalisation in one pass, forwards and backwards. The residual stream is float32.
//
// Layer norm (arXiv:1607.06450) subtracts the mean; root-mean-square norm (arXiv:1910.07467) does not.

#include <cmath>

#include "kernels.h"
#include "vector16.h"

namespace {

// y = x + delta + delta_bias, h = norm(y). Row r of x is row x_index[r] if there is an index.
template <typename T>
void add_norm(int64_t n, int64_t d, const float* x, const int32_t* x_index, const T* delta, const float* delta_bias,
              const float* weight, const float* bias, float eps, bool is_rms, float* y, T* h, float* mean, float* scale) {
  for (int64_t r = 0; r < n; r++) {
    const float* from = x + (x_index ? x_index[r] : r) * d;
    float* row = y + r * d;
    float total = 0, squares = 0;
    if (delta) {
      const T* add = delta + r * d;
      if (delta_bias) {
#pragma omp simd reduction(+ : total)
        for (int64_t i = 0; i < d; i++) total += row[i] = from[i] + to_float(add[i]) + delta_bias[i];
      } else {
#pragma omp simd reduction(+ : total)
        for (int64_t i = 0; i < d; i++) total += row[i] = from[i] + to_float(add[i]);
      }
    } else {
#pragma omp simd reduction(+ : total)
      for (int64_t i = 0; i < d; i++) total += row[i] = from[i];
    }
    const float m = is_rms ? 0 : total / d;
#pragma omp simd reduction(+ : squares)
    for (int64_t i = 0; i < d; i++) squares += (row[i] - m) * (row[i] - m);
    const float s = 1 / std::sqrt(squares / d + eps);
    if (mean) mean[r] = m, scale[r] = s;
    T* out = h + r * d;
    if (bias) {
#pragma omp simd
      for (int64_t i = 0; i < d; i++) out[i] = from_float<T>((row[i] - m) * s * weight[i] + bias[i]);
    } else {
#pragma omp simd
      for (int64_t i = 0; i < d; i++) out[i] = from_float<T>((row[i] - m) * s * weight[i]);
    }
  }
}

// d_y += gradient of norm at y, given d_h; the sums over rows are added to d_weight, d_bias and d_delta_bias,
// and d_delta is d_y in the type of the matrix products.
template <typename T>
void norm_backward(int64_t n, int64_t d, const T* d_h, const float* y, const float* mean, const float* scale,
                   const float* weight, bool is_rms, float* d_y, T* d_delta, float* d_weight, float* d_bias,
                   float* d_delta_bias) {
  for (int64_t r = 0; r < n; r++) {
    const T* dh = d_h + r * d;
    const float* row = y + r * d;
    float* dy = d_y + r * d;
    const float m = mean[r], s = scale[r];
    float dot = 0, total = 0;
    if (d_bias) {
#pragma omp simd reduction(+ : dot, total)
      for (int64_t i = 0; i < d; i++) {
        const float g = to_float(dh[i]), unit = (row[i] - m) * s;
        d_weight[i] += g * unit;
        d_bias[i] += g;
        dot += g * weight[i] * unit;
        total += g * weight[i];
      }
    } else {
#pragma omp simd reduction(+ : dot, total)
      for (int64_t i = 0; i < d; i++) {
        const float g = to_float(dh[i]), unit = (row[i] - m) * s;
        d_weight[i] += g * unit;
        dot += g * weight[i] * unit;
        total += g * weight[i];
      }
    }
    dot /= d;
    total = is_rms ? 0 : total / d;
    if (d_delta_bias) {
      T* dd = d_delta + r * d;
#pragma omp simd
      for (int64_t i = 0; i < d; i++) {
        dy[i] += s * (to_float(dh[i]) * weight[i] - total - (row[i] - m) * s * dot);
        dd[i] = from_float<T>(dy[i]);
        d_delta_bias[i] += dy[i];
      }
    } else if (d_delta) {
      T* dd = d_delta + r * d;
#pragma omp simd
      for (int64_t i = 0; i < d; i++) {
        dy[i] += s * (to_float(dh[i]) * weight[i] - total - (row[i] - m) * s * dot);
        dd[i] = from_float<T>(dy[i]);
      }
    } else {
#pragma omp simd
      for (int64_t i = 0; i < d; i++) dy[i] += s * (to_float(dh[i]) * weight[i] - total - (row[i] - m) * s * dot);
    }
  }
}

}  // namespace

#define DEFINE(T, NAME)                                                                                               \
  EXPORT void add_norm_##NAME(int64_t n, int64_t d, const float* x, const int32_t* x_index, const T* delta,            \
                              const float* delta_bias, const float* weight, const float* bias, float eps,             \
                              int64_t is_rms, float* y, T* h, float* mean, float* scale) {                            \
    add_norm<T>(n, d, x, x_index, delta, delta_bias, weight, bias, eps, is_rms != 0, y, h, mean, scale);              \
  }                                                                                                                   \
  EXPORT void norm_backward_##NAME(int64_t n, int64_t d, const T* d_h, const float* y, const float* mean,             \
                                   const float* scale, const float* weight, int64_t is_rms, float* d_y, T* d_delta,   \
                                   float* d_weight, float* d_bias, float* d_delta_bias) {                             \
    norm_backward<T>(n, d, d_h, y, mean, scale, weight, is_rms != 0, d_y, d_delta, d_weight, d_bias, d_delta_bias);   \
  }

DEFINE(float, float32)
DEFINE(Bf16, bfloat16)
