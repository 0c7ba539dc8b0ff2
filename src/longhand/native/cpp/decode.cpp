// Decoding of whole batches in one call: prompts in, tokens and their log-probabilities out.
//
// Keys and values lie in a pool of rows per layer, and a table says which rows each example has. So beginnings that
// examples share are read once, no example is padded, and one that has ended simply has no more rows. Examples are
// taken a chunk at a time, in an order in which those that begin alike are neighbours, and rows a block at a time, so
// that what is computed next is still near. Sizes are rounded up to whole vectors, with zeros.

#include <chrono>

#include "decode_beginnings.h"
#include "decode_choice.h"
#include "decode_model.h"
#include "export.h"

namespace {

struct Results {
  int32_t* tokens;  // [batch, limit]
  float* logprobs;  // [batch, limit]
  int32_t* counts;  // [batch]
  double* seconds;  // [batch] from the start of the chunk to the last token
  int64_t limit;
};

using Clock = std::chrono::steady_clock;

struct Decoder {
  virtual ~Decoder() = default;
  virtual void decode(const Prompts& prompts, int64_t batch, int64_t most, int32_t eos, const Sampling& sampling,
                      const double* uniforms, const Results& results) const = 0;
};

template <typename T>
class DecoderOf : public Decoder {
 public:
  DecoderOf(const Sizes& sizes, const Weights& weights, const LayerWeights* layers) : model(sizes, weights, layers) {}

  void decode(const Prompts& prompts, int64_t batch, int64_t most, int32_t eos, const Sampling& sampling,
              const double* uniforms, const Results& results) const override {
    const std::vector<int32_t> order = prompts.sorted(batch);
    const int64_t chunks = (batch + most - 1) / most, even = (batch + chunks - 1) / chunks;
    const int64_t chunk = std::min(most, (even + ROWS - 1) / ROWS * ROWS);  // as good as equally large
    for (int64_t begin = 0; begin < batch; begin += chunk) {
      // What is not drawn is the same for equal prompts, and then only the first of them is decoded.
      std::vector<int32_t> members;
      for (int64_t i = begin; i < std::min(batch, begin + chunk); i++)
        if (uniforms || i == begin || !prompts.are_equal(members.back(), order[i])) members.push_back(order[i]);
      decode_chunk(prompts, members, eos, sampling, uniforms, results);
      int32_t like = order[begin];
      for (int64_t i = begin; i < std::min(batch, begin + chunk) && !uniforms; i++) {
        const int32_t b = order[i];
        if (prompts.are_equal(like, b) && like != b) {
          const int64_t from = like * results.limit, to = b * results.limit, n = results.counts[like];
          std::copy_n(results.tokens + from, n, results.tokens + to);
          std::copy_n(results.logprobs + from, n, results.logprobs + to);
          results.counts[b] = int32_t(n);
          results.seconds[b] = results.seconds[like];
        } else {
          like = b;
        }
      }
    }
  }

 private:
  Model<T> model;

  void decode_chunk(const Prompts& prompts, const std::vector<int32_t>& members, int32_t eos, const Sampling& sampling,
                    const double* uniforms, const Results& results) const {
    static thread_local Run<T> run;
    const auto began = Clock::now();
    Choice choice;
    Beginnings beginnings(prompts, members);
    std::vector<int32_t>&table = beginnings.table, &token = beginnings.token, &position = beginnings.position;
    std::vector<int64_t>& chain = beginnings.chain;
    int64_t rows = int64_t(token.size()), n = int64_t(members.size());
    std::vector<int32_t> going(n), last(n);
    for (int64_t e = 0; e < n; e++) {
      going[e] = int32_t(e);
      last[e] = table[e * beginnings.width + prompts.length(members[e]) - 1];
    }
    model.forward(run, Rows{rows, 0, token.data(), position.data(), chain.data(), table.data()}, last);
    for (int64_t step = 0; n; step++) {
      int64_t left = 0;
      token.resize(n), position.resize(n), chain.resize(n);
      double now = 0;
      for (int64_t i = 0; i < n; i++) {
        const int32_t e = going[i], b = members[e];
        const float* logits = &run.logits[i * model.logits_width];
        const int64_t place = b * results.limit + step;
        const int32_t chosen = uniforms ? choice.draw(logits, model.vocab_size, sampling, uniforms[place])
                                        : Choice::likeliest(logits, model.vocab_size);
        results.tokens[place] = chosen;
        results.logprobs[place] = Choice::chance(logits, model.vocab_size, chosen);
        results.counts[b] = int32_t(step + 1);
        if (chosen == eos || step + 1 >= prompts.limits[b]) {
          if (!now) now = std::chrono::duration<double>(Clock::now() - began).count();
          results.seconds[b] = now;
          continue;
        }
        const int64_t t = prompts.length(b) + step;
        table[e * beginnings.width + t] = int32_t(rows + left);
        token[left] = chosen;
        position[left] = int32_t(t);
        chain[left] = e * beginnings.width;
        going[left++] = e;
      }
      n = left;
      if (n) model.forward(run, Rows{n, rows, token.data(), position.data(), chain.data(), table.data()}, {});
      rows += n;
    }
  }
};

}  // namespace

// A decoder over copies of the weights, in bfloat16 or float32; to be given back to `decoder_delete`.
EXPORT void* decoder_new(const Sizes* sizes, const Weights* weights, const LayerWeights* layers, int64_t is_bfloat16) {
  if (is_bfloat16) return static_cast<Decoder*>(new DecoderOf<Bf16>(*sizes, *weights, layers));
  return static_cast<Decoder*>(new DecoderOf<float>(*sizes, *weights, layers));
}

EXPORT void decoder_delete(void* decoder) { delete static_cast<Decoder*>(decoder); }

// Continue prompts b = 0 .. batch - 1, `ids` from starts[b] to starts[b + 1], by up to limits[b] tokens or until `eos`,
// which is written too, `most` of them at a time. Tokens are the likeliest, or drawn with uniforms [batch, limit] in
// [0, 1) if these are given. Writes tokens and logprobs [batch, limit], the number of tokens and the seconds of each.
EXPORT void decoder_decode(const void* decoder, int64_t batch, int64_t most, const int32_t* ids, const int64_t* starts,
                           const int32_t* limits, int64_t eos, double temperature, int64_t top_k, const double* uniforms,
                           int64_t limit, int32_t* tokens, float* logprobs, int32_t* counts, double* seconds) {
  static_cast<const Decoder*>(decoder)->decode(Prompts{ids, starts, limits}, batch, most, int32_t(eos),
                                               Sampling{temperature, top_k}, uniforms,
                                               Results{tokens, logprobs, counts, seconds, limit});
}
