// Attention of a single token over the rows of keys and values that it and the tokens before it have.
//
// A head's channels fill whole vectors. Products with sixteen keys are sixteen vectors, which are then added up
// together, so that no instruction works on part of a vector.
#pragma once

#include <algorithm>
#include <vector>

#include "vector16.h"

struct HeadShape {
  int64_t heads, kv_heads, width;  // width: channels of a head, rounded up to whole vectors
  float scale;
};

// The sum of each of sixteen vectors.
inline __attribute__((always_inline)) V16 sums_of(V16 (&x)[LANES]) {
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++)
    x[i] = __builtin_shufflevector(x[2 * i], x[2 * i + 1], 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30) +
           __builtin_shufflevector(x[2 * i], x[2 * i + 1], 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++)
    x[i] = __builtin_shufflevector(x[2 * i], x[2 * i + 1], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
           __builtin_shufflevector(x[2 * i], x[2 * i + 1], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
#pragma GCC unroll 2
  for (int i = 0; i < 2; i++)
    x[i] = __builtin_shufflevector(x[2 * i], x[2 * i + 1], 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27) +
           __builtin_shufflevector(x[2 * i], x[2 * i + 1], 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
  return __builtin_shufflevector(x[0], x[1], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
         __builtin_shufflevector(x[0], x[1], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
}

template <typename T>
class RowAttention {
 public:
  explicit RowAttention(const HeadShape& shape) : s(shape), stride(2 * s.kv_heads * s.width) {}

  // q: [heads, width]. Row r of `pool` [rows, 2, kv_heads, width] has the keys and values of one token, and `chain`
  // names the rows of all `count` tokens up to the one that asks. Writes out [heads, width].
  void attend(const T* q, const T* pool, const int32_t* chain, int64_t count, T* out) {
    const int64_t groups = (count + LANES - 1) / LANES;
    if (int64_t(p.size()) < groups) p.resize(groups);
    if (int64_t(rows.size()) < groups * LANES) rows.resize(groups * LANES);
    for (int64_t j = 0; j < groups * LANES; j++) rows[j] = pool + int64_t(chain[std::min(j, count - 1)]) * stride;
    const int64_t share = s.heads / s.kv_heads;
    for (int64_t h = 0; h < s.heads; h++) {
      const int64_t key = h / share * s.width, value = s.kv_heads * s.width + key;
      weigh(q + h * s.width, key, count, groups);
      switch (s.width) {
        case 16: blend<1>(value, count, out + h * 16); break;
        case 32: blend<2>(value, count, out + h * 32); break;
        case 64: blend<4>(value, count, out + h * 64); break;
        default:
          for (int64_t c = 0; c < s.width; c += LANES) blend<1>(value + c, count, out + h * s.width + c);
      }
    }
  }

 private:
  HeadShape s;
  int64_t stride;
  std::vector<V16> p;           // weights of the keys
  std::vector<const T*> rows;   // where they lie; what is beyond the last repeats it

  // p = softmax(q . k), the keys beginning at channel `key` of their rows
  void weigh(const T* q, int64_t key, int64_t count, int64_t groups) {
    V16 most = fill(-1e30f);
    for (int64_t g = 0; g < groups; g++) {
      V16 products[LANES];
      const T* const* at = &rows[g * LANES];
      const V16 first = load16(q);
#pragma GCC unroll 16
      for (int i = 0; i < LANES; i++) products[i] = first * load16(at[i] + key);
      for (int64_t c = LANES; c < s.width; c += LANES) {
        const V16 next = load16(q + c);
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++) products[i] += next * load16(at[i] + key + c);
      }
      p[g] = sums_of(products) * s.scale;
      if ((g + 1) * LANES > count)
        p[g] = I16{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} < int32_t(count - g * LANES) ? p[g] : fill(-1e30f);
      most = max16(most, p[g]);
    }
    const float top = largest(most);
    V16 total{};
    for (int64_t g = 0; g < groups; g++) total += p[g] = exp16(p[g] - top);
    const float factor = 1 / sum(total);
    for (int64_t g = 0; g < groups; g++) p[g] *= factor;
  }

  // The values from channel `value` of their rows on, blended by p.
  template <int N>
  void blend(int64_t value, int64_t count, T* out) const {
    V16 total[N] = {};
    const float* weights = reinterpret_cast<const float*>(p.data());
    for (int64_t j = 0; j < count; j++) {
      const T* from = rows[j] + value;
#pragma GCC unroll 4
      for (int i = 0; i < N; i++) total[i] += weights[j] * load16(from + i * LANES);
    }
#pragma GCC unroll 4
    for (int i = 0; i < N; i++) store16(out + i * LANES, total[i]);
  }
};
