// Greedy decoding of a whole batch in one call: prompts in, tokens and their log-probabilities out.
//
// Keys and values lie in a pool of rows per layer, and a table says which rows each example has. So beginnings that
// examples share are read once, no example is padded, and one that has ended leaves by dropping its line of the table.

#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "kernels.h"
#include "product.h"

namespace {

struct Sizes {
  int64_t d, heads, kv_heads, width, hidden, layers, vocab, max_len;
  int64_t is_rms, mlp;  // mlp: 0 relu, 1 gelu, 2 swiglu
  float eps;
};

// The order in which Python passes the weights of a layer; a null pointer for a bias that is not there.
struct LayerWeights {
  const float *norm1, *norm1_bias, *qkv, *qkv_bias, *out, *out_bias, *norm2, *norm2_bias, *up, *up_bias, *down, *down_bias;
};

struct Weights {
  const float *tokens, *positions, *cos, *sin, *norm, *norm_bias, *head;  // positions, or cos and sin, may be null
};

// The kernels by the type of the numbers they multiply.
void add_norm(int64_t n, int64_t d, const float* x, const int32_t* at, const float* delta, const float* delta_bias,
              const float* weight, const float* bias, float eps, bool rms, float* y, float* h) {
  add_norm_float32(n, d, x, at, delta, delta_bias, weight, bias, eps, rms, y, h, nullptr, nullptr);
}
void add_norm(int64_t n, int64_t d, const float* x, const int32_t* at, const Bf16* delta, const float* delta_bias,
              const float* weight, const float* bias, float eps, bool rms, float* y, Bf16* h) {
  add_norm_bfloat16(n, d, x, at, delta, delta_bias, weight, bias, eps, rms, y, h, nullptr, nullptr);
}
void attend(const AttentionShape& s, const AttentionIndex& at, const float* q, const float* k, const float* v, float* o) {
  attend_float32(&s, &at, q, k, v, o);
}
void attend(const AttentionShape& s, const AttentionIndex& at, const Bf16* q, const Bf16* k, const Bf16* v, Bf16* o) {
  attend_bfloat16(&s, &at, q, k, v, o);
}
void activate(int64_t kind, int64_t n, int64_t d, const float* u, const float* bias, float* a) {
  (kind == 0 ? activate_relu_float32 : kind == 1 ? activate_gelu_float32 : activate_swiglu_float32)(n, d, u, bias, a);
}
void activate(int64_t kind, int64_t n, int64_t d, const Bf16* u, const float* bias, Bf16* a) {
  (kind == 0 ? activate_relu_bfloat16 : kind == 1 ? activate_gelu_bfloat16 : activate_swiglu_bfloat16)(n, d, u, bias, a);
}

using Floats = std::vector<float>;

Floats copy(const float* from, int64_t n) { return from ? Floats(from, from + n) : Floats(); }
const float* pointer(const Floats& x) { return x.empty() ? nullptr : x.data(); }

template <typename V>
void grow(V& array, int64_t n) {
  if (int64_t(array.size()) < n) array.resize(n);
}

template <typename T>
struct Layer {
  Packed<T> qkv, out, up, down;
  Floats norm1, norm1_bias, norm2, norm2_bias, qkv_bias, out_bias, up_bias, down_bias;
};

struct Decoder {
  virtual ~Decoder() = default;
  virtual void decode(int64_t batch, int64_t time, const int64_t* ids, const int32_t* length, int64_t limit, int64_t eos,
                      int32_t* tokens, float* logprobs, int32_t* count) const = 0;
};

// What one call works with; rows of the pool are numbered in the order in which they are written.
template <typename T>
struct Run {
  std::vector<std::vector<T>> pool;  // per layer [room, 2 * kv channels]
  Floats x, y;
  std::vector<T> h, qkv, gathered, wide, active, delta;
  Floats logits;
};

template <typename T>
class DecoderOf : public Decoder {
 public:
  DecoderOf(const Sizes& s, const Weights& w, const LayerWeights* layers)
      : s(s), kv(s.kv_heads * s.width), up(s.mlp == 2 ? 2 * s.hidden : s.hidden), tokens(copy(w.tokens, s.vocab * s.d)),
        positions(copy(w.positions, s.max_len * s.d)), cos(copy(w.cos, s.max_len * s.width)),
        sin(copy(w.sin, s.max_len * s.width)), norm(copy(w.norm, s.d)), norm_bias(copy(w.norm_bias, s.d)),
        head(w.head, s.vocab, s.d) {
    for (int64_t i = 0; i < s.layers; i++) {
      const LayerWeights& l = layers[i];
      this->layers.push_back({Packed<T>(l.qkv, s.d + 2 * kv, s.d), Packed<T>(l.out, s.d, s.d), Packed<T>(l.up, up, s.d),
                              Packed<T>(l.down, s.d, s.hidden), copy(l.norm1, s.d), copy(l.norm1_bias, s.d),
                              copy(l.norm2, s.d), copy(l.norm2_bias, s.d), copy(l.qkv_bias, s.d + 2 * kv),
                              copy(l.out_bias, s.d), copy(l.up_bias, up), copy(l.down_bias, s.d)});
    }
  }

