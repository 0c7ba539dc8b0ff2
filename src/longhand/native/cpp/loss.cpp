// Softmax cross-entropy with its gradient.

#include <cmath>
#include <vector>

#include "export.h"
#include "vector16.h"

namespace {

// Adds weight * -log softmax(logits[row])[target] over the `n` targets, row by row, and writes the gradient of the
// sum times `factor` in place of the logits [rows, vocab]. Targets of one row stand together, in `order` of rows.
template <typename T>
double cross_entropy(int64_t n, int64_t rows, int64_t vocab, T* logits, const int32_t* row_of_target,
                     const int64_t* targets, const float* weights, float factor) {
  const int64_t width = round_up(vocab);
  std::vector<float> buffer(width, 0), gathered(rows * vocab, 0), total(rows, 0);
  std::vector<float>& p = buffer;
  double loss = 0;
  for (int64_t i = 0; i < n; i++) {
    if (row_of_target[i] < 0 || weights[i] == 0) continue;
    gathered[row_of_target[i] * vocab + targets[i]] += weights[i];
    total[row_of_target[i]] += weights[i];
  }
  for (int64_t r = 0; r < rows; r++) {
    T* row = logits + r * vocab;
    if (total[r] == 0) {
      for (int64_t c = 0; c < vocab; c++) row[c] = from_float<T>(0);
      continue;
    }
    for (int64_t c = 0; c < vocab; c++) p[c] = to_float(row[c]);
    for (int64_t c = vocab; c < width; c++) p[c] = -1e30f;
    V16 most = load16(&p[0]);
    for (int64_t c = LANES; c < width; c += LANES) most = max16(most, load16(&p[c]));
    const float top = largest(most);
    const float* wanted = &gathered[r * vocab];
    double score = 0;
    for (int64_t c = 0; c < vocab; c++)
      if (wanted[c] != 0) score += double(wanted[c]) * (p[c] - top);
    V16 sums{};
    for (int64_t c = 0; c < width; c += LANES) {
      const V16 power = exp16(load16(&p[c]) - top);
      store16(&p[c], power);
      sums += power;
    }
    const float whole = sum(sums);
    loss += double(total[r]) * std::log(whole) - score;
    const float scale = total[r] / whole;
#pragma omp simd
    for (int64_t c = 0; c < vocab; c++) row[c] = from_float<T>(factor * (p[c] * scale - wanted[c]));
  }
  return loss;
}

}  // namespace

#define DEFINE(T, NAME)                                                                                         \
  EXPORT double cross_entropy_##NAME(int64_t n, int64_t rows, int64_t vocab, T* logits, const int32_t* row_of,  \
                                     const int64_t* targets, const float* weights, float factor) {              \
    return cross_entropy<T>(n, rows, vocab, logits, row_of, targets, weights, factor);                          \
  }

DEFINE(float, float32)
DEFINE(Bf16, bfloat16)
