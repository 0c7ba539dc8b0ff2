// The activations of the MLP with the bias before them, forwards and backwards.

#include <cmath>

#include "kernels.h"
#include "vector16.h"

namespace {

constexpr float ROOT = 0.7978845608f;  // sqrt(2 / pi)
constexpr float CUBIC = 0.044715f;

inline V16 sigmoid16(V16 x) { return 1.0f / (1.0f + exp16(-x)); }

// GELU by tanh (arXiv:1606.08415): 0.5 x (1 + tanh u) = x sigmoid(2 u), u = ROOT (x + CUBIC x^3)
inline V16 gelu16(V16 x) { return x * sigmoid16(2 * ROOT * (x + CUBIC * x * x * x)); }

inline V16 gelu_slope16(V16 x) {
  const V16 s = sigmoid16(2 * ROOT * (x + CUBIC * x * x * x));
  return s + x * s * (1.0f - s) * (2 * ROOT * (1.0f + 3 * CUBIC * x * x));
}

struct Relu {
  static V16 value(V16 x) { return x > 0.0f ? x : V16{}; }
  static V16 slope(V16 x) { return x > 0.0f ? fill(1.0f) : V16{}; }
};

struct Gelu {
  static V16 value(V16 x) { return gelu16(x); }
  static V16 slope(V16 x) { return gelu_slope16(x); }
};

// A short last vector is computed in a copy, padded with zeros.
template <typename T>
V16 load_some(const T* from, int64_t count) {
  if (count >= LANES) return load16(from);
  T buffer[LANES] = {};
  std::memcpy(buffer, from, count * sizeof(T));
  return load16(buffer);
}

template <typename T>
void store_some(T* to, V16 x, int64_t count) {
  if (count >= LANES) return store16(to, x);
  T buffer[LANES];
  store16(buffer, x);
  std::memcpy(to, buffer, count * sizeof(T));
}

// a = f(u + bias)
template <typename T, typename F>
void activate(int64_t n, int64_t d, const T* u, const float* bias, T* a) {
  for (int64_t r = 0; r < n; r++)
    for (int64_t i = 0; i < d; i += LANES) {
      V16 x = load_some(u + r * d + i, d - i);
      if (bias) x += load_some(bias + i, d - i);
      store_some(a + r * d + i, F::value(x), d - i);
    }
}

// d_u = d_a f'(u + bias); its sum over rows is added to d_bias.
template <typename T, typename F>
void activate_backward(int64_t n, int64_t d, const T* u, const float* bias, const T* d_a, T* d_u, float* d_bias) {
  for (int64_t r = 0; r < n; r++)
    for (int64_t i = 0; i < d; i += LANES) {
      V16 x = load_some(u + r * d + i, d - i);
      if (bias) x += load_some(bias + i, d - i);
      const V16 g = load_some(d_a + r * d + i, d - i) * F::slope(x);
      store_some(d_u + r * d + i, g, d - i);
      if (d_bias) store_some(d_bias + i, load_some(d_bias + i, d - i) + g, d - i);
    }
}

// a = silu(gate + gate_bias) (up + up_bias), arXiv:2002.05202. A row holds gate, then up: [n, 2 d].
template <typename T>
void swiglu(int64_t n, int64_t d, const T* u, const float* bias, T* a) {
  for (int64_t r = 0; r < n; r++)
    for (int64_t i = 0; i < d; i += LANES) {
      V16 gate = load_some(u + r * 2 * d + i, d - i), up = load_some(u + (r * 2 + 1) * d + i, d - i);
      if (bias) gate += load_some(bias + i, d - i), up += load_some(bias + d + i, d - i);
      store_some(a + r * d + i, gate * sigmoid16(gate) * up, d - i);
    }
}

template <typename T>
void swiglu_backward(int64_t n, int64_t d, const T* u, const float* bias, const T* d_a, T* d_u, float* d_bias) {
  for (int64_t r = 0; r < n; r++)
    for (int64_t i = 0; i < d; i += LANES) {
      V16 gate = load_some(u + r * 2 * d + i, d - i), up = load_some(u + (r * 2 + 1) * d + i, d - i);
      if (bias) gate += load_some(bias + i, d - i), up += load_some(bias + d + i, d - i);
      const V16 g = load_some(d_a + r * d + i, d - i), s = sigmoid16(gate);
      const V16 d_gate = g * up * (s + gate * s * (1.0f - s)), d_up = g * gate * s;
      store_some(d_u + r * 2 * d + i, d_gate, d - i);
      store_some(d_u + (r * 2 + 1) * d + i, d_up, d - i);
      if (d_bias) {
        store_some(d_bias + i, load_some(d_bias + i, d - i) + d_gate, d - i);
        store_some(d_bias + d + i, load_some(d_bias + d + i, d - i) + d_up, d - i);
      }
    }
}

}  // namespace

#define DEFINE(T, NAME)                                                                                             \
  EXPORT void activate_relu_##NAME(int64_t n, int64_t d, const T* u, const float* bias, T* a) {                     \
    activate<T, Relu>(n, d, u, bias, a);                                                                            \
  }                                                                                                                 \
  EXPORT void activate_gelu_##NAME(int64_t n, int64_t d, const T* u, const float* bias, T* a) {                     \
    activate<T, Gelu>(n, d, u, bias, a);                                                                            \
  }                                                                                                                 \
  EXPORT void activate_swiglu_##NAME(int64_t n, int64_t d, const T* u, const float* bias, T* a) {                   \
    swiglu<T>(n, d, u, bias, a);                                                                                    \
  }                                                                                                                 \
  EXPORT void activate_relu_backward_##NAME(int64_t n, int64_t d, const T* u, const float* bias, const T* d_a,      \
                                            T* d_u, float* d_bias) {                                                \
    activate_backward<T, Relu>(n, d, u, bias, d_a, d_u, d_bias);                                                    \
  }                                                                                                                 \
  EXPORT void activate_gelu_backward_##NAME(int64_t n, int64_t d, const T* u, const float* bias, const T* d_a,      \
                                            T* d_u, float* d_bias) {                                                \
    activate_backward<T, Gelu>(n, d, u, bias, d_a, d_u, d_bias);                                                    \
  }                                                                                                                 \
  EXPORT void activate_swiglu_backward_##NAME(int64_t n, int64_t d, const T* u, const float* bias, const T* d_a,    \
                                              T* d_u, float* d_bias) {                                              \
    swiglu_backward<T>(n, d, u, bias, d_a, d_u, d_bias);                                                            \
  }

DEFINE(float, float32)
DEFINE(Bf16, bfloat16)