  void decode(int64_t batch, int64_t time, const int64_t* ids, const int32_t* prompt, int64_t limit, int64_t eos,
              int32_t* tokens_out, float* logprobs, int32_t* count) const override {
    const int64_t width = time + limit;
    std::vector<int32_t> row_of(batch * time), token(batch * time), position(batch * time), own(batch), bounds(4);
    // `room` leaves none for idle rows: nothing here is compiled for a number of rows.
    plan_rows(batch, time, s.vocab, time, batch * time, ids, prompt, row_of.data(), token.data(), position.data(),
              own.data(), bounds.data());
    int64_t rows = bounds[2];
    // Kept from call to call: to have it from the system and cleared each time takes a tenth of the time.
    static thread_local Run<T> run;
    if (int64_t(run.pool.size()) < s.layers) run.pool.resize(s.layers);
    for (int64_t i = 0; i < s.layers; i++) grow(run.pool[i], (rows + batch * limit) * 2 * kv);

    // One line per example that is still going; `who` says which.
    std::vector<int32_t> table(batch * width, 0), asked(batch * width, 0), length(prompt, prompt + batch), first(own);
    std::vector<int32_t> who(batch), last(batch);
    for (int64_t b = 0; b < batch; b++) {
      who[b] = int32_t(b);
      count[b] = 0;
      for (int64_t t = 0; t < length[b]; t++) table[b * width + t] = asked[b * width + t] = row_of[b * time + t];
      last[b] = row_of[b * time + length[b] - 1];
    }
    forward(run, rows, token.data(), position.data(), 0, int64_t(who.size()), width, table, asked, first, length, last);

    for (int64_t step = 0;; step++) {
      int64_t going = 0;
      const int64_t n = int64_t(who.size());
      token.resize(batch);
      position.resize(batch);
      for (int64_t i = 0; i < n; i++) {
        float chance;
        const int32_t chosen = choose(&run.logits[i * s.vocab], &chance);
        const int64_t b = who[i];
        const int32_t t = length[i];  // where the chosen token comes to stand
        tokens_out[b * limit + step] = chosen;
        logprobs[b * limit + step] = chance;
        count[b]++;
        if (chosen == eos || step + 1 == limit) continue;
        if (going != i) std::memcpy(&table[going * width], &table[i * width], width * sizeof(int32_t));
        who[going] = int32_t(b);
        length[going] = t + 1;
        first[going] = t;
        table[going * width + t] = int32_t(rows + going);
        asked[going * width + t] = int32_t(going);
        token[going] = chosen;
        position[going] = t;
        last[going] = int32_t(going);
        going++;
      }
      if (!going) return;
      who.resize(going);
      forward(run, going, token.data(), position.data(), rows, going, width, table, asked, first, length, last);
      rows += going;
    }
  }

 private:
  Sizes s;
  int64_t kv, up;
  Floats tokens, positions, cos, sin, norm, norm_bias;
  Packed<T> head;
  std::vector<Layer<T>> layers;

