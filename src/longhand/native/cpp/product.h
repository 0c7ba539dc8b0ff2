// y = x w^T for a matrix w that stays the same: packed once, in panels of 32 outputs that are read in order.
//
// Twelve rows by 32 outputs are 24 registers of sums: every number of the panel is loaded once for twelve rows. With
// few rows the product is bound by reading w, with many it reaches the processor's peak. What becomes of the sums is
// said by whoever asks (a bias, an activation, a residual), while they are still in registers. A sum is added up in
// the same order whatever the number of rows, so a row's result does not depend on its neighbours.
#pragma once

#include <algorithm>
#include <vector>

#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

#include "vector16.h"

constexpr int64_t PANEL = 2 * LANES;
constexpr int ROWS = 12;

// w in the type of the rows it is multiplied with. In bfloat16 numbers stand in pairs, as the instruction takes them.
template <typename T>
class Packed {
 public:
  int64_t outputs = 0, inputs = 0;  // rounded up to whole vectors; what is not set is 0

  Packed() = default;

  Packed(int64_t outputs, int64_t inputs)
      : outputs(round_up(outputs)), inputs(round_up(inputs)),
        numbers((this->outputs + PANEL - 1) / PANEL * PANEL * this->inputs) {}

  void set(int64_t o, int64_t i, float x) { numbers[place(o, i)] = from_float<T>(x); }

  // x: [rows, inputs]. Calls write(row, o, low, high) with the outputs o .. o + 15 and o + 16 .. o + 31 of each row;
  // `high` means nothing where o + 16 == outputs.
  template <typename Write>
  void multiply(int64_t rows, const T* x, const Write& write) const {
    for (int64_t o = 0; o < outputs; o += PANEL) {
      const T* panel = &numbers[o * inputs];
      int64_t r = 0;
      for (; r + ROWS <= rows; r += ROWS) tile<ROWS>(panel, x, r, o, write);
      for (; r + 8 <= rows; r += 8) tile<8>(panel, x, r, o, write);
      for (; r + 4 <= rows; r += 4) tile<4>(panel, x, r, o, write);
      for (; r + 2 <= rows; r += 2) tile<2>(panel, x, r, o, write);
      for (; r < rows; r++) tile<1>(panel, x, r, o, write);
    }
  }

 private:
  std::vector<T> numbers;

  int64_t place(int64_t o, int64_t i) const {
    const int64_t panel = o / PANEL * PANEL * inputs, in = o % PANEL;
    if (sizeof(T) == sizeof(float)) return panel + i * PANEL + in;
    return panel + i / 2 * 2 * PANEL + in * 2 + i % 2;
  }

  template <int R, typename Write>
  void tile(const T* panel, const T* x, int64_t r, int64_t o, const Write& write) const {
    V16 low[R] = {}, high[R] = {};
    sums<R>(panel, x + r * inputs, low, high);
#pragma GCC unroll 12
    for (int i = 0; i < R; i++) write(r + i, o, low[i], high[i]);
  }

  template <int R>
  __attribute__((always_inline)) void sums(const float* panel, const float* x, V16 (&low)[R], V16 (&high)[R]) const {
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
  __attribute__((always_inline)) void sums(const Bf16* panel, const Bf16* x, V16 (&low)[R], V16 (&high)[R]) const {
#ifdef __AVX512BF16__
    for (int64_t i = 0; i < inputs; i += 2) {
      const auto a = (__m512bh)_mm512_loadu_si512(panel + i * PANEL);
      const auto b = (__m512bh)_mm512_loadu_si512(panel + i * PANEL + PANEL);
#pragma GCC unroll 12
      for (int r = 0; r < R; r++) {
        int32_t pair;
        std::memcpy(&pair, x + r * inputs + i, sizeof pair);
        const auto both = (__m512bh)_mm512_set1_epi32(pair);
        low[r] = (V16)_mm512_dpbf16_ps((__m512)low[r], both, a);
        high[r] = (V16)_mm512_dpbf16_ps((__m512)high[r], both, b);
      }
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
