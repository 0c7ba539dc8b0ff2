// Causal attention over rows: each token of each example names the row that holds its query, key and value.
//
// Examples that begin alike share rows, so what is the same for both is done once, and padding has no rows at all.
// Sixteen examples are computed at a time, one in each lane of a vector: what follows reads like attention for a
// single example and head, with vectors in place of numbers. Only the way in and out transposes.

#include <algorithm>
#include <vector>

#include "kernels.h"
#include "transpose16.h"

namespace {

using Shape = AttentionShape;
using Index = AttentionIndex;

// Sixteen examples, and which of them ask at a time.
struct Lanes {
  const Index& at;
  int64_t time, begin, count;  // examples begin .. begin + count - 1
  int64_t start, stop;         // times at which any of them asks

  Lanes(const Shape& s, const Index& index, int64_t b)
      : at(index), time(s.time), begin(b), count(std::min(LANES, s.batch - b)), start(s.time), stop(0) {
    for (int64_t i = 0; i < count; i++) {
      if (at.first[b + i] >= at.length[b + i]) continue;
      start = std::min<int64_t>(start, at.first[b + i]);
      stop = std::max<int64_t>(stop, at.length[b + i]);
    }
  }

  bool asks(int64_t lane, int64_t t) const {
    return lane < count && t >= at.first[begin + lane] && t < at.length[begin + lane];
  }
  bool has(int64_t lane, int64_t t) const { return lane < count && t < at.length[begin + lane]; }
  int64_t row(const int32_t* table, int64_t lane, int64_t t) const { return table[(begin + lane) * time + t]; }
};

const float ZEROS[LANES * sizeof(float)] = {};

// The channels of one head at one time, a vector of examples for each; zero for the lanes that `wanted` leaves out.
template <typename T, typename Wanted>
void read(const T* from, int64_t stride, int64_t channels, const int32_t* table, int64_t t, const Lanes& lanes,
          Wanted wanted, V16* to) {
  const T* rows[LANES];
  for (int64_t i = 0; i < LANES; i++)
    rows[i] = wanted(i) ? from + lanes.row(table, i, t) * stride : nullptr;
  for (int64_t c = 0; c < channels; c += LANES) {
    V16 block[LANES];
    if (channels - c >= LANES) {
#pragma GCC unroll 16
      for (int64_t i = 0; i < LANES; i++)
        block[i] = load16(rows[i] ? rows[i] + c : reinterpret_cast<const T*>(ZEROS));
    } else {
      for (int64_t i = 0; i < LANES; i++) {
        T some[LANES] = {};
        if (rows[i]) std::memcpy(some, rows[i] + c, (channels - c) * sizeof(T));
        block[i] = load16(some);
      }
    }
    transpose16(block);
    const int64_t n = std::min(LANES, channels - c);
    for (int64_t i = 0; i < n; i++) to[c + i] = block[i];
  }
}

// The other way: `write(lane, channel, numbers, n)` for every lane and up to sixteen channels at a time.
template <typename Write>
void spread(const V16* from, int64_t channels, Write write) {
  for (int64_t c = 0; c < channels; c += LANES) {
    const int64_t n = std::min(LANES, channels - c);
    V16 block[LANES] = {};
    for (int64_t i = 0; i < n; i++) block[i] = from[c + i];
    transpose16(block);
    for (int64_t i = 0; i < LANES; i++) write(i, c, block[i], n);
  }
}

template <typename T>
void store(T* to, V16 x, int64_t n) {
  if (n == LANES) return store16(to, x);
  T some[LANES];
  store16(some, x);
  std::memcpy(to, some, n * sizeof(T));
}

// Rotary positions (arXiv:2104.09864): x_i cos_i + x_j sin_i, where j is i plus or minus half the channels.
void rotate(V16* x, const float* cos, const float* sin, int64_t channels) {
  const int64_t half = channels / 2;
  for (int64_t i = 0, j = half; i < half; i++, j++) {
    const V16 low = x[i], high = x[j];
    x[i] = low * cos[i] + high * sin[i];
    x[j] = high * cos[j] + low * sin[j];
  }
}

// Its transpose, for gradients.
void rotate_back(V16* x, const float* cos, const float* sin, int64_t channels) {
  const int64_t half = channels / 2;
  for (int64_t i = 0, j = half; i < half; i++, j++) {
    const V16 low = x[i], high = x[j];
    x[i] = low * cos[i] + high * sin[j];
    x[j] = high * cos[j] + low * sin[i];
  }
}

inline V16 dot(const V16* a, const V16* b, int64_t n) {
  V16 even{}, odd{};
  int64_t i = 0;
  for (; i + 2 <= n; i += 2) {
    even += a[i] * b[i];
    odd += a[i + 1] * b[i + 1];
  }
  if (i < n) even += a[i] * b[i];
  return even + odd;
}

// p_j = softmax over j <= t of q . k_j, where keys stand `step` vectors apart
inline void weigh(const V16* q, const V16* k, int64_t t, int64_t width, int64_t step, V16* p) {
  V16 most = fill(-1e30f), total{};
  for (int64_t j = 0; j <= t; j++) {
    p[j] = dot(q, k + j * step, width);
    most = max16(most, p[j]);
  }
  for (int64_t j = 0; j <= t; j++) {
    p[j] = exp16(p[j] - most);
    total += p[j];
  }
  const V16 factor = 1.0f / total;
  for (int64_t j = 0; j <= t; j++) p[j] *= factor;
}

// Keys and values of some heads up to the last time anybody asks, and their queries at the time at hand. Narrow heads
// are taken several at a time: sixteen channels are transposed at once, whether they belong to one head or to two.
template <typename T>
struct Heads {
  const Shape& s;
  const Index& at;
  const T *q, *k, *v;
  int64_t group, together;     // queries' heads per key's head; keys' heads taken at a time
  int64_t channels, q_channels;  // of all heads taken at a time
  std::vector<V16> keys, values, query;