  // Compute `n` new rows, which become rows `begin` .. of the pools, and the logits after the row `last` of each of
  // `batch` examples. `asked` says which of the new rows each example has where.
  void forward(Run<T>& run, int64_t n, const int32_t* token, const int32_t* position, int64_t begin, int64_t batch,
               int64_t width, const std::vector<int32_t>& table, const std::vector<int32_t>& asked,
               const std::vector<int32_t>& first, const std::vector<int32_t>& length,
               const std::vector<int32_t>& last) const {
    const int64_t d = s.d;
    for (auto* array : {&run.x, &run.y}) grow(*array, std::max(n, batch) * d);
    for (int64_t r = 0; r < n; r++)
      for (int64_t i = 0; i < d; i++)
        run.x[r * d + i] = tokens[token[r] * d + i] + (positions.empty() ? 0 : positions[position[r] * d + i]);
    for (auto* array : {&run.h, &run.gathered, &run.delta}) grow(*array, std::max(n, batch) * d);
    grow(run.qkv, n * (d + 2 * kv));
    grow(run.wide, std::max(n, batch) * up);
    grow(run.active, std::max(n, batch) * s.hidden);
    const T* delta = nullptr;
    const float* bias = nullptr;
    int64_t rows = n;
    for (int64_t i = 0; i < s.layers; i++) {
      const Layer<T>& layer = layers[i];
      const bool is_last = i + 1 == s.layers;
      add_norm(n, d, run.x.data(), nullptr, delta, bias, pointer(layer.norm1), pointer(layer.norm1_bias), s.eps,
               s.is_rms != 0, run.y.data(), run.h.data());
      run.x.swap(run.y);
      layer.qkv.multiply(n, run.h.data(), run.qkv.data());
      T* pool = run.pool[i].data();
      for (int64_t r = 0; r < n; r++) {
        T* row = &run.qkv[r * (d + 2 * kv)];
        if (!layer.qkv_bias.empty())
          for (int64_t c = 0; c < d + 2 * kv; c++) row[c] = from_float<T>(to_float(row[c]) + layer.qkv_bias[c]);
        std::memcpy(pool + (begin + r) * 2 * kv, row + d, 2 * kv * sizeof(T));
      }
      // The last layer is asked only after the last token of each example.
      std::vector<int32_t> from(batch), out(is_last ? batch * width : 0);
      if (is_last)
        for (int64_t b = 0; b < batch; b++) {
          from[b] = length[b] - 1;
          out[b * width + from[b]] = int32_t(b);
        }
      const AttentionShape shape{batch, width, s.heads, s.kv_heads, s.width, d + 2 * kv, 2 * kv, d, 1 / std::sqrt(float(s.width))};
      const AttentionIndex index{asked.data(), table.data(), is_last ? out.data() : asked.data(),
                                 is_last ? from.data() : first.data(), length.data(), pointer(cos), pointer(sin)};
      attend(shape, index, run.qkv.data(), pool, pool + kv, run.gathered.data());
      if (is_last) rows = batch;
      layer.out.multiply(rows, run.gathered.data(), run.delta.data());
      add_norm(rows, d, run.x.data(), is_last ? last.data() : nullptr, run.delta.data(), pointer(layer.out_bias),
               pointer(layer.norm2), pointer(layer.norm2_bias), s.eps, s.is_rms != 0, run.y.data(), run.h.data());
      run.x.swap(run.y);
      layer.up.multiply(rows, run.h.data(), run.wide.data());
      activate(s.mlp, rows, s.hidden, run.wide.data(), pointer(layer.up_bias), run.active.data());
      layer.down.multiply(rows, run.active.data(), run.delta.data());
      delta = run.delta.data();
      bias = pointer(layer.down_bias);
    }
    add_norm(rows, d, run.x.data(), nullptr, delta, bias, pointer(norm), pointer(norm_bias), s.eps, s.is_rms != 0,
             run.y.data(), run.h.data());
    grow(run.logits, rows * s.vocab);
    head.multiply(rows, run.h.data(), run.logits.data());
  }

  // The first of the likeliest tokens, and its natural log-probability.
  int32_t choose(const float* logits, float* chance) const {
    int32_t best = 0;
    for (int64_t c = 1; c < s.vocab; c++)
      if (logits[c] > logits[best]) best = int32_t(c);
    double total = 0;
    for (int64_t c = 0; c < s.vocab; c++) total += std::exp(double(logits[c]) - double(logits[best]));
    *chance = float(-std::log(total));
    return best;
  }
};

}  // namespace

// A decoder over copies of the weights, in bfloat16 or float32; to be given back to `decoder_delete`.
EXPORT void* decoder_new(const Sizes* sizes, const Weights* weights, const LayerWeights* layers, int64_t is_bfloat16) {
  if (is_bfloat16) return static_cast<Decoder*>(new DecoderOf<Bf16>(*sizes, *weights, layers));
  return static_cast<Decoder*>(new DecoderOf<float>(*sizes, *weights, layers));
}

EXPORT void decoder_delete(void* decoder) { delete static_cast<Decoder*>(decoder); }

// Continue the prompts `ids` [batch, time], of `length` tokens each, by up to `limit` tokens or until `eos`, which is
// written too; writes tokens and logprobs [batch, limit], and the number of tokens of each row.
EXPORT void decoder_decode(const void* decoder, int64_t batch, int64_t time, const int64_t* ids, const int32_t* length,
                           int64_t limit, int64_t eos, int32_t* tokens, float* logprobs, int32_t* count) {
  static_cast<const Decoder*>(decoder)->decode(batch, time, ids, length, limit, eos, tokens, logprobs, count);
}
