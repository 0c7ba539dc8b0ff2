// What becomes of the sums of a product (see Packed::multiply): each adds the bias first.
#pragma once

#include "decode_numbers.h"

constexpr float LOG2_E = 1.4426950409f;

// 1 / (1 + 2^x)
template <bool EXACT>
inline V16 inverse_of_one_plus_power(V16 x) {
  return inverse16<EXACT>(1.0f + power16<EXACT>(x < 126.0f ? x : fill(126.0f)));
}

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

// y = sums + bias
template <typename T>
struct Store {
  T* y;
  const float* bias;
  int64_t outputs;

  void operator()(int64_t r, int64_t o, V16 low, V16 high) const {
    round16(y + r * outputs + o, low + load16(bias + o));
    if (o + LANES < outputs) round16(y + r * outputs + o + LANES, high + load16(bias + o + LANES));
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
    round16(y + r * outputs + o, F::template of<IS_EXACT<T>>(low + load16(bias + o)));
    if (o + LANES < outputs)
      round16(y + r * outputs + o + LANES, F::template of<IS_EXACT<T>>(high + load16(bias + o + LANES)));
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
    round16(y + r * outputs + o / 2, open * (up + load16(bias + o + LANES)));
  }
};
