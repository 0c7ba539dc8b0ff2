// Prompts that begin alike share the rows of what they have in common: each distinct beginning is one row.
#pragma once

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "vector16.h"

struct Prompts {
  const int32_t* ids;     // one after the other
  const int64_t* starts;  // [n + 1]
  const int32_t* limits;  // [n] how many tokens each may be given

  const int32_t* of(int64_t b) const { return ids + starts[b]; }
  int64_t length(int64_t b) const { return starts[b + 1] - starts[b]; }

  // Tokens that two prompts have in common from the first one on.
  int64_t common(int64_t a, int64_t b) const {
    const int64_t n = std::min(length(a), length(b));
    int64_t t = 0;
    while (t < n && of(a)[t] == of(b)[t]) t++;
    return t;
  }

  bool are_equal(int64_t a, int64_t b) const {
    return length(a) == length(b) && limits[a] == limits[b] && common(a, b) == length(a);
  }

  // The prompts in an order in which what begins alike stands together, and a prompt before what continues it.
  std::vector<int32_t> sorted(int64_t n) const {
    std::vector<int32_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      const int64_t t = common(a, b);
      if (t < length(a) && t < length(b)) return of(a)[t] < of(b)[t];
      if (length(a) != length(b)) return length(a) < length(b);
      return limits[a] != limits[b] ? limits[a] < limits[b] : a < b;
    });
    return order;
  }
};

// Examples `members` in sorted order, and the rows of their distinct beginnings, shorter ones before longer ones.
struct Beginnings {
  int64_t width;                         // of the table: room for the longest prompt and what follows it
  std::vector<int32_t> table;            // [examples, width] the row of each token of each example
  std::vector<int32_t> token, position;  // of each row
  std::vector<int64_t> chain;            // of each row: where in the table its tokens begin

  Beginnings(const Prompts& prompts, const std::vector<int32_t>& members) : width(0) {
    for (int32_t b : members) width = std::max(width, prompts.length(b) + prompts.limits[b]);
    table.resize(int64_t(members.size()) * width);
    for (int64_t e = 0; e < int64_t(members.size()); e++) {
      int32_t* line = &table[e * width];
      const int64_t shared = e ? prompts.common(members[e - 1], members[e]) : 0;
      if (shared) std::memcpy(line, line - width, shared * sizeof(int32_t));
      for (int64_t t = shared; t < prompts.length(members[e]); t++) {
        line[t] = int32_t(token.size());
        token.push_back(prompts.of(members[e])[t]);
        position.push_back(int32_t(t));
        chain.push_back(e * width);
      }
    }
  }
};