  Heads(const Shape& shape, const Index& index, const T* q, const T* k, const T* v)
      : s(shape), at(index), q(q), k(k), v(v), group(s.heads / s.kv_heads), together(1) {
    while (together * 2 * s.width <= LANES && s.kv_heads % (together * 2) == 0) together *= 2;
    channels = together * s.width;
    q_channels = channels * group;
    keys.resize(s.time * channels);
    values.resize(s.time * channels);
    query.resize(q_channels);
  }

  void turn(V16* x, int64_t n, int64_t t) const {
    if (at.cos)
      for (int64_t c = 0; c < n; c += s.width) rotate(x + c, at.cos + t * s.width, at.sin + t * s.width, s.width);
  }

  void turn_back(V16* x, int64_t n, int64_t t) const {
    if (at.cos)
      for (int64_t c = 0; c < n; c += s.width) rotate_back(x + c, at.cos + t * s.width, at.sin + t * s.width, s.width);
  }

  void read_keys(const Lanes& lanes, int64_t kv) {
    for (int64_t j = 0; j < lanes.stop; j++) {
      const auto has = [&](int64_t i) { return lanes.has(i, j); };
      read(k + kv * s.width, s.kv_stride, channels, at.key, j, lanes, has, &keys[j * channels]);
      turn(&keys[j * channels], channels, j);
      read(v + kv * s.width, s.kv_stride, channels, at.key, j, lanes, has, &values[j * channels]);
    }
  }

  void read_query(const Lanes& lanes, int64_t kv, int64_t t) {
    const auto asks = [&](int64_t i) { return lanes.asks(i, t); };
    read(q + kv * group * s.width, s.q_stride, q_channels, at.query, t, lanes, asks, query.data());
    turn(query.data(), q_channels, t);
    for (int64_t c = 0; c < q_channels; c++) query[c] *= s.scale;
  }
};

// WIDTH: channels of a head where the compiler may know them, else 0.
template <typename T, int64_t WIDTH>
void attend(const Shape& s, const Index& at, const T* q, const T* k, const T* v, T* out) {
  const int64_t width = WIDTH ? WIDTH : s.width;
  Heads<T> h(s, at, q, k, v);
  std::vector<V16> p(s.time), gathered(h.q_channels);
  for (int64_t b = 0; b < s.batch; b += LANES) {
    const Lanes lanes(s, at, b);
    for (int64_t kv = 0; kv < s.kv_heads; kv += h.together) {
      h.read_keys(lanes, kv);
      const int64_t column = kv * h.group * width;
      for (int64_t t = lanes.start; t < lanes.stop; t++) {
        h.read_query(lanes, kv, t);
        for (int64_t from = 0; from < h.q_channels; from += width) {
          const int64_t own = from / width / h.group * width;  // the first channel of its key
          weigh(&h.query[from], &h.keys[own], t, width, h.channels, p.data());
          V16* to = &gathered[from];
          for (int64_t c = 0; c < width; c++) to[c] = V16{};
          for (int64_t j = 0; j <= t; j++) {
            const V16 weight = p[j], *value = &h.values[j * h.channels + own];
            for (int64_t c = 0; c < width; c++) to[c] += weight * value[c];
          }
        }
        spread(gathered.data(), h.q_channels, [&](int64_t i, int64_t c, V16 x, int64_t n) {
          if (lanes.asks(i, t)) store(out + lanes.row(at.output, i, t) * s.out_stride + column + c, x, n);
        });
      }
    }
  }
}

// Gradients of rows that several examples share, the first `n_sums`, are summed in float32; others are written.
template <typename T>
struct Gradient {
  T* rows;
  float* sums;
  int64_t n_sums, stride;

