// What a layer is made of, with sizes rounded up to whole vectors by zeros.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "decode_writes.h"
#include "product.h"

using Floats = std::vector<float>;

inline Floats padded(const float* from, int64_t n) {
  Floats to(round_up(n));
  if (from) std::copy(from, from + n, to.begin());
  return to;
}

struct Norm {
  Floats weight, bias;
  int64_t d = 0;
  float eps = 0;
  bool is_rms = false;

  Norm() = default;
  Norm(int64_t d, float eps, bool is_rms, const float* weight, const float* bias)
      : weight(padded(weight, d)), bias(padded(bias, d)), d(d), eps(eps), is_rms(is_rms) {}

  template <typename T>
  void apply(int64_t n, const float* x, T* h) const {
    const int64_t whole = d / LANES * LANES, stride = int64_t(weight.size());
    for (int64_t r = 0; r < n; r++, x += stride, h += stride) {
      float mean = 0, squares = 0;
      if (!is_rms) {
        V16 total{};
        for (int64_t i = 0; i < stride; i += LANES) total += load16(x + i);  // beyond d are zeros
        mean = sum(total) / d;
      }
      V16 spread{};
      for (int64_t i = 0; i < whole; i += LANES) {
        const V16 off = load16(x + i) - mean;
        spread += off * off;
      }
      squares = sum(spread);
      for (int64_t i = whole; i < d; i++) squares += (x[i] - mean) * (x[i] - mean);
      const float scale = 1 / std::sqrt(squares / d + eps);
      for (int64_t i = 0; i < stride; i += LANES)
        round16(h + i, (load16(x + i) - mean) * scale * load16(&weight[i]) + load16(&bias[i]));
    }
  }
};

// A product and its bias. `row` and `column` say where an output and an input of the matrix as it was trained stand.
template <typename T>
struct Linear {
  Packed<T> matrix;
  Floats bias;

  Linear() = default;
  template <typename Row, typename Column>
  Linear(int64_t padded_outputs, int64_t padded_inputs, int64_t outputs, int64_t inputs, const float* w, const float* b,
         Row row, Column column)
      : matrix(padded_outputs, padded_inputs), bias(matrix.outputs + LANES) {
    for (int64_t o = 0; o < outputs; o++) {
      for (int64_t i = 0; i < inputs; i++) matrix.set(row(o), column(i), w[o * inputs + i]);
      if (b) bias[row(o)] = b[o];
    }
  }

  template <typename O>
  void store(int64_t n, const T* x, O* y) const {
    matrix.multiply(n, x, Store<O>{y, bias.data(), matrix.outputs});
  }
  void add(int64_t n, const T* x, float* y) const { matrix.multiply(n, x, Add{y, bias.data(), matrix.outputs}); }
};

template <typename T>
struct Layer {
  Norm norm1, norm2;
  Linear<T> q, k, v, out, up, down;
};
