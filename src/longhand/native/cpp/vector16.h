// Sixteen floats at a time: one register with AVX-512, two with AVX2, and correct everywhere.
#pragma once

#include <cstdint>
#include <cstring>

#include "bf16.h"

typedef float V16 __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t I16 __attribute__((vector_size(64), aligned(4), may_alias));

constexpr int64_t LANES = 16;

inline int64_t round_up(int64_t n) { return (n + LANES - 1) / LANES * LANES; }

inline V16 fill(float x) { return V16{} + x; }

inline V16 load16(const float* from) {
  V16 x;
  std::memcpy(&x, from, sizeof x);
  return x;
}

inline V16 load16(const Bf16* from) {
  typedef uint16_t U16 __attribute__((vector_size(32), aligned(2), may_alias));
  typedef uint32_t W16 __attribute__((vector_size(64), aligned(4), may_alias));
  U16 half;
  std::memcpy(&half, from, sizeof half);
  const W16 wide = __builtin_convertvector(half, W16) << 16;
  V16 x;
  std::memcpy(&x, &wide, sizeof x);
  return x;
}

inline void store16(float* to, V16 x) { std::memcpy(to, &x, sizeof x); }

inline void store16(Bf16* to, V16 x) {
  typedef uint16_t U16 __attribute__((vector_size(32), aligned(2), may_alias));
  typedef uint32_t W16 __attribute__((vector_size(64), aligned(4), may_alias));
  W16 wide;
  std::memcpy(&wide, &x, sizeof wide);
  wide = (wide + 0x7FFF + ((wide >> 16) & 1)) >> 16;
  const U16 half = __builtin_convertvector(wide, U16);
  std::memcpy(to, &half, sizeof half);
}

// A fixed tree, so that the result does not depend on the compiler.
inline float sum(V16 x) {
  x += __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
  x += __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
  x += __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
  return x[0] + x[1];
}

inline V16 max16(V16 a, V16 b) { return a > b ? a : b; }

inline float largest(V16 x) {
  x = max16(x, __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  x = max16(x, __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
  x = max16(x, __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
  return x[0] > x[1] ? x[0] : x[1];
}

// e^x to 2 units in the last place between 1e-38 and 1e38, and one of these beyond: 2^n e^r with |r| <= ln 2 / 2 and a polynomial of degree 6 (Cephes expf).
inline V16 exp16(V16 x) {
  x = max16(x, fill(-87.0f));
  x = x < 87.0f ? x : fill(87.0f);
  const V16 shifted = x * 1.44269504f + 12582912.0f;  // 1.5 * 2^23: the mantissa now ends in the nearest integer
  const V16 n = shifted - 12582912.0f;
  const V16 r = x - n * 0.693359375f + n * 2.12194440e-4f;
  V16 p = fill(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  I16 bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits - 0x4B400000 + 127) << 23;
  V16 power;
  std::memcpy(&power, &bits, sizeof power);
  return p * power;
}
