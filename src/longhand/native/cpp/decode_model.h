// A decoder-only model: weights, and what it computes of rows of tokens.
//
// Keys and values lie in a pool of rows per layer, and a table says which rows each example has.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "decode_attention.h"
#include "decode_parts.h"

struct Sizes {
  int64_t d, heads, kv_heads, width, hidden, layers, vocab, max_len;
  int64_t is_rms, mlp;  // mlp: 0 relu, 1 gelu, 2 swiglu
  float eps;
};

// The order in which Python passes the weights of a layer; a null pointer for what is not there.
struct LayerWeights {
  const float *norm1, *norm1_bias, *qkv, *qkv_bias, *out, *out_bias;
  const float *norm2, *norm2_bias, *up, *up_bias, *down, *down_bias;
};

struct Weights {
  const float *tokens, *positions, *cos, *sin, *norm, *norm_bias, *head;
};

constexpr int64_t BLOCK = 10 * ROWS;

template <typename V>
void grow(V& array, int64_t n) {
  if (int64_t(array.size()) < n) array.resize(n);
}

// What one call works with. Kept from call to call: to have it from the system and cleared each time takes long.
template <typename T>
struct Run {
  std::vector<std::vector<T>> keys;  // per layer [rows, channels]
  std::vector<Floats> values;
  std::vector<T> first_q, first_k, h, q, gathered, active;
  std::vector<int32_t> pair, seen;  // which row of first_q, first_k and first_v a row has; pairs by token and position
  Floats first_v, x, asked, logits;
};

// Rows to be computed, which become rows `begin` .. of the pools.
struct Rows {
  int64_t n, begin;
  const int32_t *token, *position;
  const int64_t* chain;  // where in the table the rows up to each begin
  const int32_t* table;
};

template <typename T>
class Model {
 public:
  int64_t vocab_size, logits_width;  // of which the second is rounded up; beyond the vocabulary logits are -1e30

  Model(const Sizes& s, const Weights& w, const LayerWeights* given)
      : vocab_size(s.vocab), logits_width(round_up(s.vocab)), s(s), d(round_up(s.d)), pw(round_up(s.width)),
        q_width(s.heads * pw), kv_width(s.kv_heads * pw),
        hidden(round_up(s.hidden)), tokens(s.vocab * d), positions(s.max_len * d),
        cos(w.cos, w.cos + (w.cos ? s.max_len * s.width : 0)), sin(w.sin, w.sin + (w.sin ? s.max_len * s.width : 0)),
        norm(s.d, s.eps, s.is_rms != 0, w.norm, w.norm_bias) {
    for (int64_t c = 0; c < s.vocab; c++) std::copy(w.tokens + c * s.d, w.tokens + (c + 1) * s.d, &tokens[c * d]);
    for (int64_t t = 0; t < s.max_len && w.positions; t++)
      std::copy(w.positions + t * s.d, w.positions + (t + 1) * s.d, &positions[t * d]);
    const auto same = [](int64_t i) { return i; };
    const auto of_head = [&](int64_t i) { return i / s.width * pw + i % s.width; };
    const auto gate_or_up = [&](int64_t o) {
      return s.mlp != 2 ? o : o % s.hidden / LANES * PANEL + o % s.hidden % LANES + (o < s.hidden ? 0 : LANES);
    };
    const int64_t kv = s.kv_heads * s.width, ups = s.mlp == 2 ? 2 : 1;
    head = Linear<T>(s.vocab, s.d, s.vocab, s.d, w.head, nullptr, same, same);
    for (int64_t i = 0; i < s.layers; i++) {
      const LayerWeights& l = given[i];
      const auto bias = [&](int64_t from) { return l.qkv_bias ? l.qkv_bias + from : nullptr; };
      layers.push_back({Norm(s.d, s.eps, s.is_rms != 0, l.norm1, l.norm1_bias),
                        Norm(s.d, s.eps, s.is_rms != 0, l.norm2, l.norm2_bias),
                        Linear<T>(q_width, s.d, s.d, s.d, l.qkv, bias(0), of_head, same),
                        Linear<T>(kv_width, s.d, kv, s.d, l.qkv + s.d * s.d, bias(s.d), of_head, same),
                        Linear<T>(kv_width, s.d, kv, s.d, l.qkv + (s.d + kv) * s.d, bias(s.d + kv), of_head, same),
                        Linear<T>(s.d, q_width, s.d, s.d, l.out, l.out_bias, same, of_head),
                        Linear<T>(hidden * ups, s.d, s.hidden * ups, s.d, l.up, l.up_bias, gate_or_up, same),
                        Linear<T>(s.d, s.hidden, s.d, s.hidden, l.down, l.down_bias, same, same)});
    }
  }

