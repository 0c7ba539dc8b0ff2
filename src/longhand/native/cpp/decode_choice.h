// Which token comes next.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "vector16.h"

struct Sampling {
  double temperature;  // 0: the likeliest token
  int64_t top_k;       // 0: all tokens
};

// `logits` [vocab], with room for whole vectors, in which what lies beyond the vocabulary is -1e30.
class Choice {
 public:
  // The first of the likeliest tokens.
  static int32_t likeliest(const float* logits, int64_t vocab) {
    const float top = highest(logits, vocab);
    for (int64_t c = 0; c < vocab; c++)
      if (logits[c] == top) return int32_t(c);
    return 0;  // nothing but NaN
  }

  // The token on which `uniform`, in [0, 1), falls, where tokens are laid out from the likeliest on, the first of
  // equals first, each as wide as its probability.
  int32_t draw(const float* logits, int64_t vocab, const Sampling& how, double uniform) {
    order.resize(vocab);
    reach.resize(vocab);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return logits[a] > logits[b]; });
    const int64_t n = how.top_k ? std::min(how.top_k, vocab) : vocab;
    double total = 0;
    for (int64_t i = 0; i < n; i++)
      reach[i] = total += std::exp((double(logits[order[i]]) - double(logits[order[0]])) / how.temperature);
    int64_t place = 0;
    while (place < n - 1 && reach[place] <= uniform * total) place++;
    return order[place];
  }

  // The natural logarithm of the probability of `token`.
  static float chance(const float* logits, int64_t vocab, int32_t token) {
    const float top = highest(logits, vocab);
    V16 total{};
    for (int64_t c = 0; c < vocab; c += LANES) {
      const V16 x = load16(logits + c);
      total += x > -1e29f ? exp16(x - top) : V16{};
    }
    return logits[token] - top - std::log(sum(total));
  }

 private:
  std::vector<int32_t> order;
  std::vector<double> reach;

  static float highest(const float* logits, int64_t vocab) {
    V16 top = load16(logits);
    for (int64_t c = LANES; c < vocab; c += LANES) top = max16(top, load16(logits + c));
    return largest(top);
  }
};
