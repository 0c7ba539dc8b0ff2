// Attention of a single token over the rows of keys and values that it and the tokens before it have.
//
// A head's channels fill whole vectors. Products with sixteen keys are sixteen vectors, which are then added up
// together, so that no instruction works on part of a vector.
#pragma once

#include <algorithm>
#include <vector>

#include "decode_numbers.h"

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
  explicit RowAttention(const HeadShape& shape) : s(shape), stride(s.kv_heads * s.width) {}

  // q: [heads, width]. Row r of `keys` and `values` [rows, kv_heads, width] is that of one token, and `chain` names the
  // rows of all `count` tokens up to the one that asks. Writes out [heads, width].
  void attend(const T* q, const T* keys, const float* values, const int32_t* chain, int64_t count, T* out) {
    const int64_t groups = (count + LANES - 1) / LANES, share = s.heads / s.kv_heads;
    if (int64_t(p.size()) < s.heads * groups) p.resize(s.heads * groups);
    if (int64_t(rows.size()) < groups * LANES) rows.resize(groups * LANES);
    for (int64_t j = 0; j < groups * LANES; j++) rows[j] = int64_t(chain[std::min(j, count - 1)]) * stride;
    // One step for all heads before the next: what waits for its own result in one head can go on in another.
    switch (s.width) {
      case 16: score<16>(q, keys, count, groups); break;
      case 32: score<32>(q, keys, count, groups); break;
      case 64: score<64>(q, keys, count, groups); break;
      default: score<0>(q, keys, count, groups);
    }
    if (int64_t(top.size()) < s.heads) top.resize(s.heads);
    for (int64_t h = 0; h < s.heads; h++) {
      V16 most = p[h * groups];
      for (int64_t g = 1; g < groups; g++) most = max16(most, p[h * groups + g]);
      top[h] = largest(most);
    }
    for (int64_t h = 0; h < s.heads; h++)
      for (int64_t g = 0; g < groups; g++) p[h * groups + g] = power16<IS_EXACT<T>>(p[h * groups + g] - top[h]);
    for (int64_t h = 0; h < s.heads; h++) {
      V16 total = p[h * groups];
      for (int64_t g = 1; g < groups; g++) total += p[h * groups + g];
      top[h] = 1 / sum(total);
    }
    for (int64_t h = 0; h < s.heads; h++)
      for (int64_t g = 0; g < groups; g++) p[h * groups + g] *= top[h];
    int64_t h = 0;
    if (s.width == 16 && share == 1)
      for (; h + 8 <= s.heads; h += 8) blend<8, 1>(&p[h * groups], groups, values + h * 16, count, out + h * 16);
    if (s.width == 32 && share == 1)
      for (; h + 4 <= s.heads; h += 4) blend<4, 2>(&p[h * groups], groups, values + h * 32, count, out + h * 32);
    if (s.width == 64 && share == 1)
      for (; h + 2 <= s.heads; h += 2) blend<2, 4>(&p[h * groups], groups, values + h * 64, count, out + h * 64);
    for (; h < s.heads; h++)
      for (int64_t c = 0; c < s.width; c += LANES)
        blend<1, 1>(&p[h * groups], groups, values + h / share * s.width + c, count, out + h * s.width + c);
  }

 private:
  HeadShape s;
  int64_t stride;
  std::vector<V16> p;          // [heads, groups of keys] the weights of the keys
  std::vector<float> top;     // of each head
  std::vector<int64_t> rows;  // where they begin; what is beyond the last repeats it

  // p = log2(e) times q . k, for each head; WIDTH: its channels, where the compiler may know them, else 0
  template <int64_t WIDTH>
  void score(const T* q, const T* keys, int64_t count, int64_t groups) {
    const int64_t width = WIDTH ? WIDTH : s.width, share = s.heads / s.kv_heads;
    for (int64_t h = 0; h < s.heads; h++)
      for (int64_t g = 0; g < groups; g++) {
        const T* from = keys + h / share * width;
        V16 products[LANES];
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++) products[i] = parts16(q + h * width, from + rows[g * LANES + i], width);
        const int32_t left = int32_t(count - g * LANES);
        const V16 x = sums_of(products) * (s.scale * 1.4426950409f);
        p[h * groups + g] = I16{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} < left ? x : fill(-1e30f);
      }
  }

  // The values of some heads, which are at `values` in row 0, blended by the weights of each. Several heads at a time,
  // so that no sum has to wait for itself.
  template <int HEADS, int VECTORS>
  void blend(const V16* p, int64_t groups, const float* values, int64_t count, T* out) const {
    V16 total[HEADS * VECTORS] = {};
    const float* weights = reinterpret_cast<const float*>(p);
    for (int64_t j = 0; j < count; j++) {
      const float* from = values + rows[j];
#pragma GCC unroll 8
      for (int i = 0; i < HEADS * VECTORS; i++)
        total[i] += weights[i / VECTORS * groups * LANES + j] * load16(from + i * LANES);
    }
#pragma GCC unroll 8
    for (int i = 0; i < HEADS * VECTORS; i++) round16(out + i * LANES, total[i]);
  }
};
