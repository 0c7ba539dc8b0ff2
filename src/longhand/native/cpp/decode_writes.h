// What becomes of the sums of a product (see Packed::multiply): each adds the bias first.
#pragma once

#ifdef __AVX512DQ__
#include <immintrin.h>
#endif

#include "vector16.h"

// 1 / (1 + 2^z); EXACT: to float32's precision, else to more than that of bfloat16.
template <bool EXACT>
inline V16 inverse_of_one_plus_power(V16 z) {
#ifdef __AVX512DQ__
  __m512 x;
  std::memcpy(&x, &z, sizeof x);
  x = _mm512_min_ps(x, _mm512_set1_ps(126));
  // 2^z = 2^floor(z) 2^r with r in [0, 1): minimax polynomials, 8e-8 and 8e-5 off at most
  const __m512 r = _mm512_reduce_ps(x, 1);
  __m512 p;
  if (EXACT) {
    p = _mm512_set1_ps(1.877576608e-3f);
    for (float c : {8.989340252e-3f, 5.582631792e-2f, 2.401536171e-1f, 6.931530732e-1f, 9.999999251e-1f})
      p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(c));
  } else {
    p = _mm512_set1_ps(7.802451680e-2f);
    for (float c : {2.260671637e-1f, 6.958335376e-1f, 9.999252187e-1f}) p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(c));
  }
  const __m512 sum = _mm512_add_ps(_mm512_scalef_ps(p, x), _mm512_set1_ps(1));
  __m512 inverse = _mm512_rcp14_ps(sum);
  if (EXACT) inverse = _mm512_mul_ps(inverse, _mm512_fnmadd_ps(sum, inverse, _mm512_set1_ps(2)));  // Newton's step
  V16 y;
  std::memcpy(&y, &inverse, sizeof y);
  return y;
#else
  return 1.0f / (1.0f + exp16(z * 0.69314718f));
#endif
}

constexpr float LOG2_E = 1.4426950409f;

struct Relu {
  template <bool EXACT>
  static V16 of(V16 x) {
    return x > 0.0f ? x : V16{};
  }
};

// GELU by tanh (arXiv:1606.08415): 0.5 x (1 + tanh u) = x / (1 + e^-2u), u = sqrt(2 / pi) (x + 0.044715 x^3)
struct Gelu {
  template <bool EXACT>
  static V16 of(V16 x) {
    constexpr float A = -2 * 0.7978845608f * LOG2_E;
    return x * inverse_of_one_plus_power<EXACT>(x * (A + A * 0.044715f * (x * x)));
  }
};

struct Silu {
  template <bool EXACT>
  static V16 of(V16 x) {
    return x * inverse_of_one_plus_power<EXACT>(x * -LOG2_E);
  }
};

template <typename T>
constexpr bool IS_EXACT = sizeof(T) == sizeof(float);

// y = sums + bias
template <typename T>
struct Store {
  T* y;
  const float* bias;
  int64_t outputs;

  void operator()(int64_t r, int64_t o, V16 low, V16 high) const {
    store16(y + r * outputs + o, low + load16(bias + o));
    if (o + LANES < outputs) store16(y + r * outputs + o + LANES, high + load16(bias + o + LANES));
  }
};

// x += sums + bias
struct Add {
  float* x;
  const float* bias;
  int64_t outputs;

  void operator()(int64_t r, int64_t o, V16 low, V16 high) const {
    float* to = x + r * outputs + o;
    store16(to, load16(to) + (low + load16(bias + o)));
    if (o + LANES < outputs) store16(to + LANES, load16(to + LANES) + (high + load16(bias + o + LANES)));
  }
};

// y = f(sums + bias)
template <typename T, typename F>
struct Activate {
  T* y;
  const float* bias;
  int64_t outputs;

  void operator()(int64_t r, int64_t o, V16 low, V16 high) const {
    store16(y + r * outputs + o, F::template of<IS_EXACT<T>>(low + load16(bias + o)));
    if (o + LANES < outputs)
      store16(y + r * outputs + o + LANES, F::template of<IS_EXACT<T>>(high + load16(bias + o + LANES)));
  }
};

// y = silu(gate) up (arXiv:2002.05202), where 16 outputs are gates and the next 16 what they let through
template <typename T>
struct Swiglu {
  T* y;
  const float* bias;
  int64_t outputs;  // of y

  void operator()(int64_t r, int64_t o, V16 gate, V16 up) const {
    const V16 open = Silu::of<IS_EXACT<T>>(gate + load16(bias + o));
    store16(y + r * outputs + o / 2, open * (up + load16(bias + o + LANES)));
  }
};
