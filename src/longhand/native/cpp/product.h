// y = x w^T for a matrix w that stays the same: packed once, in panels of 32 outputs that are read in order.
//
// Twelve rows by 32 outputs are 24 registers of sums: every number of the panel is loaded once for twelve rows. With
// few rows the product is bound by reading w, with many it comes close to the processor's peak.
#pragma once

#include <algorithm>
#include <vector>

#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

#include "vector16.h"

constexpr int64_t PANEL = 2 * LANES;
constexpr int ROWS = 12;
constexpr int64_t BLOCK = 10 * ROWS;

// w in the type of the rows it is multiplied with. In bfloat16 numbers stand in pairs, as the instruction takes them.
template <typename T>
class Packed {
 public:
  int64_t outputs = 0, inputs = 0;

  Packed() = default;

  // w: [outputs, inputs]; inputs have to be even for bfloat16
  Packed(const float* w, int64_t outputs, int64_t inputs)
      : outputs(outputs), inputs(inputs), numbers(round_up(outputs, PANEL) * inputs) {
    for (int64_t o = 0; o < outputs; o++)
      for (int64_t i = 0; i < inputs; i++) numbers[place(o, i)] = from_float<T>(w[o * inputs + i]);
  }

  // x: [rows, inputs], y: [rows, outputs]
  template <typename O>
  void multiply(int64_t rows, const T* x, O* y) const {
    // A block of rows stays in the first-level or second-level cache while all panels pass by.
    for (int64_t begin = 0; begin < rows; begin += BLOCK) {
      const int64_t end = std::min(rows, begin + BLOCK);
      for (int64_t o = 0; o < outputs; o += PANEL) strip(&numbers[o * inputs], begin, end, x, o, y);
    }
  }

 private:
  std::vector<T> numbers;

  template <typename O>
  void strip(const T* panel, int64_t r, int64_t end, const T* x, int64_t o, O* y) const {
    for (; r + ROWS <= end; r += ROWS) tile<ROWS>(panel, x + r * inputs, o, y + r * outputs);
    switch (end - r) {
      case 1: return tile<1>(panel, x + r * inputs, o, y + r * outputs);
      case 2: return tile<2>(panel, x + r * inputs, o, y + r * outputs);
      case 3: return tile<3>(panel, x + r * inputs, o, y + r * outputs);
      case 4: return tile<4>(panel, x + r * inputs, o, y + r * outputs);
      case 5: return tile<5>(panel, x + r * inputs, o, y + r * outputs);
      case 6: return tile<6>(panel, x + r * inputs, o, y + r * outputs);
      case 7: return tile<7>(panel, x + r * inputs, o, y + r * outputs);
      case 8: return tile<8>(panel, x + r * inputs, o, y + r * outputs);
      case 9: return tile<9>(panel, x + r * inputs, o, y + r * outputs);
      case 10: return tile<10>(panel, x + r * inputs, o, y + r * outputs);
      case 11: return tile<11>(panel, x + r * inputs, o, y + r * outputs);
    }
  }

  static int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

  int64_t place(int64_t o, int64_t i) const {
    const int64_t panel = o / PANEL * PANEL * inputs, in = o % PANEL;
    if (sizeof(T) == sizeof(float)) return panel + i * PANEL + in;
    return panel + i / 2 * 2 * PANEL + in * 2 + i % 2;
  }

  template <typename O>
  void put(const V16& sums, int64_t o, O* y) const {
    if (o + LANES <= outputs) return store16(y + o, sums);
    for (int64_t i = 0; o + i < outputs; i++) y[o + i] = from_float<O>(sums[i]);
  }

  template <int R, typename O>
  void tile(const T* panel, const T* x, int64_t o, O* y) const {
    V16 low[R] = {}, high[R] = {};
    sums<R>(panel, x, low, high);
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
      put(low[r], o, y + r * outputs);
      if (o + LANES < outputs) put(high[r], o + LANES, y + r * outputs);
    }
  }

  template <int R>
  void sums(const float* panel, const float* x, V16 (&low)[R], V16 (&high)[R]) const {
    for (int64_t i = 0; i < inputs; i++) {
      const V16 a = load16(panel + i * PANEL), b = load16(panel + i * PANEL + LANES);
#pragma GCC unroll 12
      for (int r = 0; r < R; r++) {
        const float factor = x[r * inputs + i];
        low[r] += factor * a;
        high[r] += factor * b;
      }
    }
  }

  template <int R>
  void sums(const Bf16* panel, const Bf16* x, V16 (&low)[R], V16 (&high)[R]) const {
#ifdef __AVX512BF16__
    __m512 first[R], second[R];
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) first[r] = second[r] = _mm512_setzero_ps();
    for (int64_t i = 0; i < inputs; i += 2) {
      const auto a = (__m512bh)_mm512_loadu_si512(panel + i * PANEL);
      const auto b = (__m512bh)_mm512_loadu_si512(panel + i * PANEL + PANEL);
#pragma GCC unroll 12
      for (int r = 0; r < R; r++) {
        int32_t pair;
        std::memcpy(&pair, x + r * inputs + i, sizeof pair);
        const auto both = (__m512bh)_mm512_set1_epi32(pair);
        first[r] = _mm512_dpbf16_ps(first[r], both, a);
        second[r] = _mm512_dpbf16_ps(second[r], both, b);
      }
    }
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
      std::memcpy(&low[r], &first[r], sizeof low[r]);
      std::memcpy(&high[r], &second[r], sizeof high[r]);
    }
#else
    for (int64_t i = 0; i < inputs; i++)
      for (int64_t c = 0; c < LANES; c++) {
        const float a = to_float(panel[i / 2 * 2 * PANEL + c * 2 + i % 2]);
        const float b = to_float(panel[i / 2 * 2 * PANEL + (LANES + c) * 2 + i % 2]);
        for (int r = 0; r < R; r++) {
          low[r][c] += to_float(x[r * inputs + i]) * a;
          high[r][c] += to_float(x[r * inputs + i]) * b;
        }
      }
#endif
  }
};