  // Compute rows, and the logits after those that are `asked`, or after all of them if that is empty.
  void forward(Run<T>& run, const Rows& rows, const std::vector<int32_t>& asked) const {
    const int64_t n = rows.n, out = asked.empty() ? n : int64_t(asked.size());
    grow(run.x, n * d);
    grow(run.asked, out * d);
    grow(run.logits, out * logits_width);
    if (int64_t(run.keys.size()) < s.layers) run.keys.resize(s.layers), run.values.resize(s.layers);
    for (int64_t i = 0; i < s.layers; i++) {
      grow(run.keys[i], (rows.begin + n) * kv_width);
      grow(run.values[i], (rows.begin + n) * kv_width);
    }
    for (auto* array : {&run.q, &run.gathered}) grow(*array, BLOCK * q_width);
    grow(run.h, BLOCK * d);
    grow(run.active, BLOCK * hidden);

    for (int64_t r = 0; r < n; r++) embed(rows.token[r], rows.position[r], &run.x[r * d]);
    look_up_first(run, rows);
    RowAttention<T> attention({s.heads, s.kv_heads, pw, 1 / std::sqrt(float(s.width))});
    for (int64_t i = 0; i < s.layers; i++) {
      const Layer<T>& layer = layers[i];
      const bool picks = i + 1 == s.layers && !asked.empty();  // the last layer is asked after some rows only
      for (int64_t from = 0; from < n; from += BLOCK) {
        const int64_t m = std::min(BLOCK, n - from);
        float* x = &run.x[from * d];
        if (i) layer.norm1.apply(m, x, run.h.data());
        write_keys(run, i, rows, from, m);
        if (picks) continue;
        for (int64_t r = 0; r < m; r++)
          if (i == 0) std::copy_n(&run.first_q[run.pair[from + r] * q_width], q_width, &run.q[r * q_width]);
        if (i) layer.q.store(m, run.h.data(), run.q.data());
        for (int64_t r = 0; r < m; r++) attend(run, attention, i, rows, from + r, r);
        finish(run, layer, m, x);
      }
      if (!picks) continue;
      for (int64_t from = 0; from < out; from += BLOCK) {
        const int64_t m = std::min(BLOCK, out - from);
        float* x = &run.asked[from * d];
        for (int64_t r = 0; r < m; r++) std::copy_n(&run.x[asked[from + r] * d], d, x + r * d);
        if (i) layer.norm1.apply(m, x, run.h.data());
        if (i) layer.q.store(m, run.h.data(), run.q.data());
        for (int64_t r = 0; r < m; r++) {
          const int32_t row = asked[from + r];
          if (i == 0) std::copy_n(&run.first_q[run.pair[row] * q_width], q_width, &run.q[r * q_width]);
          attend(run, attention, i, rows, row, r);
        }
        finish(run, layer, m, x);
      }
    }
    const Floats& x = asked.empty() ? run.x : run.asked;
    for (int64_t from = 0; from < out; from += BLOCK) {
      const int64_t m = std::min(BLOCK, out - from);
      norm.apply(m, &x[from * d], run.h.data());
      head.store(m, run.h.data(), &run.logits[from * logits_width]);
    }
    for (int64_t r = 0; r < out; r++)
      std::fill_n(&run.logits[r * logits_width] + s.vocab, logits_width - s.vocab, -1e30f);
  }

 private:
  Sizes s;
  int64_t d, pw, q_width, kv_width, hidden;  // rounded up
  Floats tokens, positions, cos, sin;
  Norm norm;
  Linear<T> head;
  std::vector<Layer<T>> layers;

  void embed(int32_t token, int32_t position, float* x) const {
    const float *of_token = &tokens[token * d], *of_position = &positions[position * d];
    for (int64_t i = 0; i < d; i += LANES) store16(x + i, load16(of_token + i) + load16(of_position + i));
  }

