// Causal attention over rows: each token of each example names the row that holds its query, key and value.
//
// Examples that begin alike share rows, so work that is the same for both is done once, and padding has no rows at
// all. One example and one key-value head at a time fits in the first-level cache whole.

#include <vector>

#include "export.h"
#include "vector16.h"

namespace {

struct Shape {
  int64_t batch, time;             // the width of the index tables
  int64_t heads, kv_heads, width;  // width: channels of a head
  int64_t q_stride, kv_stride, out_stride;
  float scale;
};

struct Index {
  const int32_t* query;   // [batch, time] row of q
  const int32_t* key;     // [batch, time] row of k and v
  const int32_t* output;  // [batch, time] row of the output
  const int32_t* first;   // [batch] the first token that asks
  const int32_t* length;  // [batch] the number of tokens
  const float *cos, *sin;  // [time, width] rotation of channel i against channel i +- width / 2, or null
};

// The working copy of one head of one example, channels padded with zeros to whole vectors.
struct Workspace {
  int64_t width, keys;
  std::vector<float> k, v, kt, vt, dk, dv, q, dq, g, p, ds, turned;

  Workspace(int64_t time, int64_t channels) : width(round_up(channels)), keys(round_up(time)) {
    for (auto* rows : {&k, &v, &dk, &dv}) rows->assign(keys * width, 0);
    for (auto* columns : {&kt, &vt}) columns->assign(width * keys, 0);
    for (auto* row : {&q, &dq, &g, &turned}) row->assign(width, 0);
    for (auto* weights : {&p, &ds}) weights->assign(keys, 0);
  }
};

template <typename T>
void read(const T* from, int64_t channels, float* to) {
  int64_t i = 0;
  for (; i + LANES <= channels; i += LANES) store16(to + i, load16(from + i));
  for (; i < channels; i++) to[i] = to_float(from[i]);
}

// Rotary positions (arXiv:2104.09864): x_i cos + x_{i + half} sin, with the sign of the sine in its table.
void rotate(float* x, const float* cos, const float* sin, int64_t channels, float* buffer) {
  const int64_t half = channels / 2;
  std::memcpy(buffer, x, channels * sizeof(float));
  for (int64_t i = 0; i < channels; i++) x[i] = buffer[i] * cos[i] + buffer[i < half ? i + half : i - half] * sin[i];
}

// Its transpose, for gradients.
void rotate_back(float* x, const float* cos, const float* sin, int64_t channels, float* buffer) {
  const int64_t half = channels / 2;
  std::memcpy(buffer, x, channels * sizeof(float));
  for (int64_t i = 0; i < channels; i++) {
    const int64_t other = i < half ? i + half : i - half;
    x[i] = buffer[i] * cos[i] + buffer[other] * sin[other];
  }
}

void transpose(const float* rows, int64_t n, int64_t width, int64_t keys, float* columns) {
  for (int64_t c = 0; c < width; c++)
    for (int64_t j = 0; j < n; j++) columns[c * keys + j] = rows[j * width + c];
}

template <typename T>
void read_query(const T* from, int64_t t, const Shape& s, const Index& at, Workspace& w) {
  read(from, s.width, w.q.data());
  if (at.cos) rotate(w.q.data(), at.cos + t * s.width, at.sin + t * s.width, s.width, w.turned.data());
  for (int64_t i = 0; i < w.width; i += LANES) store16(&w.q[i], load16(&w.q[i]) * s.scale);
}

template <typename T>
void read_keys(const T* k, const T* v, const int32_t* rows, int64_t n, const Shape& s, const Index& at, Workspace& w) {
  for (int64_t j = 0; j < n; j++) {
    float* key = &w.k[j * w.width];
    read(k + rows[j] * s.kv_stride, s.width, key);
    if (at.cos) rotate(key, at.cos + j * s.width, at.sin + j * s.width, s.width, w.turned.data());
    read(v + rows[j] * s.kv_stride, s.width, &w.v[j * w.width]);
  }
  transpose(w.k.data(), n, w.width, w.keys, w.kt.data());
}

// row . columns for sixteen keys from `start` on
inline V16 product(const float* row, const float* columns, int64_t start, const Workspace& w) {
  V16 total{};
  for (int64_t c = 0; c < w.width; c++) total += row[c] * load16(columns + c * w.keys + start);
  return total;
}

// The softmax of the scores of keys 0..t into w.p, with zeros up to a whole vector.
void weigh(int64_t t, Workspace& w) {
  const I16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  V16 most = fill(-1e30f);
  for (int64_t j = 0; j <= t; j += LANES) {
    const V16 score = product(w.q.data(), w.kt.data(), j, w);
    const V16 seen = (lane <= int32_t(t - j)) ? score : fill(-1e30f);
    store16(&w.p[j], seen);
    most = max16(most, seen);
  }
  const float top = largest(most);
  V16 total{};
  for (int64_t j = 0; j <= t; j += LANES) {
    const V16 power = exp16(load16(&w.p[j]) - top);
    const V16 seen = (lane <= int32_t(t - j)) ? power : V16{};
    store16(&w.p[j], seen);
    total += seen;
  }
  const float factor = 1 / sum(total);
  for (int64_t j = 0; j <= t; j += LANES) store16(&w.p[j], load16(&w.p[j]) * factor);
}

template <typename T>
void write(T* to, const float* from, int64_t channels) {
  int64_t i = 0;
  for (; i + LANES <= channels; i += LANES) store16(to + i, load16(from + i));
  for (; i < channels; i++) to[i] = from_float<T>(from[i]);
}

template <typename T>
void attend(const Shape& s, const Index& at, const T* q, const T* k, const T* v, T* out) {
  Workspace w(s.time, s.width);
  const int64_t group = s.heads / s.kv_heads;
  for (int64_t b = 0; b < s.batch; b++) {
    const int64_t n = at.length[b], table = b * s.time;
    if (at.first[b] >= n) continue;
    for (int64_t kv = 0; kv < s.kv_heads; kv++) {
      read_keys(k + kv * s.width, v + kv * s.width, at.key + table, n, s, at, w);
      for (int64_t h = kv * group; h < (kv + 1) * group; h++)
        for (int64_t t = at.first[b]; t < n; t++) {
          read_query(q + at.query[table + t] * s.q_stride + h * s.width, t, s, at, w);
          weigh(t, w);
          for (int64_t c = 0; c < w.width; c += LANES) {
            V16 gathered{};
            for (int64_t j = 0; j <= t; j++) gathered += w.p[j] * load16(&w.v[j * w.width + c]);
            store16(&w.g[c], gathered);
          }
          write(out + at.output[table + t] * s.out_stride + h * s.width, w.g.data(), s.width);
        }
    }
  }
}

// Gradients of rows that several examples share are summed in float32; `sums` holds the first `n_sums` rows.
template <typename T>
struct Gradient {
  T* rows;
  float* sums;
  int64_t n_sums, stride;

