// Sums of rows that share an index: gradients of embeddings, and of rows used in several places.

#include "export.h"
#include "vector16.h"

// to[index[r]] += from[r] for float32 rows of `d` channels
EXPORT void add_rows(int64_t n, int64_t d, const float* from, const int32_t* index, float* to) {
  for (int64_t r = 0; r < n; r++) {
    float* row = to + index[r] * d;
#pragma omp simd
    for (int64_t i = 0; i < d; i++) row[i] += from[r * d + i];
  }
}

// to[r] = tokens[token[r]] + positions[position[r]]; positions may be null
EXPORT void embed(int64_t n, int64_t d, const float* tokens, const int32_t* token, const float* positions,
                  const int32_t* position, float* to) {
  for (int64_t r = 0; r < n; r++) {
    const float* a = tokens + token[r] * d;
    if (positions) {
      const float* b = positions + position[r] * d;
#pragma omp simd
      for (int64_t i = 0; i < d; i++) to[r * d + i] = a[i] + b[i];
    } else {
      std::memcpy(to + r * d, a, d * sizeof(float));
    }
  }
}

// to += from, and the other way round: the float32 master copies of bfloat16 numbers
EXPORT void add_bfloat16(int64_t n, const Bf16* from, float* to) {
#pragma omp simd
  for (int64_t i = 0; i < n; i++) to[i] += to_float(from[i]);
}

EXPORT void round_to_bfloat16(int64_t n, const float* from, Bf16* to) {
#pragma omp simd
  for (int64_t i = 0; i < n; i++) to[i] = from_float<Bf16>(from[i]);
}
