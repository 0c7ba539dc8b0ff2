// Which tokens of a batch have to be computed: a token's activations depend on the tokens up to it and on nothing
// else, so examples that begin alike share rows.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels.h"

namespace {

// Sharing a position pays while this part of its tokens repeat others.
constexpr double WORTH = 0.9;
constexpr int64_t LARGEST_TABLE = 1 << 22;

// The next number of rows that is allowed: multiples of 16, and of 1/32 to 1/64 of the number where that is more.
int64_t round_rows(int64_t n) {
  int64_t step = 16;
  while (step * 64 < n) step *= 2;
  return (n + step - 1) / step * step;
}

}  // namespace

// Number the distinct beginnings of `ids` [batch, time], of which row b has `length[b]` tokens, position by position.
//
// Writes row_of [batch, time] (-1 beyond a row's length), the token and position of each row [at most batch * time],
// own [batch]: the first position from which on b is the example its rows are computed for, and bounds [4]: the rows
// before position `keep`, the first row from there on, the end of those rows, and the number of all rows. In the gaps
// stand idle rows, of token 0, that round both numbers up: matrix products are compiled anew for each number of rows.
// Returns the number of rows that several examples may share, which come first: a position is shared only if all
// before it are. There is room for `room` rows.
EXPORT int64_t plan_rows(int64_t batch, int64_t time, int64_t vocab, int64_t keep, int64_t room, const int64_t* ids,
                         const int32_t* length, int32_t* row_of, int32_t* token, int32_t* position, int32_t* own,
                         int32_t* bounds) {
  std::vector<int32_t> parent(batch, 0), found;
  int64_t rows = 0, parents = 1, shared_rows = 0;
  bool shares = true;
  for (int64_t b = 0; b < batch; b++) own[b] = int32_t(time);
  const auto pad = [&](int64_t until) {
    for (; rows < std::min(until, room); rows++) token[rows] = 0, position[rows] = 0;
  };
  keep = std::min(keep, time);
  for (int64_t t = 0; t < time; t++) {
    if (t == keep) {
      bounds[0] = int32_t(rows);
      pad(round_rows(rows));
      bounds[1] = int32_t(rows);
    }
    const int64_t start = rows;
    if (shares && parents * vocab <= LARGEST_TABLE) {
      found.assign(parents * vocab, -1);
      int64_t present = 0;
      for (int64_t b = 0; b < batch; b++) {
        if (t >= length[b]) continue;
        present++;
        int32_t& row = found[parent[b] * vocab + ids[b * time + t]];
        if (row < 0) {
          row = int32_t(rows++);
          if (own[b] > t) own[b] = int32_t(t);
        }
      }
      shares = rows - start <= WORTH * present || rows - start <= 1;
      if (shares) {
        for (int64_t b = 0; b < batch; b++) {
          row_of[b * time + t] = -1;
          if (t >= length[b]) continue;
          const int32_t row = found[parent[b] * vocab + ids[b * time + t]];
          row_of[b * time + t] = row;
          token[row] = int32_t(ids[b * time + t]);
          position[row] = int32_t(t);
          parent[b] = row - int32_t(start);
        }
        parents = rows - start;
        shared_rows = rows;
        continue;
      }
      rows = start;
    }
    shares = false;
    for (int64_t b = 0; b < batch; b++) {
      row_of[b * time + t] = -1;
      if (t >= length[b]) continue;
      row_of[b * time + t] = int32_t(rows);
      token[rows] = int32_t(ids[b * time + t]);
      position[rows] = int32_t(t);
      rows++;
      if (own[b] > t) own[b] = int32_t(t);
    }
  }
  if (keep == time) bounds[0] = bounds[1] = int32_t(rows);
  bounds[2] = int32_t(rows);
  pad(bounds[1] + round_rows(rows - bounds[1]));
  bounds[3] = int32_t(rows);
  return shared_rows;
}