  void add(int64_t row, int64_t column, const float* from, int64_t channels) const {
    if (row < n_sums) {
      float* to = sums + row * stride + column;
      for (int64_t i = 0; i < channels; i++) to[i] += from[i];
    } else {
      write(rows + row * stride + column, from, channels);
    }
  }
};

template <typename T>
void attend_backward(const Shape& s, const Index& at, const T* q, const T* k, const T* v, const T* d_out,
                     const Gradient<T>& d_q, const Gradient<T>& d_kv, int64_t k_column, int64_t v_column) {
  Workspace w(s.time, s.width);
  const int64_t group = s.heads / s.kv_heads;
  const V16 zero{};
  for (int64_t b = 0; b < s.batch; b++) {
    const int64_t n = at.length[b], table = b * s.time;
    for (int64_t kv = 0; kv < s.kv_heads; kv++) {
      const int64_t column = kv * s.width;
      for (int64_t i = 0; i < n * w.width; i += LANES) store16(&w.dk[i], zero), store16(&w.dv[i], zero);
      if (at.first[b] < n) {
        read_keys(k + column, v + column, at.key + table, n, s, at, w);
        transpose(w.v.data(), n, w.width, w.keys, w.vt.data());
      }
      for (int64_t h = kv * group; h < (kv + 1) * group; h++)
        for (int64_t t = at.first[b]; t < n; t++) {
          const int64_t row = at.query[table + t];
          read_query(q + row * s.q_stride + h * s.width, t, s, at, w);
          weigh(t, w);
          read(d_out + at.output[table + t] * s.out_stride + h * s.width, s.width, w.g.data());
          V16 total{};
          for (int64_t j = 0; j <= t; j += LANES) {
            const V16 weighted = load16(&w.p[j]) * product(w.g.data(), w.vt.data(), j, w);
            store16(&w.ds[j], weighted);
            total += weighted;
          }
          const float mean = sum(total);
          for (int64_t j = 0; j <= t; j += LANES) store16(&w.ds[j], load16(&w.ds[j]) - load16(&w.p[j]) * mean);
          for (int64_t c = 0; c < w.width; c += LANES) {
            const V16 query = load16(&w.q[c]), gradient = load16(&w.g[c]);
            V16 gathered{};
            for (int64_t j = 0; j <= t; j++) {
              const int64_t i = j * w.width + c;
              gathered += w.ds[j] * load16(&w.k[i]);
              store16(&w.dk[i], load16(&w.dk[i]) + w.ds[j] * query);
              store16(&w.dv[i], load16(&w.dv[i]) + w.p[j] * gradient);
            }
            store16(&w.dq[c], gathered * s.scale);
          }
          if (at.cos) rotate_back(w.dq.data(), at.cos + t * s.width, at.sin + t * s.width, s.width, w.turned.data());
          d_q.add(row, h * s.width, w.dq.data(), s.width);
        }
      // Every key of an example that has one of its own gets its gradient, if only zero.
      for (int64_t j = 0; j < n; j++) {
        const int64_t row = at.key[table + j];
        if (row < d_kv.n_sums && at.first[b] >= n) continue;
        float* key = &w.dk[j * w.width];
        if (at.cos) rotate_back(key, at.cos + j * s.width, at.sin + j * s.width, s.width, w.turned.data());
        d_kv.add(row, k_column + column, key, s.width);
        d_kv.add(row, v_column + column, &w.dv[j * w.width], s.width);
      }
    }
  }
}

}  // namespace

#define DEFINE(T, NAME)                                                                                               \
  EXPORT void attend_##NAME(const Shape* shape, const Index* index, const T* q, const T* k, const T* v, T* out) {     \
    attend<T>(*shape, *index, q, k, v, out);                                                                          \
  }                                                                                                                   \
  EXPORT void attend_backward_##NAME(const Shape* shape, const Index* index, const T* q, const T* k, const T* v,      \
                                     const T* d_out, T* d_q, float* d_q_sums, int64_t n_q_sums, T* d_kv,              \
                                     float* d_kv_sums, int64_t n_kv_sums, int64_t d_q_stride, int64_t d_kv_stride,    \
                                     int64_t k_column, int64_t v_column) {                                            \
    attend_backward<T>(*shape, *index, q, k, v, d_out, Gradient<T>{d_q, d_q_sums, n_q_sums, d_q_stride},              \
                       Gradient<T>{d_kv, d_kv_sums, n_kv_sums, d_kv_stride}, k_column, v_column);                     \
  }

DEFINE(float, float32)
DEFINE(Bf16, bfloat16)