  void add(int64_t row, int64_t column, V16 x, int64_t n) const {
    if (row >= n_sums) return store(rows + row * stride + column, x, n);
    float* to = sums + row * stride + column;
    if (n == LANES) return store16(to, load16(to) + x);
    for (int64_t i = 0; i < n; i++) to[i] += x[i];
  }
};

template <typename T, int64_t WIDTH>
void attend_backward(const Shape& s, const Index& at, const T* q, const T* k, const T* v, const T* d_out,
                     const Gradient<T>& d_q, const Gradient<T>& d_kv, int64_t k_column, int64_t v_column) {
  const int64_t width = WIDTH ? WIDTH : s.width;
  Heads<T> h(s, at, q, k, v);
  std::vector<V16> p(s.time), d_s(s.time), g(h.q_channels), d_query(h.q_channels), d_keys(s.time * h.channels),
      d_values(s.time * h.channels);
  for (int64_t b = 0; b < s.batch; b += LANES) {
    const Lanes lanes(s, at, b);
    for (int64_t kv = 0; kv < s.kv_heads; kv += h.together) {
      h.read_keys(lanes, kv);
      std::fill(d_keys.begin(), d_keys.end(), V16{});
      std::fill(d_values.begin(), d_values.end(), V16{});
      const int64_t column = kv * h.group * width;
      for (int64_t t = lanes.start; t < lanes.stop; t++) {
        // Lanes that do not ask have no gradient g, and with it everything they would add below is 0.
        const auto asks = [&](int64_t i) { return lanes.asks(i, t); };
        read(d_out + column, s.out_stride, h.q_channels, at.output, t, lanes, asks, g.data());
        h.read_query(lanes, kv, t);
        for (int64_t from = 0; from < h.q_channels; from += width) {
          const int64_t own = from / width / h.group * width;
          const V16 *query = &h.query[from], *gradient = &g[from];
          weigh(query, &h.keys[own], t, width, h.channels, p.data());
          V16 mean{};
          for (int64_t j = 0; j <= t; j++) {
            d_s[j] = dot(gradient, &h.values[j * h.channels + own], width);
            mean += p[j] * d_s[j];
          }
          V16* to = &d_query[from];
          for (int64_t c = 0; c < width; c++) to[c] = V16{};
          for (int64_t j = 0; j <= t; j++) {
            const V16 slope = p[j] * (d_s[j] - mean), weight = p[j];
            const V16* key = &h.keys[j * h.channels + own];
            V16 *d_key = &d_keys[j * h.channels + own], *d_value = &d_values[j * h.channels + own];
            for (int64_t c = 0; c < width; c++) {
              to[c] += slope * key[c];
              d_key[c] += slope * query[c];
              d_value[c] += weight * gradient[c];
            }
          }
          for (int64_t c = 0; c < width; c++) to[c] *= s.scale;
        }
        h.turn_back(d_query.data(), h.q_channels, t);
        spread(d_query.data(), h.q_channels, [&](int64_t i, int64_t c, V16 x, int64_t n) {
          if (lanes.asks(i, t)) d_q.add(lanes.row(at.query, i, t), column + c, x, n);
        });
      }
      // Every row of its own that an example has gets a gradient, if only zero.
      for (int64_t j = 0; j < s.time; j++) {
        V16 *d_key = &d_keys[j * h.channels], *d_value = &d_values[j * h.channels];
        h.turn_back(d_key, h.channels, j);
        spread(d_key, h.channels, [&](int64_t i, int64_t c, V16 x, int64_t n) {
          if (lanes.has(i, j)) d_kv.add(lanes.row(at.key, i, j), k_column + kv * width + c, x, n);
        });
        spread(d_value, h.channels, [&](int64_t i, int64_t c, V16 x, int64_t n) {
          if (lanes.has(i, j)) d_kv.add(lanes.row(at.key, i, j), v_column + kv * width + c, x, n);
        });
      }
    }
  }
}

}  // namespace

#define BY_WIDTH(F, T) \
  (shape->width == 8 ? F<T, 8> : shape->width == 16 ? F<T, 16> : shape->width == 32 ? F<T, 32> : F<T, 0>)

#define DEFINE(T, NAME)                                                                                               \
  EXPORT void attend_##NAME(const Shape* shape, const Index* index, const T* q, const T* k, const T* v, T* out) {     \
    BY_WIDTH(attend, T)(*shape, *index, q, k, v, out);                                                                \
  }                                                                                                                   \
  EXPORT void attend_backward_##NAME(const Shape* shape, const Index* index, const T* q, const T* k, const T* v,      \
                                     const T* d_out, T* d_q, float* d_q_sums, int64_t n_q_sums, T* d_kv,              \
                                     float* d_kv_sums, int64_t n_kv_sums, int64_t d_q_stride, int64_t d_kv_stride,    \
                                     int64_t k_column, int64_t v_column) {                                            \
    BY_WIDTH(attend_backward, T)                                                                                      \
    (*shape, *index, q, k, v, d_out, Gradient<T>{d_q, d_q_sums, n_q_sums, d_q_stride},                                \
     Gradient<T>{d_kv, d_kv_sums, n_kv_sums, d_kv_stride}, k_column, v_column);                                       \
  }

DEFINE(float, float32)
DEFINE(Bf16, bfloat16)