  // The first layer's queries, keys and values depend on the token and its position and on nothing else.
  void look_up_first(Run<T>& run, const Rows& rows) const {
    int32_t low = rows.position[0], high = low;
    for (int64_t r = 0; r < rows.n; r++) {
      low = std::min(low, rows.position[r]);
      high = std::max(high, rows.position[r]);
    }
    run.seen.assign((high - low + 1) * s.vocab, -1);
    run.pair.resize(rows.n);
    std::vector<int32_t> examples;  // a row of each pair
    for (int64_t r = 0; r < rows.n; r++) {
      int32_t& pair = run.seen[(rows.position[r] - low) * s.vocab + rows.token[r]];
      if (pair < 0) {
        pair = int32_t(examples.size());
        examples.push_back(int32_t(r));
      }
      run.pair[r] = pair;
    }
    const int64_t n = int64_t(examples.size());
    grow(run.first_q, n * q_width);
    grow(run.first_k, n * kv_width);
    grow(run.first_v, n * kv_width);
    Floats x(std::min(n, BLOCK) * d);
    for (int64_t from = 0; from < n; from += BLOCK) {
      const int64_t m = std::min(BLOCK, n - from);
      for (int64_t r = 0; r < m; r++) {
        const int32_t row = examples[from + r];
        std::copy_n(&run.x[row * d], d, &x[r * d]);
      }
      T *q = &run.first_q[from * q_width], *k = &run.first_k[from * kv_width];
      layers[0].norm1.apply(m, x.data(), run.h.data());
      layers[0].q.store(m, run.h.data(), q);
      layers[0].k.store(m, run.h.data(), k);
      layers[0].v.store(m, run.h.data(), &run.first_v[from * kv_width]);
      for (int64_t r = 0; r < m; r++) {
        turn(q + r * q_width, s.heads, rows.position[examples[from + r]]);
        turn(k + r * kv_width, s.kv_heads, rows.position[examples[from + r]]);
      }
    }
  }

  // Keys and values in layer i of `m` rows, of which `h` has the normalised activations.
  void write_keys(Run<T>& run, int64_t i, const Rows& rows, int64_t from, int64_t m) const {
    T* keys = &run.keys[i][(rows.begin + from) * kv_width];
    float* values = &run.values[i][(rows.begin + from) * kv_width];
    if (i) {
      layers[i].k.store(m, run.h.data(), keys);
      layers[i].v.store(m, run.h.data(), values);
      for (int64_t r = 0; r < m; r++) turn(keys + r * kv_width, s.kv_heads, rows.position[from + r]);
      return;
    }
    for (int64_t r = 0; r < m; r++) {
      const int64_t at = run.pair[from + r] * kv_width;
      std::copy_n(&run.first_k[at], kv_width, keys + r * kv_width);
      std::copy_n(&run.first_v[at], kv_width, values + r * kv_width);
    }
  }

  // What row `row` gathers in layer i; its query is at `place`, and so is the result.
  void attend(Run<T>& run, RowAttention<T>& attention, int64_t i, const Rows& rows, int64_t row, int64_t place) const {
    T* q = &run.q[place * q_width];
    if (i) turn(q, s.heads, rows.position[row]);
    attention.attend(q, run.keys[i].data(), run.values[i].data(), rows.table + rows.chain[row], rows.position[row] + 1,
                     &run.gathered[place * q_width]);
  }

  // What comes after attention: x += out(gathered), x += mlp(norm(x)).
  void finish(Run<T>& run, const Layer<T>& layer, int64_t m, float* x) const {
    layer.out.add(m, run.gathered.data(), x);
    layer.norm2.apply(m, x, run.h.data());
    const float* bias = layer.up.bias.data();
    T* active = run.active.data();
    if (s.mlp == 0) layer.up.matrix.multiply(m, run.h.data(), Activate<T, Relu>{active, bias, hidden});
    if (s.mlp == 1) layer.up.matrix.multiply(m, run.h.data(), Activate<T, Gelu>{active, bias, hidden});
    if (s.mlp == 2) layer.up.matrix.multiply(m, run.h.data(), Swiglu<T>{active, bias, hidden});
    layer.down.add(m, active, x);
  }

  // Rotary positions (arXiv:2104.09864): x_i cos_i + x_j sin_i, where j is i plus or minus half the channels.
  void turn(T* x, int64_t heads, int32_t position) const {
    if (cos.empty()) return;
    const float *c = &cos[position * s.width], *sn = &sin[position * s.width];
    const int64_t half = s.width / 2;
    for (int64_t h = 0; h < heads; h++, x += pw)
      for (int64_t i = 0, j = half; i < half; i++, j++) {
        const float low = to_float(x[i]), high = to_float(x[j]);
        x[i] = from_float<T>(low * c[i] + high * sn[i]);
        x[j] = from_float<T>(high * c[j] + low * sn[j]);
      }
  }
};
