// bfloat16: the upper half of a float, rounded to the nearest, ties to even.
#pragma once

#include <cstdint>
#include <cstring>

struct Bf16 {
  uint16_t bits;
};

inline float to_float(float x) { return x; }

inline float to_float(Bf16 x) {
  const uint32_t wide = uint32_t(x.bits) << 16;
  float y;
  std::memcpy(&y, &wide, 4);
  return y;
}

template <typename T>
T from_float(float x);

template <>
inline float from_float<float>(float x) { return x; }

// NaN is not looked for: a carry out of its mantissa could make it an infinity, which the loss shows just as well.
template <>
inline Bf16 from_float<Bf16>(float x) {
  uint32_t wide;
  std::memcpy(&wide, &x, 4);
  return Bf16{uint16_t((wide + 0x7FFF + ((wide >> 16) & 1)) >> 16)};
}
